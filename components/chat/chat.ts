// `<llm-chat>`: the conversation as a person sees it. It holds a Conversation (conversation.ts) and renders it; the
// engine comes from the provider above or is the page's default. It knows no worker and no model, only requests and
// states. What goes wrong is shown in the engine's plain words, told as `llm-error`, and can be tried again.

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { ChatMessage, Tool, ToolCall } from '../../engine/protocol/chat.js';
import { EngineError, type EngineErrorShape } from '../../engine/protocol/errors.js';
import { baseStyles } from '../internal/base.styles.js';
import { EngineController } from '../internal/engine-controller.js';
import { engineFailure } from '../internal/engine-store.js';
import { errorNotice } from '../internal/error-notice.js';
import {
  LlmErrorEvent,
  LlmMessageEvent,
  LlmSendEvent,
  LlmStateChangeEvent,
  LlmToolCallEvent,
} from '../internal/events.js';
import { downIcon } from '../internal/icons.js';
import { markdownStyles } from '../internal/markdown/markdown.styles.js';
import { MarkdownStream } from '../internal/markdown/stream.js';
import { listOfText } from '../internal/list-of-text.js';
import { words } from '../internal/words.js';
import { chatStyles } from './chat.styles.js';
import { fit, renderComposer } from './composer.js';
import { Conversation } from './conversation.js';
import { toMessage, type AnswerEntry, type ConversationSettings, type Entry } from './entries.js';
import { FollowController } from './follow.js';
import { renderCloudSwitch, renderHeader, renderWelcome } from './frame.js';
import { parseArguments, renderEntry, unchangeable } from './message.js';
import { messageStyles } from './message.styles.js';
import { Narrator } from './narrator.js';
import { SpeakerController } from '../internal/speaker.js';
import { statusLine, type StatusLine } from './status.js';
import { toolResultText } from './tool-result.js';

/** Milliseconds between two renders of a growing answer. */
const frame = 16;

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
export class LlmChat extends LitElement {
  static override readonly styles = [baseStyles, markdownStyles, messageStyles, chatStyles];

  readonly #engine = new EngineController(this, () => this.#engineChanged());
  readonly #follow = new FollowController(this, () => this.scroller);
  readonly #speaker = new SpeakerController(this);

  @query('textarea') private readonly field!: HTMLTextAreaElement | null;
  @query('.scroller') private readonly scroller!: HTMLElement | null;

  /** The field holds something to send. */
  @state() private filled = false;
  /** A failure of a load or a connection that no answer shows. */
  @state() private failure: EngineErrorShape | null = null;

