// Who may use the one decoder and its memory: answers share it, what changes it (loads, unloading, mending a device that
// failed) has it alone. First come, first served, so a load that waits holds back answers that come later. An answer that
// needs the model changed leaves its share, waits for its turn alone, before everybody else who waits, and shares again.
// Called by AnswerLine, Answering and ModelSlot. Who waits can give up by its signal and is then never run.
// Never call `run` while holding a turn: it waits for the turn's end. `Turn.alone` is for that.

import { EngineError } from '../protocol/errors.js';

/** An answer's part in the turn. */
export interface Turn {
  /**
   * Runs `task` when all others have left or wait for their own turn alone. Shared before and, however it ends, after, unless
   * the signal came while it waited.
   * @param needed asked when its turn has come: another one may have done the same; false shares on without `task`
   * @returns null when it was not needed
   * @throws what the task throws, or EngineError `aborted`: then the turn is over
   */
  alone<T>(needed: () => boolean, task: () => Promise<T>, signal: AbortSignal): Promise<T | null>;
  /** Safe to call twice. */
  leave(): void;
}

interface Waiting {
  readonly kind: 'shared' | 'alone';
  readonly needed: () => boolean;
  /** It holds an answer under way. */
  readonly first: boolean;
  readonly grant: (kind: 'shared' | 'alone') => void;
}

const always = (): boolean => true;

export class Turnstile {
  #sharing = 0;
  #alone = false;
  readonly #line: Waiting[] = [];

  /**
   * Runs `task` alone, when everything before it has ended, however that ended.
   * @throws what the task throws, or EngineError `aborted` when the signal came before its turn
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#wait({ kind: 'alone', needed: always, first: false }, signal);
    try {
      return await task();
    } finally {
      this.#end('alone');
    }
  }

  /** A share in the turn. @throws EngineError `aborted` when the signal came before */
  async share(signal?: AbortSignal): Promise<Turn> {
    let held: 'shared' | 'alone' | null = await this.#wait({ kind: 'shared', needed: always, first: false }, signal);
    const leave = (): void => {
      if (held !== null) this.#end(held);
      held = null;
    };
    return {
      leave,
      alone: async (needed, task, stop) => {
        if (held !== 'shared') throw new EngineError('internal', 'A turn was used after its end.');
        leave();
        held = await this.#wait({ kind: 'alone', needed, first: true }, stop);
        if (held === 'shared') return null;
        try {
          return await task();
        } finally {
          // The share is taken before the turn alone ends, so that nobody changes the model in between.
          this.#sharing += 1;
          held = 'shared';
          this.#end('alone');
        }
      },
    };
  }

  async #wait(wanted: Omit<Waiting, 'grant'>, signal: AbortSignal | undefined): Promise<'shared' | 'alone'> {
    if (signal?.aborted === true) throw EngineError.from(signal.reason);
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        ...wanted,
        grant: (kind) => {
          signal?.removeEventListener('abort', giveUp);
          resolve(kind);
        },
      };
      const giveUp = (): void => {
        this.#line.splice(this.#line.indexOf(entry), 1);
        reject(EngineError.from(signal?.reason));
        this.#advance(); // it may have held back others
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      const behind = wanted.first ? this.#line.findIndex(({ first }) => !first) : -1;
      this.#line.splice(behind < 0 ? this.#line.length : behind, 0, entry);
      this.#advance();
    });
  }

  #end(kind: 'shared' | 'alone'): void {
    if (kind === 'alone') this.#alone = false;
    else this.#sharing -= 1;
    this.#advance();
  }

  #advance(): void {
    for (let next = this.#line[0]; next !== undefined && !this.#alone; next = this.#line[0]) {
      const kind = next.kind === 'shared' || !next.needed() ? 'shared' : 'alone';
      if (kind === 'alone' && this.#sharing > 0) return;
      this.#line.shift();
      if (kind === 'alone') this.#alone = true;
      else this.#sharing += 1;
      next.grant(kind);
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
