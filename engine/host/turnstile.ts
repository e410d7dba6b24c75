// One at a time, first come, first served: answers, loads and unloads never overlap, because they share one decoder
// and one memory. Called by AnswerLine and ModelSlot. Who waits can give up by its signal and is then never run.

import { EngineError } from '../protocol/errors.js';

export class Turnstile {
  #last: Promise<void> = Promise.resolve();

  /**
   * Runs `task` when everything before it has ended, however that ended.
   * @throws what the task throws, or EngineError `aborted` when the signal came before its turn
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last;
    let leave = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      leave = resolve;
    });
    // Whoever comes later waits for those before us as well, even if we give up early.
    this.#last = before.then(() => gone);
    try {
      await Promise.race([before, rejectOnAbort(signal)]);
      signal?.throwIfAborted();
      return await task();
    } finally {
      leave();
    }
  }
}

/** Never resolves; rejects with the signal's reason as an EngineError. */
export function rejectOnAbort(signal: AbortSignal | undefined): Promise<never> {
  const promise = new Promise<never>((_resolve, reject) => {
    if (!signal) return;
    const fail = (): void => reject(EngineError.from(signal.reason));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
  promise.catch(() => undefined); // it may lose its race and reject later, unheard: that is no failure
  return promise;
}
