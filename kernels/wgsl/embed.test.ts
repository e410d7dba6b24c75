// The small kernels around the products: norms as a dispatch of their own, and rows of embedding tables.

import { expect } from '@esm-bundle/chai';
import { nmse, randomFloats, randomMatrix, uploadMatrix } from '../../test/support/projections.js';
import { openTestGpu, type TestGpu } from '../../test/support/test-gpu.js';
import { embedSource, embedWorkgroups } from './embed.js';
import { createKernel } from './kernel.js';
import { element, rmsNorm, weightKinds, type HostMatrix } from './projection.reference.js';
import { rmsNormSource, rmsNormWorkgroups } from './rms-norm.js';

let gpu: TestGpu;
before(async () => {
  gpu = await openTestGpu();
});
after(() => gpu.destroy());
afterEach(() => gpu.free());

const rows = 5;
const position = 300;
const epsilon = 1e-5;
const vectors = randomFloats(2048, 99).map((v) => 0.3 * v + 0.5);
const at = { postNorm: 1024 };

describe('beside the products,', () => {
  it('norms as a dispatch of their own agree', async () => {
    const columns = 172;
    const state = randomFloats(3 * rows * columns, 4);
    const block = rows * columns;
    for (const input of [
      { kind: 'norm', epsilon, normAt: 0 },
      { kind: 'joined', epsilon, normAt: 0, postNormAt: at.postNorm, hiddenAt: 0, pendingAt: block, nextAt: 2 * block },
    ] as const) {
      const kernel = await createKernel(gpu.device, rmsNormSource({ columns, input }));
      const y = gpu.zeros(block * 4);
      const held = gpu.store(state);
      const step = gpu.step({ position, rows, pageTable: 0, draw: 0 });
      await gpu.run(
        kernel.dispatch({ step, x: held, state: held, vectors: gpu.store(vectors), y }, rmsNormWorkgroups(rows)),
      );
      const weight = (from: number): Float32Array => vectors.subarray(from, from + columns);
      let hidden = Float64Array.from(state.subarray(0, block));
      if (input.kind === 'joined') {
        const pending = rmsNorm(state.subarray(block, 2 * block), weight(at.postNorm), epsilon);
        hidden = hidden.map((value, i) => value + (pending[i] ?? 0));
        expect(nmse((await gpu.floats(held)).subarray(2 * block, 3 * block), hidden)).to.be.lessThan(1e-12);
      }
      expect(nmse((await gpu.floats(y)).subarray(0, block), rmsNorm(hidden, weight(0), epsilon))).to.be.lessThan(1e-12);
    }
  });

  for (const kind of weightKinds) {
    it(`embeddings come from ${kind} tables in pieces, and ids past the table are left alone`, async () => {
      const columns = kind === 'f32' ? 44 : 64;
      const table = randomMatrix({ kind, rows: 12, columns }, 3);
      const ids = [11, 0, 7, 6, 12];
      const y = gpu.zeros(ids.length * columns * 4);
      for (const [firstRow, count] of [
        [0, 7],
        [7, 5],
      ] as const) {
        const piece = { kind, rows: count, columns };
        const from = firstRow * columns;
        const to = from + count * columns;
        const perElement = kind === 'q4' ? 0.5 : 1;
        const weights = table.weights.slice(from * perElement, to * perElement);
        const part: HostMatrix = {
          ...piece,
          weights,
          ...(table.scales ? { scales: table.scales.slice(from / 32, to / 32) } : {}),
        };
        const spec = { matrix: piece, firstRow, scale: 3 };
        const kernel = await createKernel(gpu.device, embedSource(spec));
        const step = gpu.step({ position, rows: ids.length, pageTable: 0, draw: 0 });
        const tokens = gpu.store(Uint32Array.from(ids));
        await gpu.run(
          kernel.dispatch({ step, tokens, ...uploadMatrix(gpu, part), y }, embedWorkgroups(spec, ids.length)),
        );
      }
      const expected = ids.flatMap((id) =>
        Array.from({ length: columns }, (_, column) => (id === 12 ? 0 : 3 * element(table, id, column))),
      );
      expect([...(await gpu.floats(y)).subarray(0, expected.length)]).to.deep.equal(expected.map(Math.fround));
    });
  }
});
