// The ONNX decoder in a real browser, on both devices: its logits against PyTorch's, and what it refuses to open.
// What a sequence does is in onnx-sequence.test.ts.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { type DecoderFixture, errorAgainst, fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import { arbitrarySpec } from '../../../test/support/arbitrary-spec.js';
import { memoryModel } from '../../../test/support/memory-model.js';
import { createReferenceDecoder } from '../../../test/support/reference-decoder.js';
import { EngineError } from '../../protocol/errors.js';
import type { Model, WeightTensor } from '../../weights/model.js';
import type { Decoder } from '../decoder.js';
import { createOnnxDecoder, type OnnxDecoderOptions } from './onnx-decoder.js';
import { requestOrtDevice } from './ort-gpu.js';

const assetBase = '/node_modules/onnxruntime-web/dist/';
// Normalised mean squared error. Float32 sums in another order than PyTorch's differ by rounding: 2e-11 at most was seen.
// Quantised matrices are held to the same bound, because nothing here rounds activations.
const tolerance = 1e-10;
/** Software WebGPU is slow: one of each sort, and texts just past their windows. The others were seen once, see README.md. */
const onWebGpu = [
  'llama-gqa',
  'llama3-scaling-tied',
  'qwen2-biases-tied',
  'llama-wide-heads-q4',
  'qwen2-q8',
  'mistral-window',
  'qwen3-tied',
  'phi4-mini-partial-q4',
];

