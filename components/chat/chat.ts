// `<llm-chat>`: the conversation as a person sees it. It holds a Conversation (conversation.ts) and renders it; the
// engine comes from the provider above or is the page's default. It knows no worker and no model, only requests and
// states. What goes wrong is shown in the engine's plain words, told as `llm-error`, and can be tried again.

import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, query, state } from 'lit/decorators.js';
import type { ChatMessage, Tool } from '../../engine/protocol/chat.js';
import { baseStyles } from '../internal/base.styles.js';
import { EngineController } from '../internal/engine-controller.js';
import { LlmStateChangeEvent } from '../internal/events.js';
import { LlmElement } from '../internal/llm-element.js';
import { markdownStyles } from '../internal/markdown/markdown.styles.js';
import { listOfText } from '../internal/list-of-text.js';
import { SpeakerController } from '../internal/speaker.js';
import { languageTag } from '../internal/texts.js';
import { words } from '../internal/words.js';
import { chatStyles } from './chat.styles.js';
import { fit, renderComposer } from './composer.js';
import type { Entry } from './entries.js';
import { FollowController } from './follow.js';
import { renderCloudSwitch, renderHeader, renderUndo, renderWelcome } from './frame.js';
import { modelName, renderEntries, renderLog } from './log.js';
import { messageStyles } from './message.styles.js';
import { statusLine, type StatusLine } from './status.js';
import { TalkController } from './talk.js';
import { turnStyles } from './turn.styles.js';
import { Troubles } from './troubles.js';

const noExtras = () => nothing;

