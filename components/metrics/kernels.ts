// The part of `<llm-metrics>` that shows which kernels the time on the graphics card goes to: asks the engine to measure
// while the visitor wants it, and looks once a second. One per element. What goes wrong is told by `failed`.

import { html, nothing, type ReactiveController, type ReactiveElement, type TemplateResult } from 'lit';
import type { ProfileReport } from '../../engine/protocol/profile.js';
import type { EngineStore } from '../internal/engine-store.js';
import { formatNumber, formatPercent } from '../internal/format.js';
import { formatDuration } from '../internal/more-formats.js';
import { metricsWords } from './metrics.words.js';

/** Milliseconds between two looks. */
const interval = 1_000;
/** Kernels shown; a model has some tens, and those after them take next to nothing. */
const mostShown = 40;

export class KernelsView implements ReactiveController {
  readonly #host: ReactiveElement;
  readonly #store: () => EngineStore;
  readonly #failed: (thrown: unknown) => void;
  #report: ProfileReport | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: ReactiveElement, store: () => EngineStore, failed: (thrown: unknown) => void) {
    this.#host = host;
    this.#store = store;
    this.#failed = failed;
    host.addController(this);
  }

  /** The newest; null before somebody looked. */
  get report(): ProfileReport | null {
    return this.#report;
  }

  hostDisconnected(): void {
    this.#end();
  }

  render(): TemplateResult {
    const text = metricsWords.kernels;
    return html`<details class="more" part="kernels" @toggle=${this.#toggled}>
      <summary>${text.label}</summary>
      ${this.#report === null ? nothing : this.#renderReport(this.#report)}
    </details>`;
  }

  #renderReport(report: ProfileReport): TemplateResult {
    const text = metricsWords.kernels;
    if (report.kind === 'none') return html`<p class="quiet">${text.reasons[report.reason]}</p>`;
    const { running, kernels } = report;
    return html`<div class="line">
        <button type="button" part="button" @click=${() => this.#ask(!running)}>
          ${running ? text.stop : text.measure}
        </button>
        <span class="quiet">${running && kernels.length === 0 ? text.waiting : text.detail}</span>
      </div>
      ${kernels.length === 0 ? nothing : renderTable(kernels)}`;
  }

  readonly #toggled = ({ currentTarget }: Event): void => {
    if (currentTarget instanceof HTMLDetailsElement && currentTarget.open) this.#ask();
    else this.#end();
  };

  /** Looks, and again while it is measured. @param running begins or ends the measuring */
  #ask(running?: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const store = this.#store();
    store
      .connect()
      .then((engine) => engine.profile(running))
      .then((report) => {
        if (!this.#host.isConnected || store !== this.#store()) return;
        this.#report = report;
        this.#host.requestUpdate();
        if (report.kind === 'kernels' && report.running) this.#timer = setTimeout(() => this.#ask(), interval);
      })
      .catch(this.#failed);
  }

  /** Nobody looks any more: answers need not be slower. */
  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#report?.kind !== 'kernels' || !this.#report.running) return;
    this.#report = { ...this.#report, running: false };
    this.#store()
      .connect()
      .then((engine) => engine.profile(false))
      .catch(this.#failed);
  }
}

type Kernels = Extract<ProfileReport, { kind: 'kernels' }>['kernels'];

function renderTable(kernels: Kernels): TemplateResult {
  const text = metricsWords.kernels;
  const whole = kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${text.caption}>
    <table>
      <caption>
        ${text.caption}
      </caption>
      <thead>
        <tr>
          <th scope="col">${text.name}</th>
          <th scope="col">${text.share}</th>
          <th scope="col">${text.time}</th>
          <th scope="col">${text.dispatches}</th>
          <th scope="col">${text.each}</th>
        </tr>
      </thead>
      <tbody>
        ${kernels.slice(0, mostShown).map(
          ({ label, dispatches, milliseconds }) =>
            html`<tr>
              <th scope="row" dir="ltr">${label}</th>
              <td>${formatPercent(whole === 0 ? 0 : milliseconds / whole)}</td>
              <td>${formatDuration(milliseconds)}</td>
              <td>${formatNumber(dispatches)}</td>
              <td>${formatNumber((1000 * milliseconds) / Math.max(1, dispatches), 1)} µs</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
