// Attention over pages against the plain reference, over random shapes, lengths and windows; and the promise that a row's
// bits depend on its position alone. Pages lie in scattered slots of pools with several layers.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { PagedText, worstDifference } from '../../test/support/paged-text.js';
import { openTestGpu, type TestGpu } from '../../test/support/test-gpu.js';
import { attentionReduceSource, attentionReduceWorkgroups, needsReduce } from './attention-reduce.js';
import { attend } from './attention.reference.js';
import { attentionPartBytes, attentionSource, attentionWorkgroups, splitsOf, type AttentionSpec } from './attention.js';
import { createKernel, type Dispatch } from './kernel.js';

const contextLength = 288;

interface Shape {
  readonly kvHeads: number;
  readonly perKvHead: number;
  readonly headSize: number;
  readonly int8: boolean;
  readonly softCap?: number;
  readonly byThreads?: boolean;
}

// Few pipelines, since software WebGPU takes its time to compile one; what else there is to vary is random.
const shapes: readonly Shape[] = [
  { kvHeads: 2, perKvHead: 1, headSize: 8, int8: false, softCap: 5 },
  { kvHeads: 2, perKvHead: 3, headSize: 24, int8: true },
  { kvHeads: 1, perKvHead: 9, headSize: 64, int8: true, softCap: 50 },
  { kvHeads: 1, perKvHead: 7, headSize: 80, int8: false },
  { kvHeads: 1, perKvHead: 3, headSize: 256, int8: true },
  { kvHeads: 2, perKvHead: 1, headSize: 8, int8: false, softCap: 5, byThreads: true },
  { kvHeads: 2, perKvHead: 3, headSize: 24, int8: true, byThreads: true },
  { kvHeads: 1, perKvHead: 9, headSize: 64, int8: true, softCap: 50, byThreads: true },
];

interface Case {
  readonly text: PagedText;
  readonly spec: AttentionSpec;
  readonly position: number;
  readonly rows: number;
  readonly window: number;
}

const specOf = (text: PagedText, { int8, softCap, byThreads = false }: Shape): AttentionSpec => ({
  byThreads,
  pool: text.pool,
  heads: text.heads,
  int8,
  scale: text.pool.headSize ** -0.5,
  ...(softCap === undefined ? {} : { softCap }),
  maxSplits: splitsOf(contextLength),
});

const textOf = ({ kvHeads, perKvHead, headSize }: Shape): PagedText =>
  new PagedText({ kvHeads, headSize, layers: 2 }, kvHeads * perKvHead, contextLength, headSize);

const cases = (shape: Shape): fc.Arbitrary<Case> => {
  const text = textOf(shape);
  return fc
    .record({
      position: fc.oneof(fc.integer({ min: 0, max: contextLength - 8 }), fc.constantFrom(0, 31, 60, 127, 128, 255)),
      rows: fc.integer({ min: 1, max: 8 }),
      window: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 200 })),
    })
    .map((random) => ({ text, spec: specOf(text, shape), ...random }));
};

/** Attention of `rows` queries from `position` on; q holds those rows. */
async function attention(
  gpu: TestGpu,
  { text, spec, position, rows, window }: Case,
  q: Float32Array,
  packedDot = true,
  workgroups = attentionWorkgroups(spec, position, rows, window),
): Promise<Float32Array> {
  const { heads, pool } = spec;
  const kernel = await createKernel(gpu.device, attentionSource(spec, { packedDot }));
  const reduce = await createKernel(gpu.device, attentionReduceSource(spec));
  const layer = gpu.uniform(Uint32Array.of(text.layer, window, 0, 0));
  const step = gpu.step({ position, rows, pageTable: text.pageTable, draw: 0 });
  const parts = gpu.zeros(attentionPartBytes(spec, rows));
  const attended = gpu.zeros(rows * heads * pool.headSize * 4);
  const buffers = {
    step,
    layer,
    pages: gpu.store(text.table),
    q: gpu.store(q),
    floats: gpu.store(text.floats),
    quants: gpu.store(text.quants),
    parts,
    attended,
  };
  const dispatches: Dispatch[] = [kernel.dispatch(buffers, workgroups)];
  if (needsReduce(spec, position, rows, window)) {
    dispatches.push(reduce.dispatch(buffers, attentionReduceWorkgroups(spec, rows)));
  }
  await gpu.run(...dispatches);
  return (await gpu.floats(attended)).slice(0, rows * heads * pool.headSize);
}

