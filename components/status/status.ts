// `<llm-status>`: a chip that says what the engine is doing, with the details behind it. It only shows: every tab of the
// site shows the same, whoever asked for what. What fails is shown in the engine's words among the details.

import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, query } from '../internal/decorators.js';
import type { EngineState } from '../../engine/protocol/state.js';
import { baseStyles } from '../internal/base.styles.js';
import { EngineController } from '../internal/engine-controller.js';
import { engineFailure } from '../internal/engine-store.js';
import { errorNotice } from '../internal/error-notice.js';
import { formatBytes, formatNumber } from '../internal/format.js';
import { LlmElement } from '../internal/llm-element.js';
import { OnlineController } from '../internal/online.js';
import { PopoverController } from '../internal/popover.js';
import { SpeakerController } from '../internal/speaker.js';
import { inLanguageOf } from '../internal/texts.js';
import { chipKinds, chipOf, type Chip } from './chip.js';
import { chipWords } from './status.words.js';
import { statusStyles } from './status.styles.js';

/**
 * @summary A small chip that says what the assistant is doing: loading 43 %, ready, busy in another tab, device lost:
 *   reloading. A press shows the model, what it runs on, the line of requests and whether anything leaves the device.
 *
 * @tag llm-status
 *
 * @csspart base - The chip, a button.
 * @csspart dot - The mark of the state.
 * @csspart text - The words.
 * @csspart details - What a press on the chip shows.
 *
 * @cssstate connecting - The engine is being started.
 * @cssstate idle - No model is loaded.
 * @cssstate loading - A model is being loaded.
 * @cssstate paused - A download is paused.
 * @cssstate ready - A model is loaded and free.
 * @cssstate answering - This page is being answered.
 * @cssstate waiting - This page waits in line.
 * @cssstate busy - Another tab is being answered.
 * @cssstate cloud - Messages are leaving this device.
 * @cssstate recovering - Something broke and is being mended.
 * @cssstate offline - There is no network.
 * @cssstate failed - Something broke and is not mended.
 *
 * @cssprop --llm-accent - Colour of progress and focus rings.
 * @cssprop --llm-surface - Ground of the chip and the details.
 * @cssprop --llm-raised - Ground of the chip under the pointer.
 * @cssprop --llm-text - Colour of text.
 * @cssprop --llm-quiet - Colour of names and of the resting mark.
 * @cssprop --llm-line - Colour of borders.
 * @cssprop --llm-cloud - Colour that marks the cloud.
 * @cssprop --llm-danger - Colour that marks errors.
 * @cssprop --llm-radius - Radius of the details' corners.
 */
export class LlmStatus extends LlmElement {
  static override readonly styles = [baseStyles, statusStyles];

  readonly #engine = new EngineController(this, () => this.#engineChanged());
  readonly #speaker = new SpeakerController(this);
  readonly #online = new OnlineController(this);
  readonly #popover = new PopoverController(
    this,
    () => this.anchor,
    () => this.panel,
  );

  /** What was said last: each state is said once. */
  #said = '';

  /** Name of the chip for screen readers, before its words; empty for the kit's own. */
  @property() label = '';

  @query('[part=base]') private readonly anchor!: HTMLButtonElement | null;
  @query('[part=details]') private readonly panel!: HTMLElement | null;

  override render(): TemplateResult {
    const { connection, state } = this.#engine.store;
    const chip = chipOf(connection, this.#online.value);
    const error = engineFailure(connection);
    return html`<button
        type="button"
        part="base"
        data-kind=${chip.kind}
        popovertarget="details"
        aria-label=${this.label === '' ? chipWords.spoken(chip.text) : `${this.label}: ${chip.text}`}
        aria-describedby="hint"
      >
        ${renderMark(chip)}
        <span part="text"><bdi>${chip.text}</bdi></span>
      </button>
      <span class="hidden" id="hint">${chipWords.details}</span>
      <div
        id="details"
        part="details"
        popover
        role="group"
        aria-label=${chipWords.details}
        @beforetoggle=${this.#popover.toggles}
      >
        ${this.#popover.open ? this.#renderDetails(state) : nothing}
        ${this.#popover.open && error !== null ? errorNotice(error) : nothing}
      </div>
      ${this.#speaker.render()}`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    const { kind } = inLanguageOf(this, () => chipOf(this.#engine.store.connection, this.#online.value));
    this.setStates(Object.fromEntries(chipKinds.map((each) => [each, each === kind])));
  }

  #renderDetails(state: EngineState | null): TemplateResult {
    const figures = state === null ? [] : detailsOf(state);
    return html`<dl>
        ${figures.map(
          ([name, value]) =>
            html`<div>
              <dt>${name}</dt>
              <dd><bdi>${value}</bdi></dd>
            </div>`,
        )}
      </dl>
      ${state?.recovering ? html`<p class="quiet" dir="auto">${state.recovering.message}</p>` : nothing}
      ${this.#online.value ? nothing : html`<p class="quiet">${chipWords.offlineDetail}</p>`}`;
  }

  #engineChanged(): void {
    const { kind, aloud } = chipOf(this.#engine.store.connection, this.#online.value);
    // What comes and goes with every answer is not said: the chat says its own.
    if (kind === 'connecting' || kind === 'answering' || kind === 'busy') return;
    if (aloud === this.#said) return;
    const first = this.#said === '';
    this.#said = aloud;
    // The state that a page begins with is there to be read, and interrupts nobody.
    if (!first) this.#speaker.say(chipWords.spoken(aloud));
  }
}

function renderMark({ kind, progress }: Chip): TemplateResult {
  return progress === null
    ? html`<span part="dot" class="dot" data-kind=${kind} aria-hidden="true"></span>`
    : html`<progress class="ring bar" part="dot" max="1" .value=${progress} aria-hidden="true"></progress>`;
}

type Detail = readonly [name: string, value: string];

function detailsOf(state: EngineState): readonly Detail[] {
  const { status, cloud, recovering } = state;
  const model = status.kind === 'ready' ? status.model : null;
  const details: Detail[] = [];
  const name = model?.name ?? (status.kind === 'loading' ? status.modelName : chipWords.none);
  details.push([chipWords.model, name]);
  if (model !== null) {
    const where = chipWords.devices[model.device];
    details.push([chipWords.runsOn, model.deviceName === '' ? where : `${where}: ${model.deviceName}`]);
  }
  if (status.kind === 'loading' && status.totalBytes > 0) {
    const { loadedBytes, totalBytes } = status;
    details.push([chipWords.progress, chipWords.progressOf(formatBytes(loadedBytes), formatBytes(totalBytes))]);
  }
  if (recovering !== null) {
    details.push([chipWords.attempt, chipWords.attemptOf(recovering.attempt, recovering.attemptsAllowed)]);
  }
  details.push([chipWords.queue, chipWords.queueOf(state.generating.length, state.waiting.length)]);
  details.push([chipWords.tabs, formatNumber(state.tabs)]);
  details.push([chipWords.privacy, privacyOf(cloud)]);
  return details;
}

function privacyOf({ active, allowed, endpoint }: EngineState['cloud']): string {
  if (endpoint === null || !(active || allowed)) return chipWords.stays;
  return active ? chipWords.leaves(endpoint) : chipWords.mayLeave(endpoint);
}

declare global {
  interface HTMLElementTagNameMap {
    'llm-status': LlmStatus;
  }
}
