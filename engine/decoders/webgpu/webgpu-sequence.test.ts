// Sequences of the WebGPU decoder: the contract that all decoders keep, with float pages and with int8 ones, and what this
// one promises beyond: few dispatches and one submit a token, and nothing made while decoding.

import { expect } from '@esm-bundle/chai';
import { fixtureModel, type DecoderFixture, fixtures } from '../../../test/fixtures/fixture-models.js';
import { decoderContract } from '../../../test/support/decoder-contract.js';
import { type BufferCount, countBuffers } from '../../../test/support/gpu-buffers.js';
import { randomModel } from '../../../test/support/memory-model.js';
import type { Model } from '../../weights/model.js';
import { chooseToken, greedyOptions } from '../choose.js';
import type { ChooseOptions, Sequence } from '../decoder.js';
import { requestGpuDevice } from '../gpu.js';
import { createWebGpuDecoder, type WebGpuDecoder } from './webgpu-decoder.js';

describe('a sequence of the WebGPU decoder', function () {
  this.timeout(120_000);
  let gpuDevice: GPUDevice;
  let buffers: BufferCount;

  before(async () => {
    gpuDevice = await requestGpuDevice();
    buffers = countBuffers(gpuDevice);
  });

  after(() => gpuDevice.destroy());

  for (const kvPrecision of ['f32', 'int8'] as const) {
    describe(`with ${kvPrecision === 'f32' ? 'float' : 'int8'} pages`, () => {
      const createDecoder = (model: Model): Promise<WebGpuDecoder> =>
        createWebGpuDecoder({ model, gpuDevice, kvPrecision });
      const cases = decoderContract({ createDecoder, exactUpTo: 8, error: 1e-8, tie: 1e-4 });
      for (const { name, run } of cases) it(name, run);
    });
  }

  describe('decoding', () => {
    let decoder: WebGpuDecoder;
    let model: DecoderFixture;

    before(async () => {
      // 128 positions are too few for 200 tokens; rotary angles go on beyond what a model was trained for.
      const [fixture] = (await fixtures()).filter(({ name }) => name === 'llama-gqa');
      if (fixture === undefined) throw new Error('no fixture');
      model = { ...fixture, spec: { ...fixture.spec, contextLength: 512 } };
      decoder = await createWebGpuDecoder({ model: fixtureModel(model), gpuDevice });
    });

    after(() => decoder.dispose());

    const decode = async (sequence: Sequence, tokens: number[], limit: number, choose: ChooseOptions, after = 0) => {
      const made: number[] = [];
      const bound: number[] = [];
      const ids: number[] = [];
      for await (const { id } of sequence.decode({ tokens, choose, limit, endIds: new Set() })) {
        ids.push(id);
        if (ids.length < after) continue;
        made.push(buffers.made);
        bound.push(buffers.bound);
      }
      return { ids, made, bound };
    };

    for (const [what, choose] of [
      ['greedily', greedyOptions],
      ['drawing, with penalties', { ...greedyOptions, temperature: 0.8, topP: 0.9, repetitionPenalty: 1.1, seed: 7 }],
    ] as const) {
      it(`makes no buffer and no bind group in 200 tokens, ${what}`, async () => {
        const sequence = decoder.openSequence();
        const { ids, made, bound } = await decode(sequence, [1, 2, 3], 204, choose, 4);
        expect(ids.length).to.equal(204);
        expect(made.at(-1)).to.equal(made[0]);
        expect(bound.at(-1)).to.equal(bound[0]);
        sequence.release();
        // Nor does the next answer of the kind make any, from its first token on.
        const before = buffers.made;
        const next = decoder.openSequence();
        await decode(next, [4], 40, choose);
        expect(buffers.made).to.equal(before);
        next.release();
      });
    }

    it('takes one submit a token, of at most six dispatches a layer and four more', async () => {
      let submits = 0;
      let dispatches = 0;
      const submit = gpuDevice.queue.submit.bind(gpuDevice.queue);
      gpuDevice.queue.submit = (commands) => {
        submits += 1;
        return submit(commands);
      };
      const dispatch = GPUComputePassEncoder.prototype.dispatchWorkgroups;
      GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...sizes) {
        dispatches += 1;
        return dispatch.apply(this, sizes);
      };
      try {
        const sequence = decoder.openSequence();
        // Beyond the first split of attention, where splits must be joined.
        await sequence.append({ tokens: Array.from({ length: 200 }, (_, i) => i % 90), at: 'none' });
        [submits, dispatches] = [0, 0];
        await decode(sequence, [1], 50, greedyOptions);
        expect(submits).to.equal(50);
        expect(dispatches / 50).to.be.at.most(model.spec.layers * 6 + 4);
        sequence.release();
      } finally {
        gpuDevice.queue.submit = submit;
        GPUComputePassEncoder.prototype.dispatchWorkgroups = dispatch;
      }
    });

    it('computes several texts in one submit a token, and makes no buffer for it once it has', async () => {
      let submits = 0;
      const submit = gpuDevice.queue.submit.bind(gpuDevice.queue);
      gpuDevice.queue.submit = (commands) => {
        submits += 1;
        return submit(commands);
      };
      const together = async (): Promise<{ submits: number; made: number }> => {
        const sequences = Array.from({ length: 6 }, () => decoder.openSequence());
        const [submitsBefore, madeBefore] = [submits, buffers.made];
        await Promise.all(sequences.map((sequence, i) => decode(sequence, [1, 2, 3 + i], 40, greedyOptions)));
        for (const sequence of sequences) sequence.release();
        return { submits: submits - submitsBefore, made: buffers.made - madeBefore };
      };
      try {
        // The kernels for several rows are compiled meanwhile: until they are there, rows go one by one.
        let last = await together();
        for (let tries = 0; tries < 20 && last.submits > 100; tries++) last = await together();
        expect(last.submits, '240 tokens').to.be.below(100);
        expect((await together()).made).to.equal(0);
      } finally {
        gpuDevice.queue.submit = submit;
      }
    });

    it('computes a token that the GPU cannot choose on the processor, and goes on', async () => {
      const sequence = decoder.openSequence();
      const wanted = await decode(sequence, [5, 6, 7], 12, greedyOptions);
      sequence.truncate(0);
      // More alternatives than a record on the GPU holds.
      const choose = { ...greedyOptions, logprobs: 30 };
      const ids: number[] = [];
      for await (const { id, alternatives } of sequence.decode({
        tokens: [5, 6, 7],
        choose,
        limit: 12,
        endIds: new Set(),
      })) {
        ids.push(id);
        expect(alternatives?.length).to.equal(30);
      }
      expect(ids).to.deep.equal(wanted.ids);
      sequence.release();
    });

    it('chooses on the processor what lies beyond the candidates of the GPU, and goes on counting', async () => {
      const flat = await createWebGpuDecoder({
        model: randomModel({ ...model.spec, vocabularySize: 1500 }),
        gpuDevice,
      });
      // So hot that the likeliest 512 tokens have a third of the probability.
      const choose = { ...greedyOptions, temperature: 50, presencePenalty: 2, seed: 3 };
      const sequence = flat.openSequence();
      const { ids } = await decode(sequence, [5, 6, 7], 8, choose);
      sequence.release();
      const logits = await flat.logits([5, 6, 7, ...ids]);
      ids.forEach((id, i) => {
        const row = logits.subarray((2 + i) * 1500, (3 + i) * 1500);
        expect(id, `token ${i}`).to.equal(chooseToken(row, { ...choose, penalised: ids.slice(0, i) }, 3 + i).id);
      });
      await flat.dispose();
    });

    it('keeps pages only for what it holds', async () => {
      const sequence = decoder.openSequence();
      await sequence.append({ tokens: Array.from({ length: 70 }, (_, i) => i), at: 'none' });
      const three = sequence.holding.kvBytes;
      sequence.truncate(33);
      expect(sequence.holding).to.deep.equal({ tokens: 33, kvBytes: (three / 3) * 2 });
      sequence.release();
      expect(decoder.holding).to.deep.equal({ tokens: 0, kvBytes: 0 });
    });
  });
});
