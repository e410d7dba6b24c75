// `<llm-privacy>`: whether anything leaves this device, the visitor's switch for the cloud with the question before it,
// what this site keeps here, and erasing it. It requests and renders: the switch shows what the engine says, in every tab
// at once. What goes wrong is shown in the engine's words and told as `llm-error`.

import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, query, state } from '../internal/decorators.js';
import { live } from 'lit/directives/live.js';
import { EngineError, type EngineErrorShape } from '../../engine/protocol/errors.js';
import type { Erasure } from '../../engine/protocol/kept-data.js';
import type { EngineState } from '../../engine/protocol/state.js';
import { baseStyles } from '../internal/base.styles.js';
import { EngineController } from '../internal/engine-controller.js';
import { engineFailure } from '../internal/engine-store.js';
import { errorNotice, spokenError } from '../internal/error-notice.js';
import { LlmErrorEvent } from '../internal/events.js';
import { formStyles } from '../internal/form.styles.js';
import { cloudIcon } from '../internal/icons.js';
import { LlmElement } from '../internal/llm-element.js';
import { SpeakerController } from '../internal/speaker.js';
import { renderConsent, renderErasing } from './dialogs.js';
import { renderKept, renderLeft } from './kept.js';
import { KeptController } from './kept-controller.js';
import { lockIcon } from './lock-icon.js';
import { LlmConsentEvent, LlmErasedEvent } from './privacy.events.js';
import { privacyWords } from './privacy.words.js';
import { privacyStyles } from './privacy.styles.js';

type Indicated = 'unknown' | 'private' | 'allowed' | 'leaving';

/**
 * @summary Whether everything stays on this device or something is leaving it now; the visitor's switch for the cloud,
 *   with a question that says what is sent and to whom; what this site keeps here, and one button that erases it.
 *
 * @tag llm-privacy
 *
 * @event {LlmConsentEvent} llm-consent - The visitor allows the cloud or takes it back. Cancel it to keep it off.
 * @event {LlmErasedEvent} llm-erased - Everything was erased; `detail.left` names what could not be.
 * @event {LlmErrorEvent} llm-error - A request failed; `detail` has `code`, `message` and `hint`.
 *
 * @csspart base - The whole group.
 * @csspart indicator - Whether anything leaves this device.
 * @csspart switch - The switch for the cloud; only where the site set an endpoint.
 * @csspart kept - The list of what is kept here.
 * @csspart erase-button - The button that erases.
 * @csspart dialog - The questions.
 * @csspart refuse-button - In the question about the cloud: no.
 * @csspart allow-button - In the question about the cloud: yes.
 * @csspart keep-button - In the question about erasing: no.
 * @csspart confirm-button - In the question about erasing: yes.
 * @csspart outcome - What erasing came to.
 * @csspart error - The error notice.
 *
 * @cssstate private - Nothing can leave this device.
 * @cssstate allowed - The visitor allowed the cloud; nothing is leaving now.
 * @cssstate leaving - Something is leaving this device now.
 * @cssstate erasing - Everything is being erased.
 *
 * @cssprop --llm-accent - Colour of the switch and focus rings.
 * @cssprop --llm-on-accent - Colour of what stands on the accent colour.
 * @cssprop --llm-surface - Ground of the element.
 * @cssprop --llm-raised - Ground of the indicator.
 * @cssprop --llm-text - Colour of text.
 * @cssprop --llm-quiet - Colour of secondary text.
 * @cssprop --llm-line - Colour of borders.
 * @cssprop --llm-cloud - Colour that marks the cloud.
 * @cssprop --llm-danger - Colour that marks errors and erasing.
 * @cssprop --llm-radius - Radius of the corners.
 */
export class LlmPrivacy extends LlmElement {
  static override readonly styles = [baseStyles, formStyles, privacyStyles];

