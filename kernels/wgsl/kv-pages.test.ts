// Pages on the GPU: rows appended where the page table says, pages closed to the very bytes of the reference, reopened to
// the very floats that readers of the closed page see; and the layout agrees with engine/kv/page-layout.ts.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { floatLayerBytes, int8LayerLayout, pageTokens as engineTokens } from '../../engine/kv/page-layout.js';
import { randomFloats } from '../../test/support/paged-text.js';
import { openTestGpu, type TestGpu } from '../../test/support/test-gpu.js';
import { createKernel, type KernelSource, type Slots } from './kernel.js';
import { closeSource, closeWorkgroups, reopenSource } from './kv-close.js';
import { floatLayerSize, int8Offsets, kvAppend, noSlot, pageTokens, type KvPool } from './kv-pages.js';
import { closeLayer, fromHalf, halfBelow, openLayer } from './kv-pages.reference.js';
import { stepStruct } from './step.js';

const pools: readonly KvPool[] = [
  { kvHeads: 2, headSize: 8, layers: 3 },
  { kvHeads: 1, headSize: 80, layers: 2 },
  { kvHeads: 1, headSize: 256, layers: 1 },
];

describe('pages', () => {
  let gpu: TestGpu;
  before(async () => {
    gpu = await openTestGpu();
  });
  afterEach(() => gpu.free());
  after(() => gpu.destroy());

  it('lie as the engine says', () => {
    for (const pool of pools) {
      expect(pageTokens).to.equal(engineTokens);
      expect(floatLayerSize(pool) * 4).to.equal(floatLayerBytes(pool));
      expect(int8Offsets(pool)).to.deep.equal(int8LayerLayout(pool));
    }
  });

  it('begin at half numbers that are the greatest below', () => {
    fc.assert(
      fc.property(fc.float({ min: -60000, max: 60000, noNaN: true }), (value) => {
        const half = halfBelow(value);
        expect(fromHalf(half)).to.be.at.most(value);
        const next = (half & 0x8000) === 0 ? half + 1 : half === 0x8000 ? 1 : half - 1;
        expect(fromHalf(next)).to.be.greaterThan(value === 0 ? -1 : value);
      }),
    );
  });

  for (const pool of pools) {
    const { kvHeads, headSize, layers } = pool;
    const size = floatLayerSize(pool);
    const { byteLength } = int8Offsets(pool);

    it(`close to the reference's bytes and reopen to its floats: ${kvHeads} heads of ${headSize}`, async function () {
      this.timeout(60_000);
      const close = await createKernel(gpu.device, closeSource(pool));
      const reopen = await createKernel(gpu.device, reopenSource(pool));
      await fc.assert(
        fc.asyncProperty(fc.nat(1e6), fc.constantFrom(1e-6, 0.01, 1, 300, 4e4), async (seed, width) => {
          // Two pages, all layers: float slots 1 and 2, int8 slots 3 and 0.
          const content = randomFloats(3 * layers * size, seed).map((v, i) => {
            const channel = i % headSize;
            const scaled = channel % 4 === 1 ? Math.round(v * 4) / 4 : v * width;
            return channel % 7 === 3 ? 20 : channel % 5 === 2 ? scaled - 20 * width : scaled;
          });
          const table = Uint32Array.of(noSlot, noSlot, 1, 3, 2, 0);
          const buffers = {
            layer: gpu.uniform(new Uint32Array(4)),
            task: gpu.uniform(Uint32Array.of(1, 0, 0, 0)),
            pages: gpu.store(table),
            floats: gpu.store(content),
            quants: gpu.zeros(4 * layers * byteLength),
          };
          await gpu.run(close.dispatch(buffers, closeWorkgroups(pool, 2, layers)));
          const bytes = new Uint8Array((await gpu.words(buffers.quants)).buffer);
          const opened = { ...buffers, floats: gpu.zeros(content.byteLength) };
          await gpu.run(reopen.dispatch(opened, closeWorkgroups(pool, 2, layers)));
          const floats = await gpu.floats(opened.floats);
          for (const [float, int8] of [
            [1, 3],
            [2, 0],
          ] as const) {
            for (let layer = 0; layer < layers; layer++) {
              const at = (float * layers + layer) * size;
              const keys = content.subarray(at, at + size / 2);
              const expected = closeLayer(pool, keys, content.subarray(at + size / 2, at + size));
              const from = (int8 * layers + layer) * byteLength;
              expect([...bytes.subarray(from, from + byteLength)]).to.deep.equal([...expected]);
              const readers = openLayer(pool, expected);
              expect([...floats.subarray(at, at + size / 2)]).to.deep.equal([...readers.keys]);
              expect([...floats.subarray(at + size / 2, at + size)]).to.deep.equal([...readers.values]);
            }
          }
          expect(floats.subarray(0, layers * size).every((v) => v === 0)).to.equal(true);
          gpu.free();
        }),
        { numRuns: 6 },
      );
    });
  }

  it('take rows where the page table says, and none where it says nothing', async () => {
    const pool: KvPool = { kvHeads: 2, headSize: 8, layers: 2 };
    const append = kvAppend(pool);
    const source: KernelSource<Slots> = {
      label: 'append, for this test',
      slots: { step: { access: 'uniform', type: 'Step' }, ...append.slots },
      code: `${stepStruct}${append.code}
@compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  // Rows of 2 x (2 heads of 8): the value tells position, head, element and which of the two it is.
  let e = id.x % 32u;
  let position = position_of(id.y);
  kv_append(id.y, e >= 16u, (e / 8u) % 2u, e % 8u, f32(position * 100u + e));
}`,
    };
    const kernel = await createKernel(gpu.device, source);
    const floats = gpu.zeros(3 * 2 * floatLayerSize(pool) * 4);
    await gpu.run(
      kernel.dispatch(
        {
          step: gpu.step({ position: 30, rows: 40, pageTable: 1, draw: 0 }),
          layer: gpu.uniform(Uint32Array.of(1, 0, 0, 0)),
          pages: gpu.store(Uint32Array.of(0, 0, 2, noSlot, 1, noSlot, noSlot, 0)),
          floats,
        },
        [1, 40, 1],
      ),
    );
    const result = await gpu.floats(floats);
    const expected = new Float32Array(result.length);
    for (let position = 30; position < 64; position++) {
      const slot = position < 32 ? 2 : 1;
      for (let e = 0; e < 32; e++) {
        const head = Math.floor(e / 8) % 2;
        const at = (slot * 2 + 1) * 1024 + (e >= 16 ? 512 : 0) + (head * 32 + (position % 32)) * 8 + (e % 8);
        expected[at] = position * 100 + e;
      }
    }
    expect([...result]).to.deep.equal([...expected]);
  });
});
