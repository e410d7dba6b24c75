// One conversation: its messages, the request that runs, what became of each answer. `<llm-chat>` renders it and turns
// clicks into its methods; it asks the engine and knows nothing of the DOM, which makes it testable without one.
// The messages are the truth (OpenAI's shapes); an entry adds what a person wants to know of one: who wrote it, how
// fast, whether it was stopped or failed.
// What goes wrong: a failed answer keeps the text that came and its error; `retry` asks again with the same messages
// before it. An aborted answer keeps its text too. One request at a time; a second is refused by `send`'s result.

import type { ChatMessage, ToolCall } from '../../engine/protocol/chat.js';
import { EngineError, type EngineErrorShape } from '../../engine/protocol/errors.js';
import type { EngineLike } from '../internal/engine.js';
import {
  cloudOffset,
  fromMessage,
  mergeCalls,
  newAnswer,
  toMessage,
  toRequest,
  withSystemPrompt,
  type AnswerEntry,
  type ConversationSettings,
  type Entry,
  type ToolEntry,
  type UserEntry,
} from './entries.js';

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

/** Answers in a row to tool results without a word of the visitor; more is a model going in circles. */
const maximumToolRounds = 6;

export class Conversation {
  /** Oldest first. A changed entry is another object. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** A request runs. */
  get busy(): boolean {
    return this.#request !== null;
  }

  /** The conversation in OpenAI's shapes; assigning ends a running request. */
  get messages(): readonly ChatMessage[] {
    return this.#entries.flatMap((entry) => toMessage(entry) ?? []);
  }

  set messages(messages: readonly ChatMessage[]) {
    this.#abandon();
    this.#entries = messages.map((message) => fromMessage(message, this.#nextId++));
    this.#listener.changed();
  }

  readonly #engine: () => Promise<EngineLike>;
  readonly #listener: ConversationListener;
  readonly #now: () => number;
  #entries: readonly Entry[] = [];
  #nextId = 1;
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

  /** Adds the visitor's message and asks for an answer. False where one is still being written or the text is empty. */
  send(text: string, settings: ConversationSettings): boolean {
    if (this.busy || text.trim() === '') return false;
    const entry: UserEntry = { kind: 'user', id: this.#nextId++, text };
    this.#entries = [...this.#entries, entry];
    this.#toolRounds = 0;
    this.#listener.message(entry);
    void this.#ask(settings);
    return true;
  }

  /** Ends the running answer; its text so far stays. */
  stop(): void {
    this.#request?.abort();
  }

  /** Asks again for the newest answer, without what it said. */
  retry(settings: ConversationSettings): void {
    if (this.busy) return;
    const last = this.#entries.at(-1);
    if (last?.kind === 'answer') this.#entries = this.#entries.slice(0, -1);
    if (this.#entries.length > 0) void this.#ask(settings);
  }

  /** Forgets all of it; a running request is ended. */
  clear(): void {
    this.#abandon();
    this.#entries = [];
    this.#listener.changed();
  }

  /**
   * A tool's result. When every call of the newest answer has one, the model is asked to go on.
   * False where no open call has this id.
   */
  addToolResult(callId: string, text: string, settings: ConversationSettings): boolean {
    if (!this.openCalls().some(({ id }) => id === callId)) return false;
    const entry: ToolEntry = { kind: 'tool', id: this.#nextId++, callId, text };
    this.#entries = [...this.#entries, entry];
    this.#listener.message(entry);
    this.#listener.changed();
    if (this.openCalls().length === 0 && !this.busy) {
      this.#toolRounds += 1;
      if (this.#toolRounds <= maximumToolRounds) void this.#ask(settings);
    }
    return true;
  }

  /** Calls of the newest answer that have no result yet. */
  openCalls(): readonly ToolCall[] {
    const index = this.#entries.findLastIndex((entry) => entry.kind === 'answer');
    const answer = this.#entries[index];
    if (answer?.kind !== 'answer') return [];
    const since = this.#entries.slice(index + 1);
    if (since.some((entry) => entry.kind === 'user')) return [];
    return answer.toolCalls.filter(({ id }) => !since.some((entry) => entry.kind === 'tool' && entry.callId === id));
  }

  async #ask(settings: ConversationSettings): Promise<void> {
    const request = new AbortController();
    this.#request = request;
    const messages = withSystemPrompt(this.messages, settings.systemPrompt);
    const id = this.#nextId++;
    this.#entries = [...this.#entries, newAnswer(id)];
    this.#listener.changed();
    const timing = { first: 0, last: 0 };
    const current = () => this.#request === request;
    try {
      const engine = await this.#engine();
      const stream = await engine.chat.completions.create(toRequest(messages, settings), { signal: request.signal });
      for await (const chunk of stream) {
        // An abandoned answer's late chunks belong to no entry.
        if (!current()) return;
        const choice = chunk.choices[0];
        const { content = '', tool_calls: calls = [] } = choice.delta;
        if (content !== '' || calls.length > 0) {
          timing.last = this.#now();
          if (timing.first === 0) timing.first = timing.last;
        }
        this.#change(id, (answer) => ({
          ...answer,
          text: answer.text + content,
          toolCalls: calls.length === 0 ? answer.toolCalls : mergeCalls(answer.toolCalls, calls),
          status: content !== '' || calls.length > 0 ? 'streaming' : answer.status,
          provenance: chunk.llm,
          cloudFrom: cloudOffset(answer, chunk.llm, content),
          usage: chunk.usage ?? answer.usage,
          finishReason: choice.finish_reason ?? answer.finishReason,
        }));
      }
      if (!current()) return;
      this.#request = null;
      this.#finish(id, timing);
    } catch (thrown) {
      if (!current()) return;
      this.#request = null;
      this.#fail(id, request.signal.aborted ? null : EngineError.from(thrown).toShape());
    }
  }

  #finish(id: number, timing: { readonly first: number; readonly last: number }): void {
    const answer = this.#change(id, (entry) => {
      const steps = (entry.usage?.completion_tokens ?? 0) - 1;
      const seconds = (timing.last - timing.first) / 1000;
      return { ...entry, status: 'done', tokensPerSecond: steps > 3 && seconds > 0 ? steps / seconds : null };
    });
    if (answer === null) return;
    this.#listener.message(answer);
    for (const call of answer.toolCalls) this.#listener.toolCall(call);
  }

  #fail(id: number, error: EngineErrorShape | null): void {
    const answer = this.#change(id, (entry) => ({ ...entry, status: error === null ? 'stopped' : 'failed', error }));
    if (answer !== null && answer.text !== '') this.#listener.message(answer);
    if (error !== null) this.#listener.error(error);
  }

  #change(id: number, update: (answer: AnswerEntry) => AnswerEntry): AnswerEntry | null {
    let changed: AnswerEntry | null = null;
    this.#entries = this.#entries.map((entry) => {
      if (entry.kind !== 'answer' || entry.id !== id) return entry;
      changed = update(entry);
      return changed;
    });
    this.#listener.changed();
    return changed;
  }

  /** Ends the running request without a trace of it. */
  #abandon(): void {
    const request = this.#request;
    this.#request = null;
    request?.abort();
  }
}
