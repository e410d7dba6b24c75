// Random keys and values in pages, as kernels of attention read them: scattered slots, several layers, a page table that
// does not begin at 0, NaN wherever nothing may be read. Called by kernels/wgsl/attention*.test.ts and kv-*.test.ts.

import fc from 'fast-check';
import { firstFloatPage } from '../../engine/kv/page-layout.js';
import type { Lookup } from '../../kernels/wgsl/attention.reference.js';
import { floatLayerSize, int8Offsets, noSlot, pageTokens, type KvPool } from '../../kernels/wgsl/kv-pages.js';
import { closeLayer, openLayer } from '../../kernels/wgsl/kv-pages.reference.js';

/** Numbers of about [-2, 2], the same for a seed. */
export function randomFloats(length: number, seed: number): Float32Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return Float32Array.from({ length }, () => (next() + next() + next()) * 1.5);
}

/** NaN counts as infinitely far. */
export const worstDifference = (actual: Float32Array, expected: Float64Array): number =>
  expected.reduce((worst, value, i) => {
    const difference = Math.abs(value - (actual[i] ?? NaN));
    return difference <= worst ? worst : Number.isNaN(difference) ? Infinity : difference;
  }, 0);

export class PagedText {
  readonly pageTable = 3;
  readonly table: Uint32Array;
  readonly floats: Float32Array;
  readonly quants: Uint8Array;
  /** Layer that is read; the pools' other layers hold NaN and 255. */
  readonly layer: number;
  private readonly seen: { readonly keys: Float32Array; readonly values: Float32Array }[] = [];
  private readonly exact: { readonly keys: Float32Array; readonly values: Float32Array }[] = [];

  constructor(
    readonly pool: KvPool,
    readonly heads: number,
    readonly tokens: number,
    readonly seed: number,
  ) {
    const pages = Math.ceil(tokens / pageTokens);
    const size = floatLayerSize(pool);
    const { byteLength } = int8Offsets(pool);
    this.layer = pool.layers - 1;
    this.table = new Uint32Array((this.pageTable + pages) * 2).fill(noSlot);
    this.floats = new Float32Array((pages + 1) * pool.layers * size).fill(NaN);
    this.quants = new Uint8Array((pages + 1) * pool.layers * byteLength).fill(255);
    for (let page = 0; page < pages; page++) {
      const keys = randomFloats(size / 2, seed + page * 2);
      // Channels with an offset and of different widths, as keys have them.
      keys.forEach((k, i) => (keys[i] = k * (0.1 + (i % 5) * 0.4) + ((i % pool.headSize) % 3 === 0 ? 1.5 : 0)));
      const values = randomFloats(size / 2, seed + page * 2 + 1);
      const floatSlot = pages - page;
      const int8Slot = (page * 7 + 1) % (pages + 1);
      const slots = pages % 7 === 6 ? page : int8Slot; // 7 and pages + 1 share a factor there
      this.table.set([floatSlot, slots], (this.pageTable + page) * 2);
      const at = (floatSlot * pool.layers + this.layer) * size;
      this.floats.set(keys, at);
      this.floats.set(values, at + size / 2);
      const closed = closeLayer(pool, keys, values);
      this.quants.set(closed, (slots * pool.layers + this.layer) * byteLength);
      this.exact.push({ keys, values });
      this.seen.push(openLayer(pool, closed));
    }
  }

  /** How a failing property names it. */
  [fc.toStringMethod](): string {
    return `PagedText(${JSON.stringify({ ...this.pool, heads: this.heads, tokens: this.tokens, seed: this.seed })})`;
  }

  /** float32 [rows, heads, D]: the query of a position is always the same. */
  queries(position: number, rows: number): Float32Array {
    const size = this.heads * this.pool.headSize;
    const q = new Float32Array(rows * size);
    for (let row = 0; row < rows; row++) q.set(randomFloats(size, this.seed + 1000 + position + row), row * size);
    return q;
  }

  lookups(int8: boolean): { keys: Lookup; values: Lookup } {
    const { headSize } = this.pool;
    const find =
      (part: 'keys' | 'values'): Lookup =>
      (position, token, kvHead) => {
        const page = Math.floor(token / pageTokens);
        const source = int8 && page < firstFloatPage(position) ? this.seen : this.exact;
        const at = (kvHead * pageTokens + (token % pageTokens)) * headSize;
        return (source[page]?.[part] ?? new Float32Array()).subarray(at, at + headSize);
      };
    return { keys: find('keys'), values: find('values') };
  }
}
