// Fetching with manners: every failure is an EngineError that names the address, nothing waits for ever, nothing reads
// more than it was told to expect. Called by http-source.ts and pack/; it knows nothing of formats.
// What goes wrong: see `failure` for statuses; a server that sends nothing for `stallMilliseconds` is given up.

import { EngineError, type EngineErrorCode } from '../protocol/errors.js';
import { allocate, checkSignal } from './byte-source.js';

export type Fetch = typeof globalThis.fetch;

/** A server that sends nothing for this long is taken for dead. */
const stallMilliseconds = 30_000;

export interface HttpContext {
  readonly fetch: Fetch;
  readonly signal?: AbortSignal | undefined;
  /** For tests; {@link stallMilliseconds} when absent. */
  readonly stallMilliseconds?: number;
}

/** The context for `fetch` and `signal` as a caller may have given them. */
export const httpContext = (options: { readonly fetch?: Fetch; readonly signal?: AbortSignal }): HttpContext => ({
  fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
  signal: options.signal,
});

/** A refusal by status, for whoever decides whether to ask again. */
export class HttpError extends EngineError {
  constructor(
    code: EngineErrorCode,
    message: string,
    hint: string,
    readonly status: number,
    /** Seconds the server asks to be left alone, null when it says nothing. */
    readonly retryAfter: number | null = null,
  ) {
    super(code, message, { hint });
  }
}

/** An answer whose body can still be stopped. */
export interface Answer {
  readonly response: Response;
  /** Ends the transfer; safe to call twice. Called by whoever asked, however it ends. */
  readonly stop: () => void;
}

/**
 * @returns an answer with a 2xx status
 * @throws EngineError `model-not-found` (404, 410), `network`, `aborted`
 */
export async function request(url: string, init: RequestInit, context: HttpContext): Promise<Answer> {
  const { signal } = context;
  checkSignal(signal);
  const stopper = new AbortController();
  const stop = (): void => {
    signal?.removeEventListener('abort', stop);
    stopper.abort();
  };
  signal?.addEventListener('abort', stop);
  try {
    const pending = context.fetch(url, { ...init, signal: stopper.signal });
    const response = await withinTime(pending, url, context);
    if (!response.ok) throw failure(url, response);
    return { response, stop };
  } catch (thrown) {
    stop();
    throw asNetworkError(thrown, url, signal);
  }
}

/**
 * Reads a body of exactly `expected` bytes into one array made beforehand.
 * @param onBytes told the bytes of each arriving chunk
 * @throws EngineError `model-invalid` (longer or shorter), `network`, `aborted`
 */
export async function readExactly(
  answer: Answer,
  url: string,
  expected: number,
  context: HttpContext,
  onBytes?: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocate(expected, url);
  let filled = 0;
  for await (const chunk of bodyChunks(answer, url, context)) {
    if (filled + chunk.length > expected) throw wrongLength(url, `more than the ${expected} bytes expected`);
    bytes.set(chunk, filled);
    filled += chunk.length;
    onBytes?.(chunk.length);
  }
  if (filled < expected) throw wrongLength(url, `${filled} bytes where ${expected} were expected`);
  return bytes;
}

/**
 * Reads a body of unknown length.
 * @param atEnd what to do beyond `limit`: refuse the body, or take its first `limit` bytes
 * @throws EngineError `model-invalid` (beyond the limit), `network`, `aborted`
 */
export async function readUpTo(
  answer: Answer,
  url: string,
  limit: number,
  context: HttpContext,
  atEnd: 'refuse' | 'cut' = 'refuse',
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bodyChunks(answer, url, context)) {
    const part = chunk.subarray(0, limit - length);
    parts.push(part);
    length += part.length;
    if (part.length < chunk.length && atEnd === 'refuse') throw wrongLength(url, `more than ${limit} bytes`);
    if (length === limit && atEnd === 'cut') break;
  }
  const bytes = new Uint8Array(length);
  let filled = 0;
  for (const part of parts) {
    bytes.set(part, filled);
    filled += part.length;
  }
  return bytes;
}

/** The chunks of a body. However the loop ends, the transfer is over afterwards. */
export async function* bodyChunks(
  answer: Answer,
  url: string,
  context: HttpContext,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { response, stop } = answer;
  try {
    if (response.body === null) return;
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await withinTime(reader.read(), url, context);
      if (done) return;
      yield value;
    }
  } catch (thrown) {
    throw asNetworkError(thrown, url, context.signal);
  } finally {
    stop();
  }
}

async function withinTime<T>(work: Promise<T>, url: string, context: HttpContext): Promise<T> {
  const wait = context.stallMilliseconds ?? stallMilliseconds;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new EngineError('network', `${url} sent nothing for ${Math.round(wait / 1000)} seconds.`, {
          hint: 'Check the connection and try again.',
        }),
      );
    }, wait);
  });
  try {
    return await Promise.race([work, stalled]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined); // The loser of the race may still fail, and nobody listens then.
  }
}

function asNetworkError(thrown: unknown, url: string, signal: AbortSignal | undefined): EngineError {
  if (signal?.aborted) return new EngineError('aborted', 'Loading the model was stopped.', { cause: thrown });
  if (thrown instanceof EngineError) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return new EngineError('network', `${url} could not be fetched: ${why}.`, {
    cause: thrown,
    hint: 'Check the connection and the address. A server of another origin must allow this page by CORS headers.',
  });
}

function failure(url: string, response: Response): EngineError {
  const { status } = response;
  const error = (code: EngineErrorCode, message: string, hint: string): HttpError =>
    new HttpError(code, message, hint, status, retryAfter(response));
  if (status === 404 || status === 410) {
    return error('model-not-found', `There is nothing at ${url} (HTTP ${status}).`, 'Check the address of the model.');
  }
  if (status === 401 || status === 403) {
    const hint = 'The server asks for a permission that this page does not have.';
    return error('network', `${url} may not be read from here (HTTP ${status}).`, hint);
  }
  if (status === 416) {
    const hint = 'The file on the server is truncated. Publish it again.';
    return error('model-invalid', `${url} is empty, or shorter than it was (HTTP 416).`, hint);
  }
  const wait = response.headers.get('retry-after');
  const later = wait === null ? 'Try again later.' : `Try again after ${wait.slice(0, 40)} (the server's Retry-After).`;
  const hint = status === 429 || status >= 500 ? later : 'Check the address of the model.';
  return error('network', `${url} answered with HTTP ${status}.`, hint);
}

/** Retry-After (RFC 9110, 10.2.3): seconds, or a date. */
function retryAfter(response: Response): number | null {
  const text = response.headers.get('retry-after');
  if (text === null) return null;
  const seconds = /^\d{1,9}$/.test(text.trim()) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

const wrongLength = (url: string, what: string): EngineError =>
  new EngineError('model-invalid', `${url} has a wrong length: ${what}.`, {
    hint: 'The transfer broke off or the file on the server is not the one that was published. Try again.',
  });
