// One conversation: its messages, the request that runs, what became of each answer. `<llm-chat>` renders it and turns
// clicks into its methods; it asks the engine and knows nothing of the DOM, which makes it testable without one.
// The messages are the truth (OpenAI's shapes); an entry adds what a person wants to know of one: who wrote it, how
// fast, whether it was stopped or failed. They stand on one tree (thread.ts): nothing is overwritten, an edited question
// and an answer asked for again are branches; `entries` is the line that is shown. What a visitor does to the tree beside
// talking (turns/thread-changes.ts) comes in through `change`, what was kept (record.ts) through `open`.
// What goes wrong: a failed answer keeps the text that came and its error; `regenerate` asks again, `proceed` has the
// model go on where it broke off. An aborted answer keeps its text too. One request at a time; a second is refused.

import type { ChatMessage, ToolCall } from '../../engine/protocol/chat.js';
import type { Attachment } from '../../engine/protocol/conversations.js';
import { EngineError, type EngineErrorShape } from '../../engine/protocol/errors.js';
import type { EngineLike } from '../internal/engine.js';
import {
  canContinue,
  fromMessage,
  newAnswer,
  toMessage,
  withSystemPrompt,
  type AnswerEntry,
  type ConversationSettings,
  type Entry,
  type ToolEntry,
  type UserEntry,
} from './entries.js';
import { partMissing } from './lazy.js';
import { Thread } from './thread.js';

/** What the element hears of: each is called after the entries changed. */
export interface ConversationListener {
  /** Anything changed that is shown. */
  changed(): void;
  /** A message was added or an answer is whole. */
  message(entry: UserEntry | AnswerEntry | ToolEntry): void;
  error(error: EngineErrorShape): void;
  /** The whole answer calls this tool. */
  toolCall(call: ToolCall): void;
}

/** What a conversation is called and when it began. */
export interface ConversationFacts {
  readonly id: string;
  /** Given by the visitor; '' where nobody named it. */
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** Answers in a row to tool results without a word of the visitor; more is a model going in circles. */
const maximumToolRounds = 6;

export class Conversation {
  /** The line that is shown, oldest first. A changed entry is another object. */
  get entries(): readonly Entry[] {
    return this.#thread.line;
  }

  /** A request runs. */
  get busy(): boolean {
    return this.#request !== null;
  }

  /** Unique among all that are kept; another one after `clear` and after other messages were assigned. */
  get id(): string {
    return this.#facts.id;
  }

  /** What it is called and when it began. */
  get facts(): ConversationFacts {
    return this.#facts;
  }

  /** To read; changed through `change`. */
  get thread(): Thread {
    return this.#thread;
  }

  /** The line that is shown, in OpenAI's shapes; assigning ends a running request. */
  get messages(): readonly ChatMessage[] {
    return messagesOf(this.entries);
  }

  set messages(messages: readonly ChatMessage[]) {
    const thread = new Thread();
    for (const message of messages) thread.add(fromMessage(message, place()));
    this.open(thread);
  }

  readonly #engine: () => Promise<EngineLike>;
  readonly #listener: ConversationListener;
  readonly #now: () => number;
  #facts = newFacts();
  #thread = new Thread();
  #request: AbortController | null = null;
  #toolRounds = 0;

  /**
   * @param engine the engine to ask, connecting where needed
   * @param now a clock in milliseconds that never goes back
   */
  constructor(engine: () => Promise<EngineLike>, listener: ConversationListener, now = () => performance.now()) {
    this.#engine = engine;
    this.#listener = listener;
    this.#now = now;
  }

  /**
   * Adds the visitor's message and asks for an answer. False where one is still being written or it is empty.
   * @param parent what it follows; absent: the newest message
   */
  send(
    text: string,
    settings: ConversationSettings,
    attachments: readonly Attachment[] = [],
    parent?: string | null,
  ): boolean {
    if (this.busy || (text.trim() === '' && attachments.length === 0)) return false;
    const entry: UserEntry = { kind: 'user', ...place(), text, attachments };
    this.#thread.add(entry, parent);
    this.#toolRounds = 0;
    this.#listener.message(entry);
    void this.#ask(settings);
    return true;
  }

  /** Ends the running answer; its text so far stays. */
  stop(): void {
    this.#request?.abort();
  }