  readonly #conversation = new Conversation(() => this.#engine.store.connect(), {
    changed: () => this.#conversationChanged(),
    message: (entry) => this.#messageAdded(entry),
    error: (error) => this.dispatchEvent(new LlmErrorEvent(error)),
    toolCall: (call) => this.#toolCalled(call),
  });
  readonly #streams = new Map<number, MarkdownStream>();
  readonly #narrator = new Narrator(this.#speaker, (answer) => this.#markdown(answer));
  #told: unknown = null;
  #toldError: EngineErrorShape | null = null;
  #painted = 0;
  #paint: ReturnType<typeof setTimeout> | undefined;

  /** Instructions for the model, put before the conversation. */
  @property({ attribute: 'system-prompt' }) systemPrompt = '';

  /** What an empty chat says. */
  @property() welcome = '';

  /** Messages offered in an empty chat; in the attribute separated by "|". */
  @property({ converter: listOfText }) suggestions: readonly string[] = [];

  /** Hint in the empty field. */
  @property() placeholder: string = words.chat.placeholder;

  /** Name of the conversation for screen readers. */
  @property() label: string = words.chat.conversation;

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
    return this.#conversation.messages;
  }

  set messages(messages: readonly ChatMessage[]) {
    this.#streams.clear();
    this.#conversation.messages = messages;
  }

  /** An answer is being written or waited for. */
  get busy(): boolean {
    return this.#conversation.busy;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#paint);
    this.#paint = undefined;
    // Nobody is left to read it; the words so far stay, should the element be moved.
    this.#conversation.stop();
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has('autoload') && this.autoload) void this.#autoload();
  }

  #settings(): ConversationSettings {
    const { systemPrompt, tools, temperature, maxTokens } = this;
    return { systemPrompt, tools, temperature, maxTokens };
  }

  /** For buttons that vanish with what they do: the focus goes to the field. Calls from the page move no focus. */
  #refocus(act: () => void): void {
    act();
    this.focus({ preventScroll: true });
  }

  #submit(): void {
    const { field } = this;
    if (field === null || this.#conversation.busy || !this.#request(field.value)) return;
    field.value = '';
    this.filled = false;
    fit(field);
  }

  /** Sends unless the page objects. */
  #request(text: string): boolean {
    const wanted = text.trim();
    if (wanted === '' || !this.dispatchEvent(new LlmSendEvent({ text: wanted }))) return false;
    this.focus({ preventScroll: true });
    return this.send(wanted);
  }

  async #autoload(): Promise<void> {
    try {
      const engine = await this.#engine.store.connect();
      // Another tab's model is not ours to replace.
      if (engine.state.status.kind === 'idle') await this.#load();
    } catch {
      // The store's state says so and is shown.
    }
  }

  async #load(): Promise<void> {
    this.failure = null;
    try {
      await this.#engine.store.load();
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code === 'aborted') return;
      // What the engine's state tells, too, is told once: by #engineChanged.
      const told = engineFailure(this.#engine.store.connection);
      if (told?.message !== error.message) this.#fail(error.toShape());
    }
  }

  async #allowCloud(allowed: boolean): Promise<void> {
    this.failure = null;
    try {
      await this.#engine.store.allowCloud(allowed);
    } catch (thrown) {
      this.#fail(EngineError.from(thrown).toShape());
    }
    // The switch shows the state again, whatever was clicked.
    this.requestUpdate();
  }

  /** A failure that belongs to no answer: shown, said, told to the page. */
  #fail(error: EngineErrorShape): void {
    this.failure = error;
    this.#speaker.say(`${error.message} ${error.hint}`);
    this.dispatchEvent(new LlmErrorEvent(error));
  }

  /** The engine failed by itself. Most often another is there in a moment: only what lasts is said. */
  #engineFailed(error: EngineErrorShape): void {
    this.#speaker.sayLater(() => {
      const lasting = engineFailure(this.#engine.store.connection);
      return lasting === null ? '' : `${lasting.message} ${lasting.hint}`;
    });
    this.dispatchEvent(new LlmErrorEvent(error));
  }

  async #copy(text: string): Promise<boolean> {
    try {
      await navigator.clipboard.writeText(text);
      this.#speaker.say(words.code.copied);
      return true;
    } catch {
      this.#speaker.say(words.code.copyFailed);
      return false;
    }
  }

  #markdown(answer: AnswerEntry): MarkdownStream {
    let stream = this.#streams.get(answer.id);
    if (stream === undefined) {
      stream = new MarkdownStream();
      this.#streams.set(answer.id, stream);
    }
    return stream;
  }

  #newestAnswer(): AnswerEntry | null {
    return this.#conversation.entries.findLast((entry) => entry.kind === 'answer') ?? null;
  }

  #conversationChanged(): void {
    const last = this.#conversation.entries.at(-1);
    if (last?.kind === 'answer') this.#narrator.answerChanged(last, () => this.#newestAnswer());
    this.#repaint();
  }

  /** Renders at once, but not more often than the screen does while tokens pour in. Works in hidden tabs too. */
  #repaint(): void {
    if (this.#paint !== undefined) return;
    const since = performance.now() - this.#painted;
    this.#paint = setTimeout(
      () => {
        this.#paint = undefined;
        this.#painted = performance.now();
        this.requestUpdate();
      },
      Math.max(0, frame - since),
    );
  }

  #messageAdded(entry: Exclude<Entry, { kind: 'system' }>): void {
    const answer = entry.kind === 'answer' ? entry : null;
    const message = toMessage(entry);
    if (message === null) return;
    this.dispatchEvent(
      new LlmMessageEvent({ message, provenance: answer?.provenance ?? null, usage: answer?.usage ?? null }),
    );
  }

  #toolCalled(call: ToolCall): void {
    const detail = {
      id: call.id,
      name: call.function.name,
      arguments: parseArguments(call),
      argumentsText: call.function.arguments,
    };
    const respond = async (result: Promise<unknown>) => {
      this.addToolResult(call.id, await toolResultText(result, words.chat.toolFailed));
    };
    this.dispatchEvent(new LlmToolCallEvent(detail, (result) => void respond(result)));
  }

  #engineChanged(): void {
    const { connection, state: engineState } = this.#engine.store;
    this.#narrator.statusChanged(statusLine(connection, this.busy), engineState?.status.kind === 'ready');
    const error = engineFailure(connection);
    // While an answer is asked for, its failure is told instead.
    const known = error === this.#toldError || error?.message === this.failure?.message;
    if (error !== null && !known && !this.busy) this.#engineFailed(error);
    this.#toldError = error;
    if (engineState !== null && engineState !== this.#told) {
      this.#told = engineState;
      this.dispatchEvent(new LlmStateChangeEvent(engineState, false));
    }
  }

  /** Sends `text` as if the visitor had written it. False where an answer is being written or the text is empty. */
  send(text: string): boolean {
    this.failure = null;
    this.#follow.latest();
    return this.#conversation.send(text, this.#settings());
  }

  /** Ends the running answer; what came of it stays. */
  stop(): void {
    this.#conversation.stop();
  }

  /** Asks for the newest answer again. */
  retry(): void {
    this.failure = null;
    this.#conversation.retry(this.#settings());
  }

  /** Forgets the conversation and starts anew. */
  newChat(): void {
    this.#streams.clear();
    this.failure = null;
    this.#conversation.clear();
    this.#narrator.newChat();
  }

  /** Hands in a tool's result by the id of its call. False where no open call has this id. */
  addToolResult(id: string, result: string): boolean {
    return this.#conversation.addToolResult(id, result, this.#settings());
  }

  /** Puts the focus into the field. */
  override focus(options?: FocusOptions): void {
    this.field?.focus(options);
  }

  override render(): TemplateResult {
    const { entries, busy } = this.#conversation;
    const last = entries.at(-1);
    const waiting = last?.kind === 'answer' && last.status === 'waiting';
    const status = statusLine(this.#engine.store.connection, waiting);
    return html`<div class="frame" part="base">
      ${renderHeader(status, waiting, entries.length === 0 ? null : () => this.#refocus(() => this.newChat()))}
      <div class="middle">
        <div
          class="scroller"
          part="messages"
          role="log"
          aria-live="off"
          aria-label=${this.label}
          tabindex="0"
          @scroll=${this.#follow.scrolled}
        >
          ${entries.length === 0 ? this.#renderWelcome() : this.#renderEntries(entries, status)}
        </div>
        ${
          this.#follow.following
            ? nothing
            : html`<button
                type="button"
                class="latest"
                aria-label=${words.chat.jumpToLatest}
                title=${words.chat.jumpToLatest}
                @click=${this.#follow.latest}
              >
                ${downIcon()}
              </button>`
        }
      </div>
      ${this.#renderFailure(last)}
      ${renderComposer({
        busy,
        placeholder: this.placeholder,
        filled: this.filled,
        input: (field) => (this.filled = field.value.trim() !== ''),
        submit: () => this.#submit(),
        stop: () => this.stop(),
      })}
      ${renderCloudSwitch({ cloud: this.#engine.state?.cloud, change: (allowed) => void this.#allowCloud(allowed) })}
      <slot name="footer"></slot>
      ${this.#speaker.render()}
    </div>`;
  }

  #renderWelcome(): TemplateResult {
    const { welcome, suggestions } = this;
    const cloudAllowed = this.#engine.state?.cloud.allowed === true;
    return renderWelcome({ welcome, suggestions, cloudAllowed, ask: (text) => this.#request(text) });
  }

  #renderEntries(entries: readonly Entry[], status: StatusLine): unknown {
    const results = new Map(
      entries.flatMap((entry) => (entry.kind === 'tool' ? [[entry.callId, entry] as const] : [])),
    );
    const context = {
      markdown: (answer: AnswerEntry) => this.#markdown(answer),
      results,
      last: entries.at(-1),
      status,
      modelName: (id: string) => this.#modelName(id),
      copy: (text: string) => this.#copy(text),
      retry: () => this.#refocus(() => this.retry()),
    };
    return html`<div class="messages">
      ${repeat(
        entries,
        ({ id }) => id,
        (entry) => renderEntry(entry, context),
      )}
    </div>`;
  }

  #modelName(id: string): string {
    const { state: engineState } = this.#engine;
    if (engineState === null) return id;
    const { models, status } = engineState;
    // A model named by its address is in no catalogue; while it is loaded the engine knows its name.
    const loaded = status.kind === 'ready' && status.model.id === id ? status.model.name : id;
    return models.find((model) => model.id === id)?.name ?? loaded;
  }

  #renderFailure(last: Entry | undefined): unknown {
    const error = this.failure ?? engineFailure(this.#engine.store.connection);
    // The answer that failed shows it already.
    const shown = last?.kind === 'answer' && last.status === 'failed';
    if (error === null || shown || this.busy) return nothing;
    return html`<div class="failure">
      ${errorNotice(
        error,
        unchangeable.has(error.code) ? undefined : { label: words.chat.retry, run: () => void this.#load() },
      )}
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'llm-chat': LlmChat;
  }
}