describe('the ONNX decoder', () => {
  let all: readonly DecoderFixture[] = [];
  let gpuDevice: GPUDevice;

  before(async () => {
    all = await fixtures();
    gpuDevice = await requestOrtDevice();
  });

  after(() => gpuDevice.destroy());

  const open = (device: 'wasm' | 'webgpu', options: Partial<OnnxDecoderOptions> & { model: Model }): Promise<Decoder> =>
    createOnnxDecoder({ device, assetBase, ...(device === 'webgpu' && { gpuDevice }), ...options });

  const errorOf = async (decoder: Decoder, fixture: DecoderFixture, tokens = fixture.tokens.length): Promise<number> =>
    errorAgainst({ logits: fixture.logits.slice(0, tokens) }, await decoder.logits(fixture.tokens.slice(0, tokens)));

  for (const [what, device, denseBytes] of [
    ['on WebGPU', 'webgpu', 0],
    ['on WebAssembly, quantised matrices in blocks', 'wasm', 0],
    ['on WebAssembly, quantised matrices dequantised', 'wasm', 2 ** 29],
  ] as const) {
    it(`says what PyTorch says ${what}`, async () => {
      expect(all.map((fixture) => fixture.kind)).to.include.members(['f32', 'f16', 'q4', 'q8']);
      for (const fixture of all) {
        if (device === 'webgpu' && !onWebGpu.includes(fixture.name)) continue;
        const decoder = await open(device, { model: fixtureModel(fixture), denseBytes });
        try {
          const error = await errorOf(decoder, fixture, device === 'webgpu' ? 32 : undefined);
          expect(error, fixture.name).to.be.lessThan(tolerance);
        } finally {
          await decoder.dispose();
        }
      }
    });
  }

  for (const device of ['wasm', 'webgpu'] as const) {
    it(`says the same with its layers in several sessions, on ${device}`, async () => {
      for (const name of device === 'wasm' ? ['llama-gqa', 'gemma3'] : ['llama-gqa']) {
        const fixture = all.find((one) => one.name === name);
        if (fixture === undefined) throw new Error('no such fixture');
        const decoder = await open(device, { model: fixtureModel(fixture), segmentBytes: 1 });
        expect(await errorOf(decoder, fixture)).to.be.lessThan(tolerance);
        await decoder.dispose();
      }
    });
  }

  it('computes what plain JavaScript computes for whatever the table of facts allows', async () => {
    const models = fc.record({
      spec: arbitrarySpec(48),
      kind: fc.constantFrom('f32', 'q4', 'q8'),
      seed: fc.nat(1000),
    });
    const property = fc.asyncProperty(models, async ({ spec, kind, seed }) => {
      const model = fixtureModel({ name: 'any', kind, seed, spec });
      const tokens = Array.from({ length: 48 }, (_, i) => (i * i * 5 + seed) % spec.vocabularySize);
      const expected = await (await createReferenceDecoder(model)).logits(tokens);
      const decoder = await open('wasm', { model, denseBytes: seed % 2 === 0 ? 0 : 2 ** 29 });
      const error = errorAgainst({ logits: [[...expected]] }, await decoder.logits(tokens));
      await decoder.dispose();
      // Scores far apart make softmax a switch, which a rounding can turn by more than it is.
      expect(error).to.be.lessThan(1e-8);
    });
    await fc.assert(property, { numRuns: 20 });
  });

  it('tells what it is, and how far it has loaded', async () => {
    const [fixture] = all;
    if (fixture === undefined) throw new Error('no fixtures');
    const model = fixtureModel(fixture);
    const loaded: number[] = [];
    const decoder = await open('webgpu', {
      model,
      maxContext: 40,
      onProgress: ({ loadedBytes, totalBytes }) => {
        expect(totalBytes).to.equal(model.identity.byteLength);
        loaded.push(loadedBytes);
      },
    });
    expect(loaded.at(-1)).to.equal(model.identity.byteLength);
    expect(loaded).to.deep.equal([...loaded].sort((a, b) => a - b));
    const { deviceName, ...info } = decoder.info;
    expect(deviceName).to.match(/\w+ \(\w+\)/);
    const embeddingBytes = model.tensors.get('embedding')?.byteLength ?? 0;
    expect(info).to.deep.equal({
      kind: 'onnx',
      device: 'webgpu',
      contextLength: 40,
      vocabularySize: fixture.spec.vocabularySize,
      weightBytes: model.identity.byteLength - embeddingBytes, // the head is not tied: the table stays in JavaScript
    });
    await decoder.dispose();
  });

  it('leaves a device it was lent alive, gives back all memory there, and opens on it again', async () => {
    const [fixture] = all;
    if (fixture === undefined) throw new Error('no fixtures');
    const lent = await requestOrtDevice();
    let lost = false;
    void lent.lost.then(() => (lost = true));
    // Everyone who makes a buffer on this device is counted, ONNX Runtime too.
    let live = 0;
    const createBuffer = lent.createBuffer.bind(lent);
    lent.createBuffer = (descriptor) => {
      const buffer = createBuffer(descriptor);
      const destroy = buffer.destroy.bind(buffer);
      let size = descriptor.size;
      live += size;
      buffer.destroy = (): undefined => {
        live -= size;
        size = 0;
        destroy();
      };
      return buffer;
    };
    for (let i = 0; i < 2; i++) {
      const decoder = await createOnnxDecoder({
        model: fixtureModel(fixture),
        device: 'webgpu',
        assetBase,
        gpuDevice: lent,
      });
      expect(live).to.be.at.least(decoder.info.weightBytes);
      expect(await errorOf(decoder, fixture)).to.be.lessThan(tolerance);
      await decoder.openSequence().append({ tokens: [1, 2], at: 'none' });
      await decoder.dispose();
      await decoder.dispose();
      expect(live).to.equal(0);
      await lent.queue.onSubmittedWorkDone();
      expect(lost).to.equal(false);
    }
    lent.destroy();
  });

  describe('refuses', () => {
    const failure = async (options: Partial<OnnxDecoderOptions> & { model: Model }): Promise<EngineError> => {
      try {
        await (await open('wasm', options)).dispose();
      } catch (error) {
        expect(error).to.be.instanceOf(EngineError);
        return error as EngineError;
      }
      throw new Error('it opened');
    };

    const altered = (name: string, tensor: WeightTensor | null): Promise<Model> => {
      const [fixture] = all;
      if (fixture === undefined) throw new Error('no fixtures');
      const model = fixtureModel(fixture);
      return (async () => {
        const tensors = new Map<string, WeightTensor>();
        for (const key of model.tensors.keys()) tensors.set(key, await model.readTensor(key));
        if (tensor) tensors.set(name, tensor);
        else tensors.delete(name);
        return memoryModel({ spec: fixture.spec, tensors });
      })();
    };

    it('a model with a tensor missing, naming it', async () => {
      const error = await failure({ model: await altered('layers.1.gate', null) });
      expect(error.code).to.equal('model-invalid');
      expect(error.message).to.contain('layers.1.gate');
    });

    it('a model with a tensor of the wrong shape, naming it', async () => {
      const wrong: WeightTensor = { kind: 'f32', shape: [64, 64], data: new Float32Array(64 * 64) };
      const error = await failure({ model: await altered('layers.0.down', wrong) });
      expect(error.code).to.equal('model-invalid');
      expect(error.message).to.contain('layers.0.down');
    });

    it('to go on when loading is aborted', async () => {
      const [fixture] = all;
      if (fixture === undefined) throw new Error('no fixtures');
      const stop = new AbortController();
      const error = await failure({
        model: fixtureModel(fixture),
        signal: stop.signal,
        onProgress: ({ loadedBytes }) => {
          if (loadedBytes > 50_000) stop.abort();
        },
      });
      expect(error.code).to.equal('aborted');
    });

    it('a browser without WebGPU, with a hint', async () => {
      const [fixture] = all;
      if (fixture === undefined) throw new Error('no fixtures');
      const own = Object.getOwnPropertyDescriptor(Navigator.prototype, 'gpu');
      if (own === undefined) throw new Error('navigator.gpu is not where the test expects it');
      Reflect.deleteProperty(Navigator.prototype, 'gpu');
      try {
        await createOnnxDecoder({ model: fixtureModel(fixture), device: 'webgpu', assetBase });
        throw new Error('it opened');
      } catch (error) {
        expect(EngineError.from(error).code).to.equal('webgpu-unavailable');
        expect(EngineError.from(error).hint).to.not.equal('');
      } finally {
        Object.defineProperty(Navigator.prototype, 'gpu', own);
      }
    });
  });

  for (const device of ['wasm', 'webgpu'] as const) {
    it(`ends a running call as aborted when it is disposed of, on ${device}`, async () => {
      const [fixture] = all;
      if (fixture === undefined) throw new Error('no fixtures');
      for (const delay of [null, 0, 5]) {
        const decoder = await open(device, { model: fixtureModel(fixture) });
        const running = decoder.logits(Array.from({ length: 120 }, (_, i) => i % 90)).then(
          () => 'none',
          (error: unknown) => EngineError.from(error).code,
        );
        if (delay !== null) await new Promise((resolve) => setTimeout(resolve, delay));
        await decoder.dispose();
        // A device as quick as this model is small may have finished by then.
        expect(await running, `after ${delay} ms`).to.be.oneOf(delay === null ? ['aborted'] : ['aborted', 'none']);
      }
    });
  }

  // Before the run reaches the device, and while it is at work there.
  for (const delay of [0, 20]) {
    it(`fails with device-lost when the device goes after ${delay} ms, and ever after; another device works`, async () => {
      const [fixture] = all;
      if (fixture === undefined) throw new Error('no fixtures');
      const model = fixtureModel(fixture);
      const doomed = await requestOrtDevice();
      const decoder = await createOnnxDecoder({ model, device: 'webgpu', assetBase, gpuDevice: doomed });
      const sequence = decoder.openSequence();
      await sequence.append({ tokens: [1, 2, 3], at: 'none' });
      const running = decoder.logits([...fixture.tokens, ...fixture.tokens, ...fixture.tokens, ...fixture.tokens]);
      setTimeout(() => doomed.destroy(), delay);
      const codes: string[] = [];
      for (const call of [() => running, () => sequence.append({ tokens: [1], at: 'none' })]) {
        try {
          await call();
          codes.push('none');
        } catch (error) {
          codes.push(EngineError.from(error).code);
        }
      }
      expect(codes).to.deep.equal(['device-lost', 'device-lost']);
      await decoder.dispose();
      const next = await open('webgpu', { model });
      expect(await errorOf(next, fixture)).to.be.lessThan(tolerance);
      await next.dispose();
    });
  }
});