  readonly #engine = new EngineController(this, () => this.#engineChanged());
  readonly #speaker = new SpeakerController(this);
  readonly #kept = new KeptController(
    this,
    () => this.#engine.store,
    (thrown) => this.#fail(thrown),
  );

  #active: boolean | null = null;
  /** Who waits for the visitor's answer about the cloud. */
  readonly #asking: ((allowed: boolean) => void)[] = [];
  #agreed = false;

  /** Name of the group for screen readers. */
  @property() label = '';

  @state() private erasing = false;
  @state() private erasure: Erasure | null = null;
  @state() private error: EngineErrorShape | null = null;

  @query('#consent') private readonly consentDialog!: HTMLDialogElement | null;
  @query('#erase') private readonly eraseDialog!: HTMLDialogElement | null;

  /**
   * Asks the visitor whether the cloud may answer, unless they allowed it already.
   * @returns whether it may; false where the site set no endpoint
   */
  async askConsent(): Promise<boolean> {
    await this.#engine.store.connect();
    await this.updateComplete;
    const { state } = this.#engine;
    if (state === null || state.cloud.endpoint === null) return false;
    if (state.cloud.allowed) return true;
    return await new Promise<boolean>((resolve) => {
      this.#asking.push(resolve);
      this.#agreed = false;
      if (this.consentDialog?.open === false) this.consentDialog.showModal();
    });
  }

  override render(): TemplateResult {
    const { connection, state } = this.#engine.store;
    const failure = this.error ?? engineFailure(connection);
    return html`<section part="base" aria-label=${this.label || privacyWords.label}>
      ${renderIndicator(state)} ${this.#renderSwitch(state)} ${this.#renderKept()}
      ${failure === null ? nothing : errorNotice(failure)} ${this.#renderDialogs(state)} ${this.#speaker.render()}
    </section>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    const indicated = indicatedBy(this.#engine.state);
    this.setStates({
      private: indicated === 'private',
      allowed: indicated === 'allowed',
      leaving: indicated === 'leaving',
      erasing: this.erasing,
    });
  }

  #renderSwitch(state: EngineState | null): unknown {
    const { endpoint = null, allowed = false } = state?.cloud ?? {};
    if (endpoint === null) return nothing;
    return html`<label class="switch" part="switch">
      <bdi id="switch-name">${privacyWords.switchLabel(endpoint)}</bdi>
      <input
        type="checkbox"
        role="switch"
        .checked=${live(allowed)}
        aria-labelledby="switch-name"
        aria-describedby="switch-detail"
        @click=${this.#switched}
      />
      <span class="quiet" id="switch-detail">${privacyWords.switchDetail}</span>
    </label>`;
  }

  #renderKept(): TemplateResult {
    const { erasure, erasing } = this;
    const outcome =
      erasure === null || erasing ? nothing : html`<p part="outcome" class="done">${privacyWords.erase.done}</p>`;
    return html`<div class="kept" role="group" aria-labelledby="kept-title">
      <p class="title" id="kept-title">${privacyWords.kept.label}</p>
      ${renderKept(this.#kept.report)}
      ${erasure !== null && erasure.left.length > 0 ? html`<div part="outcome">${renderLeft(erasure)}</div>` : outcome}
      <div>
        <button
          type="button"
          class="danger"
          part="erase-button"
          aria-disabled=${erasing ? 'true' : 'false'}
          @click=${() => this.#askErase()}
        >
          ${erasing ? privacyWords.erase.running : privacyWords.erase.button}
        </button>
      </div>
    </div>`;
  }

  #renderDialogs(state: EngineState | null): unknown {
    const endpoint = state?.cloud.endpoint ?? null;
    return html`${
      endpoint === null
        ? nothing
        : renderConsent(endpoint, {
            agreed: () => (this.#agreed = true),
            closed: () => this.#answered(endpoint),
          })
    }
    ${renderErasing({ agreed: () => void this.#erase(), closed: () => undefined })}`;
  }

  /** The state decides what the switch shows: a press asks, or takes back. */
  readonly #switched = (event: Event): void => {
    event.preventDefault();
    const { cloud } = this.#engine.state ?? {};
    if (cloud === undefined || cloud.endpoint === null) return;
    if (cloud.allowed) void this.#allow(cloud.endpoint, false);
    else void this.askConsent();
  };

  #answered(endpoint: string): void {
    const waiting = this.#asking.splice(0);
    const agreed = this.#agreed;
    this.#agreed = false;
    const settle = (allowed: boolean) => {
      for (const resolve of waiting) resolve(allowed);
    };
    if (!agreed) return settle(false);
    void this.#allow(endpoint, true).then(settle);
  }

  /** @returns whether the cloud may answer now */
  async #allow(endpoint: string, allowed: boolean): Promise<boolean> {
    if (!this.dispatchEvent(new LlmConsentEvent({ endpoint, allowed }))) return false;
    this.error = null;
    const text = privacyWords.consent;
    try {
      await this.#engine.store.allowCloud(allowed);
      this.#speaker.say(() => (allowed ? text.allowedAloud(endpoint) : text.refusedAloud));
    } catch (thrown) {
      this.#fail(thrown); // it may act all the same: the state says so
    }
    return this.#engine.state?.cloud.allowed ?? false;
  }

  #askErase(): void {
    if (!this.erasing) this.eraseDialog?.showModal();
  }

  async #erase(): Promise<void> {
    this.erasing = true;
    this.erasure = null;
    this.error = null;
    this.#speaker.say(() => privacyWords.erase.running);
    try {
      const erasure = await (await this.#engine.store.connect()).eraseAll();
      this.erasure = erasure;
      this.#speaker.say(() => (erasure.left.length === 0 ? privacyWords.erase.done : privacyWords.erase.partly));
      this.dispatchEvent(new LlmErasedEvent(erasure));
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.erasing = false;
      void this.#kept.look();
    }
  }

  #engineChanged(): void {
    const { state } = this.#engine;
    if (state === null) return;
    this.#kept.engineChanged();
    const { active, endpoint } = state.cloud;
    if (this.#active !== null && this.#active !== active && endpoint !== null) {
      this.#speaker.say(active ? privacyWords.spokenLeaving(endpoint) : privacyWords.spokenStopped);
    }
    this.#active = active;
    // Something new is kept: what was said of an earlier erasing is no longer so.
    if (this.erasure?.left.length === 0 && !this.erasing && state.status.kind === 'ready') this.erasure = null;
  }

  #fail(thrown: unknown): void {
    this.error = EngineError.from(thrown).toShape();
    const { error } = this;
    this.#speaker.say(() => spokenError(error));
    this.dispatchEvent(new LlmErrorEvent(error));
  }
}

function indicatedBy(state: EngineState | null): Indicated {
  if (state === null) return 'unknown';
  const { endpoint, active, allowed } = state.cloud;
  if (endpoint === null) return 'private';
  return active ? 'leaving' : allowed ? 'allowed' : 'private';
}

function renderIndicator(state: EngineState | null): TemplateResult {
  const indicated = indicatedBy(state);
  const host = state?.cloud.endpoint ?? '';
  const [title, detail] = {
    unknown: [privacyWords.unknown, ''],
    private: [privacyWords.stays, privacyWords.staysDetail],
    allowed: [privacyWords.allowed, privacyWords.allowedDetail(host)],
    leaving: [privacyWords.leaving, privacyWords.leavingDetail(host)],
  }[indicated] as [string, string];
  return html`<div part="indicator" class="indicator" data-kind=${indicated}>
    ${indicated === 'leaving' || indicated === 'allowed' ? cloudIcon() : lockIcon()}
    <p class="title">${title}</p>
    ${detail === '' ? nothing : html`<p class="quiet" dir="auto">${detail}</p>`}
  </div>`;
}

declare global {
  interface HTMLElementTagNameMap {
    'llm-privacy': LlmPrivacy;
  }
}
