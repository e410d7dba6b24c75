// `<llm-chat>`: the conversation as a person sees it. What it is made of is parts.ts; here is what a page and a form see of
// it, and where each part stands on the screen. The engine comes from the provider above or is the page's default: it knows
// no worker and no model, only requests and states. What goes wrong is shown in the engine's plain words, told as
// `llm-error`, and can be tried again.

import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property } from '../internal/decorators.js';
import type { ChatMessage } from '../../engine/protocol/chat.js';
import { baseStyles } from '../internal/base.styles.js';
import { engineFailure } from '../internal/engine-store.js';
import { LlmStateChangeEvent } from '../internal/events.js';
import { words } from '../internal/words.js';
import { ChatSettings } from './chat-settings.js';
import { chatStyles } from './chat.styles.js';
import type { Entry } from './entries.js';
import { formValue } from './form.js';
import { renderHeader, renderWelcome } from './frame.js';
import { chatKey } from './keys.js';
import { renderLog, renderPlain } from './log.js';
import { ChatParts } from './parts.js';
import { statusLine } from './status.js';

/**
 * @summary A chat with the model of the page's engine: answers stream in, can be stopped and tried again; who wrote
 *   them (this device or the cloud) is said under each. The model loads with the first message.
 *
 * Size it with CSS (`width`, `height`); it uses the page's font and follows its `color-scheme`.
 *
 * @tag llm-chat
 *
 * @slot welcome - What an empty chat shows above the suggestions, instead of the `welcome` text.
 * @slot suggestions - Buttons of the page in an empty chat; each sends its `value`, or its words.
 * @slot header - Beside the "New chat" button: a title, a logo.
 * @slot footer - Under the field: a note on what the assistant is for.
 *
 * @event {LlmSendEvent} llm-send - The visitor sends a message; `preventDefault()` keeps it from being sent.
 * @event {LlmAttachEvent} llm-attach - Files are put to a message; `preventDefault()` keeps them out.
 * @event {LlmDeleteEvent} llm-delete - A message is deleted with what follows it; `preventDefault()` keeps it.
 * @event {LlmExportEvent} llm-export - The conversation is saved as a file; `preventDefault()` keeps the browser from it.
 * @event {LlmMessageEvent} llm-message - A message was added or an answer is whole.
 * @event {LlmErrorEvent} llm-error - Something failed; `detail` has `code`, `message` and `hint`.
 * @event {LlmToolCallEvent} llm-tool-call - The answer calls a tool; hand its result to the event's `respondWith`.
 * @event {LlmStateChangeEvent} llm-state-change - The engine's state changed; `detail` is the new state. Does not bubble.
 *
 * @cssstate busy - An answer is being written or waited for.
 * @cssstate empty - Nobody has said anything.
 * @cssstate error - The newest answer or the engine failed.
 * @cssstate offline - The network is gone, and something waits for it.
 * @cssstate cloud - The cloud is answering.
 * @cssstate disabled - Nothing can be written.
 *
 * @csspart base - The whole.
 * @csspart header - The line on top with the engine's status.
 * @csspart messages - The scrolling list of messages.
 * @csspart message - Each message; also `user-message` or `assistant-message`.
 * @csspart user-message - Each message of the visitor.
 * @csspart assistant-message - Each answer.
 * @csspart meta - The line under an answer: who wrote it, how fast.
 * @csspart code - Each block of code.
 * @csspart tool-call - Each card of a tool call.
 * @csspart suggestion - Each suggestion button.
 * @csspart cloud-switch - The switch for the cloud, where the site set an endpoint.
 * @csspart error - Each error notice.
 * @csspart composer - The form with field and button.
 * @csspart input - The field.
 * @csspart send-button - The button that sends and stops.
 * @csspart attach-button - The button for files.
 * @csspart attachments - The files that wait in the composer.
 * @csspart attachment - Each of these files.
 * @csspart attachment-problems - Why a file was not taken.
 * @csspart dictate-button - The button for dictating.
 * @csspart menu - What is behind the button with the dots.
 * @csspart versions - The switch between versions of a message.
 * @csspart editor - The field of a message that is changed.
 * @csspart undo - The way back after a deletion.
 * @csspart meter - How full the context is.
 * @csspart dialog - The dialog with conversations or shortcuts.
 *
 * @cssprop --llm-accent - Colour of buttons, links and focus rings.
 * @cssprop --llm-on-accent - Colour of what stands on the accent colour.
 * @cssprop --llm-surface - Ground of the element.
 * @cssprop --llm-raised - Ground of code, cards and hovered buttons.
 * @cssprop --llm-text - Colour of text.
 * @cssprop --llm-quiet - Colour of secondary text.
 * @cssprop --llm-line - Colour of borders.
 * @cssprop --llm-cloud - Colour that marks what the cloud wrote.
 * @cssprop --llm-danger - Colour that marks errors.
 * @cssprop --llm-radius - Radius of the corners.
 * @cssprop --llm-font-mono - Font of code.
 */
