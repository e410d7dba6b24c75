// `<llm-model-picker>`: the catalogue as cards to choose from, and the load of the chosen one as the engine reports it.
// Choosing and loading are two steps, because arrow keys move a choice and nobody wants a download per key press.
// It requests and renders the state; which model is in use is what the state says, whichever tab asked.

import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { property, query, state } from 'lit/decorators.js';
import { live } from 'lit/directives/live.js';
import { repeat } from 'lit/directives/repeat.js';
import { cloudModelId } from '../../engine/protocol/state.js';
import { EngineError, type EngineErrorShape } from '../../engine/protocol/errors.js';
import type { EngineState, EngineStatus } from '../../engine/protocol/state.js';
import { baseStyles } from '../internal/base.styles.js';
import { EngineController } from '../internal/engine-controller.js';
import { engineFailure } from '../internal/engine-store.js';
import { errorNotice } from '../internal/error-notice.js';
import { LlmErrorEvent } from '../internal/events.js';
import { formatBytes, formatNumber, formatParameters } from '../internal/format.js';
import { checkIcon } from '../internal/icons.js';
import { SpeakerController } from '../internal/speaker.js';
import { words } from '../internal/words.js';
import { modelPickerStyles } from './model-picker.styles.js';

/** One card. */
interface Choice {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly facts: readonly string[];
  /** Words on the button that loads it. */
  readonly action: string;
}

/**
 * @summary The models that the page offers: what each is, its download, licence and context. Choosing one and pressing
 *   the button loads it for every tab of the site.
 *
 * @tag llm-model-picker
 *
 * @event {LlmErrorEvent} llm-error - A load failed; `detail` has `code`, `message` and `hint`.
 *
 * @csspart base - The whole group.
 * @csspart model - Each model's card.
 * @csspart button - The button that loads or cancels.
 * @csspart progress - The progress bar.
 * @csspart error - The error notice.
 *
 * @cssprop --llm-accent - Colour of the chosen card, buttons and focus rings.
 * @cssprop --llm-on-accent - Colour of what stands on the accent colour.
 * @cssprop --llm-surface - Ground of the cards.
 * @cssprop --llm-raised - Ground of hovered cards.
 * @cssprop --llm-text - Colour of text.
 * @cssprop --llm-quiet - Colour of secondary text.
 * @cssprop --llm-line - Colour of borders.
 * @cssprop --llm-danger - Colour that marks errors.
 * @cssprop --llm-radius - Radius of the corners.
 */
export class LlmModelPicker extends LitElement {
  static override readonly styles = [baseStyles, modelPickerStyles];

  readonly #engine = new EngineController(this, () => this.#engineChanged());
  readonly #speaker = new SpeakerController(this);

  @query('input:checked') private readonly checked!: HTMLInputElement | null;
  @query('.load') private readonly button!: HTMLButtonElement | null;

  /** What the visitor chose; null follows the engine. */
  @state() private chosen: string | null = null;
  @state() private failure: EngineErrorShape | null = null;

  #status: EngineStatus['kind'] | null = null;

  /** Heading of the group. */
  @property() label: string = words.picker.label;

  override updated(): void {
    // The button that had the focus is gone when its model is loaded: the card's own control takes it.
    if (this.#buttonHadFocus && this.button === null) this.checked?.focus();
    this.#buttonHadFocus = false;
  }

  override willUpdate(): void {
    this.#buttonHadFocus = this.button !== null && this.shadowRoot?.activeElement === this.button;
  }

  #buttonHadFocus = false;

  override render(): TemplateResult {
    const { connection, state: engineState } = this.#engine.store;
    const choices = engineState === null ? [] : choicesOf(engineState);
    const error = this.failure ?? engineFailure(connection);
    return html`<fieldset part="base">
        <legend>${this.label}</legend>
        ${engineState === null && error === null ? html`<p class="quiet">${words.picker.waiting}</p>` : nothing}
        ${engineState !== null && choices.length === 0 ? html`<p class="quiet">${words.picker.empty}</p>` : nothing}
        ${repeat(
          choices,
          ({ id }) => id,
          (choice, index) => (engineState === null ? nothing : this.#renderChoice(choice, index, engineState)),
        )}
      </fieldset>
      ${
        error === null
          ? nothing
          : errorNotice(
              error,
              connection.kind === 'failed' ? { label: words.picker.retry, run: () => void this.#connect() } : undefined,
            )
      }
      ${this.#speaker.render()}`;
  }

  #renderChoice(choice: Choice, index: number, { status }: EngineState): TemplateResult {
    const current = status.kind === 'ready' && status.model.id === choice.id;
    const loading = status.kind === 'loading' && status.modelId === choice.id ? status : null;
    const selected = choice.id === this.#selected(status);
    const id = `model-${String(index)}`;
    return html`<div class="card" part="model" ?data-selected=${selected} ?data-current=${current}>
      <label>
        <input
          type="radio"
          name="model"
          value=${choice.id}
          .checked=${live(selected)}
          aria-labelledby=${`${id}-name`}
          aria-describedby=${`${id}-about`}
          @change=${() => this.#choose(choice.id)}
        />
        <span class="name" id=${`${id}-name`}><bdi>${choice.name}</bdi></span>
        ${current ? html`<span class="badge">${checkIcon()}${words.picker.current}</span>` : nothing}
        <span class="about" id=${`${id}-about`}>
          ${current ? html`<span class="hidden">${words.picker.current}. </span>` : nothing}
          <span dir="auto">${choice.description}</span>
          <span class="facts">${choice.facts.map((fact) => html`<span>${fact}</span>`)}</span>
        </span>
      </label>
      ${loading === null ? nothing : renderProgress(loading)}
      ${this.#renderButton(choice, { current, selected, loading: loading !== null })}
    </div>`;
  }

