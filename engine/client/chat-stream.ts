// The page's end of one answer: an async iterable of OpenAI's chunks, read once. Made by Completions; knows nothing of
// how the connection was made. Leaving the loop early, `abort()` or the caller's signal stop the answer and free its
// place in the host at once. A failure after some chunks gives those chunks first and then throws the EngineError.

import { EngineError } from '../protocol/errors.js';
import type { ChatCompletionChunk } from '../protocol/chat.js';
import type { StreamControl } from '../protocol/host-api.js';
import { parseStreamMessage } from '../protocol/page-messages.js';

type Waiter = { resolve(result: IteratorResult<ChatCompletionChunk, undefined>): void; reject(error: unknown): void };

export interface ChatStreamOptions {
  readonly port: MessagePort;
  /** Stops the answer: the caller's signal. */
  readonly signal: AbortSignal | undefined;
  /** Called for each message: the host lives. */
  readonly onHeard: () => void;
  /** The place in line, 1 is next; 0 when the answer has begun. */
  readonly onPlace: (place: number) => void;
}

export class ChatCompletionStream implements AsyncIterableIterator<ChatCompletionChunk, undefined> {
  /** Settles when the answer has ended, however it ended. */
  readonly finished: Promise<void>;
  #buffer: ChatCompletionChunk[] = [];
  #waiters: Waiter[] = [];
  #expected = 0;
  #end: { readonly error: EngineError | null } | null = null;
  #place: number | null = null;
  #settleFinished: () => void = () => undefined;

  constructor(private readonly options: ChatStreamOptions) {
    this.finished = new Promise((resolve) => {
      this.#settleFinished = resolve;
    });
    const { port, signal } = options;
    port.addEventListener('message', this.#hear);
    port.start();
    if (signal?.aborted) this.abort();
    else signal?.addEventListener('abort', this.#stopped, { once: true });
  }

  /** Place in line, 1 is next, 0 once the answer has begun; null before the host told. */
  get place(): number | null {
    return this.#place;
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
    this.options.onHeard();
    try {
      const message = parseStreamMessage(event.data);
      if (message.type === 'queued') this.#moved(message.place);
      else if (message.type === 'started') this.#moved(0);
      else if (message.type === 'chunk') this.#take(message.sequence, message.chunk);
      else this.#finish(message.type === 'error' ? EngineError.from(message.error) : null);
    } catch (error) {
      this.#leave(EngineError.from(error));
    }
  };

  #moved(place: number): void {
    this.#place = place;
    this.options.onPlace(place);
  }

  #take(sequence: number, chunk: ChatCompletionChunk): void {
    if (sequence < this.#expected) return; // seen already
    if (sequence > this.#expected) {
      throw new EngineError('internal', `Part ${this.#expected} of the answer was lost on its way.`, {
        hint: 'Send the request again.',
      });
    }
    this.#expected++;
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve({ done: false, value: chunk });
    else this.#buffer.push(chunk);
  }

  #leave(error: EngineError | null): void {
    const control: StreamControl = { type: 'abort' };
    this.options.port.postMessage(control);
    this.#finish(error);
  }

  #finish(error: EngineError | null): void {
    if (this.#end !== null) return;
    this.#end = { error };
    this.options.port.removeEventListener('message', this.#hear);
    this.options.signal?.removeEventListener('abort', this.#stopped);
    this.options.port.close();
    for (const waiter of this.#waiters.splice(0)) {
      if (error) waiter.reject(error);
      else waiter.resolve({ done: true, value: undefined });
    }
    this.#settleFinished();
  }
}
