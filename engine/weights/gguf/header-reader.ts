// Reads a GGUF header value by value, fetching the file in windows as it goes, and hashes what it passes.
// Called by header.ts. It knows integers, strings and how much of the file is left; nothing of keys or tensors.
// Every length is checked against the bytes left in the file before anything is fetched or allocated for it.
// What goes wrong: a length that the file cannot hold is `model-invalid`, with the offset.

import { EngineError } from '../../protocol/errors.js';
import type { ByteSource } from '../byte-source.js';
import { sha256 } from '../sha256.js';

const windowLength = 1 << 20;
/** The largest header seen (256k tokens, 512k merges) has some 12 MiB. */
const headerLimit = 256 * 2 ** 20;
const stringLimit = 16 * 2 ** 20;

export class HeaderReader {
  readonly source: ByteSource;
  readonly #signal: AbortSignal | undefined;
  /** One of each window passed: WebCrypto hashes only what it has whole, and is ten times quicker than we. */
  readonly #hashes: string[] = [];
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #window = new Uint8Array(0);
  #view = new DataView(this.#window.buffer);
  /** Where the window begins in the file. */
  #start = 0;
  /** Where the next value begins in the window. */
  #at = 0;

  constructor(source: ByteSource, signal?: AbortSignal) {
    this.source = source;
    this.#signal = signal;
  }

  /** Where the next value begins in the file. */
  get offset(): number {
    return this.#start + this.#at;
  }

  /** Bytes from here to the end of the file. */
  get left(): number {
    return this.source.size - this.offset;
  }

  /**
   * Makes the next `length` bytes available to the reading methods. Returns nothing when they are there already, so
   * that a loop over half a million strings awaits only when the window moves.
   */
  need(length: number): Promise<void> | undefined {
    return this.#at + length <= this.#window.length ? undefined : this.#move(length);
  }

  async #move(length: number): Promise<void> {
    if (length > this.left) throw this.invalid(`it ends in the middle of a value of ${length} bytes`);
    if (this.offset + length > headerLimit) throw this.invalid(`its header is longer than ${headerLimit} bytes`);
    await this.#hashPassed();
    this.#start += this.#at;
    this.#at = 0;
    // What is left of the window is read once more; it is shorter than the value that did not fit.
    const wanted = Math.min(Math.max(length, windowLength), this.source.size - this.#start);
    this.#window = await this.source.read(this.#start, wanted, this.#signal);
    this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.length);
  }

  async #hashPassed(): Promise<void> {
    if (this.#at > 0) this.#hashes.push(await sha256(this.#window.slice(0, this.#at)));
  }

  /** A hash of everything read: the same for the same header, wherever the file lies. Call once, last. */
  async finishHash(): Promise<string> {
    await this.#hashPassed();
    return sha256(new TextEncoder().encode(this.#hashes.join(' ')));
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  i8(): number {
    return this.#view.getInt8(this.#take(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }
  i16(): number {
    return this.#view.getInt16(this.#take(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }
  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }
  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }
  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }
  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  /**
   * A 64-bit count or length of things that take at least `least` bytes of the file each.
   * @throws EngineError `model-invalid` when the rest of the file cannot hold so many
   */
  async count(what: string, least: number): Promise<number> {
    await this.need(8);
    const count = this.u64();
    // Compared as a bigint: the number may be beyond what a double holds exactly.
    if (count > BigInt(Math.floor(this.left / least))) {
      throw this.invalid(`it claims ${count} ${what}, more than the rest of the file could hold`);
    }
    return Number(count);
  }

  async string(what: string, limit = stringLimit): Promise<string> {
    const waiting = this.need(8);
    if (waiting !== undefined) await waiting;
    const length = this.u64();
    if (length > BigInt(limit)) throw this.invalid(`${what} claims ${length} bytes; ${limit} are allowed`);
    return this.#text(Number(length));
  }

  /** `count` strings one after the other. */
  async strings(what: string, count: number): Promise<string[]> {
    const strings: string[] = [];
    for (let i = 0; i < count; i++) {
      // The fast way, without a promise for each string, while length and text lie in the window.
      const here = this.#at + 8 <= this.#window.length ? this.#view.getBigUint64(this.#at, true) : null;
      if (here !== null && here <= BigInt(this.#window.length - this.#at - 8)) {
        this.#at += 8;
        const length = Number(here);
        strings.push(this.#decoder.decode(this.#window.subarray(this.#at, this.#at + length)));
        this.#at += length;
      } else {
        strings.push(await this.string(what));
      }
    }
    return strings;
  }

  async #text(length: number): Promise<string> {
    await this.need(length);
    const at = this.#take(length);
    return this.#decoder.decode(this.#window.subarray(at, at + length));
  }

  /** @returns where in the window `length` bytes lie, having passed them; `need` was called before */
  #take(length: number): number {
    const at = this.#at;
    this.#at += length;
    return at;
  }

  invalid(what: string): EngineError {
    return new EngineError(
      'model-invalid',
      `${this.source.name} is no sound GGUF file: at byte ${this.offset}, ${what}.`,
      {
        hint: 'The file is truncated or damaged. Download it again.',
      },
    );
  }
}