export class LlmChat extends ChatSettings {
  /** It takes part in forms: see `name` and `form-value`. */
  static readonly formAssociated = true;
  static override readonly styles = [baseStyles, chatStyles];

  readonly #parts = new ChatParts(this, () => this.#engineChanged());
  #told: unknown = null;
  /** What was said of the engine. */
  #aloud = '';
  #loads: number | undefined;
  /** A form around it is disabled. */
  #disabledByForm = false;

  constructor() {
    super();
    this.#parts.talk.subscribe(() => this.#talkChanged());
  }

  /** The conversation in OpenAI's shapes. Assigning replaces it and ends a running answer. */
  // A Lit property, so that what a page assigns before the element is defined is not lost.
  @property({ attribute: false })
  get messages(): readonly ChatMessage[] {
    return this.#parts.talk.conversation.messages;
  }

  set messages(messages: readonly ChatMessage[]) {
    this.#parts.talk.replace(() => (this.#parts.talk.conversation.messages = messages));
  }

  /** An answer is being written or waited for. */
  get busy(): boolean {
    return this.#parts.talk.conversation.busy;
  }

  /** The form it belongs to. */
  get form(): HTMLFormElement | null {
    return this.internals.form;
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has('formValue') || changed.has('history')) this.#talkChanged();
    if (changed.has('autoload') && this.autoload) void this.#parts.troubles.autoload();
    if (changed.has('history') && (this.history || changed.get('history') === true))
      this.#parts.rare.historyChanged(this.history);
    if (this.#parts.talk.conversation.entries.length > 0) this.#parts.turns.want();
    const { connection, state: engine } = this.#parts.engine.store;
    this.setStates({
      busy: this.busy,
      empty: this.#parts.talk.conversation.entries.length === 0,
      error: engineFailure(connection) !== null || this.#failed,
      offline: engine?.recovering?.cause === 'offline',
      cloud: engine?.cloud.active === true,
      disabled: this.#off,
    });
  }

  formDisabledCallback(disabled: boolean): void {
    this.#disabledByForm = disabled;
    this.requestUpdate();
  }

  formResetCallback(): void {
    this.newChat();
  }

  /** @param state the id of a kept conversation */
  formStateRestoreCallback(state: unknown): void {
    if (typeof state === 'string' && state !== '' && this.history) void this.#parts.rare.restore(state);
  }

