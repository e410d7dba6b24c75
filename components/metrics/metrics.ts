// `<llm-metrics>`: the engine's figures as the state publishes them. It measures nothing itself.

import { html, nothing, type TemplateResult } from 'lit';
import { property } from 'lit/decorators.js';
import type { EngineState } from '../../engine/protocol/state.js';
import { baseStyles } from '../internal/base.styles.js';
import { EngineController } from '../internal/engine-controller.js';
import { engineFailure } from '../internal/engine-store.js';
import { errorNotice } from '../internal/error-notice.js';
import { formatBytes, formatDuration, formatNumber, formatRate } from '../internal/format.js';
import { LlmElement } from '../internal/llm-element.js';
import { SpeakerController } from '../internal/speaker.js';
import { words } from '../internal/words.js';
import { metricsWords } from './metrics.words.js';
import { metricsStyles } from './metrics.styles.js';

/**
 * @summary How the engine is doing: time to the first token, tokens a second, context and memory used, the model, the
 *   decoder and the device it runs on, and who waits. The figures are those of the newest answer of any tab; they stay in the browser.
 *
 * @tag llm-metrics
 *
 * @csspart base - The list of figures.
 * @csspart figure - Each figure with its name.
 * @csspart notes - What the engine decided on its own, in words.
 * @csspart error - The notice where the engine failed.
 *
 * @cssprop --llm-accent - Colour of the context bar.
 * @cssprop --llm-surface - Ground of the element.
 * @cssprop --llm-raised - Ground of the two main figures.
 * @cssprop --llm-text - Colour of text.
 * @cssprop --llm-quiet - Colour of names.
 * @cssprop --llm-line - Colour of borders.
 * @cssprop --llm-radius - Radius of the corners.
 */
export class LlmMetrics extends LlmElement {
  static override readonly styles = [baseStyles, metricsStyles];

  readonly #engine = new EngineController(this, () => this.#engineChanged());
  readonly #speaker = new SpeakerController(this);

  #requests: number | null = null;

  /** Name of the list for screen readers. */
  @property() label = '';

  override render(): TemplateResult {
    const { connection, state } = this.#engine.store;
    const error = engineFailure(connection);
    return html`<div class="frame">
      <section aria-label=${this.label || metricsWords.label}>
        ${renderMain(state)} ${renderDetails(state)} ${state === null ? nothing : renderNotes(state.notes)}
      </section>
      ${error === null ? nothing : errorNotice(error)} ${this.#speaker.render()}
    </div>`;
  }

  #engineChanged(): void {
    const metrics = this.#engine.state?.metrics;
    if (metrics === undefined) return;
    const { requests, tokensPerSecond: rate, timeToFirstToken: first } = metrics;
    // Once for each answer, after it: figures that move are not read out.
    if (this.#requests !== null && requests > this.#requests && rate !== null && first !== null) {
      this.#speaker.say(metricsWords.spoken(formatRate(rate), formatDuration(first)));
    }
    this.#requests = requests;
  }
}

type Figure = readonly [name: string, value: string | TemplateResult | null];

function renderMain(state: EngineState | null): TemplateResult {
  const first = state?.metrics.timeToFirstToken ?? null;
  const rate = state?.metrics.tokensPerSecond ?? null;
  return renderList('main', [
    [metricsWords.timeToFirstToken, first === null ? null : formatDuration(first)],
    [metricsWords.speed, rate === null ? null : formatRate(rate)],
  ]);
}

function renderDetails(state: EngineState | null): TemplateResult {
  const model = state?.status.kind === 'ready' ? state.status.model : null;
  const metrics = state?.metrics;
  const asked = metrics !== undefined && metrics.requests > 0 ? metrics : null;
  const { contextOf, devices } = metricsWords;
  return renderList('details', [
    [metricsWords.model, model?.name ?? null],
    [metricsWords.device, model === null ? null : [devices[model.device], model.deviceName].filter(Boolean).join(': ')],
    [metricsWords.decoder, model?.decoder ?? null],
    [metricsWords.answer, asked === null ? null : words.chat.tokens(asked.completionTokens)],
    [metricsWords.total, asked === null ? null : words.chat.tokens(asked.totalCompletionTokens)],
    [
      metricsWords.context,
      asked === null || model === null
        ? null
        : html`${contextOf(asked.contextTokens, model.contextLength)}
            <progress
              class="bar"
              max=${model.contextLength}
              .value=${Math.min(asked.contextTokens, model.contextLength)}
              aria-label=${metricsWords.context}
            ></progress>`,
    ],
    [metricsWords.conversationMemory, asked === null ? null : formatBytes(asked.kvBytes)],
    [metricsWords.weights, model === null ? null : formatBytes(model.weightBytes)],
    [metricsWords.load, model === null ? null : formatDuration(model.loadMilliseconds)],
    [metricsWords.queue, state === null ? null : queueOf(state)],
    [metricsWords.tabs, state === null ? null : formatNumber(state.tabs)],
  ]);
}

function queueOf({ generating, waiting }: EngineState): string {
  if (waiting.length > 0) return metricsWords.waiting(generating.length, waiting.length);
  return generating.length === 0 ? metricsWords.idle : metricsWords.running(generating.length);
}

const renderList = (name: 'main' | 'details', figures: readonly Figure[]): TemplateResult =>
  html`<dl class=${name} part="base">
    ${figures.map(
      ([term, value]) =>
        html`<div part="figure">
          <dt>${term}</dt>
          <dd dir="auto">
            ${value ?? html`<span class="none" aria-hidden="true">–</span><span class="hidden">${metricsWords.none}</span>`}
          </dd>
        </div>`,
    )}
  </dl>`;

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
