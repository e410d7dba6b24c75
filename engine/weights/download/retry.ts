// When to ask a server again, and after how long: exponential backoff with full jitter (each wait is random below its
// bound, so that many visitors do not return at once), the server's Retry-After where it gives one. Clock and chance are
// passed in. Called by download-file.ts and the remote sources. It knows nothing of files.
// Asked again: lost connections, stalls, 408, 429 and 5xx. Never: what the server refuses or what is wrong for good.

import { EngineError } from '../../protocol/errors.js';
import { HttpError } from '../http.js';

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** @throws the signal's reason */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, milliseconds);
      signal?.addEventListener('abort', stop, { once: true });
    }),
};

/** Tries without any progress, after which a transfer is given up. */
const triesAllowed = 5;
const firstBound = 500;
const lastBound = 30_000;
/** A server that asks for more than this is given up at once, with its word for it in the error. Seconds. */
const longestRetryAfter = 60;

const retried = new Set([408, 425, 429]);

export function mayRetry(thrown: unknown): boolean {
  if (thrown instanceof HttpError) return retried.has(thrown.status) || thrown.status >= 500;
  return thrown instanceof EngineError && thrown.code === 'network';
}

/**
 * Runs `attempt` until it succeeds, fails for good, or fails too often in a row without progress.
 * @param attempt tells progress by calling its argument, which begins the count anew
 * @throws what the last attempt threw
 */
export async function withRetry<T>(
  attempt: (progressed: () => void) => Promise<T>,
  clock: Clock,
  signal?: AbortSignal,
  tries = triesAllowed,
): Promise<T> {
  for (let failures = 0; ;) {
    try {
      return await attempt(() => {
        failures = 0;
      });
    } catch (thrown) {
      failures++;
      const asked = thrown instanceof HttpError ? thrown.retryAfter : null;
      if (signal?.aborted || failures >= tries || !mayRetry(thrown) || (asked ?? 0) > longestRetryAfter) throw thrown;
      const bound = Math.min(lastBound, firstBound * 2 ** (failures - 1));
      // Not sooner than the server said; a little later, so that not all come at that very second.
      await clock.sleep((asked ?? 0) * 1000 + clock.random() * bound, signal);
    }
  }
}