  get #off(): boolean {
    return this.disabled || this.#disabledByForm;
  }

  /** The newest answer failed. */
  get #failed(): boolean {
    const last = this.#parts.talk.conversation.entries.at(-1);
    return last?.kind === 'answer' && last.status === 'failed';
  }

  /** For a form, and for the meter: not while an answer grows. */
  #talkChanged(): void {
    if (this.busy) return;
    const { id, messages } = this.#parts.talk.conversation;
    const last = messages.at(-1);
    // What else says it sentence by sentence is not here.
    if (this.#parts.turns.failed && last?.role === 'assistant') this.#parts.speaker.say(last.content ?? '');
    this.internals.setFormValue(formValue(messages, this.formValue), this.history ? id : '');
    this.#parts.draftChanged();
  }

  /** For buttons that vanish with what they do: the focus goes to the field. Calls from the page move no focus. */
  #refocus(act: () => void): void {
    act();
    this.focus({ preventScroll: true });
  }

  #engineChanged(): void {
    const { connection, state: engineState } = this.#parts.engine.store;
    const { aloud } = statusLine(connection, this.busy);
    // A model that was ready before the page opened is no news.
    if (aloud !== this.#aloud && (this.#aloud !== '' || engineState?.status.kind !== 'ready'))
      this.#parts.speaker.say(aloud);
    this.#aloud = aloud;
    this.#parts.troubles.engineChanged(this.busy);
    // Another model reads more or less, and counts otherwise.
    if (engineState?.loads !== this.#loads) this.#parts.draftChanged();
    this.#loads = engineState?.loads;
    if (engineState !== null && engineState !== this.#told) {
      this.#told = engineState;
      this.dispatchEvent(new LlmStateChangeEvent(engineState, false));
    }
  }

  /** Sends `text` as if the visitor had written it. False where an answer is being written or the text is empty. */
  send(text: string): boolean {
    return this.#parts.talk.send(text);
  }

  /** Ends the running answer; what came of it stays. */
  stop(): void {
    this.#parts.talk.conversation.stop();
  }

  /** Asks for the newest answer again; what it said stays beside the new one. */
  retry(): void {
    this.#parts.talk.again();
  }

  /** Has the newest answer go on where it broke off. False where it did not. */
  proceed(): boolean {
    return this.#parts.talk.proceed();
  }

  /** Forgets the conversation and starts anew. */
  newChat(): void {
    this.#parts.troubles.forget();
    this.#parts.talk.replace(() => this.#parts.talk.conversation.open());
    this.#parts.speaker.cancel();
    this.#parts.speaker.say(() => words.chat.started);
  }

  /** Hands in a tool's result by the id of its call. False where no open call has this id. */
  addToolResult(id: string, result: string): boolean {
    return this.#parts.talk.conversation.addToolResult(id, result, this);
  }

  /** Puts the focus into the field. */
  override focus(options?: FocusOptions): void {
    this.#parts.composer.field?.focus(options);
  }

  override render(): TemplateResult {
    const { entries, busy } = this.#parts.talk.conversation;
    const last = entries.at(-1);
    const waiting = last?.kind === 'answer' && last.status === 'waiting';
    const status = statusLine(this.#parts.engine.store.connection, waiting);
    const rare = this.#parts.rare;
    const turns = this.#parts.turns.part;
    const keys = (event: KeyboardEvent) =>
      chatKey(event, { busy, stop: () => this.stop(), list: () => void rare.openShortcuts() });
    return html`<div class="frame" part="base" @keydown=${keys} @dragover=${rare.drag} @drop=${rare.drag}>
      ${renderHeader({
        status,
        waiting,
        newChat: entries.length === 0 ? null : () => this.#refocus(() => this.newChat()),
        history: this.history ? () => void rare.openHistory() : null,
        menu: rare.menu,
      })}
      ${renderLog(
        this.label || words.chat.conversation,
        turns?.follow,
        entries.length === 0
          ? this.#renderWelcome()
          : (turns?.renderEntries(entries, status, this.#off) ?? renderPlain(entries, this.#parts.turns.failed)),
      )}
      ${this.#renderTroubles(last)} ${turns?.renderUndo()}
      ${this.#parts.composer.render({ disabled: this.#off, placeholder: this.placeholder })}
      ${entries.length === 0 ? nothing : turns?.meter.render()} ${rare.renderCloudSwitch()}
      <slot name="footer"></slot>
      ${rare.attachments.part?.renderDrop()} ${this.#parts.speaker.render()} ${rare.dialog.part?.render()}
    </div>`;
  }

  #renderWelcome(): TemplateResult {
    const { welcome, suggestions } = this;
    const cloudAllowed = this.#parts.engine.state?.cloud.allowed === true;
    const ask = (text: string) => this.#off || this.#parts.talk.request(text);
    return renderWelcome({ welcome, suggestions, cloudAllowed, disabled: this.#off, ask });
  }

  /** What no answer shows; while one is asked for, its own failure is told instead. */
  #renderTroubles(last: Entry | undefined): unknown {
    const shown = last?.kind === 'answer' && last.status === 'failed';
    const notice = shown || this.busy ? nothing : this.#parts.troubles.render();
    return notice === nothing ? nothing : html`<div class="failure">${notice}</div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'llm-chat': LlmChat;
  }
}