  /** One button, so that the focus stays on it when "Load" becomes "Cancel". */
  #renderButton(
    choice: Choice,
    {
      current,
      selected,
      loading,
    }: { readonly current: boolean; readonly selected: boolean; readonly loading: boolean },
  ): unknown {
    const cancellable = loading && this.#engine.store.loading;
    if (!cancellable && (loading || current || !selected)) return nothing;
    return html`<button
      type="button"
      part="button"
      class=${cancellable ? 'load' : 'load primary'}
      @click=${() => (cancellable ? this.#engine.store.cancelLoad() : void this.#load(choice.id))}
    >
      ${cancellable ? words.picker.cancel : choice.action}
    </button>`;
  }

  #selected(status: EngineStatus): string | null {
    if (this.chosen !== null) return this.chosen;
    if (status.kind === 'loading') return status.modelId;
    return status.kind === 'ready' ? status.model.id : null;
  }

  #choose(id: string): void {
    this.chosen = id;
    this.failure = null;
  }

  async #load(id: string): Promise<void> {
    this.failure = null;
    try {
      await this.#engine.store.load(id);
      this.chosen = null;
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code === 'aborted') {
        this.#speaker.say(words.status.cancelled);
        return;
      }
      this.failure = error.toShape();
      this.#speaker.say(`${error.message} ${error.hint}`);
      this.dispatchEvent(new LlmErrorEvent(this.failure));
    }
  }

  async #connect(): Promise<void> {
    try {
      await this.#engine.store.connect();
    } catch {
      // The store's state has it, and it is shown.
    }
  }

  #engineChanged(): void {
    const status = this.#engine.state?.status;
    // Only what was begun while somebody looks is news.
    if (status?.kind === 'loading' && this.#status !== 'loading') {
      this.#speaker.say(words.status.downloadingAloud(status.modelName));
    } else if (status?.kind === 'ready' && this.#status === 'loading') {
      this.#speaker.say(words.status.ready(status.model.name));
    }
    this.#status = status?.kind ?? null;
  }
}

function choicesOf({ models, cloud, status }: EngineState): readonly Choice[] {
  const { facts } = words.picker;
  const listed = models.map((model): Choice => {
    // A catalogue may not know all of what lies elsewhere.
    const size = model.byteLength > 0 ? formatBytes(model.byteLength) : '';
    return {
      id: model.id,
      name: model.name,
      description: model.description,
      facts: [
        size === '' ? '' : facts.size(size),
        model.parameters > 0 ? facts.parameters(formatParameters(model.parameters)) : '',
        model.contextLength > 0 ? facts.context(model.contextLength) : '',
        model.quantisation === '' ? '' : facts.quantisation(model.quantisation),
        facts.licence(model.licence),
      ].filter((fact) => fact !== ''),
      action: words.picker.load(size),
    };
  });
  const choices = [...listed, ...unlisted(status).filter(({ id }) => !listed.some((choice) => choice.id === id))];
  if (cloud.endpoint === null || !cloud.allowed) return choices;
  const { cloud: name, cloudDescription: description, use: action } = words.picker;
  return [...choices, { id: cloudModelId, name: name(cloud.endpoint), description, facts: [], action }];
}

const notCloud = ({ id }: Choice): boolean => id !== cloudModelId;

/** A model that a page named by its address is in no catalogue, and is shown while it loads and runs. */
function unlisted(status: EngineStatus): readonly Choice[] {
  const card = { description: '', facts: [], action: words.picker.load('') };
  if (status.kind === 'loading') return [{ ...card, id: status.modelId, name: status.modelName }].filter(notCloud);
  if (status.kind !== 'ready') return [];
  const { id, name, contextLength } = status.model;
  const facts = contextLength > 0 ? [words.picker.facts.context(contextLength)] : [];
  return [{ ...card, id, name, facts }].filter(notCloud);
}

function renderProgress(status: Extract<EngineStatus, { kind: 'loading' }>): TemplateResult {
  const { modelName, loadedBytes, totalBytes, phase } = status;
  const known = phase !== 'preparing' && totalBytes > 0;
  const text =
    phase === 'preparing'
      ? words.status.preparing(modelName)
      : phase === 'paused'
        ? words.status.paused(modelName, loadedBytes, totalBytes)
        : totalBytes > 0
          ? `${formatBytes(loadedBytes)} / ${formatBytes(totalBytes)} (${formatNumber((100 * loadedBytes) / totalBytes)} %)`
          : formatBytes(loadedBytes);
  return html`<div class="progress">
    ${
      known
        ? html`<progress
            class="bar"
            part="progress"
            max=${totalBytes}
            .value=${loadedBytes}
            aria-label=${words.picker.progress}
          ></progress>`
        : html`<progress class="bar" part="progress" aria-label=${words.picker.progress}></progress>`
    }
    <span dir="ltr">${text}</span>
  </div>`;
}

declare global {
  interface HTMLElementTagNameMap {
    'llm-model-picker': LlmModelPicker;
  }
}
