// The WebGPU decoder in a real browser (software WebGPU where there is no other): its logits against PyTorch's.

import { expect } from '@esm-bundle/chai';
import { type DecoderFixture, errorAgainst, fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import { requestGpuDevice } from '../gpu.js';
import { createWebGpuDecoder } from './webgpu-decoder.js';

describe('the WebGPU decoder', () => {
  let all: readonly DecoderFixture[] = [];
  let gpuDevice: GPUDevice;

  before(async () => {
    all = await fixtures();
    gpuDevice = await requestGpuDevice();
  });

  after(() => gpuDevice.destroy());

  it('says what PyTorch says, for every architecture', async () => {
    for (const fixture of all) {
      const decoder = await createWebGpuDecoder({ model: fixtureModel(fixture), gpuDevice });
      try {
        // A chunk of a prompt goes through tiles, up to eight tokens through the kernels of decoding.
        const many = await decoder.logits(fixture.tokens);
        expect(errorAgainst(fixture, many), `${fixture.name}, as a chunk`).to.be.lessThan(1e-8);
        const few = await decoder.logits(fixture.tokens.slice(0, 8));
        const first = { logits: fixture.logits.slice(0, 8) };
        expect(errorAgainst(first, few), `${fixture.name}, one by one`).to.be.lessThan(1e-8);
      } finally {
        await decoder.dispose();
      }
    }
  });
});
