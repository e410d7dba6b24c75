// A sequence's pages when memory runs out in the middle of taking some: none may count as closed that was not filled.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kernels } from '../../../kernels/wasm/kernels.js';
import { EngineError } from '../../protocol/errors.js';
import { PagePool, PageTable } from './kv-pages.js';
import { WasmMemory } from './memory.js';

test('memory that ends while pages are about to close leaves them open', () => {
  const memory = WasmMemory.of(2 ** 20, { shared: false, large: false });
  memory.startAt(1024);
  const pool = new PagePool(memory, {} as Kernels, { layers: 1, kvHeads: 1, headSize: 8 }, 'int8', 256);
  const pages = new PageTable(pool);
  assert.deepEqual(pages.reserve(0, 64), [0, 0]);
  const held = pages.bytes;
  const take = memory.take.bind(memory);
  let left = 4; // and one more: three float pages, two of three int8 pages
  memory.take = (bytes) => {
    if (left-- < 0) throw new EngineError('out-of-memory', 'The test has no more memory.');
    return take(bytes);
  };
  assert.throws(() => pages.reserve(64, 160), { code: 'out-of-memory' });
  pages.truncate(64);
  assert.equal(pages.bytes, held);
  left = Infinity;
  assert.deepEqual(pages.reserve(64, 160), [0, 3], 'all that is to be closed is to be filled');
});
