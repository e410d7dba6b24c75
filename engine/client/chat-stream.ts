// The page's end of one answer: an async iterable of OpenAI's chunks, read once. Made by Completions; knows nothing of
// how the connection was made. Leaving the loop early, `abort()` or the caller's signal stop the answer and free its
// place in the host at once. A failure after some chunks gives those chunks first and then throws the EngineError.
// An answer may take several ports, one after another, when the engine dies under it: what came is kept in mind, so that
// the next engine can go on from there, and the reader sees one answer.

import { EngineError } from '../protocol/errors.js';
import type { AnswerSoFar, ChatCompletionChunk, Provenance } from '../protocol/chat.js';
import type { StreamControl } from '../protocol/host-api.js';
import { parseStreamMessage } from '../protocol/page-messages.js';

type Waiter = { resolve(result: IteratorResult<ChatCompletionChunk, undefined>): void; reject(error: unknown): void };

export interface ChatStreamOptions {
  /** Stops the answer: the caller's signal. */
  readonly signal: AbortSignal | undefined;
  /** The place in line, 1 is next; 0 when the answer has begun. */
  readonly onPlace: (place: number) => void;
  /** What the request brought of the answer. */
  readonly resume: AnswerSoFar | undefined;
}

/** One port, from one engine's life. */
interface Leg {
  readonly port: MessagePort;
  /** Called for each message: the host lives. */
  readonly heard: () => void;
  /** It is over: the answer has ended, or (with the error) this engine's part of it. */
  readonly over: (lost: EngineError | null) => void;
  /** Sequence number of the next chunk. */
  expected: number;
}

export class ChatCompletionStream implements AsyncIterableIterator<ChatCompletionChunk, undefined> {
  #buffer: ChatCompletionChunk[] = [];
  #waiters: Waiter[] = [];
  #leg: Leg | null = null;
  #end: { readonly error: EngineError | null } | null = null;
  #place: number | null = null;
  #first: ChatCompletionChunk | null = null;
  #from: Provenance | null = null;
  #text: string;
  /** Null when a part came without them. */
  #tokenIds: number[] | null;

