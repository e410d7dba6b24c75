// Lays tensor parts into shards and writes them, as engine/weights/pack-format.md says. Called by write-pack.ts.
// It knows bytes and places only. Holds one shard in memory; the same input gives the same files.

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { partAlignment, shardLimit, type ManifestFile, type Place } from '../../engine/weights/pack/manifest.js';

/** A shard that holds this much is closed rather than begin a part that does not fit. Bytes. */
const enough = 4 * 2 ** 20;

export class ShardWriter {
  readonly #directory: string;
  readonly #limit: number;
  readonly #enough: number;
  readonly #shards: ManifestFile[] = [];
  readonly #buffer: Uint8Array;
  #filled = 0;

  /** @param limit smaller than the format's only in tests */
  constructor(directory: string, limit = shardLimit) {
    this.#directory = directory;
    this.#limit = limit;
    this.#enough = Math.min(enough, limit / 4);
    this.#buffer = new Uint8Array(limit);
  }

  /** Begins a part of `length` bytes, which the next calls of `append` bring. */
  async begin(length: number): Promise<Place> {
    const start = Math.ceil(this.#filled / partAlignment) * partAlignment;
    const room = this.#limit - start;
    if (room <= 0 || (length > room && this.#filled >= this.#enough)) {
      await this.#flush();
    } else {
      this.#buffer.fill(0, this.#filled, start);
      this.#filled = start;
    }
    return { shard: this.#shards.length, offset: this.#filled };
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#filled === this.#limit) await this.#flush();
      const piece = bytes.subarray(at, at + this.#limit - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
    }
  }

  /** Writes what is left. @returns all shards in order */
  async finish(): Promise<readonly ManifestFile[]> {
    if (this.#filled > 0) await this.#flush();
    return this.#shards;
  }

  async #flush(): Promise<void> {
    this.#shards.push(await writeHashed(this.#directory, '.bin', this.#buffer.subarray(0, this.#filled)));
    this.#filled = 0;
  }
}

/** Writes a file under the name that its content gives it. */
export async function writeHashed(directory: string, extension: string, bytes: Uint8Array): Promise<ManifestFile> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(directory, `${sha256}${extension}`), bytes);
  return { sha256, byteLength: bytes.length };
}