  /** Asks for an answer again (the newest, where none is named); what it said stays beside the new one. */
  regenerate(settings: ConversationSettings, id: string | null = null): void {
    if (this.busy) return;
    const entry = id === null ? this.entries.at(-1) : this.#thread.entries.get(id);
    if (entry === undefined) return;
    if (entry.kind !== 'answer') return void this.#ask(settings, entry.id);
    const parent = this.#thread.parentOf(entry.id);
    if (parent === null) return; // nobody asked for it: the page put it there
    this.#toolRounds = 0;
    // What said nothing, at the end, is no version worth going back to: the new answer takes its place.
    const nothing = entry.text === '' && entry.toolCalls.length === 0 && entry === this.entries.at(-1);
    void (nothing ? this.#run(settings, newAnswer(entry), false) : this.#ask(settings, parent));
  }

  /** Has the newest answer go on where it broke off. False where it did not. */
  proceed(settings: ConversationSettings): boolean {
    const last = this.entries.at(-1);
    if (this.busy || last?.kind !== 'answer' || !canContinue(last)) return false;
    void this.#run(settings, last);
    return true;
  }

  /** Changes what stands where; null, and nothing changes, while an answer is written. */
  change<Result>(act: (thread: Thread) => Result): Result | null {
    if (this.busy) return null;
    const result = act(this.#thread);
    this.#listener.changed();
    return result;
  }

  /** Gives it a name; '' for none. */
  rename(title: string): void {
    this.#facts = { ...this.#facts, title };
  }

  /** Goes on with other messages, none at first; a running request is ended without a trace. What is kept stays kept. */
  open(thread = new Thread(), facts = newFacts()): void {
    const request = this.#request;
    this.#request = null;
    request?.abort();
    this.#thread = thread;
    this.#facts = facts;
    this.#toolRounds = 0;
    this.#listener.changed();
  }

  /**
   * A tool's result. When every call of the newest answer has one, the model is asked to go on.
   * False where no open call has this id.
   */
  addToolResult(callId: string, text: string, settings: ConversationSettings): boolean {
    if (!this.openCalls().some(({ id }) => id === callId)) return false;
    this.#listener.message(this.#thread.add({ kind: 'tool', ...place(), callId, text }));
    this.#listener.changed();
    if (this.openCalls().length === 0 && !this.busy) {
      this.#toolRounds += 1;
      if (this.#toolRounds <= maximumToolRounds) void this.#ask(settings);
    }
    return true;
  }

  /** Calls of the newest answer that have no result yet. */
  openCalls(): readonly ToolCall[] {
    const index = this.entries.findLastIndex((entry) => entry.kind === 'answer');
    const answer = this.entries[index];
    if (answer?.kind !== 'answer') return [];
    const since = this.entries.slice(index + 1);
    if (since.some((entry) => entry.kind === 'user')) return [];
    return answer.toolCalls.filter(({ id }) => !since.some((entry) => entry.kind === 'tool' && entry.callId === id));
  }

  /** Asks for an answer to the message, the newest where none is named. */
  #ask(settings: ConversationSettings, to?: string): Promise<void> {
    return this.#run(settings, this.#thread.add(newAnswer(place()), to), false);
  }

  /** @param resumed the answer goes on with the text that it has */
  async #run(settings: ConversationSettings, answer: AnswerEntry, resumed = true): Promise<void> {
    const request = new AbortController();
    this.#request = request;
    const { id } = answer;
    const current = () => this.#request === request;
    const before = this.entries.slice(
      0,
      this.entries.findIndex((entry) => entry.id === id),
    );
    const messages = withSystemPrompt(messagesOf(before), settings.systemPrompt);
    this.#thread.change(id, () => ({ ...answer, status: 'waiting', error: null, finishReason: null }));
    this.#listener.changed();
    try {
      const [{ ask }, engine] = await Promise.all([import('./ask.js').catch(partMissing), this.#engine()]);
      const rate = await ask(engine, {
        messages,
        settings,
        before: resumed ? answer : null,
        signal: request.signal,
        now: this.#now,
        take: (update) => {
          // An abandoned answer's late chunks belong to no entry.
          if (!current()) return false;
          this.#thread.change(id, update);
          this.#listener.changed();
          return true;
        },
      });
      if (current()) this.#ended(id, { status: 'done', tokensPerSecond: rate });
    } catch (thrown) {
      const stopped = { status: 'stopped' } as const;
      if (current())
        this.#ended(
          id,
          request.signal.aborted ? stopped : { status: 'failed', error: EngineError.from(thrown).toShape() },
        );
    }
  }

  #ended(id: string, end: Partial<AnswerEntry> & { readonly status: 'done' | 'stopped' | 'failed' }): void {
    this.#request = null;
    const answer = this.#thread.change(id, (entry) => ({ ...entry, ...end }));
    this.#listener.changed();
    if (answer === null) return;
    const { status, text, error, toolCalls } = answer;
    if (status === 'done' || text !== '') this.#listener.message(answer);
    if (error !== null) this.#listener.error(error);
    if (status === 'done') for (const call of toolCalls) this.#listener.toolCall(call);
  }
}

const newFacts = (): ConversationFacts => ({ id: newId(), title: '', created: Date.now() });

/** Of a new message. */
const place = () => ({ id: newId(), created: Date.now() });

const messagesOf = (line: readonly Entry[]): ChatMessage[] => line.flatMap((entry) => toMessage(entry) ?? []);

/** 96 random bits; `crypto.randomUUID` is missing on pages that are not secure. */
function newId(): string {
  return [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join('-');
}
