// The memory of pages: what an answer makes the pool grow to, and two texts that grow it at the same moment.

import { expect } from '@esm-bundle/chai';
import { type BufferCount, countBuffers } from '../../../test/support/gpu-buffers.js';
import { fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import { pageBytes } from '../../kv/page-layout.js';
import type { Model } from '../../weights/model.js';
import { greedyOptions } from '../choose.js';
import { GpuWatch, requestGpuDevice } from '../gpu.js';
import { PagePool } from './page-pool.js';
import { SequencePages } from './sequence-pages.js';
import { createWebGpuDecoder } from './webgpu-decoder.js';

describe('the memory of pages on the GPU', function () {
  this.timeout(60_000);
  let gpuDevice: GPUDevice;
  let buffers: BufferCount;
  let model: Model;

  before(async () => {
    gpuDevice = await requestGpuDevice();
    buffers = countBuffers(gpuDevice);
    const fixture = (await fixtures()).find(({ name }) => name === 'llama-gqa');
    if (fixture === undefined) throw new Error('no fixture');
    model = fixtureModel({ ...fixture, spec: { ...fixture.spec, contextLength: 2 ** 17 } });
  });

  after(() => gpuDevice.destroy());

  it('an answer without a limit does not take the whole context before it begins', async () => {
    const decoder = await createWebGpuDecoder({ model, gpuDevice, maxContext: 2 ** 17 });
    expect((pageBytes(model.spec, false) / 32) * 2 ** 17).to.be.greaterThan(32 * 2 ** 20);
    const before = buffers.bytes;
    const sequence = decoder.openSequence();
    const request = { tokens: [1, 2], choose: greedyOptions, limit: 2 ** 17, endIds: new Set<number>() };
    let made = 0;
    for await (const { id } of sequence.decode(request)) {
      expect(id).to.be.at.least(0);
      if (++made === 3) break;
    }
    expect(buffers.bytes - before).to.be.lessThan(2 ** 20);
    await decoder.dispose();
    expect(buffers.bytes).to.equal(0);
  });

  for (const precision of ['f32', 'int8'] as const) {
    it(`texts that wait for the same growth get all pages they need, ${precision}`, async () => {
      const pool = new PagePool(new GpuWatch(gpuDevice), {
        shape: model.spec,
        precision,
        contextLength: 2 ** 17,
        largestBinding: 2 ** 27,
      });
      await pool.open();
      const texts = Array.from({ length: 4 }, () => new SequencePages(pool));
      const slots = precision === 'f32' ? pool.floats : (pool.closed ?? pool.floats);
      const tokens = 32 * 400;
      await Promise.all(texts.map((pages) => pages.prepare(0, tokens)));
      const wanted = precision === 'f32' ? 400 * slots.slotBytes : 400 * pool.floats.slotBytes + 398 * slots.slotBytes;
      expect(texts.map(({ bytes }) => bytes)).to.deep.equal(texts.map(() => wanted));
      pool.dispose();
      expect(buffers.bytes).to.equal(0);
    });
  }
});
