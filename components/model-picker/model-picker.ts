// `<llm-model-picker>`: the catalogue and what is kept here as cards to choose from, and the load of the chosen one as
// the engine reports it. Choosing and loading are two steps, because arrow keys move a choice and nobody wants a
// download per key press. It requests and renders the state; which model is in use, how far a download is and what is
// kept is what the engine says, whichever tab asked. What goes wrong is shown in the engine's words and told as
// `llm-error`.

import { html, nothing, type TemplateResult } from 'lit';
import { property, query, state } from '../internal/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { EngineError, type EngineErrorShape } from '../../engine/protocol/errors.js';
import type { EngineState, EngineStatus } from '../../engine/protocol/state.js';
import { baseStyles } from '../internal/base.styles.js';
import { EngineController } from '../internal/engine-controller.js';
import { engineFailure } from '../internal/engine-store.js';
import { errorNotice, spokenError } from '../internal/error-notice.js';
import { LlmErrorEvent } from '../internal/events.js';
import { LlmElement } from '../internal/llm-element.js';
import { isMetered } from '../internal/metered.js';
import { SpeakerController } from '../internal/speaker.js';
import { inLanguageOf } from '../internal/texts.js';
import { words } from '../internal/words.js';
import { pickerWords } from './model-picker.words.js';
import { renderCard } from './card.js';
import { choicesOf, matches, type Choice } from './choices.js';
import { DropController } from './drop.js';
import { KeepFocusController } from './keep-focus.js';
import { modelPickerStyles } from './model-picker.styles.js';
import { isModelAddress, noAddress, noFile, renderOwnModel } from './own-model.js';
import { renderRemoval, renderStorage, type Removal } from './storage.js';
import { StorageController } from './storage-controller.js';
import { VerdictsController } from './verdicts-controller.js';

/** More models than this get a search field. */
const handful = 5;

/** What the last request came to, where it failed. */
interface Failure {
  readonly error: EngineErrorShape;
  /** Asks again, with the visitor's consent to the download; null where that would not help. */
  readonly confirm: (() => void) | null;
}

/**
 * @summary The models that the page offers and those kept on this device: what each is, its download, licence and
 *   context. Choosing one and pressing the button loads it for every tab of the site; a download can be paused,
 *   resumed and cancelled, a kept model deleted. Visitors may bring a GGUF file or an address of their own.
 *
 * @tag llm-model-picker
 *
 * @event {LlmErrorEvent} llm-error - A request failed; `detail` has `code`, `message` and `hint`.
 *
 * @csspart base - The whole group.
 * @csspart model - Each model's card.
 * @csspart verdict - How the model would do on this device, in words.
 * @csspart button - The button that loads or cancels.
 * @csspart pause-button - The button that pauses and resumes a download.
 * @csspart delete-button - The button that deletes a kept model.
 * @csspart progress - The progress bar.
 * @csspart search - The search field.
 * @csspart own-model - The part for a file or an address of the visitor's own.
 * @csspart file-button - The button that chooses a file.
 * @csspart address - The field for an address.
 * @csspart address-button - The button that loads the address.
 * @csspart storage - The line on what is stored and free.
 * @csspart dialog - The question before a model is deleted.
 * @csspart error - The error notice.
 *
 * @cssprop --llm-accent - Colour of the chosen card, buttons and focus rings.
 * @cssprop --llm-on-accent - Colour of what stands on the accent colour.
 * @cssprop --llm-surface - Ground of the cards.
 * @cssprop --llm-raised - Ground of hovered cards.
 * @cssprop --llm-text - Colour of text.
 * @cssprop --llm-quiet - Colour of secondary text.
 * @cssprop --llm-line - Colour of borders.
 * @cssprop --llm-danger - Colour that marks errors and deletion.
 * @cssprop --llm-radius - Radius of the corners.
 */
export class LlmModelPicker extends LlmElement {
  static override readonly styles = [baseStyles, modelPickerStyles];