  constructor(private readonly options: ChatStreamOptions) {
    const { signal, resume } = options;
    this.#text = resume?.text ?? '';
    this.#tokenIds = resume !== undefined && resume.tokenIds === undefined ? null : [...(resume?.tokenIds ?? [])];
    if (signal?.aborted) this.abort();
    else signal?.addEventListener('abort', this.#stopped, { once: true });
  }

  /** Place in line, 1 is next, 0 once the answer has begun; null before the host told. */
  get place(): number | null {
    return this.#place;
  }

  /** It has ended, however it ended. */
  get ended(): boolean {
    return this.#end !== null;
  }

  /** Who answered last; null before the first part. */
  get from(): Provenance | null {
    return this.#from;
  }

  /** What of the answer is here; undefined when nothing is. */
  get soFar(): AnswerSoFar | undefined {
    const ids = this.#tokenIds;
    if (this.#text === '' && (ids === null || ids.length === 0)) return undefined;
    return { text: this.#text, ...(ids === null ? {} : { tokenIds: [...ids] }) };
  }

  /**
   * Reads the answer from this port on.
   * @param heard called for each message: the host lives
   * @returns settles when the answer has ended, however it ended
   * @throws EngineError `engine-lost` when the host says that its life ends; another may go on
   */
  async listen(port: MessagePort, heard: () => void): Promise<void> {
    if (this.#end !== null) {
      port.postMessage({ type: 'abort' } satisfies StreamControl);
      port.close();
      return;
    }
    this.interrupt();
    await new Promise<void>((resolve, reject) => {
      const over = (lost: EngineError | null): void => (lost === null ? resolve() : reject(lost));
      this.#leg = { port, heard, over, expected: 0 };
      port.addEventListener('message', this.#hear);
      port.start();
    });
  }

  /** The engine behind the port is gone: nothing more is read from it, and the readers go on waiting. */
  interrupt(): void {
    const leg = this.#leg;
    this.#leg = null;
    leg?.port.removeEventListener('message', this.#hear);
    leg?.port.close();
  }

  /** Stops the answer. A pending or later `next()` throws EngineError `aborted`. */
  abort(): void {
    if (this.#end !== null) return;
    this.#buffer = [];
    this.#leave(new EngineError('aborted', 'The answer was stopped.'));
  }

  /** Ends the iteration with an error that came from elsewhere (the host died). */
  fail(error: EngineError): void {
    this.#finish(error);
  }

  next(): Promise<IteratorResult<ChatCompletionChunk, undefined>> {
    const chunk = this.#buffer.shift();
    if (chunk) return Promise.resolve({ done: false, value: chunk });
    if (this.#end?.error) return Promise.reject(this.#end.error);
    if (this.#end) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  /** Called by `for await` when the loop is left early. */
  return(): Promise<IteratorResult<ChatCompletionChunk, undefined>> {
    this.#buffer = [];
    if (this.#end === null) this.#leave(null);
    else this.#end = { error: null };
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #stopped = (): void => this.abort();

  #hear = (event: MessageEvent): void => {
    const leg = this.#leg;
    if (leg === null || event.target !== leg.port) return; // of a life that is over
    leg.heard();
    try {
      const message = parseStreamMessage(event.data);
      if (message.type === 'queued') this.#moved(message.place);
      else if (message.type === 'started') this.#moved(0);
      else if (message.type === 'chunk') this.#take(leg, message.sequence, message.chunk);
      else if (message.type === 'error' && message.error.code === 'engine-lost') this.#lose(leg, message.error);
      else this.#finish(message.type === 'error' ? EngineError.from(message.error) : null);
    } catch (error) {
      this.#leave(EngineError.from(error));
    }
  };

  #lose(leg: Leg, error: unknown): void {
    this.interrupt();
    leg.over(EngineError.from(error));
  }

  #moved(place: number): void {
    this.#place = place;
    this.options.onPlace(place);
  }

  #take(leg: Leg, sequence: number, given: ChatCompletionChunk): void {
    if (sequence < leg.expected) return; // seen already
    if (sequence > leg.expected) {
      throw new EngineError('internal', `Part ${leg.expected} of the answer was lost on its way.`, {
        hint: 'Send the request again.',
      });
    }
    leg.expected++;
    const chunk = this.#remember(given);
    if (chunk === null) return;
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve({ done: false, value: chunk });
    else this.#buffer.push(chunk);
  }

  /** @returns the chunk as part of the one answer; null for a beginning that the reader has seen */
  #remember(chunk: ChatCompletionChunk): ChatCompletionChunk | null {
    const first = this.#first;
    const { delta } = chunk.choices[0];
    const { tokenIds, ...from } = chunk.llm;
    this.#first ??= chunk;
    this.#from = from;
    this.#text += delta.content ?? '';
    if (tokenIds !== undefined) this.#tokenIds?.push(...tokenIds);
    else if (delta.content) this.#tokenIds = null;
    if (first === null) return chunk;
    return delta.role === undefined ? { ...chunk, id: first.id, created: first.created } : null;
  }

  #leave(error: EngineError | null): void {
    const control: StreamControl = { type: 'abort' };
    this.#leg?.port.postMessage(control);
    this.#finish(error);
  }

  #finish(error: EngineError | null): void {
    if (this.#end !== null) return;
    this.#end = { error };
    this.options.signal?.removeEventListener('abort', this.#stopped);
    const leg = this.#leg;
    this.interrupt();
    for (const waiter of this.#waiters.splice(0)) {
      if (error) waiter.reject(error);
      else waiter.resolve({ done: true, value: undefined });
    }
    leg?.over(null);
  }
}
