// The conversation in its element: asks the engine and tells the page by events (which may veto). One per `<llm-chat>`; what
// is said and kept is Conversation's, what it looks like, what is read aloud of it and what a visitor does with messages
// that are there is turns/turns.ts'.

import type { ReactiveController } from 'lit';
import type { Attachment } from '../../engine/protocol/conversations.js';
import { LlmErrorEvent, LlmMessageEvent, LlmSendEvent } from '../internal/events.js';
import { Conversation } from './conversation.js';
import { toMessage, type Entry } from './entries.js';
import type { ChatParts } from './parts.js';

export class TalkController implements ReactiveController {
  /** Called before other messages take the place of these. */
  replacing: (() => void) | null = null;
  /** Called when something is asked for or other messages are shown: what could be undone cannot any more. */
  moving: (() => void) | null = null;
  readonly conversation: Conversation;
  readonly #parts: ChatParts;
  readonly #listeners = new Set<() => void>();

  constructor(parts: ChatParts) {
    const { host, engine, turns } = parts;
    this.#parts = parts;
    this.conversation = new Conversation(() => engine.store.connect(), {
      changed: () => this.#changed(),
      message: (entry) => this.#messageAdded(entry),
      error: (error) => host.dispatchEvent(new LlmErrorEvent(error)),
      toolCall: (call) => void turns.get().then((part) => part?.call(call)),
    });
    host.addController(this);
  }

  hostDisconnected(): void {
    // Nobody is left to read it; the words so far stay, should the element come back. One that is only moved in the page
    // (frameworks do, when a list is put in order) is there again at once, and its answer goes on.
    queueMicrotask(() => {
      if (!this.#parts.host.isConnected) this.conversation.stop();
    });
  }

  /** Calls back after every change of the conversation, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Other messages take the place of these. */
  replace(act: () => void): void {
    this.replacing?.();
    act();
    this.moving?.();
  }

  /**
   * The visitor sends: the page may object.
   * @param parent what it follows; absent: the newest message
   */
  request(text: string, attachments: readonly Attachment[] = [], parent?: string | null): boolean {
    const wanted = text.trim();
    if (wanted === '' && attachments.length === 0) return false;
    if (!this.#parts.host.dispatchEvent(new LlmSendEvent({ text: wanted, attachments }))) return false;
    this.#parts.host.focus({ preventScroll: true });
    return this.send(wanted, attachments, parent);
  }

  send(text: string, attachments: readonly Attachment[] = [], parent?: string | null): boolean {
    this.#asks();
    return this.conversation.send(text, this.#parts.host, attachments, parent);
  }

  again(id: string | null = null): void {
    this.#asks();
    this.conversation.regenerate(this.#parts.host, id);
  }

  proceed(): boolean {
    this.#asks();
    return this.conversation.proceed(this.#parts.host);
  }

  #asks(): void {
    this.moving?.();
    this.#parts.asks();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
    if (this.#parts.turns.part === null) this.#parts.host.requestUpdate(); // else it paints at the screen's pace
  }

  #messageAdded(entry: Exclude<Entry, { kind: 'system' }>): void {
    const { provenance = null, usage = null } = entry.kind === 'answer' ? entry : {};
    const message = toMessage(entry);
    if (message !== null) this.#parts.host.dispatchEvent(new LlmMessageEvent({ message, provenance, usage }));
  }
}
