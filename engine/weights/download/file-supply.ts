// The files of one model, in the order of first use: downloads what is missing, several at once, while whoever reads gets
// each file as soon as that one is there and verified. Called by pack-model.ts. Also read ahead: the file after the one
// asked for is read and hashed meanwhile, which is what makes a warm load quick.
// Memory: a piece for each transfer under way, the file being verified, and what was read ahead.
// What goes wrong: a file that fails fails its readers; the next read of it tries again.

import { EngineError } from '../../protocol/errors.js';
import { obtainFile, type DownloadContext, type RemoteFile } from './download-file.js';
import { Line } from './line.js';
import type { DownloadSwitch } from './switch.js';

/** Transfers at once. More do not make a line faster; fewer leave it idle between files. */
const parallel = 6;
/** Files read ahead of the reader, and bytes that they may have together: one large shard, or two that are smaller. */
const aheadFiles = 2;
const aheadBytes = 24 * 2 ** 20;

export class FileSupply {
  readonly #end = new AbortController();
  /** Transfers under way or read-aheads, by index. */
  readonly #pending = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();
  /** Known to be stored whole. */
  readonly #stored = new Set<number>();
  /** Not begun yet, in order. */
  #waiting: number[];
  /** Files a reader waits for: their bytes are handed over and not read a second time. */
  readonly #wanted = new Map<number, number>();
  #transfers = new AbortController();
  /** The file last read: those after it are kept when they are there. */
  #reader = -1;
  readonly #unsubscribe: () => void;

  /** @param missing indices of files that are not stored whole, as far as is known */
  constructor(
    private readonly files: readonly RemoteFile[],
    missing: readonly number[],
    private readonly context: DownloadContext,
    private readonly control: DownloadSwitch,
  ) {
    this.#waiting = [...missing];
    const absent = new Set(missing);
    files.forEach((_, index) => {
      if (!absent.has(index)) this.#stored.add(index);
    });
    this.#unsubscribe = control.subscribe(() => this.#switched());
  }

  /** Begins to download what is missing. */
  start(): void {
    this.#pump();
  }

  /** @returns the file's bytes, verified. Waits for this file only. */
  async read(index: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.files[index];
    if (file === undefined) throw new RangeError(`no file ${index}`);
    if (signal?.aborted || this.#end.signal.aborted) throw stopped();
    this.#wanted.set(index, (this.#wanted.get(index) ?? 0) + 1);
    try {
      const bytes = await orStopped(this.#obtain(index), this.#end.signal, signal);
      this.#pending.delete(index);
      this.#readAhead(index);
      return bytes;
    } finally {
      const others = (this.#wanted.get(index) ?? 1) - 1;
      if (others === 0) this.#wanted.delete(index);
      else this.#wanted.set(index, others);
    }
  }

  /** Resolves when every file is stored and was verified once. @throws what reading them throws */
  async whenStored(signal?: AbortSignal): Promise<void> {
    for (const [index] of this.files.entries()) {
      if (!this.#stored.has(index)) await orStopped(this.#obtain(index), this.#end.signal, signal);
    }
  }

  /** Ends all transfers; what is stored stays. */
  close(): void {
    this.#unsubscribe();
    this.#end.abort(stopped());
    this.#transfers.abort(stopped());
    this.#pending.clear();
  }

  /** Waits out pauses: a transfer ended by one begins again where it stopped. */
  async #obtain(index: number): Promise<Uint8Array<ArrayBuffer>> {
    for (;;) {
      if (this.control.paused && !this.#stored.has(index)) await this.control.resumed(this.#end.signal);
      const under = this.#pending.get(index) ?? this.#begin(index);
      try {
        return await under;
      } catch (thrown) {
        if (!wasPaused(thrown)) throw thrown;
      }
    }
  }

  #begin(index: number): Promise<Uint8Array<ArrayBuffer>> {
    this.#waiting = this.#waiting.filter((other) => other !== index);
    const file = this.files[index] as RemoteFile;
    const { signal } = this.#transfers;
    // What a fetch throws when it is stopped does not say by whom: the signal does.
    const work = obtainFile(file, { ...this.context, verifying: this.#verifying }, signal).catch((thrown: unknown) => {
      throw signal.aborted ? (signal.reason as EngineError) : thrown;
    });
    this.#pending.set(index, work);
    work.then(
      () => {
        this.#stored.add(index);
        // Nobody waits for it: its bytes are let go, the store has them.
        if (!this.#wanted.has(index) && !this.#isAhead(index)) this.#drop(index, work);
        this.#pump();
      },
      (thrown: unknown) => {
        this.#drop(index, work);
        if (wasPaused(thrown)) this.#waiting = [index, ...this.#waiting].sort((a, b) => a - b);
        else this.#pump();
      },
    );
    return work;
  }

  #drop(index: number, work: Promise<unknown>): void {
    if (this.#pending.get(index) === work) this.#pending.delete(index);
  }

  #pump(): void {
    while (!this.control.paused && !this.#end.signal.aborted && this.#running() < parallel) {
      const next = this.#waiting[0];
      if (next === undefined) return;
      void this.#begin(next).catch(() => undefined); // told to whoever reads that file, which tries again
    }
  }

  #running(): number {
    return [...this.#pending.keys()].filter((index) => !this.#stored.has(index)).length;
  }

  /** One at a time while files arrive, which take memory, too; two, on two threads, once all are here. */
  readonly #verifying = new Line(() => (this.#stored.size === this.files.length ? 2 : 1));

  /** Only once all is here: while files arrive, those being verified take the memory that reading ahead would. */
  get #ahead(): number {
    if (this.#stored.size < this.files.length) return 0;
    let bytes = 0;
    for (let count = 0; count < aheadFiles; count++) {
      bytes += this.files[this.#reader + 1 + count]?.byteLength ?? 0;
      if (bytes > aheadBytes) return count;
    }
    return aheadFiles;
  }

  #isAhead(index: number): boolean {
    return index > this.#reader && index <= this.#reader + this.#ahead;
  }

  #readAhead(index: number): void {
    this.#reader = index;
    for (const held of [...this.#pending.keys()]) {
      // What was read ahead for a reader that went elsewhere.
      if (this.#stored.has(held) && !this.#isAhead(held) && !this.#wanted.has(held)) this.#pending.delete(held);
    }
    for (let next = index + 1; next <= index + this.#ahead && next < this.files.length; next++) {
      if (this.#stored.has(next) && !this.#pending.has(next)) void this.#begin(next).catch(() => undefined);
    }
  }

  #switched(): void {
    if (this.control.paused) {
      this.#transfers.abort(pausedReason);
      this.#transfers = new AbortController();
    } else {
      this.#pump();
    }
  }
}

const pausedReason = new EngineError('aborted', 'The download was paused.');

const wasPaused = (thrown: unknown): boolean => thrown === pausedReason;

const stopped = (): EngineError => new EngineError('aborted', 'Loading the model was stopped.');

/** A reader ends at once when it is stopped, though the transfer may go on for others. */
function orStopped<T>(work: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(stopped());
    for (const signal of signals) signal?.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => {
      for (const signal of signals) signal?.removeEventListener('abort', stop);
    });
    if (signals.some((signal) => signal?.aborted)) stop();
  });
}
