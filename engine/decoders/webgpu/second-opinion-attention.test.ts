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
import { PagedText, worstDifference } from '../../../test/support/paged-text.js';
import { openTestGpu, type TestGpu } from '../../../test/support/test-gpu.js';
import { writeOnnx } from '../onnx/onnx-writer.js';
import { loadOrt, type OrtRuntime } from '../onnx/ort-runtime.js';

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
  ort = await loadOrt('wasm', { assetBase: '/node_modules/onnxruntime-web/dist/', threads: 1 });
});
after(() => gpu.destroy());

/** Attention of the rows by ONNX Runtime in WebAssembly; float32 [rows, heads, D]. */
async function theirs(text: PagedText, spec: AttentionSpec, { position, rows, window }: Part): Promise<Float32Array> {
  const { kvHeads, headSize } = spec.pool;
  const dims = (heads: number) => [1, 'rows', heads * headSize] as const;
  const held = (when: string) => [1, kvHeads, when, headSize] as const;
  const model = writeOnnx({
    name: 'attention',
    inputs: [
      { name: 'q', type: 'float32', dims: dims(spec.heads) },
      { name: 'k', type: 'float32', dims: dims(kvHeads) },
      { name: 'v', type: 'float32', dims: dims(kvHeads) },
      { name: 'past_k', type: 'float32', dims: held('past') },
      { name: 'past_v', type: 'float32', dims: held('past') },
      { name: 'last', type: 'int32', dims: [1] },
      { name: 'total', type: 'int32', dims: [1] },
    ],
    outputs: [
      { name: 'y', type: 'float32', dims: dims(spec.heads) },
      { name: 'all_k', type: 'float32', dims: held('all') },
      { name: 'all_v', type: 'float32', dims: held('all') },
    ],
    constants: [],
    nodes: [
      {
        operator: 'GroupQueryAttention',
        domain: 'com.microsoft',
        inputs: ['q', 'k', 'v', 'past_k', 'past_v', 'last', 'total'],
        outputs: ['y', 'all_k', 'all_v'],
        attributes: {
          num_heads: spec.heads,
          kv_num_heads: kvHeads,
          scale: { float: spec.scale },
          ...(window === 0 ? {} : { local_window_size: window }),
          ...(spec.softCap === undefined ? {} : { softcap: { float: spec.softCap } }),
        },
      },
    ],
  });
  const lookups = text.lookups(false);
  /** Tokens by heads, or heads by tokens. */
  const gather = (part: 'keys' | 'values', from: number, count: number, byHead: boolean): Float32Array => {
    const out = new Float32Array(count * kvHeads * headSize);
    for (let head = 0; head < kvHeads; head++) {
      for (let i = 0; i < count; i++) {
        out.set(lookups[part](from + i, from + i, head), (byHead ? head * count + i : i * kvHeads + head) * headSize);
      }
    }
    return out;
  };
  const floats = (data: Float32Array, ...shape: number[]) => new ort.Tensor('float32', data, shape);
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
  try {
    const { y } = await session.run({
      q: floats(text.queries(position, rows), 1, rows, spec.heads * headSize),
      k: floats(gather('keys', position, rows, false), 1, rows, kvHeads * headSize),
      v: floats(gather('values', position, rows, false), 1, rows, kvHeads * headSize),
      past_k: floats(gather('keys', 0, position, true), 1, kvHeads, position, headSize),
      past_v: floats(gather('values', 0, position, true), 1, kvHeads, position, headSize),
      last: new ort.Tensor('int32', Int32Array.of(position + rows - 1), [1]),
      total: new ort.Tensor('int32', Int32Array.of(position + rows), [1]),
    });
    return Float32Array.from(y?.data as Float32Array);
  } finally {
    await session.release();
  }
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