const bitsOf = (floats: Float32Array): number[] => [...new Uint32Array(floats.slice().buffer)];

describe('attention over pages', () => {
  let gpu: TestGpu;
  before(async () => {
    gpu = await openTestGpu();
  });
  afterEach(() => gpu.free());
  after(() => gpu.destroy());

  for (const shape of shapes) {
    const { kvHeads, perKvHead, headSize, int8, byThreads = false } = shape;
    const name = `${byThreads ? 'by threads, ' : ''}${kvHeads * perKvHead}/${kvHeads} heads of ${headSize}, ${int8 ? 'int8' : 'float'} pages`;

    it(`agrees with the reference for any length and window: ${name}`, async function () {
      this.timeout(60_000);
      await fc.assert(
        fc.asyncProperty(cases(shape), async (test) => {
          const { text, spec, position, rows, window } = test;
          const q = text.queries(position, rows);
          const actual = await attention(gpu, test, q);
          const { keys, values } = text.lookups(int8);
          const expected = attend({ ...spec, ...spec.pool, window }, q, position, keys, values);
          gpu.free();
          expect(worstDifference(actual, expected)).to.be.lessThan(2e-5);
        }),
        { numRuns: 8 },
      );
    });

    it(`gives a row the same bits alone and among others: ${name}`, async function () {
      this.timeout(60_000);
      await fc.assert(
        fc.asyncProperty(cases(shape), async (test) => {
          const { text, position, rows } = test;
          const size = test.spec.heads * headSize;
          const q = text.queries(position, rows);
          const together = await attention(gpu, test, q);
          for (const row of new Set([0, rows - 1])) {
            const lone = { ...test, position: position + row, rows: 1 };
            const alone = await attention(gpu, lone, q.slice(row * size, (row + 1) * size));
            expect(bitsOf(alone)).to.deep.equal(bitsOf(together.subarray(row * size, (row + 1) * size)));
          }
          gpu.free();
        }),
        { numRuns: 5 },
      );
    });
  }

  it('by threads, gives the same however the workgroups are spread over x and y', async () => {
    const shape: Shape = { kvHeads: 2, perKvHead: 1, headSize: 8, int8: false, softCap: 5, byThreads: true };
    const text = textOf(shape);
    const test: Case = { text, spec: specOf(text, shape), position: 270, rows: 8, window: 0 };
    const q = text.queries(270, 8);
    const plain = await attention(gpu, test, q);
    expect(bitsOf(await attention(gpu, test, q, true, [3, 7, 1]))).to.deep.equal(bitsOf(plain));
  });

  it('unpacks bytes the same way without packed dot products', async () => {
    const shape = { kvHeads: 1, perKvHead: 1, headSize: 8, int8: true };
    const text = textOf(shape);
    const test: Case = { text, spec: specOf(text, shape), position: 200, rows: 2, window: 0 };
    const q = text.queries(200, 2);
    expect(bitsOf(await attention(gpu, test, q, false))).to.deep.equal(bitsOf(await attention(gpu, test, q, true)));
  });

  for (const byThreads of [false, true]) {
    it(`writes nothing past the rows and parts that count${byThreads ? ', by threads' : ''}`, async () => {
      const shape: Shape = { kvHeads: 2, perKvHead: 1, headSize: 8, int8: false, softCap: 5, byThreads };
      const text = textOf(shape);
      const spec = specOf(text, shape);
      const kernel = await createKernel(gpu.device, attentionSource(spec, { packedDot: true }));
      const size = spec.heads * spec.pool.headSize;
      const attended = gpu.zeros(4 * size * 4);
      const parts = gpu.zeros(attentionPartBytes(spec, 4));
      const buffers = {
        step: gpu.step({ position: 3, rows: 1, pageTable: text.pageTable, draw: 0 }),
        layer: gpu.uniform(Uint32Array.of(text.layer, 0, 0, 0)),
        pages: gpu.store(text.table),
        q: gpu.store(new Float32Array(4 * size).fill(1)),
        floats: gpu.store(text.floats),
        parts,
        attended,
      };
      // As large as the longest text and four rows would have it.
      await gpu.run(kernel.dispatch(buffers, attentionWorkgroups(spec, contextLength - 4, 4, 0)));
      const result = await gpu.floats(attended);
      expect(result.subarray(0, size).some((value) => value !== 0)).to.equal(true);
      expect(result.subarray(size).every((value) => value === 0)).to.equal(true);
      expect((await gpu.floats(parts)).every((value) => value === 0)).to.equal(true);
    });
  }
});
