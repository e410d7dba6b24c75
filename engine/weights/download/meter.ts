// Progress of a download for people: bytes here, bytes in all, the rate of the last seconds and what it promises. Called
// by the sources; knows nothing of files but their names. Bytes that were stored already count as here and not as speed.

import type { Clock } from './retry.js';

export interface DownloadProgress {
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** Of the last seconds; null before there is one, and while nothing comes. */
  readonly bytesPerSecond: number | null;
  /** Null while unknown. */
  readonly secondsLeft: number | null;
}

/** The rate is that of this long. Milliseconds. */
const window = 5_000;
const firstRate = 250;
const sampleInterval = 100;

export class DownloadMeter {
  readonly #bytes = new Map<string, number>();
  #loaded = 0;
  #samples: { readonly at: number; readonly bytes: number }[] = [];
  #arrived = 0;

  constructor(
    private readonly totalBytes: number,
    private readonly clock: Pick<Clock, 'now'>,
    private readonly report: (progress: DownloadProgress) => void,
  ) {}

  /** Bytes of a file that are here without having been fetched now. */
  stored(key: string, bytes: number): void {
    this.#set(key, bytes);
  }

  /** Bytes of a file that are here now, in all; what is more than before has just arrived. */
  arrived(key: string, bytes: number): void {
    const more = bytes - (this.#bytes.get(key) ?? 0);
    if (more > 0) this.#arrived += more;
    this.#set(key, bytes);
    this.show();
  }

  show(): void {
    const now = this.clock.now();
    if (now - (this.#samples.at(-1)?.at ?? -Infinity) >= sampleInterval) {
      this.#samples.push({ at: now, bytes: this.#arrived });
    }
    while ((this.#samples[1]?.at ?? now) <= now - window) this.#samples.shift();
    const [first] = this.#samples;
    const time = first === undefined ? 0 : now - first.at;
    const bytes = first === undefined ? 0 : this.#arrived - first.bytes;
    const rate = time >= firstRate && bytes > 0 ? (bytes / time) * 1000 : null;
    const left = this.totalBytes - this.#loaded;
    this.report({
      loadedBytes: this.#loaded,
      totalBytes: this.totalBytes,
      bytesPerSecond: rate,
      secondsLeft: rate === null ? null : left / rate,
    });
  }

  #set(key: string, bytes: number): void {
    this.#loaded += bytes - (this.#bytes.get(key) ?? 0);
    this.#bytes.set(key, bytes);
  }
}
