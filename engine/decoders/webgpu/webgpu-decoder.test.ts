// The WebGPU decoder in a real browser (software WebGPU where there is no other): its logits against PyTorch's for every
// architecture, what it refuses to open, and that nothing stays on the device. Sequences are in webgpu-sequence.test.ts.

import { expect } from '@esm-bundle/chai';
import { type DecoderFixture, errorAgainst, fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import { memoryModel, randomModel } from '../../../test/support/memory-model.js';
import { type BufferCount, countBuffers } from '../../../test/support/gpu-buffers.js';
import { EngineError } from '../../protocol/errors.js';
import type { Model, WeightTensor } from '../../weights/model.js';
import { greedyOptions } from '../choose.js';
import { requestGpuDevice } from '../gpu.js';
import { createWebGpuDecoder, type WebGpuDecoder, type WebGpuDecoderOptions } from './webgpu-decoder.js';

/** Normalised mean squared error: sums of float32 in another order than PyTorch's come to 1e-11 at most here. */
const tolerance = 1e-8;

describe('the WebGPU decoder', () => {
  let all: readonly DecoderFixture[] = [];
  let gpuDevice: GPUDevice;
  let buffers: BufferCount;

  before(async () => {
    all = await fixtures();
    gpuDevice = await requestGpuDevice();
    buffers = countBuffers(gpuDevice);
  });

  after(() => gpuDevice.destroy());

  const named = (name: string): DecoderFixture => {
    const fixture = all.find((each) => each.name === name);
    if (fixture === undefined) throw new Error(`there is no fixture ${name}`);
    return fixture;
  };

  const open = (options: WebGpuDecoderOptions): Promise<WebGpuDecoder> =>
    createWebGpuDecoder({ gpuDevice, ...options });

  /** Against PyTorch, as a chunk of a prompt and one by one: other kernels, or other numbers of rows. */
  const check = async (fixture: DecoderFixture, options: Partial<WebGpuDecoderOptions> = {}): Promise<void> => {
    const decoder = await open({ model: fixtureModel(fixture), ...options });
    try {
      const many = await decoder.logits(fixture.tokens);
      expect(errorAgainst(fixture, many), `${fixture.name}, as a chunk`).to.be.lessThan(tolerance);
      const few = await decoder.logits(fixture.tokens.slice(0, 8));
      const first = { logits: fixture.logits.slice(0, 8) };
      expect(errorAgainst(first, few), `${fixture.name}, one by one`).to.be.lessThan(tolerance);
    } finally {
      await decoder.dispose();
    }
  };

  it('says what PyTorch says, for every architecture and kind of weights', async function () {
    this.timeout(180_000); // shaders compile slowly on a busy processor
    expect(new Set(all.map(({ spec }) => spec.architecture))).to.have.keys('llama', 'qwen2', 'qwen3', 'gemma3', 'phi3');
    for (const fixture of all) await check(fixture);
    expect(buffers.bytes, 'held on the device afterwards').to.equal(0);
  });

  it('says so with the kernels for graphics chips', async function () {
    this.timeout(180_000);
    await check(named('qwen3-q4'), { traits: { software: false } });
  });

  it('says of several texts at once what it says of each alone, also with sliding windows and norms of results', async function () {
    this.timeout(120_000);
    const fixture = all.find(({ name }) => name.startsWith('gemma3')) as DecoderFixture;
    const decoder = await open({ model: fixtureModel(fixture) });
    let submits = 0;
    const submit = gpuDevice.queue.submit.bind(gpuDevice.queue);
    gpuDevice.queue.submit = (commands) => {
      submits += 1;
      return submit(commands);
    };
    try {
      const { contextLength, vocabularySize } = decoder.info;
      const prompts = [3, 40, 9, 33].map((length, i) =>
        Array.from({ length: Math.min(length, contextLength - 24) }, (_, t) => (t * 31 + 7 * i + 5) % vocabularySize),
      );
      const decode = async (tokens: number[]): Promise<number[]> => {
        const sequence = decoder.openSequence();
        const ids: number[] = [];
        const request = { tokens, choose: greedyOptions, limit: 22, endIds: new Set<number>() };
        for await (const { id } of sequence.decode(request)) ids.push(id);
        sequence.release();
        return ids;
      };
      const alone: number[][] = [];
      for (const prompt of prompts) alone.push(await decode(prompt));
      // Until the kernels for several rows are compiled, rows go one by one: then they share their submits.
      let shared = false;
      for (let tries = 0; !shared && tries < 200; tries++) {
        const before = submits;
        expect(await Promise.all(prompts.map(decode))).to.deep.equal(alone);
        shared = submits - before < 60; // of 88 tokens
        await new Promise((later) => setTimeout(later, 50));
      }
      expect(shared, 'rows were computed together').to.equal(true);
    } finally {
      gpuDevice.queue.submit = submit;
      await decoder.dispose();
    }
  });

  it('says the same with matrices and pages cut into what a binding may hold', async function () {
    this.timeout(60_000);
    const spec = { ...named('llama-gqa').spec, vocabularySize: 200 };
    const model = randomModel(spec);
    // Embedding, head and gate/up are larger than this, and so are both layers of the pages that a text may take.
    const largestBinding = 128 * spec.hiddenSize * 4;
    expect(model.tensors.get('embedding')?.byteLength).to.be.greaterThan(largestBinding);
    const tokens = Array.from({ length: 70 }, (_, i) => (i * 37) % 200);
    const logits: Float32Array[] = [];
    for (const options of [{}, { largestBinding }]) {
      const decoder = await open({ model, ...options });
      logits.push(await decoder.logits(tokens), await decoder.logits(tokens.slice(0, 3)));
      await decoder.dispose();
    }
    expect(logits[2]).to.deep.equal(logits[0]);
    expect(logits[3]).to.deep.equal(logits[1]);
  });

  it('tells what it is, and how far it has loaded', async () => {
    const fixture = named('llama-gqa');
    const model = fixtureModel(fixture);
    const loaded: number[] = [];
    const decoder = await open({
      model,
      maxContext: 40,
      onProgress: ({ loadedBytes, totalBytes }) => {
        expect(totalBytes).to.equal(model.identity.byteLength);
        loaded.push(loadedBytes);
      },
    });
    expect(loaded.at(-1)).to.equal(model.identity.byteLength);
    expect(loaded).to.deep.equal([...loaded].sort((a, b) => a - b));
    const { deviceName, weightBytes, ...info } = decoder.info;
    expect(deviceName).to.match(/\w+ \(\w+\)/);
    expect(weightBytes).to.be.at.least(model.identity.byteLength);
    expect(info).to.deep.equal({
      concurrency: 8,
      kind: 'webgpu',
      device: 'webgpu',
      contextLength: 40,
      vocabularySize: fixture.spec.vocabularySize,
    });
    await decoder.dispose();
    await decoder.dispose();
    expect(buffers.bytes).to.equal(0);
  });

  it('gives GPU time by kernel while it is asked to, and costs nothing else', async () => {
    const decoder = await open({ model: fixtureModel(named('llama-gqa')) });
    await decoder.logits([1, 2, 3]);
    expect(await decoder.kernelTimes()).to.deep.equal([]);
    expect(decoder.profile(true)).to.equal(true);
    await decoder.logits([1, 2, 3]);
    decoder.profile(false);
    const times = await decoder.kernelTimes();
    await decoder.logits([1, 2, 3]);
    expect(await decoder.kernelTimes(), 'nothing is added once it is off').to.deep.equal(times);
    const { layers } = named('llama-gqa').spec;
    expect(times.find(({ label }) => label.includes('gated'))?.dispatches).to.equal(3 * layers);
    expect(times.every(({ milliseconds }) => milliseconds >= 0)).to.equal(true);
    await decoder.dispose();
  });

  describe('refuses', () => {
    const failure = async (options: WebGpuDecoderOptions): Promise<EngineError> => {
      try {
        await (await open(options)).dispose();
      } catch (error) {
        expect(error).to.be.instanceOf(EngineError);
        expect(buffers.bytes, 'held on the device afterwards').to.equal(0);
        return error as EngineError;
      }
      throw new Error('it opened');
    };

    const altered = async (name: string, tensor: WeightTensor | null): Promise<Model> => {
      const model = fixtureModel(named('llama-gqa'));
      const tensors = new Map<string, WeightTensor>();
      for (const each of model.tensors.keys()) tensors.set(each, await model.readTensor(each));
      if (tensor === null) tensors.delete(name);
      else tensors.set(name, tensor);
      return memoryModel({ spec: model.spec, tensors });
    };

    const floats = (...shape: number[]): WeightTensor => {
      const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
      return { kind: 'f32', shape, data };
    };

    it('a tensor that is missing, mis-shaped or unknown, by name, before anything is made', async () => {
      const made = buffers.made;
      const missing = await failure({ model: await altered('layers.1.down', null) });
      expect([missing.code, missing.message]).to.deep.equal([
        'model-invalid',
        'This model cannot be run: the tensor layers.1.down is missing (64 x 96 was expected).',
      ]);
      const wrong = await failure({ model: await altered('layers.0.gate', floats(64, 96)) });
      expect(wrong.message).to.contain('layers.0.gate is 64 x 96, not 96 x 64');
      const unknown = await failure({ model: await altered('layers.0.router', floats(8, 64)) });
      expect(unknown.message).to.contain('no tensor called layers.0.router');
      expect(buffers.made).to.equal(made);
    });

    it('a tensor that is not what the model said', async () => {
      const model = fixtureModel(named('llama-gqa'));
      const readTensor: Model['readTensor'] = (name) =>
        name === 'layers.1.up' ? Promise.resolve(floats(4, 4)) : model.readTensor(name);
      const { code, message } = await failure({ model: { ...model, readTensor } });
      expect(code).to.equal('model-invalid');
      expect(message).to.contain('layers.1.up');
    });

    it('a scale that is no number, which would spoil every answer', async () => {
      const model = fixtureModel(named('llama-tied-q4'));
      const readTensor: Model['readTensor'] = async (name) => {
        const tensor = await model.readTensor(name);
        if (name === 'layers.1.up' && tensor.kind === 'q4') tensor.scales[3] = 0x7c00;
        return tensor;
      };
      const { code, message } = await failure({ model: { ...model, readTensor } });
      expect(code).to.equal('model-invalid');
      expect(message).to.contain('layers.1.up');
    });

    it('a read that fails, and an abort, halfway', async () => {
      const model = fixtureModel(named('llama-gqa'));
      const broken: Model['readTensor'] = (name) =>
        name === 'layers.1.query'
          ? Promise.reject(new EngineError('network', 'The connection broke.'))
          : model.readTensor(name);
      expect((await failure({ model: { ...model, readTensor: broken } })).code).to.equal('network');

      const abort = new AbortController();
      const onProgress = (): void => abort.abort();
      expect((await failure({ model, signal: abort.signal, onProgress })).code).to.equal('aborted');
    });

    it('a device without room, in words', async () => {
      const lent = await requestGpuDevice();
      const make = lent.createBuffer.bind(lent);
      const count = countBuffers(lent);
      const counting = lent.createBuffer.bind(lent);
      // A buffer that no device has room for stands for all those that this one has no more room for.
      lent.createBuffer = (descriptor) =>
        descriptor.label === 'layers.1.gateUp' ? make({ ...descriptor, size: 2 ** 40 }) : counting(descriptor);
      const { code, hint } = await failure({ model: fixtureModel(named('llama-gqa')), gpuDevice: lent });
      expect(code).to.equal('out-of-memory');
      expect(hint).to.contain('smaller model');
      expect(count.bytes).to.equal(0);
      lent.destroy();
    });

    it('a driver that takes no shader, so that the next device is tried', async () => {
      const lent = await requestGpuDevice();
      const count = countBuffers(lent);
      const make = lent.createShaderModule.bind(lent);
      lent.createShaderModule = ({ code, ...rest }) =>
        make({ ...rest, code: code.replace('fn finish(', 'fn finish_not(') });
      const { code, message } = await failure({ model: fixtureModel(named('llama-gqa')), gpuDevice: lent });
      expect(code).to.equal('webgpu-unavailable');
      expect(message).to.match(/shader "matvec .* was refused: .*finish/);
      expect(count.bytes).to.equal(0);
      lent.destroy();
    });

    it('a model whose sizes the shaders do not know', async () => {
      const model = fixtureModel(named('llama-gqa'));
      const { code, message } = await failure({ model: { ...model, spec: { ...model.spec, headSize: 12 } } });
      expect(code).to.equal('model-unsupported');
      expect(message).to.contain('headSize is 12');
    });
  });

  it('says at once that the device was lost, to every call', async () => {
    const lent = await requestGpuDevice();
    const decoder = await open({ model: fixtureModel(named('llama-gqa')), gpuDevice: lent });
    const sequence = decoder.openSequence();
    await sequence.append({ tokens: [1], at: 'none' });
    const codeOf = async (call: Promise<unknown>): Promise<string> => {
      try {
        await call;
        return 'none';
      } catch (error) {
        return EngineError.from(error).code;
      }
    };
    const running = codeOf(sequence.append({ tokens: [1, 2, 3], at: 'none' }));
    lent.destroy();
    expect(await running).to.equal('device-lost');
    expect(await codeOf(sequence.append({ tokens: [1], at: 'none' }))).to.equal('device-lost');
    expect(await codeOf(decoder.logits([1]))).to.equal('device-lost');
    await decoder.dispose();
  });

  it('says so while choices come back, and holds what was handed out', async () => {
    const lent = await requestGpuDevice();
    const decoder = await open({ model: fixtureModel(named('llama-gqa')), gpuDevice: lent });
    const sequence = decoder.openSequence();
    const handed: number[] = [];
    let code = 'none';
    try {
      const request = { tokens: [1, 2], choose: greedyOptions, limit: 50, endIds: new Set<number>() };
      for await (const { id } of sequence.decode(request)) if (handed.push(id) === 5) lent.destroy();
    } catch (error) {
      code = EngineError.from(error).code;
    }
    expect(code).to.equal('device-lost');
    expect(sequence.length).to.equal(2 + handed.length - 1);
    await decoder.dispose();
  });
});
