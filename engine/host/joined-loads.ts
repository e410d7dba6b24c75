// Loads under way, joined by what they load: whoever wants the same thing waits for the same work, and the work is
// broken off when nobody waits any more. Called by ModelSlot; knows nothing of models.

import { EngineError } from '../protocol/errors.js';

export interface JoinedLoad<T> {
  /** Settles when the work ends, whoever did it. */
  readonly result: Promise<T>;
  /** Aborted when the last who waited has left. */
  readonly signal: AbortSignal;
  /** Aborted when the work begins. */
  readonly taken: AbortSignal;
  /** It has a place at the turnstile, or gets one as soon as it is fetched. */
  scheduled: boolean;
  /** Done before its turn; null while nobody began that. False when it failed. */
  fetched: Promise<boolean> | null;
  /** Does the work, once, whoever calls first: the load's own turn, or an answer that has the turn and needs it. */
  begin(): Promise<T>;
  /** What had to come before the work failed; nothing happens once that has begun. */
  fail(error: EngineError): void;
}

interface Entry<T> extends JoinedLoad<T> {
  readonly controller: AbortController;
  readonly subject: string;
  waiters: number;
}

export class JoinedLoads<T> {
  readonly #entries = new Map<string, Entry<T>>();

  /**
   * Waits along until the signal.
   * @param work what loading is; its signal is the load's, not the caller's
   * @param subject by which `stop` tells it from others
   * @throws EngineError when the signal is aborted already
   */
  join(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>, subject = ''): JoinedLoad<T> {
    if (signal.aborted) throw EngineError.from(signal.reason);
    const entry = this.#entries.get(key) ?? this.#add(key, work, subject);
    entry.waiters++;
    const leave = (): void => {
      entry.waiters--;
      if (entry.waiters > 0) return;
      this.#remove(key, entry);
      entry.controller.abort(new EngineError('aborted', 'Loading was stopped: no tab wants this model any more.'));
    };
    const settled = (): void => signal.removeEventListener('abort', leave);
    signal.addEventListener('abort', leave, { once: true });
    entry.result.then(settled, settled);
    return entry;
  }

  /**
   * Breaks off what is under way, whoever waits for it.
   * @param which by their subjects; absent: all
   */
  stop(reason: EngineError, which: (subject: string) => boolean = () => true): void {
    for (const [key, entry] of [...this.#entries]) {
      if (!which(entry.subject)) continue;
      this.#remove(key, entry);
      entry.controller.abort(reason);
    }
  }

  #add(key: string, work: (signal: AbortSignal) => Promise<T>, subject: string): Entry<T> {
    const controller = new AbortController();
    let settle: (work: Promise<T>) => void = () => undefined;
    const result = new Promise<T>((resolve) => {
      settle = resolve;
    });
    let begun: Promise<T> | null = null;
    const taken = new AbortController();
    const entry: Entry<T> = {
      controller,
      signal: controller.signal,
      taken: taken.signal,
      subject,
      result,
      waiters: 0,
      scheduled: false,
      fetched: null,
      fail: (error) => {
        if (begun !== null) return;
        begun = Promise.reject(error);
        this.#remove(key, entry);
        settle(begun);
      },
      begin: () => {
        taken.abort();
        begun ??= work(controller.signal).finally(() => this.#remove(key, entry));
        settle(begun);
        return begun;
      },
    };
    this.#entries.set(key, entry);
    return entry;
  }

  #remove(key: string, entry: Entry<T>): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}
