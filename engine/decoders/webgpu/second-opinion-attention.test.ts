// A second opinion on the attention kernels: ONNX Runtime's own GroupQueryAttention over random lengths, windows and soft
// caps, on the same keys and values. Float pages only: that operator knows no int8 ones.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import {
  attentionReduceSource,
  attentionReduceWorkgroups,
  needsReduce,
} from '../../../kernels/wgsl/attention-reduce.js';
import { tiledSource, tiledWorkgroups } from '../../../kernels/wgsl/attention-tiled.js';
import {
  attentionPartBytes,
  attentionSource,
  attentionWorkgroups,
  splitsOf,
  type AttentionSpec,
} from '../../../kernels/wgsl/attention.js';
import { createKernel, type Dispatch } from '../../../kernels/wgsl/kernel.js';
import { openOrt, ortAttention } from '../../../test/support/ort-operators.js';
import { PagedText, worstDifference } from '../../../test/support/paged-text.js';
import { openTestGpu, type TestGpu } from '../../../test/support/test-gpu.js';
import type { OrtRuntime } from '../onnx/ort-runtime.js';

const contextLength = 200;

interface Part {
  /** Tokens before the rows. */
  readonly position: number;
  readonly rows: number;
  /** 0: none. */
  readonly window: number;
}

let gpu: TestGpu;
let ort: OrtRuntime;
before(async () => {
  gpu = await openTestGpu();
  ort = await openOrt();
});
after(() => gpu.destroy());

/** Attention of the rows by ONNX Runtime in WebAssembly; float32 [rows, heads, D]. */
function theirs(text: PagedText, spec: AttentionSpec, { position, rows, window }: Part): Promise<Float32Array> {
  const { kvHeads, headSize } = spec.pool;
  const lookups = text.lookups(false);
  const all = (part: 'keys' | 'values'): Float32Array => {
    const out = new Float32Array((position + rows) * kvHeads * headSize);
    for (let i = 0; i < position + rows; i++) {
      for (let head = 0; head < kvHeads; head++) out.set(lookups[part](i, i, head), (i * kvHeads + head) * headSize);
    }
    return out;
  };
  return ortAttention(ort, {
    ...{ heads: spec.heads, kvHeads, headSize, scale: spec.scale, window, position, rows },
    ...(spec.softCap === undefined ? {} : { softCap: spec.softCap }),
    query: text.queries(position, rows),
    keys: all('keys'),
    values: all('values'),
  });
}

/** The same by our kernels: workgroups a split, threads a page, tiles. */
async function ours(text: PagedText, spec: AttentionSpec, { position, rows, window }: Part): Promise<Float32Array[]> {
  const size = rows * spec.heads * spec.pool.headSize;
  const results: Float32Array[] = [];
  for (const kind of ['splits', 'threads', 'tiles'] as const) {
    const variant = { ...spec, byThreads: kind === 'threads' };
    const source =
      kind === 'tiles' ? tiledSource(variant, { packedDot: true }) : attentionSource(variant, { packedDot: true });
    const kernel = await createKernel(gpu.device, source);
    const attended = gpu.zeros(size * 4);
    const buffers = {
      step: gpu.step({ position, rows, pageTable: text.pageTable, draw: 0 }),
      layer: gpu.uniform(Uint32Array.of(text.layer, window, 0, 0)),
      pages: gpu.store(text.table),
      q: gpu.store(text.queries(position, rows)),
      floats: gpu.store(text.floats),
      parts: gpu.zeros(attentionPartBytes(variant, rows)),
      attended,
    };
    const grid =
      kind === 'tiles'
        ? tiledWorkgroups(variant, position, rows)
        : attentionWorkgroups(variant, position, rows, window);
    const dispatches: Dispatch[] = [kernel.dispatch(buffers, grid)];
    if (kind !== 'tiles' && needsReduce(variant, position, rows, window)) {
      const reduce = await createKernel(gpu.device, attentionReduceSource(variant));
      dispatches.push(reduce.dispatch(buffers, attentionReduceWorkgroups(variant, rows)));
    }
    await gpu.run(...dispatches);
    results.push((await gpu.floats(attended)).slice(0, size));
  }
  return results;
}

describe("ONNX Runtime's GroupQueryAttention", () => {
  for (const softCap of [undefined, 20]) {
    it(`agrees with all attention kernels over random lengths and windows, ${softCap ?? 'no'} soft cap`, async () => {
      const text = new PagedText({ kvHeads: 2, headSize: 16, layers: 1 }, 6, contextLength, 3);
      const spec: AttentionSpec = {
        pool: text.pool,
        heads: 6,
        int8: false,
        scale: 0.3,
        ...(softCap === undefined ? {} : { softCap }),
        maxSplits: splitsOf(contextLength),
      };
      const part = fc
        .record({
          position: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: contextLength - 1 })),
          rows: fc.integer({ min: 1, max: 40 }),
          window: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 150 })),
        })
        .map(({ position, rows, window }) => ({ position, rows: Math.min(rows, contextLength - position), window }));
      await fc.assert(
        fc.asyncProperty(part, async (where) => {
          const expected = Float64Array.from(await theirs(text, spec, where));
          for (const actual of await ours(text, spec, where)) {
            expect(worstDifference(actual, expected)).to.be.lessThan(2e-5);
          }
          gpu.free();
        }),
        { numRuns: 8 },
      );
    }).timeout(120_000);
  }
});
