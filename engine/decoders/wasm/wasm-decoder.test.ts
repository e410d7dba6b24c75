// The WebAssembly decoder in a real browser, in both builds: its logits against PyTorch's, the decoder contract, the same bits
// however a text is cut into passes, aborts. What it refuses and what may fail is in faults.test.ts.

import { expect } from '@esm-bundle/chai';
import { type DecoderFixture, errorAgainst, fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import { decoderContract } from '../../../test/support/decoder-contract.js';
import { randomModel } from '../../../test/support/memory-model.js';
import { createReferenceDecoder } from '../../../test/support/reference-decoder.js';
import { supportedBuild } from '../../../kernels/wasm/kernels.js';
import { EngineError } from '../../protocol/errors.js';
import { architectures } from '../../weights/architectures.js';
import type { Model } from '../../weights/model.js';
import { putTensor } from '../../weights/tensor-target.js';
import { greedyOptions } from '../choose.js';
import type { Decoder } from '../decoder.js';
import { createWasmDecoder, type WasmDecoderOptions } from './wasm-decoder.js';

const kernels = '/'; // the test server answers below /kernels/
const builds = supportedBuild() === 'relaxed' ? (['relaxed', 'simd'] as const) : (['simd'] as const);

const open = (model: Model, options: Partial<WasmDecoderOptions> = {}): Promise<Decoder> =>
  createWasmDecoder({ model, kernels, ...options });

describe('the WebAssembly decoder', () => {
  let all: readonly DecoderFixture[] = [];

  before(async () => {
    all = await fixtures();
  });

  const errors = async (options: Partial<WasmDecoderOptions>): Promise<Map<string, number>> => {
    const found = new Map<string, number>();
    for (const fixture of all) {
      const decoder = await open(fixtureModel(fixture), options);
      found.set(fixture.name, errorAgainst(fixture, await decoder.logits(fixture.tokens)));
      await decoder.dispose();
    }
    return found;
  };

  for (const build of builds) {
    it(`says what PyTorch says in the float reference mode (${build})`, async () => {
      expect(all.map((fixture) => fixture.kind)).to.include.members(['f32', 'f16', 'q4', 'q8']);
      expect(all.map(({ spec }) => spec.architecture)).to.include.members(Object.keys(architectures));
      for (const [name, error] of await errors({ build, activations: 'f32' })) {
        expect(error, name).to.be.lessThan(1e-8); // 1e-13 to 7e-12 was seen
      }
    });

    it(`says it to within the rounding of the last hidden state with activations in 16 bits (${build})`, async () => {
      for (const [name, error] of await errors({ build, activations: 'int16' })) {
        expect(error, name).to.be.lessThan(1e-4); // up to 4e-5 was seen
      }
    });

    it(`says it to within the rounding of activations to eight bits (int8, ${build})`, async () => {
      // Rounding blocks of 32 normal numbers to 8 bits has a normalised error of 2e-5; each of the matrices that follow one
      // another adds that, nine in these models, and attention over sharp random scores multiplies it.
      const found = await errors({ build, activations: 'int8' });
      for (const fixture of all) {
        const error = found.get(fixture.name) ?? NaN;
        expect(error, fixture.name).to.be.lessThan(fixture.kind === 'q4' || fixture.kind === 'q8' ? 3e-3 : 1e-8);
      }
      const sorted = [...found.values()].filter((error) => error > 1e-8).sort((a, b) => a - b);
      expect(sorted[Math.floor(sorted.length / 2)], 'the median').to.be.lessThan(6e-4);
    });
  }

  it('says it to within the rounding of closed pages', async () => {
    for (const [name, error] of await errors({ kvPrecision: 'int8', activations: 'f32' })) {
      expect(error, name).to.be.lessThan(1e-4);
    }
  });

  it('caps scores as the reference decoder does', async () => {
    const [fixture] = all.filter(({ name }) => name === 'gemma3');
    if (fixture === undefined) throw new Error('no gemma3 fixture');
    const model = fixtureModel({ ...fixture, spec: { ...fixture.spec, attentionSoftCap: 5 } });
    const expected = await (await createReferenceDecoder(model)).logits(fixture.tokens);
    const decoder = await open(model, { activations: 'f32' });
    const logits = await decoder.logits(fixture.tokens);
    const rows = fixture.tokens.map((_, i) =>
      Array.from(expected.subarray(i * fixture.spec.vocabularySize, (i + 1) * fixture.spec.vocabularySize)),
    );
    expect(errorAgainst({ logits: rows }, logits)).to.be.lessThan(1e-8);
    await decoder.dispose();
  });

  for (const kvPrecision of ['f32', 'int8'] as const) {
    describe(`keeps the contract, ${kvPrecision} pages`, () => {
      const contract = decoderContract({
        createDecoder: (model) => open(model, { kvPrecision }),
        kind: 'q4',
        exactUpTo: 8,
        error: 1e-4,
        tie: 0.05,
      });
      for (const { name, run } of contract) it(name, run);
    });

    it(`computes the same bits for one long pass and for single steps, ${kvPrecision} pages`, async () => {
      const [fixture] = all.filter(({ name }) => name === 'qwen3-q4');
      if (fixture === undefined) throw new Error('no qwen3-q4 fixture');
      const tokens = Array.from({ length: 118 }, (_, i) => (i * 37 + 11) % fixture.spec.vocabularySize);
      const choose = { ...greedyOptions, logprobs: 5 };
      const decoder = await open(fixtureModel(fixture), { kvPrecision });
      const single = decoder.openSequence();
      for (const token of tokens.slice(0, -1)) await single.append({ tokens: [token], at: 'none' });
      const [last] = tokens.slice(-1);
      const expected = await single.append({ tokens: [last ?? 0], at: 'last', choose });
      const whole = decoder.openSequence();
      expect(await whole.append({ tokens, at: 'last', choose })).to.deep.equal(expected);
      // Cut back by up to a page, and on again: still the same.
      whole.truncate(90);
      expect(await whole.append({ tokens: tokens.slice(90), at: 'last', choose })).to.deep.equal(expected);
      await decoder.dispose();
    });
  }

  it('keeps closed pages small, and uses pages again', async () => {
    const [fixture] = all.filter(({ name }) => name === 'llama-yarn');
    if (fixture === undefined) throw new Error('no llama-yarn fixture');
    const { layers, kvHeads, headSize } = fixture.spec;
    const tokens = Array.from({ length: 128 }, (_, i) => (i * 37 + 11) % fixture.spec.vocabularySize);
    const decoder = await open(fixtureModel(fixture), { kvPrecision: 'int8' });
    const floatPage = layers * kvHeads * headSize * 32 * 8;
    const held: number[] = [];
    for (let round = 0; round < 3; round++) {
      const sequence = decoder.openSequence();
      await sequence.append({ tokens, at: 'none' });
      held.push(sequence.holding.kvBytes);
      expect(decoder.holding).to.deep.equal(sequence.holding);
      sequence.release();
      sequence.release();
      expect(decoder.holding).to.deep.equal({ tokens: 0, kvBytes: 0 });
    }
    // Of four pages, two closed (one of them only closed), three still as floats would be too many.
    expect(held[0]).to.be.lessThan(3.6 * floatPage);
    expect(new Set(held).size).to.equal(1);
    await decoder.dispose();
  });

  it('has each matrix put straight into its memory, once, and reads the vectors beside', async () => {
    const [fixture] = all.filter(({ name }) => name === 'qwen2-q8');
    if (fixture === undefined) throw new Error('no qwen2-q8 fixture');
    const base = fixtureModel(fixture);
    const [placed, read] = [[] as string[], [] as string[]];
    const buffers = new Set<ArrayBufferLike>();
    const decoder = await open({
      ...base,
      readTensor(name, signal) {
        read.push(name);
        return base.readTensor(name, signal);
      },
      async readTensorInto(name, target, signal) {
        placed.push(name);
        for (const part of [target.data, target.scales]) buffers.add(part.buffer);
        putTensor(await base.readTensor(name, signal), target);
      },
    });
    const names = [...base.tensors.values()];
    const isVector = (shape: readonly number[]): boolean => shape.length === 1;
    expect(placed.sort()).to.deep.equal(names.flatMap(({ name, shape }) => (isVector(shape) ? [] : [name])).sort());
    expect(read.sort()).to.deep.equal(names.flatMap(({ name, shape }) => (isVector(shape) ? [name] : [])).sort());
    expect(buffers.size).to.equal(1);
    for (const { byteLength } of buffers) expect(byteLength % 65_536, 'WebAssembly memory').to.equal(0);
    expect(errorAgainst(fixture, await decoder.logits(fixture.tokens))).to.be.lessThan(1e-4);
    await decoder.dispose();
  });

  it('lets an abort in within a token, in the middle of a long prompt, and holds what it held', async () => {
    // Every layer's attention is counted: once the abort is in, none may follow.
    const instantiate = WebAssembly.instantiate.bind(WebAssembly) as (
      module: WebAssembly.Module,
      imports: WebAssembly.Imports,
    ) => Promise<WebAssembly.Instance>;
    let calls = 0;
    const counting = async (module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<unknown> => {
      const { exports } = await instantiate(module, imports);
      const attention = exports['attention'] as (...values: number[]) => void;
      const counted = (...values: number[]): void => {
        calls += 1;
        attention(...values);
      };
      return { exports: { ...exports, attention: counted } };
    };
    const spec = { ...(all[0] as DecoderFixture).spec, contextLength: 512 };
    Object.assign(WebAssembly, { instantiate: counting });
    const model = randomModel({ ...spec, layers: 12, hiddenSize: 256, feedForwardSize: 1024 });
    const decoder = await open(model).finally(() => Object.assign(WebAssembly, { instantiate }));
    const sequence = decoder.openSequence();
    await sequence.append({ tokens: [1, 2, 3], at: 'none' });
    const controller = new AbortController();
    let before = calls;
    setTimeout(() => {
      before = calls;
      controller.abort();
    }, 0);
    const tokens = Array.from({ length: 500 }, (_, i) => i % spec.vocabularySize);
    const failure = await sequence.append({ tokens, at: 'none', signal: controller.signal }).then(
      () => null,
      (error: unknown) => EngineError.from(error),
    );
    expect(failure?.code).to.equal('aborted');
    expect(calls).to.equal(before);
    expect(sequence.length).to.equal(3);
    await decoder.dispose();
  });

  it('can be disposed of while it computes', async () => {
    const decoder = await open(fixtureModel(all[0] as DecoderFixture));
    const sequence = decoder.openSequence();
    const running = sequence.append({ tokens: Array.from({ length: 100 }, (_, i) => i % 90), at: 'none' }).then(
      () => null,
      (error: unknown) => EngineError.from(error).code,
    );
    await decoder.dispose();
    expect(await running).to.be.oneOf([null, 'aborted']);
    expect(() => decoder.openSequence()).to.throw(EngineError, /disposed/);
  });
});
