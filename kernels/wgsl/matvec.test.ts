// Matrix-vector kernels against the plain reference over random shapes, with and without subgroups; and the promise that
// a row's bits depend on nothing but the row.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { openTestGpu, type TestGpu } from '../../test/support/test-gpu.js';
import { arbitraryProjection, nmse, randomFloats, randomMatrix, uploadMatrix } from '../../test/support/projections.js';
import { createKernel, traitsOf } from './kernel.js';
import { matvecSource, matvecWorkgroups, type MatvecShape, type MatvecSpec } from './matvec.js';
import { multiply, type HostMatrix } from './projection.reference.js';
import type { WeightKind } from './weight-format.js';

let gpu: TestGpu;
before(async () => {
  gpu = await openTestGpu();
});
after(() => gpu.destroy());
afterEach(() => gpu.free());

/** Runs a `plain` to `store` product. */
async function product(
  spec: MatvecSpec,
  matrix: HostMatrix,
  x: Float32Array,
  subgroups: boolean,
): Promise<Float32Array> {
  const kernel = await createKernel(gpu.device, matvecSource(spec, traitsOf(gpu.device, subgroups)));
  const rows = x.length / matrix.columns;
  const blocks = Math.ceil(rows / spec.batch);
  const y = gpu.zeros(rows * matrix.rows * 4);
  const padded = new Float32Array(blocks * spec.batch * matrix.columns);
  padded.set(x);
  const step = gpu.step({ position: 0, rows, pageTable: 0, draw: 0 });
  await gpu.run(
    kernel.dispatch({ step, x: gpu.store(padded), ...uploadMatrix(gpu, matrix), y }, matvecWorkgroups(spec, blocks)),
  );
  const out = (await gpu.floats(y)).slice(0, rows * matrix.rows);
  gpu.free();
  return out;
}

for (const subgroups of [true, false]) {
  describe(`matrix-vector products ${subgroups ? 'with' : 'without'} subgroups`, () => {
    it('agree with the reference for any kind, size, batch and spread', async function () {
      this.timeout(120_000);
      await fc.assert(
        fc.asyncProperty(arbitraryProjection, async ({ kind, rows, columns, batch, shape, seed }) => {
          const matrix = randomMatrix({ kind, rows, columns }, seed);
          const x = randomFloats(batch * columns, seed + 1);
          const output = { kind: 'store', stride: rows, at: 0 } as const;
          const spec: MatvecSpec = { matrix, batch, input: { kind: 'plain' }, output, shape };
          const actual = await product(spec, matrix, x, subgroups);
          expect(nmse(actual, multiply(matrix, x, batch))).to.be.lessThan(1e-11);
        }),
        { numRuns: 6 },
      );
    });

    // The order of sums is one code for all kinds. What compiles fast is tried in every batch, the rest in a few: software
    // WebGPU takes a second for each kernel that has a barrier.
    const every = [2, 3, 4, 5, 6, 7, 8];
    const spreads: readonly { kind: WeightKind; threads: number; staged: boolean; batches: readonly number[] }[] = [
      { kind: 'q4', threads: 4, staged: true, batches: [2, 5, 8] },
      ...(subgroups
        ? ([
            { kind: 'q4', threads: 1, staged: false, batches: every },
            { kind: 'q4', threads: 4, staged: false, batches: [3, 8] },
            { kind: 'q8', threads: 1, staged: false, batches: [3, 8] },
            { kind: 'f16', threads: 1, staged: false, batches: every },
            { kind: 'f32', threads: 4, staged: true, batches: [8] },
          ] as const)
        : ([
            { kind: 'q8', threads: 1, staged: false, batches: every },
            { kind: 'q4', threads: 16, staged: true, batches: [8] },
          ] as const)),
    ];
    for (const { kind, threads, staged, batches } of spreads) {
      const how = `${threads} threads a row, ${staged ? 'staged' : 'direct'}`;
      it(`give a row of ${kind} the same bits beside any others: ${how}`, async () => {
        const matrix = randomMatrix({ kind, rows: 13, columns: 352 }, 5);
        const x = randomFloats(8 * 352, 6);
        const output = { kind: 'store', stride: 13, at: 0 } as const;
        const of = (batch: number, shape: MatvecShape): MatvecSpec => {
          return { matrix, batch, input: { kind: 'plain' }, output, shape };
        };
        const single = await product(of(1, { workgroupSize: 16, threads, results: 1, staged }), matrix, x, subgroups);
        for (const batch of batches) {
          const shape = { workgroupSize: batch < 6 ? 64 : 32, threads, results: batch < 4 ? 2 : 1, staged };
          const together = await product(of(batch, shape), matrix, x, subgroups);
          expect(together, `${batch} rows`).to.deep.equal(single);
        }
      }).timeout(120_000);
    }
  });
}

describe('matrix-vector products in integers', () => {
  for (const kind of ['q4', 'q8'] as const) {
    it(`of ${kind} differ from the exact ones by the rounding of activations alone, and a row keeps its bits`, async () => {
      const matrix = randomMatrix({ kind, rows: 13, columns: 1376 }, 5);
      const x = randomFloats(8 * 1376, 6);
      x.fill(0, 0, 32); // a block without a scale
      const expected = multiply(matrix, x, 8);
      const output = { kind: 'store', stride: 13, at: 0 } as const;
      const of = (batch: number): MatvecSpec => {
        const shape = { workgroupSize: 32, threads: 4, results: 1, staged: true };
        return { matrix, batch, input: { kind: 'plain' }, output, shape, int8: true };
      };
      const single = await product(of(1), matrix, x, true);
      expect(nmse(single, expected)).to.be.lessThan(1e-4).and.greaterThan(1e-7);
      expect(await product(of(3), matrix, x, true)).to.deep.equal(single);
    }).timeout(60_000);
  }
});
