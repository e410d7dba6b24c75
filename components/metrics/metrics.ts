// `<llm-metrics>`: the engine's figures as the state publishes them, what they were since the page was opened, and where
// the time on the graphics card goes. It measures nothing itself. What goes wrong is shown in the engine's words.

import { html, nothing, type TemplateResult } from 'lit';
import { property, state } from '../internal/decorators.js';
import { EngineError, type EngineErrorShape } from '../../engine/protocol/errors.js';
import { baseStyles } from '../internal/base.styles.js';
import { EngineController } from '../internal/engine-controller.js';
import { engineFailure } from '../internal/engine-store.js';
import { errorNotice } from '../internal/error-notice.js';
import { formatDuration, formatRate } from '../internal/more-formats.js';
import { LlmElement } from '../internal/llm-element.js';
import { SpeakerController } from '../internal/speaker.js';
import { renderDetails, renderMain } from './figures.js';
import { HistoryView } from './history-view.js';
import { History } from './history.js';
import { KernelsView } from './kernels.js';
import { metricsWords } from './metrics.words.js';
import { metricsStyles } from './metrics.styles.js';
import { reportOf } from './report.js';

/**
 * @summary How the engine is doing: time to the first token and tokens a second (now and usually), context, memory, cache,
 *   fallbacks, an estimate of energy, the model and what it runs on, who waits; their history, and the kernels of the
 *   graphics card. The figures are those of all tabs; they stay in the browser.
 *
 * @tag llm-metrics
 *
 * @csspart base - Each list of figures.
 * @csspart figure - Each figure with its name.
 * @csspart sparkline - The line of the last values.
 * @csspart history - The part with the chart; closed at first.
 * @csspart chart - The chart.
 * @csspart kernels - The part with the kernels' times; closed at first.
 * @csspart button - Buttons.
 * @csspart notes - What the engine decided on its own, in words.
 * @csspart error - The notice where the engine failed.
 *
 * @cssprop --llm-accent - Colour of lines and of the context bar.
 * @cssprop --llm-surface - Ground of the element.
 * @cssprop --llm-raised - Ground of the two main figures.
 * @cssprop --llm-text - Colour of text.
 * @cssprop --llm-quiet - Colour of names.
 * @cssprop --llm-line - Colour of borders.
 * @cssprop --llm-danger - Colour that marks errors.
 * @cssprop --llm-radius - Radius of the corners.
 * @cssprop --llm-font-mono - Font of the kernels' names.
 */
export class LlmMetrics extends LlmElement {
  static override readonly styles = [baseStyles, metricsStyles];

  readonly #engine = new EngineController(this, () => this.#engineChanged());
  readonly #speaker = new SpeakerController(this);
  readonly #history = new History();
  readonly #historyView = new HistoryView(this, this.#history);
  readonly #kernels = new KernelsView(
    this,
    () => this.#engine.store,
    (thrown) => (this.error = EngineError.from(thrown).toShape()),
  );

  #requests: number | null = null;
  #hostId = '';

  /** Name of the list for screen readers. */
  @property() label = '';

  @state() private error: EngineErrorShape | null = null;

  override render(): TemplateResult {
    const { connection, state } = this.#engine.store;
    const error = this.error ?? engineFailure(connection);
    const metrics = state?.metrics ?? null;
    return html`<div class="frame">
      <section aria-label=${this.label || metricsWords.label}>
        ${renderMain(metrics, this.#history.samples)} ${renderDetails(state)}
        ${typeof metrics?.energyJoules !== 'number' ? nothing : html`<p class="quiet">${metricsWords.energyDetail}</p>`}
        ${state === null ? nothing : renderNotes(state.notes)}
      </section>
      ${this.#historyView.render()} ${this.#kernels.render()}
      <div class="line">
        <button type="button" part="button" ?disabled=${state === null} @click=${() => void this.#copy()}>
          ${metricsWords.copy}
        </button>
      </div>
      ${error === null ? nothing : errorNotice(error)} ${this.#speaker.render()}
    </div>`;
  }

  /** The figures as JSON; empty before there are any. */
  get report(): string {
    const { state } = this.#engine;
    return state === null ? '' : reportOf(state, this.#history.samples, this.#kernels.report, Date.now());
  }

  async #copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.report);
      this.#speaker.say(() => metricsWords.copied);
    } catch (error) {
      void error; // frames without the permission: said below
      this.#speaker.say(() => metricsWords.copyFailed);
    }
  }

  #engineChanged(): void {
    const { state } = this.#engine;
    if (state === null) return;
    const { metrics, hostId } = state;
    this.#history.add(metrics);
    const { requests, tokensPerSecond: rate, timeToFirstToken: first } = metrics;
    // Once for each answer, after it: figures that move are not read out. A new engine counts from nought.
    const same = this.#hostId === hostId;
    if (same && this.#requests !== null && requests > this.#requests && rate !== null && first !== null) {
      this.#speaker.say(metricsWords.spoken(formatRate(rate), formatDuration(first)));
    }
    this.#requests = requests;
    this.#hostId = hostId;
  }
}

function renderNotes(notes: readonly string[]): unknown {
  if (notes.length === 0) return nothing;
  return html`<div class="notes" part="notes">
    <p>${metricsWords.notes}</p>
    <ul>
      ${notes.map((note) => html`<li dir="auto">${note}</li>`)}
    </ul>
  </div>`;
}

declare global {
  interface HTMLElementTagNameMap {
    'llm-metrics': LlmMetrics;
  }
}
