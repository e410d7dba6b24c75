// Tiled attention over pages against the plain reference, for chunks that begin and end anywhere; and the promise that a
// row's bits do not depend on the chunk it comes in.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { PagedText, worstDifference } from '../../test/support/paged-text.js';
import { openTestGpu, type TestGpu } from '../../test/support/test-gpu.js';
import { tiledSource, tiledWorkgroups, type TiledSpec } from './attention-tiled.js';
import { attend } from './attention.reference.js';
import { createKernel } from './kernel.js';

const contextLength = 192;

const shapes: readonly { kvHeads: number; perKvHead: number; headSize: number; int8: boolean; softCap?: number }[] = [
  { kvHeads: 2, perKvHead: 1, headSize: 8, int8: false, softCap: 5 },
  { kvHeads: 1, perKvHead: 3, headSize: 24, int8: true },
  { kvHeads: 1, perKvHead: 2, headSize: 64, int8: true, softCap: 50 },
  { kvHeads: 1, perKvHead: 1, headSize: 256, int8: true },
];

describe('tiled attention over pages', () => {
  let gpu: TestGpu;
  before(async () => {
    gpu = await openTestGpu();
  });
  afterEach(() => gpu.free());
  after(() => gpu.destroy());

  for (const { kvHeads, perKvHead, headSize, int8, softCap } of shapes) {
    const heads = kvHeads * perKvHead;
    const text = new PagedText({ kvHeads, headSize, layers: 2 }, heads, contextLength, headSize + 1);
    const spec: TiledSpec = {
      pool: text.pool,
      heads,
      int8,
      scale: headSize ** -0.5,
      ...(softCap === undefined ? {} : { softCap }),
    };

    const attention = async (position: number, rows: number, window: number): Promise<Float32Array> => {
      const kernel = await createKernel(gpu.device, tiledSource(spec, { packedDot: true }));
      const attended = gpu.zeros(rows * heads * headSize * 4);
      const buffers = {
        step: gpu.step({ position, rows, pageTable: text.pageTable, draw: 0 }),
        layer: gpu.uniform(Uint32Array.of(text.layer, window, 0, 0)),
        pages: gpu.store(text.table),
        q: gpu.store(text.queries(position, rows)),
        floats: gpu.store(text.floats),
        quants: gpu.store(text.quants),
        attended,
      };
      const [tiles, y, z] = tiledWorkgroups(spec, position, rows);
      await gpu.run(kernel.dispatch(buffers, [tiles + 1, y, z])); // one too many: it must do nothing
      return (await gpu.floats(attended)).slice(0, rows * heads * headSize);
    };

    it(`agrees with the reference: ${heads}/${kvHeads} heads of ${headSize}, ${int8 ? 'int8' : 'float'} pages`, async function () {
      this.timeout(60_000);
      const part = fc
        .tuple(fc.integer({ min: 0, max: contextLength - 1 }), fc.integer({ min: 1, max: 100 }))
        .map(([position, rows]) => ({ position, rows: Math.min(rows, contextLength - position) }));
      const window = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 90 }));
      await fc.assert(
        fc.asyncProperty(part, window, async ({ position, rows }, window) => {
          const actual = await attention(position, rows, window);
          const { keys, values } = text.lookups(int8);
          const expected = attend(
            { ...spec, ...spec.pool, window },
            text.queries(position, rows),
            position,
            keys,
            values,
          );
          gpu.free();
          expect(worstDifference(actual, expected)).to.be.lessThan(2e-5);
        }),
        { numRuns: 6 },
      );
    });

    it(`gives a row the same bits in any chunk: ${heads}/${kvHeads} heads of ${headSize}`, async () => {
      const whole = await attention(0, 140, 70);
      const size = heads * headSize;
      for (const [position, rows] of [
        [0, 37],
        [37, 64],
        [101, 39],
      ] as const) {
        const piece = await attention(position, rows, 70);
        expect([...piece]).to.deep.equal([...whole.subarray(position * size, (position + rows) * size)]);
      }
    });
  }
});
