// `<llm-settings>`: what a visitor may choose for this site. It requests, and shows what the engine's state says, so that
// every tab shows the same at once; nothing is chosen that the engine did not take. What goes wrong is shown in the
// engine's words and told as `llm-error`. Colours and themes are the page's affair.

import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from '../internal/decorators.js';
import { EngineError, type EngineErrorShape } from '../../engine/protocol/errors.js';
import {
  mostTokens,
  noPreferences,
  type PreferencesChange,
  type VisitorPreferences,
} from '../../engine/protocol/preferences.js';
import { cloudModelId, type EngineState, type LoadedModel } from '../../engine/protocol/state.js';
import { baseStyles } from '../internal/base.styles.js';
import { EngineController } from '../internal/engine-controller.js';
import { engineFailure } from '../internal/engine-store.js';
import { errorNotice, spokenError } from '../internal/error-notice.js';
import { LlmErrorEvent } from '../internal/events.js';
import { formStyles } from '../internal/form.styles.js';
import { LlmElement } from '../internal/llm-element.js';
import { SpeakerController } from '../internal/speaker.js';
import { renderDevice, renderKeep, renderMaxTokens, renderModel, renderTemperature, type Change } from './fields.js';
import { LlmSettingsChangeEvent } from './settings.events.js';
import { settingsWords } from './settings.words.js';
import { settingsStyles } from './settings.styles.js';

/**
 * @summary What a visitor may choose for this site: where the model runs, which one answers, how freely and how long, and
 *   whether conversations are kept. The choices stay on this device and hold in all tabs of the site at once.
 *
 * @tag llm-settings
 *
 * @event {LlmSettingsChangeEvent} llm-settings-change - The visitor changes something; `detail` has what. Cancelable.
 * @event {LlmErrorEvent} llm-error - A request failed; `detail` has `code`, `message` and `hint`.
 *
 * @csspart base - The whole group.
 * @csspart field - Each field with its label.
 * @csspart control - Each control.
 * @csspart button - Buttons.
 * @csspart notice - The line that says that a choice holds from the next load.
 * @csspart error - The error notice.
 *
 * @cssstate changed - Something was chosen; the site's settings do not all hold.
 *
 * @cssprop --llm-accent - Colour of controls and focus rings.
 * @cssprop --llm-on-accent - Colour of what stands on the accent colour.
 * @cssprop --llm-surface - Ground of the element and its fields.
 * @cssprop --llm-raised - Ground of switches and notices.
 * @cssprop --llm-text - Colour of text.
 * @cssprop --llm-quiet - Colour of secondary text.
 * @cssprop --llm-line - Colour of borders.
 * @cssprop --llm-danger - Colour that marks errors.
 * @cssprop --llm-radius - Radius of the corners.
 */
export class LlmSettings extends LlmElement {
  static override readonly styles = [baseStyles, formStyles, settingsStyles];

  readonly #engine = new EngineController(this, () => this.#engineChanged());
  readonly #speaker = new SpeakerController(this);

  /** Name of the group for screen readers. */
  @property() label = '';

  /** What the slider is being moved to. */
  @state() private moving: number | null = null;
  @state() private wrongLimit = false;
  @state() private reloading = false;
  @state() private error: EngineErrorShape | null = null;

  #preferences: VisitorPreferences | null = null;

