// Keys and values of sequences in WebAssembly memory: a pool of pages that grows on demand and is used again, and each
// sequence's two tables, of float pages and of int8 pages (engine/kv/page-layout.ts says which of them a query sees).
// The pool is made by wasm-decoder.ts, tables by wasm-sequence.ts. Knows nothing of tokens or of what is computed.
//
// A page is one record for all layers. With `int8`, a page's floats go when the text is more than two pages past its
// beginning's page (so that cutting off up to a page of text stays exact), and memory for its int8 form is taken when
// the forward pass is about to close it. Cutting back further turns int8 pages into floats again: as near as int8 is.
// What goes wrong: `out-of-memory`; nothing is lost then, tables are as they were but for pages taken already.

import type { Kernels } from '../../../kernels/wasm/kernels.js';
import {
  firstFloatPage,
  floatLayerBytes,
  int8LayerLayout,
  type KvPrecision,
  type KvShape,
  pageBytes,
  pageTokens,
} from '../../kv/page-layout.js';
import type { WasmMemory } from './memory.js';

/** Tables hold addresses in units of this, for the kernels (lanes.ts). */
const tableUnit = 64;

export class PagePool {
  readonly floatBytes: number;
  readonly int8Bytes: number;
  private readonly free = { float: [] as number[], int8: [] as number[], table: [] as number[] };

  constructor(
    readonly memory: WasmMemory,
    readonly kernels: Kernels,
    readonly shape: KvShape,
    readonly precision: KvPrecision,
    readonly contextLength: number,
  ) {
    this.floatBytes = pageBytes(shape, false);
    this.int8Bytes = pageBytes(shape, true);
  }

  get tableLength(): number {
    return Math.ceil(this.contextLength / pageTokens);
  }

  /** @throws EngineError `out-of-memory` */
  take(kind: 'float' | 'int8' | 'table'): number {
    const bytes = { float: this.floatBytes, int8: this.int8Bytes, table: this.tableLength * 4 }[kind];
    return this.free[kind].pop() ?? this.memory.take(bytes);
  }

  give(kind: 'float' | 'int8' | 'table', address: number): void {
    this.free[kind].push(address);
  }
}

/** A sequence's pages. Addresses of 0 mean none. */
export class PageTable {
  readonly floats: number;
  readonly closed: number;
  private released = false;

  constructor(private readonly pool: PagePool) {
    this.floats = pool.take('table');
    this.closed = pool.take('table');
    this.words(this.floats).fill(0);
    this.words(this.closed).fill(0);
  }

  get bytes(): number {
    if (this.released) return 0;
    const count = (table: number): number => this.words(table).reduce((sum, page) => sum + (page === 0 ? 0 : 1), 0);
    return count(this.floats) * this.pool.floatBytes + count(this.closed) * this.pool.int8Bytes;
  }

  /**
   * Memory for a pass over tokens [from, to): float pages for them, int8 pages for those that the pass will close.
   * @returns the pages to close: from, one past the last
   * @throws EngineError `out-of-memory`
   */
  reserve(from: number, to: number): readonly [closeFrom: number, closeTo: number] {
    for (let page = Math.floor(from / pageTokens); page * pageTokens < to; page++) this.ensure('float', page);
    const closeTo = this.pool.precision === 'int8' ? firstFloatPage(to - 1) : 0;
    let closeFrom = closeTo;
    while (closeFrom > 0 && this.at(this.closed, closeFrom - 1) === 0) closeFrom -= 1;
    try {
      for (let page = closeFrom; page < closeTo; page++) this.ensure('int8', page);
    } catch (error) {
      this.reopen(closeFrom, closeTo); // with an address a page counts as closed, and these hold nothing yet
      throw error;
    }
    return [closeFrom, closeTo];
  }

  /** Pages that a failed pass was about to close are as they were. */
  reopen(closeFrom: number, closeTo: number): void {
    for (let page = closeFrom; page < closeTo; page++) this.drop('int8', page);
  }

  /**
   * Floats that no query will see go: not now, and not after cutting off a page of text.
   * @param length tokens that the pages hold
   * @param kept tokens that the sequence goes back to if its caller fails: its floats stay, too
   */
  trim(length: number, kept = length): void {
    if (this.pool.precision === 'f32') return;
    const keptFrom = this.firstNeeded(kept);
    for (let page = 0; page < this.firstNeeded(length); page++) {
      if (page < keptFrom || page * pageTokens >= kept) this.drop('float', page);
    }
  }

  /** Forgets tokens from `length` on. */
  truncate(length: number): void {
    const whole = Math.floor(length / pageTokens);
    if (this.pool.precision === 'int8') {
      for (let page = firstFloatPage(length); page * pageTokens < length; page++) this.openAgain(page);
      for (let page = whole; page < this.pool.tableLength; page++) this.drop('int8', page);
    }
    for (let page = Math.ceil(length / pageTokens); page < this.pool.tableLength; page++) this.drop('float', page);
  }

  release(): void {
    if (this.released) return;
    for (let page = 0; page < this.pool.tableLength; page++) {
      this.drop('float', page);
      this.drop('int8', page);
    }
    this.pool.give('table', this.floats);
    this.pool.give('table', this.closed);
    this.released = true;
  }

  /** The first page whose floats are needed by a text of this length or of up to a page less. */
  private firstNeeded(length: number): number {
    return firstFloatPage(Math.max(0, length - pageTokens));
  }

  private openAgain(page: number): void {
    const closed = this.at(this.closed, page);
    if (closed === 0 || this.at(this.floats, page) !== 0) return;
    this.ensure('float', page);
    const { kernels, shape } = this.pool;
    const { kvHeads, headSize, layers } = shape;
    const { keyQuants, valueScales, valueQuants, byteLength } = int8LayerLayout(shape);
    const tile = pageTokens * headSize;
    for (let layer = 0; layer < layers; layer++) {
      const to = this.at(this.floats, page) + layer * floatLayerBytes(shape);
      const from = closed + layer * byteLength;
      for (let head = 0; head < kvHeads; head++) {
        const keys = to + head * tile * 4;
        kernels.kvDequantiseKeys(keys, from + head * headSize * 4, from + keyQuants + head * tile, headSize);
        const values = keys + kvHeads * tile * 4;
        const scales = from + valueScales + head * pageTokens * 2;
        kernels.kvDequantiseValues(values, scales, from + valueQuants + head * tile, headSize);
      }
    }
  }

  private ensure(kind: 'float' | 'int8', page: number): void {
    if (this.at(this.table(kind), page) !== 0) return;
    const address = this.pool.take(kind); // may grow memory, so before the view is taken
    this.words(this.table(kind))[page] = address / tableUnit;
  }

  private drop(kind: 'float' | 'int8', page: number): void {
    const table = this.words(this.table(kind));
    const entry = table[page] as number;
    if (entry === 0) return;
    this.pool.give(kind, entry * tableUnit);
    table[page] = 0;
  }

  private table(kind: 'float' | 'int8'): number {
    return kind === 'float' ? this.floats : this.closed;
  }

  private at(table: number, page: number): number {
    return (this.words(table)[page] as number) * tableUnit;
  }

  private words(table: number): Uint32Array {
    return this.pool.memory.words(table, this.pool.tableLength);
  }
}