  readonly #engine = new EngineController(this, () => this.#engineChanged());
  readonly #speaker = new SpeakerController(this);
  readonly #verdicts = new VerdictsController(this, () => this.#engine.store);
  readonly #storage = new StorageController(
    this,
    () => this.#engine.store,
    (thrown) => this.#fail(thrown),
  );
  readonly #drop = new DropController(
    this,
    () => !this.catalogueOnly,
    (file) => {
      if (file === null) this.#fail(inLanguageOf(this, noFile));
      else void this.#load(file);
    },
  );

  @query('dialog') private readonly dialog!: HTMLDialogElement | null;

  /** What the visitor chose; null follows the engine. */
  @state() private chosen: string | null = null;
  @state() private failure: Failure | null = null;
  @state() private search = '';
  @state() private removal: Removal | null = null;

  #status: EngineStatus | null = null;
  /** How many loads were asked for here: what a later one broke off is not said. */
  #asked = 0;

  /** Heading of the group; empty for the kit's own. */
  @property() label = '';

  /** Offers no file and no address of the visitor's own. */
  @property({ type: Boolean, attribute: 'catalogue-only' }) catalogueOnly = false;

  constructor() {
    super();
    new KeepFocusController(this);
  }

  async #load(model: string | Blob, confirmed = false): Promise<void> {
    this.failure = null;
    const asked = ++this.#asked;
    try {
      await this.#engine.store.load(model, confirmed);
      this.chosen = null;
    } catch (thrown) {
      const { code } = EngineError.from(thrown);
      if (code === 'aborted' && asked !== this.#asked) return;
      const consent = code === 'model-too-large' && !confirmed && isMetered();
      this.#fail(thrown, consent ? () => void this.#load(model, true) : null);
    }
  }

  async #try(request: Promise<void>): Promise<void> {
    this.failure = null;
    try {
      await request;
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Shown, said, told to the page; what the visitor broke off is no failure. */
  #fail(thrown: unknown, confirm: Failure['confirm'] = null): void {
    const error = EngineError.from(thrown).toShape();
    if (error.code === 'aborted') {
      this.#speaker.say(() => words.status.cancelled);
      return;
    }
    this.failure = { error, confirm };
    this.#speaker.say(() => spokenError(error));
    this.dispatchEvent(new LlmErrorEvent(error));
  }

  async #connect(): Promise<void> {
    try {
      await this.#engine.store.connect();
    } catch {
      // The store's state has it, and it is shown.
    }
  }

  async #ask(removal: Removal): Promise<void> {
    this.removal = removal;
    await this.updateComplete;
    this.dialog?.showModal();
  }

  async #remove({ name, kept }: Removal): Promise<void> {
    await this.#try(
      this.#engine.store.deleteModel(kept.source).then(() => {
        if (this.chosen === kept.source) this.chosen = null;
        this.#speaker.say(() => pickerWords.confirm.deleted(name));
      }),
    );
  }

  #go(address: string): void {
    if (isModelAddress(address)) void this.#load(address);
    else this.#fail(inLanguageOf(this, noAddress));
  }

  #engineChanged(): void {
    const status = this.#engine.state?.status ?? null;
    const before = this.#status;
    const was = before?.kind === 'loading' ? before.phase : null;
    this.#status = status;
    // Only what was begun while somebody looks is news, and each phase of it once.
    if (status?.kind === 'loading') {
      const { phase, modelName, loadedBytes, totalBytes } = status;
      if (phase === 'paused' && was !== 'paused') {
        this.#speaker.say(words.status.paused(modelName, loadedBytes, totalBytes));
      } else if (was === null || (was === 'paused' && phase === 'downloading')) {
        this.#speaker.say(words.status.downloadingAloud(modelName));
      }
    } else if (status?.kind === 'ready' && was !== null) {
      this.#speaker.say(words.status.ready(status.model.name));
    }
    this.#storage.engineChanged();
    this.#verdicts.engineChanged();
  }

  #selected(status: EngineStatus): string | null {
    if (this.chosen !== null) return this.chosen;
    if (status.kind === 'loading') return status.modelId;
    return status.kind === 'ready' ? status.model.id : null;
  }

  override render(): TemplateResult {
    const { connection, state: engineState, storage } = this.#engine.store;
    const error = this.failure?.error ?? engineFailure(connection);
    return html`<div
        class="all"
        ?data-dropping=${this.#drop.over}
        @dragover=${this.#drop.dragover}
        @dragleave=${this.#drop.dragleave}
        @drop=${this.#drop.drop}
      >
        <fieldset part="base">
          <legend>${this.label || pickerWords.label}</legend>
          ${engineState === null && error === null ? html`<p class="quiet">${pickerWords.waiting}</p>` : nothing}
          ${engineState === null ? nothing : this.#renderModels(engineState)}
        </fieldset>
        ${
          this.catalogueOnly || engineState === null
            ? nothing
            : renderOwnModel({
                refused: this.failure?.error.code === 'invalid-request',
                open: (file) => void this.#load(file),
                go: (address) => this.#go(address),
              })
        }
        ${renderStorage(storage)} ${error === null ? nothing : errorNotice(error, this.#retry())}
      </div>
      ${renderRemoval({
        removal: this.removal,
        confirm: (removal) => void this.#remove(removal),
        closed: () => (this.removal = null),
      })}
      ${this.#speaker.render()}`;
  }

  #retry(): Parameters<typeof errorNotice>[1] {
    const confirm = this.failure?.confirm;
    if (confirm) return { label: pickerWords.loadAnyway, run: confirm };
    if (this.#engine.store.connection.kind !== 'failed') return undefined;
    return { label: pickerWords.retry, run: () => void this.#connect() };
  }

  #renderModels(engineState: EngineState): unknown {
    const { storage, connection } = this.#engine.store;
    const maxDownload = connection.kind === 'connected' ? connection.engine.settings.maxDownload : undefined;
    const choices = choicesOf(engineState, { storage, maxDownload, ordered: this.#verdicts.ordered });
    if (choices.length === 0) return html`<p class="quiet">${pickerWords.empty}</p>`;
    const many = choices.length > handful;
    const query = many ? this.search.trim() : '';
    const { status } = engineState;
    // A download under way is never out of sight.
    const shown = choices.filter(
      (choice) => matches(choice, query) || (status.kind === 'loading' && status.modelId === choice.id),
    );
    return html`${many ? this.#renderSearch(shown.length) : nothing}
    ${shown.length === 0 ? html`<p class="quiet">${pickerWords.noMatch(query)}</p>` : nothing}
    ${repeat(
      shown,
      ({ id }) => id,
      (choice) => this.#renderChoice(choice, `model-${String(choices.indexOf(choice))}`, status),
    )}`;
  }

  #renderSearch(found: number): TemplateResult {
    const input = ({ currentTarget }: Event) => {
      if (currentTarget instanceof HTMLInputElement) this.search = currentTarget.value;
    };
    return html`<input
        class="field"
        part="search"
        type="search"
        aria-label=${pickerWords.search}
        placeholder=${pickerWords.search}
        .value=${this.search}
        @input=${input}
      />
      <p class="hidden" role="status">${this.search.trim() === '' ? '' : pickerWords.found(found)}</p>`;
  }

  #renderChoice(choice: Choice, id: string, status: EngineStatus): TemplateResult {
    const { store } = this.#engine;
    const current = status.kind === 'ready' && status.model.id === choice.id;
    return renderCard({
      id,
      choice,
      current,
      selected: choice.id === this.#selected(status),
      loading: status.kind === 'loading' && status.modelId === choice.id ? status : null,
      choose: () => {
        this.chosen = choice.id;
        this.failure = null;
      },
      load: () => void this.#load(choice.id),
      cancel: () => void this.#try(store.cancelLoad()),
      pause: (paused) => void this.#try(store.pauseLoad(paused)),
      remove: (kept) => void this.#ask({ name: choice.name, kept, inUse: current }),
    });
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'llm-model-picker': LlmModelPicker;
  }
}
