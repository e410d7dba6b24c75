// A second opinion on the weight kernels: ONNX Runtime's own MatMulNBits over random shapes, on the same bytes.
// Quantised kinds only: that operator has no others.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { createKernel, traitsOf } from '../../../kernels/wgsl/kernel.js';
import { matmulSource, matmulWorkgroups } from '../../../kernels/wgsl/matmul.js';
import { matvecSource, matvecWorkgroups } from '../../../kernels/wgsl/matvec.js';
import { halfToNumber, type HostMatrix } from '../../../kernels/wgsl/projection.reference.js';
import { openOrt, ortProduct } from '../../../test/support/ort-operators.js';
import { nmse, randomFloats, randomMatrix, uploadMatrix } from '../../../test/support/projections.js';
import { openTestGpu, type TestGpu } from '../../../test/support/test-gpu.js';
import type { OrtRuntime } from '../onnx/ort-runtime.js';

let gpu: TestGpu;
let ort: OrtRuntime;
before(async () => {
  gpu = await openTestGpu();
  ort = await openOrt();
});
after(() => gpu.destroy());

/** y = W x by ONNX Runtime in WebAssembly. */
function theirs({ kind, rows, columns, weights, scales }: HostMatrix, x: Float32Array): Promise<Float32Array> {
  if (kind !== 'q4' && kind !== 'q8') throw new Error(`MatMulNBits has no ${kind}`);
  const wide = Float32Array.from(scales ?? [], halfToNumber);
  return ortProduct(ort, { kind, rows, columns, quants: weights as Uint8Array, scales: wide }, x);
}

describe("ONNX Runtime's MatMulNBits", () => {
  it('agrees with matrix-vector and tiled kernels over random shapes', async () => {
    const arbitrary = fc.record({
      kind: fc.constantFrom('q4', 'q8'),
      n: fc.integer({ min: 1, max: 70 }),
      blocks: fc.integer({ min: 1, max: 20 }),
      rows: fc.integer({ min: 1, max: 20 }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ kind, n, blocks, rows, seed }) => {
        const matrix = randomMatrix({ kind, rows: n, columns: blocks * 32 }, seed);
        const { columns } = matrix;
        const x = randomFloats(rows * columns, seed + 1);
        const expected = await theirs(matrix, x);
        const output = { kind: 'store', stride: n, at: 0 } as const;
        const vectors = {
          matrix,
          input: { kind: 'plain' },
          output,
          batch: 2,
          shape: { workgroupSize: 16, threads: 1, results: 2, staged: false },
        } as const;
        const tiles = { matrix, input: { kind: 'plain' }, output, shape: { tileRows: 16, tileColumns: 32 } } as const;
        const padded = new Float32Array((rows + 1) * columns);
        padded.set(x);
        const buffers = {
          step: gpu.step({ position: 0, rows, pageTable: 0, draw: 0 }),
          x: gpu.store(padded),
          ...uploadMatrix(gpu, matrix),
        };
        for (const [source, grid] of [
          [matvecSource(vectors, traitsOf(gpu.device)), matvecWorkgroups(vectors, Math.ceil(rows / 2))],
          [matmulSource(tiles), matmulWorkgroups(tiles, rows)],
        ] as const) {
          const kernel = await createKernel(gpu.device, source);
          const y = gpu.zeros(rows * n * 4);
          await gpu.run(kernel.dispatch({ ...buffers, y }, grid));
          expect(nmse((await gpu.floats(y)).slice(0, rows * n), expected)).to.be.lessThan(1e-10);
        }
        gpu.free();
      }),
      { numRuns: 8 },
    );
  }).timeout(120_000);
});
