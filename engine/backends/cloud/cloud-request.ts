// Sends one request to the endpoint and gives its event stream, trying again while nothing has come back: 429 and 5xx
// answers and broken connections, with growing pauses or the server's Retry-After (RFC 9110, 10.2.3). Called by the
// cloud backend. Never sends cookies, a referrer or anything but the body, never follows a redirect (it would carry the
// conversation elsewhere). The body of an error answer is not read: it may quote the question or a key.

import { EngineError } from '../../protocol/errors.js';

export interface CloudEnvironment {
  readonly fetch: typeof globalThis.fetch;
  /** Rejects with the signal's reason when that is aborted. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  /** Milliseconds since 1970, for Retry-After dates. */
  readonly now: () => number;
  /** Milliseconds for the answer's head to come, and between its parts. */
  readonly stallTimeout: number;
}

const attempts = 3;
const firstPause = 500;
/** A server that asks for more patience than this, in milliseconds, gets an error for the visitor instead. */
const longestPause = 20_000;

/** @throws EngineError `cloud-failed` (with the status), `network`, `aborted` */
export async function openCloudStream(
  url: string,
  body: unknown,
  signal: AbortSignal,
  environment: CloudEnvironment,
): Promise<ReadableStream<Uint8Array>> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await sendOnce(url, body, signal, environment);
    if (outcome.kind === 'stream') return outcome.body;
    const pause = outcome.retryAfter ?? firstPause * 2 ** (attempt - 1) * (1 + environment.random());
    if (!outcome.again || attempt === attempts || pause > longestPause) throw outcome.error;
    await environment.pause(pause, signal);
  }
}

type Outcome =
  | { readonly kind: 'stream'; readonly body: ReadableStream<Uint8Array> }
  | {
      readonly kind: 'failed';
      readonly error: EngineError;
      readonly again: boolean;
      /** Milliseconds, null when the server did not say. */
      readonly retryAfter: number | null;
    };

async function sendOnce(
  url: string,
  body: unknown,
  signal: AbortSignal,
  environment: CloudEnvironment,
): Promise<Outcome> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), environment.stallTimeout);
  let response: Response;
  try {
    response = await environment.fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body: JSON.stringify(body),
      // The deadline ends with the head; the visitor's stop lasts as long as the body.
      signal: AbortSignal.any([signal, late.signal]),
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      redirect: 'error',
      cache: 'no-store',
    });
  } catch (error) {
    if (signal.aborted) throw EngineError.from(signal.reason);
    return broken(new URL(url).host, late.signal.aborted, error);
  } finally {
    clearTimeout(timer);
  }
  return judge(response, environment.now);
}

function broken(host: string, late: boolean, cause: unknown): Outcome {
  const message = late ? `The cloud (${host}) did not answer in time.` : `The cloud (${host}) could not be reached.`;
  const hint = 'Check the connection, or have this device answer.';
  const error = new EngineError('network', message, { hint, cause });
  return { kind: 'failed', error, again: !late, retryAfter: null };
}

function judge(response: Response, now: () => number): Outcome {
  const type = response.headers.get('Content-Type') ?? '';
  if (response.ok && response.body !== null && /^text\/event-stream\b/i.test(type)) {
    return { kind: 'stream', body: response.body };
  }
  response.body?.cancel().catch(() => undefined); // not read; a broken connection is as good
  if (response.ok) {
    const shown = type === '' ? 'something without a type' : type.slice(0, 100);
    const error = new EngineError('cloud-failed', `The cloud answered with ${shown} in place of an event stream.`, {
      hint: 'The owner of this site should check the address of the endpoint.',
    });
    return { kind: 'failed', error, again: false, retryAfter: null };
  }
  const { status } = response;
  const error = new EngineError('cloud-failed', `The cloud ${meaning(status)} (HTTP ${status}).`, {
    hint:
      status === 429 || status >= 500
        ? 'Try again in a while, or have this device answer.'
        : 'The owner of this site should check the endpoint.',
  });
  return {
    kind: 'failed',
    error,
    again: status === 429 || status >= 500,
    retryAfter: retryAfter(response.headers.get('Retry-After'), now),
  };
}

function meaning(status: number): string {
  if (status === 401 || status === 403) return 'does not let this site in';
  if (status === 404) return 'has nothing at this address';
  if (status === 429) return 'has too many requests';
  return status >= 500 ? 'has trouble of its own' : 'refused the request';
}

/** @returns milliseconds; null when absent or unreadable */
export function retryAfter(header: string | null, now: () => number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now());
}