  override render(): TemplateResult {
    const { connection, state } = this.#engine.store;
    const preferences = state?.preferences ?? noPreferences;
    const models = state?.models ?? [];
    const defaultModel = connection.kind === 'connected' ? connection.engine.settings.defaultModel : '';
    const failure = this.error ?? engineFailure(connection);
    const change: Change = (wanted) => void this.#change(wanted);
    return html`<fieldset part="base" ?disabled=${state === null}>
      <legend>${this.label || settingsWords.label}</legend>
      ${renderModel({ preferences, models, defaultModel }, change)} ${renderDevice(preferences, change)}
      ${this.#renderReload(state)}
      ${renderTemperature(preferences, this.moving, (value) => (this.moving = value), change)}
      ${renderMaxTokens(preferences, this.wrongLimit, (wrong) => this.#refuse(wrong), change)}
      ${renderKeep(preferences, change)}
      <p class="quiet">${settingsWords.scope}</p>
      <div>
        <button
          type="button"
          part="button"
          aria-disabled=${isChanged(preferences) ? 'false' : 'true'}
          @click=${() => this.#reset()}
        >
          ${settingsWords.reset}
        </button>
      </div>
      ${failure === null ? nothing : errorNotice(failure)} ${this.#speaker.render()}
    </fieldset>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    this.setStates({ changed: isChanged(this.#engine.state?.preferences ?? noPreferences) });
  }

  /** A model that is loaded stays where it is until it is loaded again. */
  #renderReload(state: EngineState | null): unknown {
    const model = state?.status.kind === 'ready' ? state.status.model : null;
    const wanted = state?.preferences.device ?? null;
    if (model === null || model.id === cloudModelId) return nothing;
    if (wanted === null || wanted === 'auto' || wanted === model.device) return nothing;
    const text = settingsWords.device;
    return html`<div class="note" part="notice">
      <p>${text.running(text.devices[model.device])}</p>
      <button
        type="button"
        part="button"
        aria-disabled=${this.reloading ? 'true' : 'false'}
        @click=${() => void this.#reload(model)}
      >
        ${this.reloading ? text.reloading : text.reload}
      </button>
    </div>`;
  }

  /** @param wrong what was typed last is no limit; said, as the focus may be elsewhere already */
  #refuse(wrong: boolean): void {
    this.wrongLimit = wrong;
    if (wrong) this.#speaker.say(() => settingsWords.maxTokens.wrong(mostTokens));
  }

  /** Not disabled when nothing is left to take back: the focus stays on the button. */
  #reset(): void {
    this.wrongLimit = false;
    if (!isChanged(this.#engine.state?.preferences ?? noPreferences)) return;
    void this.#change(noPreferences, () => settingsWords.resetAloud);
  }

  async #change(change: PreferencesChange, said = () => settingsWords.savedAloud): Promise<void> {
    this.error = null;
    try {
      if (!this.dispatchEvent(new LlmSettingsChangeEvent(change))) return;
      await (await this.#engine.store.connect()).setPreferences(change);
      this.#speaker.say(said);
    } catch (thrown) {
      this.#fail(thrown); // it may act all the same: the state says so
    } finally {
      this.moving = null;
      this.requestUpdate(); // a change that was not taken is taken back on screen
    }
  }

  async #reload({ id }: LoadedModel): Promise<void> {
    if (this.reloading) return;
    this.reloading = true;
    // The notice goes with its button as soon as it loads: the focus stays at the choice it was about.
    this.shadowRoot?.querySelector<HTMLElement>('#device')?.focus();
    this.error = null;
    try {
      await this.#engine.store.load(id);
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.reloading = false;
    }
  }

  /** Another tab changed something: what stands half-typed here is no longer about it. */
  #engineChanged(): void {
    const preferences = this.#engine.state?.preferences ?? null;
    if (preferences?.maxTokens !== this.#preferences?.maxTokens) this.wrongLimit = false;
    this.#preferences = preferences;
  }

  #fail(thrown: unknown): void {
    const error = EngineError.from(thrown).toShape();
    this.error = error;
    this.#speaker.say(() => spokenError(error));
    this.dispatchEvent(new LlmErrorEvent(error));
  }
}

const isChanged = (preferences: VisitorPreferences): boolean =>
  JSON.stringify(Object.entries(preferences).sort()) !== JSON.stringify(Object.entries(noPreferences).sort());

declare global {
  interface HTMLElementTagNameMap {
    'llm-settings': LlmSettings;
  }
}