/**
 * @summary A chat with the model of the page's engine: answers stream in, can be stopped and tried again; who wrote
 *   them (this device or the cloud) is said under each. The model loads with the first message.
 *
 * Size it with CSS (`width`, `height`); it uses the page's font and follows its `color-scheme`.
 *
 * @tag llm-chat
 *
 * @slot welcome - What an empty chat shows above the suggestions, instead of the `welcome` text.
 * @slot header - Beside the "New chat" button: a title, a logo.
 * @slot footer - Under the field: a note on what the assistant is for.
 *
 * @event {LlmSendEvent} llm-send - The visitor sends a message; `preventDefault()` keeps it from being sent.
 * @event {LlmMessageEvent} llm-message - A message was added or an answer is whole.
 * @event {LlmErrorEvent} llm-error - Something failed; `detail` has `code`, `message` and `hint`.
 * @event {LlmToolCallEvent} llm-tool-call - The answer calls a tool; hand its result to the event's `respondWith`.
 * @event {LlmStateChangeEvent} llm-state-change - The engine's state changed; `detail` is the new state. Does not bubble.
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
export class LlmChat extends LlmElement {
  static override readonly styles = [baseStyles, markdownStyles, messageStyles, turnStyles, chatStyles];

  readonly #engine = new EngineController(this, () => this.#engineChanged());
  readonly #follow = new FollowController(this, () => this.scroller);
  readonly #speaker = new SpeakerController(this);
  readonly #troubles = new Troubles(this, () => this.#engine.store, this.#speaker);
  readonly #talk = new TalkController(this, {
    engine: this.#engine,
    speaker: this.#speaker,
    settings: () => this,
    asks: () => {
      this.#troubles.forget();
      this.#follow.latest();
    },
  });

  @query('.composer textarea') private readonly field!: HTMLTextAreaElement | null;
  @query('.scroller') private readonly scroller!: HTMLElement | null;

  /** The field holds something to send. */
  @state() private filled = false;

  #told: unknown = null;

  /** Instructions for the model, put before the conversation. */
  @property({ attribute: 'system-prompt' }) systemPrompt = '';

  /** What an empty chat says. */
  @property() welcome = '';

  /** Messages offered in an empty chat; in the attribute separated by "|". */
  @property({ converter: listOfText }) suggestions: readonly string[] = [];

  /** Hint in the empty field. */
  @property() placeholder = '';

  /** Name of the conversation for screen readers. */
  @property() label = '';

  /** Loads the model at once instead of with the first message. */
  @property({ type: Boolean }) autoload = false;

  /** 0 answers the same every time; null leaves it to the model's default. */
  @property({ type: Number }) temperature: number | null = null;

  /** Longest answer in tokens; null leaves it to the engine. */
  @property({ type: Number, attribute: 'max-tokens' }) maxTokens: number | null = null;

  /** Tools of the page that the model may call, in OpenAI's shape. */
  @property({ attribute: false }) tools: readonly Tool[] = [];

  /** The conversation in OpenAI's shapes. Assigning replaces it and ends a running answer. */
  // A Lit property, so that what a page assigns before the element is defined is not lost.
  @property({ attribute: false })
  get messages(): readonly ChatMessage[] {
    return this.#talk.conversation.messages;
  }

  set messages(messages: readonly ChatMessage[]) {
    this.#talk.replace(() => (this.#talk.conversation.messages = messages));
  }

  /** An answer is being written or waited for. */
  get busy(): boolean {
    return this.#talk.conversation.busy;
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has('autoload') && this.autoload) void this.#troubles.autoload();
  }

  /** For buttons that vanish with what they do: the focus goes to the field. Calls from the page move no focus. */
  #refocus(act: () => void): void {
    act();
    this.focus({ preventScroll: true });
  }

  #submit(): void {
    const { field } = this;
    if (field === null || this.busy || !this.#talk.request(field.value)) return;
    field.value = '';
    this.filled = false;
    fit(field);
  }

  #engineChanged(): void {
    const { connection, state: engineState } = this.#engine.store;
    this.#talk.narrator.statusChanged(statusLine(connection, this.busy), engineState?.status.kind === 'ready');
    this.#troubles.engineChanged(this.busy);
    if (engineState !== null && engineState !== this.#told) {
      this.#told = engineState;
      this.dispatchEvent(new LlmStateChangeEvent(engineState, false));
    }
  }

  /** Sends `text` as if the visitor had written it. False where an answer is being written or the text is empty. */
  send(text: string): boolean {
    return this.#talk.send(text);
  }

  /** Ends the running answer; what came of it stays. */
  stop(): void {
    this.#talk.conversation.stop();
  }

  /** Asks for the newest answer again; what it said stays beside the new one. */
  retry(): void {
    this.#talk.again();
  }

  /** Has the newest answer go on where it broke off. False where it did not. */
  proceed(): boolean {
    return this.#talk.proceed();
  }

  /** Forgets the conversation and starts anew. */
  newChat(): void {
    this.#troubles.forget();
    this.#talk.replace(() => this.#talk.conversation.clear());
    this.#talk.narrator.newChat();
  }

  /** Hands in a tool's result by the id of its call. False where no open call has this id. */
  addToolResult(id: string, result: string): boolean {
    return this.#talk.conversation.addToolResult(id, result, this);
  }

  /** Puts the focus into the field. */
  override focus(options?: FocusOptions): void {
    this.field?.focus(options);
  }

  override render(): TemplateResult {
    const { entries, busy } = this.#talk.conversation;
    const { deleted } = this.#talk;
    const last = entries.at(-1);
    const waiting = last?.kind === 'answer' && last.status === 'waiting';
    const status = statusLine(this.#engine.store.connection, waiting);
    return html`<div class="frame" part="base">
      ${renderHeader(status, waiting, entries.length === 0 ? null : () => this.#refocus(() => this.newChat()))}
      ${renderLog({
        label: this.label || words.chat.conversation,
        follow: this.#follow,
        content: entries.length === 0 ? this.#renderWelcome() : this.#renderEntries(entries, status),
      })}
      ${this.#renderTroubles(last)} ${deleted === null ? nothing : renderUndo(deleted.count, () => this.#talk.undo())}
      ${renderComposer({
        busy,
        placeholder: this.placeholder || words.chat.placeholder,
        filled: this.filled,
        input: (field) => (this.filled = field.value.trim() !== ''),
        submit: () => this.#submit(),
        stop: () => this.stop(),
      })}
      ${renderCloudSwitch({ cloud: this.#engine.state?.cloud, change: (allowed) => void this.#troubles.allowCloud(allowed) })}
      <slot name="footer"></slot>
      ${this.#speaker.render()}
    </div>`;
  }

  #renderWelcome(): TemplateResult {
    const { welcome, suggestions } = this;
    const cloudAllowed = this.#engine.state?.cloud.allowed === true;
    return renderWelcome({ welcome, suggestions, cloudAllowed, ask: (text) => this.#talk.request(text) });
  }

  #renderEntries(entries: readonly Entry[], status: StatusLine): TemplateResult {
    const { conversation, editing, actions } = this.#talk;
    return renderEntries(entries, {
      markdown: (answer) => this.#talk.markdown(answer),
      status,
      busy: conversation.busy,
      editing,
      actions,
      siblings: (id) => conversation.siblings(id),
      language: languageTag(),
      modelName: (id) => modelName(this.#engine.state, id),
      extras: noExtras,
    });
  }

  /** What no answer shows; while one is asked for, its own failure is told instead. */
  #renderTroubles(last: Entry | undefined): unknown {
    const shown = last?.kind === 'answer' && last.status === 'failed';
    const notice = shown || this.busy ? nothing : this.#troubles.render();
    return notice === nothing ? nothing : html`<div class="failure">${notice}</div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'llm-chat': LlmChat;
  }
}
