// What a sequence of the ONNX decoder promises, on both devices: appending, choosing, truncating, aborting, releasing,
// sequences side by side. The model is a random one with two sessions' worth of layers and grouped heads.

import { expect } from '@esm-bundle/chai';
import { type DecoderFixture, fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import { togetherContract } from '../../../test/support/decoder-contract.js';
import { EngineError } from '../../protocol/errors.js';
import { greedyOptions } from '../choose.js';
import type { ChooseOptions, Decoder, Sequence } from '../decoder.js';
import { createOnnxDecoder } from './onnx-decoder.js';
import { requestOrtDevice } from './ort-gpu.js';

const greedy: ChooseOptions = { ...greedyOptions, logprobs: 0 };

const codeOf = async (call: () => unknown): Promise<string> => {
  try {
    await call();
    return 'none';
  } catch (error) {
    return EngineError.from(error).code;
  }
};

for (const device of ['wasm', 'webgpu'] as const) {
  describe(`a sequence of the ONNX decoder on ${device}`, () => {
    let decoder: Decoder;
    let fixture: DecoderFixture;
    let tokens: readonly number[];
    /** PyTorch's greedy choice after each token, and its log-probability. */
    let expected: readonly { readonly id: number; readonly logprob: number }[];

    before(async () => {
      const [first] = await fixtures();
      if (first === undefined) throw new Error('no fixtures');
      fixture = first;
      ({ tokens } = fixture);
      expected = fixture.logits.map((row) => {
        const id = row.indexOf(Math.max(...row));
        const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
        return { id, logprob: (row[id] ?? NaN) - Math.log(sum) };
      });
      const model = fixtureModel(fixture);
      const assetBase = '/node_modules/onnxruntime-web/dist/';
      decoder = await createOnnxDecoder({ model, device, assetBase, segmentBytes: 1 });
    });

    after(() => decoder.dispose());

    /** Appends one token and checks the choice against PyTorch's for that position. */
    const step = async (sequence: Sequence): Promise<void> => {
      const position = sequence.length;
      const [choice, ...more] = await sequence.append({
        tokens: tokens.slice(position, position + 1),
        at: 'last',
        choose: greedy,
      });
      expect(more.length).to.equal(0);
      expect(choice?.id).to.equal(expected[position]?.id);
      expect(choice?.logprob?.logprob).to.be.closeTo(expected[position]?.logprob ?? NaN, 1e-4);
      expect(sequence.length).to.equal(position + 1);
    };

    it('says token by token what PyTorch says in one go', async () => {
      const sequence = decoder.openSequence();
      for (let i = 0; i < 12; i++) await step(sequence);
      sequence.release();
    });

    it('chooses nothing, at the last position, or at every one, as asked', async () => {
      const sequence = decoder.openSequence();
      expect(await sequence.append({ tokens: tokens.slice(0, 5), at: 'none' })).to.deep.equal([]);
      const [last] = await sequence.append({ tokens: tokens.slice(5, 9), at: 'last', choose: greedy });
      expect(last?.id).to.equal(expected[8]?.id);
      const every = await sequence.append({ tokens: tokens.slice(9, 24), at: 'every', choose: greedy });
      expect(every.map((choice) => choice.id)).to.deep.equal(expected.slice(9, 24).map((choice) => choice.id));
      sequence.release();
    });

    it('says after truncating what a fresh sequence says', async () => {
      const sequence = decoder.openSequence();
      await sequence.append({ tokens: tokens.slice(0, 6), at: 'none' });
      await sequence.append({ tokens: [7, 7, 7, 7, 7, 7, 7, 7], at: 'none' });
      sequence.truncate(6);
      expect(sequence.length).to.equal(6);
      for (let i = 0; i < 3; i++) await step(sequence);
      sequence.truncate(0);
      for (let i = 0; i < 3; i++) await step(sequence);
      expect(await codeOf(() => sequence.truncate(4))).to.equal('invalid-request');
      sequence.release();
    });

    it('does not mix two sequences that take turns', async () => {
      const [one, other] = [decoder.openSequence(), decoder.openSequence()];
      await other.append({ tokens: [3, 1, 4, 1, 5], at: 'none' });
      await Promise.all([
        (async () => {
          for (let i = 0; i < 6; i++) await step(one);
        })(),
        (async () => {
          for (let i = 0; i < 6; i++) await other.append({ tokens: [i], at: 'last', choose: greedy });
        })(),
      ]);
      other.truncate(0);
      await step(other);
      one.release();
      other.release();
    });

    it('holds after an abort what it held before', async () => {
      const sequence = decoder.openSequence();
      await sequence.append({ tokens: tokens.slice(0, 4), at: 'none' });
      const stop = new AbortController();
      const long = Array.from({ length: 100 }, (_, i) => i % 90);
      const running = codeOf(() => sequence.append({ tokens: long, at: 'last', choose: greedy, signal: stop.signal }));
      stop.abort();
      expect(await running).to.equal('aborted');
      expect(sequence.length).to.equal(4);
      const stopped = AbortSignal.abort();
      expect(await codeOf(() => sequence.append({ tokens: [1], at: 'none', signal: stopped }))).to.equal('aborted');
      for (let i = 0; i < 3; i++) await step(sequence);
      sequence.release();
    });

    it('refuses more than the context holds and appends nothing then', async () => {
      const sequence = decoder.openSequence();
      await sequence.append({ tokens: tokens.slice(0, 2), at: 'none' });
      const room = decoder.info.contextLength - 2;
      const long = Array.from({ length: room + 1 }, () => 1);
      expect(await codeOf(() => sequence.append({ tokens: long, at: 'none' }))).to.equal('prompt-too-long');
      expect(sequence.length).to.equal(2);
      await step(sequence);
      await sequence.append({ tokens: long.slice(0, room - 1), at: 'none' });
      expect(sequence.length).to.equal(decoder.info.contextLength);
      expect(await codeOf(() => sequence.append({ tokens: [1], at: 'none' }))).to.equal('prompt-too-long');
      sequence.release();
    });

    it('refuses wrong calls', async () => {
      const sequence = decoder.openSequence();
      const size = decoder.info.vocabularySize;
      for (const wrong of [[], [-1], [size], [1.5], [NaN]]) {
        expect(await codeOf(() => sequence.append({ tokens: wrong, at: 'none' }))).to.equal('invalid-request');
      }
      expect(await codeOf(() => sequence.append({ tokens: [1], at: 'last' }))).to.equal('invalid-request');
      const running = sequence.append({ tokens: [1], at: 'none' });
      expect(await codeOf(() => sequence.append({ tokens: [1], at: 'none' }))).to.equal('invalid-request');
      expect(await codeOf(() => sequence.truncate(0))).to.equal('invalid-request');
      await running;
      expect(sequence.length).to.equal(1);
      sequence.release();
    });

    it('gives its memory back when released, also in the middle of a call', async () => {
      expect(decoder.holding).to.deep.equal({ tokens: 0, kvBytes: 0 });
      const [one, other] = [decoder.openSequence(), decoder.openSequence()];
      await one.append({ tokens: tokens.slice(0, 5), at: 'none' });
      const bytesEach = fixture.spec.layers * fixture.spec.kvHeads * fixture.spec.headSize * 2 * 4;
      expect(one.holding.tokens).to.equal(5);
      expect(one.holding.kvBytes).to.be.at.least(5 * bytesEach);
      expect(decoder.holding).to.deep.equal(one.holding);
      const running = codeOf(() => other.append({ tokens: tokens.slice(0, 20), at: 'last', choose: greedy }));
      other.release();
      other.release();
      one.release();
      expect(await running).to.equal('aborted');
      expect(one.holding.kvBytes + other.holding.kvBytes).to.equal(0);
      expect(decoder.holding).to.deep.equal({ tokens: 0, kvBytes: 0 });
      expect(await codeOf(() => one.append({ tokens: [1], at: 'none' }))).to.equal('invalid-request');
    });
  });
}

describe('long texts on webgpu', () => {
  const assetBase = '/node_modules/onnxruntime-web/dist/';

  /** Appends up to each of `ends` on both devices and compares what they choose, and how surely. */
  const compare = async (gpuDevice: GPUDevice, ends: readonly number[]): Promise<void> => {
    const [fixture] = await fixtures();
    if (fixture === undefined) throw new Error('no fixtures');
    const model = fixtureModel({ ...fixture, spec: { ...fixture.spec, contextLength: 600 } });
    const gpu = await createOnnxDecoder({ model, device: 'webgpu', assetBase, gpuDevice });
    const host = await createOnnxDecoder({ model, device: 'wasm', assetBase });
    const text = Array.from({ length: 600 }, (_, i) => (i * i + 3 * i) % 96);
    const [ours, theirs] = [gpu.openSequence(), host.openSequence()];
    let from = 0;
    for (const to of ends) {
      const request = { tokens: text.slice(from, to), at: 'last', choose: greedy } as const;
      const [a] = await ours.append(request);
      const [b] = await theirs.append(request);
      expect(a?.id).to.equal(b?.id);
      expect(a?.logprob?.logprob).to.be.closeTo(b?.logprob?.logprob ?? NaN, 1e-4);
      from = to;
    }
    expect(ours.length).to.equal(from);
    await gpu.dispose();
    await host.dispose();
  };

  it('says what WebAssembly says when its cache outgrows its buffers', async () => {
    const device = await requestOrtDevice();
    await compare(device, [200, 280, 281, 300]); // the first buffers hold 256
    device.destroy();
  });

  it('says it also on a lent device with small subgroups, which ONNX Runtime cannot handle', async () => {
    const adapter = await navigator.gpu.requestAdapter();
    if (adapter === null) throw new Error('no adapter');
    const device = await adapter.requestDevice({
      requiredFeatures: adapter.features.has('subgroups') ? ['subgroups'] : [],
      requiredLimits: { maxStorageBuffersPerShaderStage: adapter.limits.maxStorageBuffersPerShaderStage },
    });
    await compare(device, [40, 41]); // 32 at once are too many there
    device.destroy();
  });
});

describe('several texts at once on the ONNX decoder', function () {
  this.timeout(60_000);
  const assetBase = '/node_modules/onnxruntime-web/dist/';
  const contract = togetherContract({
    createDecoder: (model) => createOnnxDecoder({ model, device: 'wasm', assetBase }),
    exactUpTo: 1,
    error: 1e-8,
    tie: 1e-4,
  });
  for (const { name, run } of contract) it(name, run);
});
