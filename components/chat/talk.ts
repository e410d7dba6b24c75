// The conversation in its element: asks the engine, keeps what is drawn of each answer, speaks, tells the page by events
// (which may veto), and moves the focus when a button goes with what it did. One per `<llm-chat>`; what is said and kept is
// Conversation's, what it looks like is for the templates.

import type { ReactiveController } from 'lit';
import type { Attachment } from '../../engine/protocol/conversations.js';
import type { EngineController } from '../internal/engine-controller.js';
import { LlmDeleteEvent, LlmErrorEvent, LlmMessageEvent, LlmSendEvent } from '../internal/events.js';
import type { LlmElement } from '../internal/llm-element.js';
import { MarkdownStream } from '../internal/markdown/stream.js';
import type { SpeakerController } from '../internal/speaker.js';
import { words } from '../internal/words.js';
import type { MessageActions } from './actions.js';
import { Conversation } from './conversation.js';
import { copyText } from './copy.js';
import { toMessage, type AnswerEntry, type ConversationSettings, type Entry } from './entries.js';
import { Narrator } from './narrator.js';
import { PaintController } from './paint.js';
import type { Deleted } from './thread.js';
import { toolCallEvent } from './tool-result.js';

export interface TalkParts {
  readonly engine: EngineController;
  readonly speaker: SpeakerController;
  readonly settings: () => ConversationSettings;
  /** Something is asked for: what failed before is of no interest, and the end of the log is. */
  readonly asks: () => void;
}

export class TalkController implements ReactiveController {
  /** Whose words the visitor is changing. */
  editing: string | null = null;
  /** What can be put back. */
  deleted: { readonly piece: Deleted; readonly count: number } | null = null;
  /** Called before other messages take the place of these. */
  replacing: (() => void) | null = null;
  readonly conversation: Conversation;
  readonly narrator: Narrator;
  readonly #host: LlmElement;
  readonly #parts: TalkParts;
  readonly #streams = new Map<string, MarkdownStream>();
  readonly #paint: PaintController;
  readonly #listeners = new Set<() => void>();

  constructor(host: LlmElement, parts: TalkParts) {
    this.#host = host;
    this.#parts = parts;
    this.#paint = new PaintController(host);
    this.narrator = new Narrator(parts.speaker, (answer) => this.markdown(answer));
    this.conversation = new Conversation(() => parts.engine.store.connect(), {
      changed: () => this.#changed(),
      message: (entry) => this.#messageAdded(entry),
      error: (error) => host.dispatchEvent(new LlmErrorEvent(error)),
      toolCall: (call) =>
        host.dispatchEvent(
          toolCallEvent(call, (text) => this.conversation.addToolResult(call.id, text, parts.settings())),
        ),
    });
    host.addController(this);
  }

  hostDisconnected(): void {
    // Nobody is left to read it; the words so far stay, should the element be moved.
    this.conversation.stop();
  }

  /** Calls back after every change of the conversation, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What is drawn of an answer, kept from one render to the next. */
  markdown(answer: AnswerEntry): MarkdownStream {
    let stream = this.#streams.get(answer.id);
    if (stream === undefined) {
      stream = new MarkdownStream();
      this.#streams.set(answer.id, stream);
    }
    return stream;
  }

  /** Other messages take the place of these: what was drawn of them goes. */
  replace(act: () => void): void {
    this.replacing?.();
    this.#streams.clear();
    this.editing = null;
    this.deleted = null;
    act();
  }

