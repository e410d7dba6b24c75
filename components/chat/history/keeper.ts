// Keeps the conversation of a chat on this device while it goes on, and brings it back after a reload of the tab. Only
// where the site says `history` and the visitor has not said otherwise. Fetched with the chat then (rare.ts).
// It writes a moment after a change, at once when an answer is whole or the page is hidden, and before another conversation
// takes this one's place; what an unfinished answer has by then comes back with "Continue".
// When everything is erased, in whichever tab, what was said until then is never written again (after-erasing.ts).
// What goes wrong: a full disk or a missing key is told once, the chat goes on, and the next change tries again.

import type { Conversation } from '../../../engine/protocol/conversations.js';
import { EngineError } from '../../../engine/protocol/errors.js';
import type { ChatParts } from '../parts.js';
import { openRecord, recordOf } from '../record.js';
import { saidSince } from './after-erasing.js';

/** Milliseconds between a change and its writing; as much may be lost when the browser is killed. */
const pace = 800;

export class Keeper {
  readonly #parts: ChatParts;
  /** The tab's own memory of which conversation was open: a random id, nothing of its content. */
  readonly #place: string;
  readonly #ends: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** What is known to be kept of the open conversation. */
  #kept: { readonly id: string; nodes: ReadonlySet<string> } | null = null;
  /** Deleted while it was open: an answer that still runs must not bring it back. */
  #forgotten: string | null = null;
  /** Of the open conversation: messages that were there when everything was erased. */
  #erased: { readonly id: string; readonly nodes: ReadonlySet<string> } | null = null;
  /** How many erasures of which engine are known. */
  #known: { readonly hostId: string; readonly erased: number } | null = null;
  /** Erasures since this part is here. */
  #erasures = 0;
  #told = false;
  #ended = false;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    this.#place = `llm-elements.conversation.${parts.host.id}`;
    const hidden = () => {
      if (document.visibilityState === 'hidden') void this.flush(true);
    };
    document.addEventListener('visibilitychange', hidden);
    this.#ends.push(
      () => document.removeEventListener('visibilitychange', hidden),
      parts.talk.subscribe(() => this.#changed()),
      parts.engine.store.subscribe(() => this.#heed()),
    );
    this.#heed();
    parts.talk.replacing = () => void this.flush();
    // What was said while this part was on its way.
    if (parts.talk.conversation.entries.length > 0) this.#changed();
    else {
      const id = sessionStorageOf()?.getItem(this.#place) ?? null;
      if (id !== null) void this.bringBack(id);
    }
  }

  /** The visitor lets this site keep conversations. */
  get allowed(): boolean {
    return this.#parts.engine.state?.preferences.keepConversations !== false;
  }

  /**
   * Writes now what has not been written.
   * @param parting the page may be gone in a moment, and waits for nothing that is still being written
   */
  async flush(parting = false): Promise<void> {
    if (this.#timer === undefined) return this.#writing;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // As it is now: it may be replaced in the next moment.
    const record = recordOf(this.#parts.talk.conversation);
    const erasures = this.#erasures;
    const before = this.#writing;
    const write = () => this.#write(record, erasures);
    this.#writing = parting ? Promise.all([before, write()]).then(() => undefined) : before.then(write);
    await this.#writing;
  }

  /** Opens a kept conversation in the place of the one that is open. @throws EngineError */
  async open(id: string): Promise<void> {
    await this.flush();
    this.#show(await (await this.#parts.engine.store.connect()).conversations.read(id));
  }

  /** Opens what was open before a reload of this tab, or in a form that the browser restores; tells why it cannot. */
  async bringBack(id: string): Promise<void> {
    const { engine, talk } = this.#parts;
    try {
      const conversation = await (await engine.store.connect()).conversations.read(id);
      // Somebody has begun to write, or the page put messages there: that is the conversation now.
      if (!this.#ended && talk.conversation.entries.length === 0) this.#show(conversation);
    } catch (thrown) {
      const error = EngineError.from(thrown);
      this.#remember(null);
      // One that was deleted meanwhile is not missed; what else is wrong with the engine the chat says by itself.
      if (error.code === 'conversation-unreadable' || error.code === 'storage') this.#parts.fail(error);
    }
  }

  /** The open conversation was deleted from the device: what is left of it here is not written again. */
  forget(): void {
    this.#drop();
    this.#forgotten = this.#parts.talk.conversation.id;
    this.#kept = null;
    this.#remember(null);
  }

  /** It could not be deleted. */
  recall(): void {
    this.#forgotten = null;
    this.#changed();
  }

  end(): void {
    void this.flush();
    this.#ended = true;
    this.#parts.talk.replacing = null;
    for (const end of this.#ends.splice(0)) end();
  }

  #changed(): void {
    const { conversation } = this.#parts.talk;
    if (this.#ended || !this.allowed || conversation.id === this.#forgotten) return;
    if (this.#kept !== null && this.#kept.id !== conversation.id) this.#kept = null;
    if (this.#kept === null && !conversation.entries.some(({ kind }) => kind === 'user')) {
      this.#remember(null);
      return;
    }
    this.#remember(conversation.id);
    this.#timer ??= setTimeout(() => void this.flush(), pace);
    if (!conversation.busy) queueMicrotask(() => void this.flush());
  }

  /** Whether everything was erased since the last look. */
  #heed(): void {
    const { state } = this.#parts.engine;
    if (state === null) return;
    const { hostId } = state;
    const { erased } = state.changes;
    const before = this.#known?.hostId === hostId ? this.#known.erased : erased;
    this.#known = { hostId, erased };
    if (erased === before) return;
    this.#erasures++;
    this.#drop();
    this.#kept = null;
    this.#remember(null);
    const { id, thread } = this.#parts.talk.conversation;
    this.#erased = { id, nodes: new Set(thread.entries.keys()) };
  }

  async #write(whole: Conversation, erasures: number): Promise<void> {
    const { id } = whole;
    try {
      const { conversations } = await this.#parts.engine.store.connect();
      const erased = this.#erased?.id === id ? this.#erased.nodes : null;
      if (erasures < this.#erasures && erased === null) return; // it is no longer on the screen either
      const record = erased === null ? whole : saidSince(whole, erased);
      const nodes = new Set(record.nodes.map((node) => node.id));
      const before = this.#kept?.id === id ? this.#kept.nodes : new Set<string>();
      const removed = [...before].filter((node) => !nodes.has(node));
      if (nodes.size > 0) await conversations.write(record, removed);
      else if (before.size > 0) await conversations.delete(id);
      if (this.#parts.talk.conversation.id === id) this.#kept = { id, nodes };
      this.#told = false;
    } catch (thrown) {
      const error = EngineError.from(thrown);
      // The visitor switched it off, or the engine is gone and another one comes: the next change tries again.
      const silent = error.code === 'consent-required' || error.code === 'engine-lost' || error.code === 'aborted';
      if (!this.#told && !silent && !this.#ended) this.#parts.fail(error);
      this.#told = !silent;
    }
  }

  #show(conversation: Conversation): void {
    const { talk, turns } = this.#parts;
    talk.replace(() => openRecord(talk.conversation, conversation));
    this.#drop();
    this.#know(conversation);
    turns.part?.follow.latest();
  }

  #know({ id, nodes }: Conversation): void {
    this.#forgotten = null;
    this.#kept = { id, nodes: new Set(nodes.map((node) => node.id)) };
    this.#remember(id);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #remember(id: string | null): void {
    if (id === null) sessionStorageOf()?.removeItem(this.#place);
    else sessionStorageOf()?.setItem(this.#place, id);
  }
}

/** Some browsers throw where a page may keep nothing. */
function sessionStorageOf(): Storage | null {
  try {
    return globalThis.sessionStorage;
  } catch {
    return null;
  }
}