  /** The visitor sends: the page may object. */
  request(text: string, attachments: readonly Attachment[] = []): boolean {
    const wanted = text.trim();
    if (wanted === '' && attachments.length === 0) return false;
    if (!this.#host.dispatchEvent(new LlmSendEvent({ text: wanted, attachments }))) return false;
    this.#host.focus({ preventScroll: true });
    return this.send(wanted, attachments);
  }

  send(text: string, attachments: readonly Attachment[] = []): boolean {
    this.#asks();
    return this.conversation.send(text, this.#parts.settings(), attachments);
  }

  again(id: string | null = null): void {
    this.#asks();
    this.conversation.regenerate(this.#parts.settings(), id);
  }

  proceed(): boolean {
    this.#asks();
    return this.conversation.proceed(this.#parts.settings());
  }

  /** Puts back what was deleted last. */
  undo(): void {
    if (this.deleted === null) return;
    const { piece } = this.deleted;
    this.deleted = null;
    this.conversation.putBack(piece);
    this.#parts.speaker.say(() => words.chat.putBack);
    this.#host.requestUpdate();
    this.#focusAction(piece.cut.id, 'delete');
  }

  readonly actions: MessageActions = {
    copy: (text) => copyText(text, this.#parts.speaker),
    edit: (id) => {
      this.editing = id;
      this.#host.requestUpdate();
      this.#focus(`[data-entry="${id}"] textarea`);
    },
    cancelEdit: (id) => {
      this.editing = null;
      this.#host.requestUpdate();
      this.#focusAction(id, 'edit');
    },
    submitEdit: (id, text) => this.#submitEdit(id, text),
    delete: (id) => this.#delete(id),
    again: (id) => {
      this.again(id);
      this.#host.focus({ preventScroll: true });
    },
    proceed: () => {
      this.proceed();
      this.#host.focus({ preventScroll: true });
    },
    turn: (id, step) => {
      const siblings = this.conversation.siblings(id);
      const place = siblings.indexOf(id) + step;
      const other = siblings[place];
      if (other === undefined) return;
      this.conversation.show(other);
      this.#parts.speaker.say(() => words.chat.version(place + 1, siblings.length));
      this.#focusAction(other, step < 0 ? 'earlier' : 'later');
    },
  };

  #submitEdit(id: string, text: string): boolean {
    const entry = this.conversation.entries.find((one) => one.id === id);
    const wanted = text.trim();
    if (entry?.kind !== 'user' || (wanted === '' && entry.attachments.length === 0)) return false;
    if (!this.#host.dispatchEvent(new LlmSendEvent({ text: wanted, attachments: entry.attachments }))) return false;
    this.editing = null;
    this.#asks();
    const sent = this.conversation.edit(id, wanted, this.#parts.settings());
    this.#host.requestUpdate();
    this.#host.focus({ preventScroll: true });
    return sent;
  }

  #delete(id: string): void {
    const entry = this.conversation.entries.find((one) => one.id === id);
    if (entry === undefined || this.conversation.busy) return;
    const count = this.conversation.following(id);
    const message = toMessage(entry) ?? { role: 'assistant', content: null };
    if (!this.#host.dispatchEvent(new LlmDeleteEvent({ message, count }))) return;
    const piece = this.conversation.delete(id);
    if (piece === null) return;
    this.deleted = { piece, count };
    this.#parts.speaker.say(() => words.chat.deleted(count));
    this.#host.requestUpdate();
    this.#focus('.undo button');
  }

  #asks(): void {
    this.deleted = null;
    this.#parts.asks();
  }

  #newestAnswer(): AnswerEntry | null {
    return this.conversation.entries.findLast((entry) => entry.kind === 'answer') ?? null;
  }

  #changed(): void {
    const last = this.conversation.entries.at(-1);
    if (last?.kind === 'answer') this.narrator.answerChanged(last, () => this.#newestAnswer());
    for (const listener of this.#listeners) listener();
    this.#paint.soon();
  }

  #messageAdded(entry: Exclude<Entry, { kind: 'system' }>): void {
    const answer = entry.kind === 'answer' ? entry : null;
    const message = toMessage(entry);
    if (message === null) return;
    const detail = { message, provenance: answer?.provenance ?? null, usage: answer?.usage ?? null };
    this.#host.dispatchEvent(new LlmMessageEvent(detail));
  }

  /** The button of this name at a message, else the field: a button that went must not take the focus with it. */
  #focusAction(id: string, name: string): void {
    this.#focus(`[data-entry="${id}"] [data-action=${name}]`);
  }

  #focus(selector: string): void {
    void this.#host.updateComplete.then(() => {
      const found = this.#host.shadowRoot?.querySelector<HTMLElement>(selector) ?? this.#host;
      found.focus({ preventScroll: found === this.#host });
    });
  }
}
