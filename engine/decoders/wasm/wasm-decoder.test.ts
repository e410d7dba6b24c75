// The WebAssembly decoder in a real browser, in every build that it runs: its logits against PyTorch's, the decoder
// contract, the same bits however a text is cut into passes, and what it refuses.

import { expect } from '@esm-bundle/chai';
import { type DecoderFixture, errorAgainst, fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import { decoderContract } from '../../../test/support/decoder-contract.js';
import { randomModel } from '../../../test/support/memory-model.js';
import { createReferenceDecoder } from '../../../test/support/reference-decoder.js';
import { largeMemorySupported, supportedBuild } from '../../../kernels/wasm/kernels.js';
import { EngineError, type EngineErrorCode } from '../../protocol/errors.js';
import type { Model, TensorFacts, WeightTensor } from '../../weights/model.js';
import { elementCount, expectedTensors, partLengths } from '../../weights/tensor-layout.js';
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

  it('says that a browser without SIMD, or without the memory, cannot run it, and fetches nothing', async () => {
    const [fixture] = all;
    if (fixture === undefined) throw new Error('no fixture');
    const never = { kernels: () => Promise.reject(new Error('too late')) };
    const codeOf = (options: Partial<WasmDecoderOptions>): Promise<string> =>
      open(fixtureModel(fixture), options).then(
        () => 'none',
        (error: unknown) => EngineError.from(error).code,
      );
    const { validate, Memory } = WebAssembly;
    try {
      WebAssembly.validate = () => false;
      expect(await codeOf(never)).to.equal('wasm-unsupported');
      WebAssembly.validate = validate;
      WebAssembly.Memory = function none() {
        throw new RangeError('could not allocate memory');
      } as unknown as typeof Memory;
      expect(await codeOf({})).to.equal('out-of-memory');
    } finally {
      WebAssembly.validate = validate;
      WebAssembly.Memory = Memory;
    }
    expect(await codeOf({})).to.equal('none');
  });

  it('computes the same bits with addresses of 64 bits', async function () {
    if (!largeMemorySupported()) return this.skip();
    for (const build of builds) {
      for (const fixture of all.filter(({ name }) => name === 'gemma3-q4' || name === 'qwen2-q8')) {
        const options = { build, kvPrecision: 'int8' } as const;
        const [plain, large] = [
          await open(fixtureModel(fixture), options),
          await open(fixtureModel(fixture), { ...options, large: true }),
        ];
        const tokens = Array.from({ length: 100 }, (_, i) => (i * 37 + 11) % fixture.spec.vocabularySize);
        const bits = (values: Float32Array): number[] => [...new Uint32Array(values.slice().buffer)];
        expect(bits(await large.logits(tokens)), fixture.name).to.deep.equal(bits(await plain.logits(tokens)));
        await plain.dispose();
        await large.dispose();
      }
    }
  });

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

  it('lets an abort in within a token, in the middle of a long prompt, and holds what it held', async () => {
    const spec = { ...(all[0] as DecoderFixture).spec, contextLength: 512 };
    const decoder = await open(randomModel({ ...spec, layers: 12, hiddenSize: 256, feedForwardSize: 1024 }));
    const sequence = decoder.openSequence();
    await sequence.append({ tokens: [1, 2, 3], at: 'none' });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 0);
    const tokens = Array.from({ length: 500 }, (_, i) => i % spec.vocabularySize);
    const failure = await sequence.append({ tokens, at: 'none', signal: controller.signal }).then(
      () => null,
      (error: unknown) => EngineError.from(error),
    );
    expect(failure?.code).to.equal('aborted');
    expect(sequence.length).to.equal(3);
    await decoder.dispose();
  });

  it('fails with a typed error when a kernel traps, now and ever after, and holds what it held', async () => {
    // (module (func (export "f") unreachable))
    const bytes = [
      0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 5, 1, 3, 0, 0, 11,
    ];
    const { f: trap } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes))).exports;
    let armed = false;
    const instantiate = WebAssembly.instantiate.bind(WebAssembly) as (
      module: WebAssembly.Module,
      imports: WebAssembly.Imports,
    ) => Promise<WebAssembly.Instance>;
    const patched = async (module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<unknown> => {
      const { exports } = await instantiate(module, imports);
      const attention = exports['attention'] as (...values: number[]) => void;
      const replaced = (...values: number[]): unknown => (armed ? (trap as () => void)() : attention(...values));
      return { exports: { ...exports, attention: replaced } };
    };
    Object.assign(WebAssembly, { instantiate: patched });
    try {
      const decoder = await open(fixtureModel(all[0] as DecoderFixture));
      const sequence = decoder.openSequence();
      await sequence.append({ tokens: [1, 2, 3], at: 'none' });
      armed = true;
      for (const call of [() => sequence.append({ tokens: [4], at: 'none' }), () => decoder.logits([1])]) {
        const failure = await call().then(
          () => null,
          (error: unknown) => error as EngineError,
        );
        expect(failure?.code).to.equal('internal');
        expect(failure?.message).to.match(/kernel failed: .*unreachable/);
        armed = false; // the memory is not trusted any more, even if the next pass would do
      }
      expect(sequence.length).to.equal(3);
      await decoder.dispose();
      expect(decoder.holding).to.deep.equal({ tokens: 0, kvBytes: 0 });
    } finally {
      Object.assign(WebAssembly, { instantiate });
    }
  });

  it('says so when a weight is no number, in place of choosing some token', async () => {
    const fixture = all.find(({ kind }) => kind === 'q4') as DecoderFixture;
    const base = fixtureModel(fixture);
    const broken = (name: string, spoil: (tensor: WeightTensor) => void): Model => ({
      ...base,
      async readTensor(wanted, signal) {
        const tensor = structuredClone(await base.readTensor(wanted, signal));
        if (wanted === name) spoil(tensor);
        return tensor;
      },
    });
    for (const value of [NaN, Infinity]) {
      const decoder = await open(
        broken('layers.0.feedForwardNorm', (tensor) => {
          if (tensor.kind === 'f32') tensor.data[3] = value;
        }),
      );
      for (const temperature of [0, 1]) {
        const request = { tokens: [1, 2], at: 'last', choose: { ...greedyOptions, temperature } } as const;
        const error = await decoder
          .openSequence()
          .append(request)
          .catch((thrown: unknown) => thrown);
        expect(error).to.be.instanceOf(EngineError).with.property('code', 'internal');
      }
      await decoder.dispose();
    }
    const scale = broken('layers.1.down', (tensor) => {
      if ('scales' in tensor) tensor.scales[1] = 0x7c00;
    });
    const error = await open(scale).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(EngineError).with.property('code', 'model-invalid');
    expect((error as EngineError).message).to.match(/scale 1 of the tensor layers\.1\.down is not a finite number/);
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

  describe('refuses', () => {
    const refusal = async (model: Model, options: Partial<WasmDecoderOptions> = {}): Promise<EngineError> => {
      try {
        await (await open(model, options)).dispose();
      } catch (error) {
        expect(error).to.be.instanceOf(EngineError);
        return error as EngineError;
      }
      throw new Error('it opened');
    };
    const fixture = (): DecoderFixture => all[0] as DecoderFixture;
    const withTensors = (change: (tensors: Map<string, TensorFacts>) => void): Model => {
      const model = fixtureModel(fixture());
      const tensors = new Map(model.tensors);
      change(tensors);
      return { ...model, tensors };
    };
    const cases: [string, EngineErrorCode, RegExp, () => [Model, Partial<WasmDecoderOptions>?]][] = [
      [
        'a missing tensor',
        'model-invalid',
        /layers\.1\.down is missing/,
        () => [withTensors((tensors) => tensors.delete('layers.1.down'))],
      ],
      [
        'a tensor of another shape',
        'model-invalid',
        /finalNorm is 32/,
        () => [
          withTensors((tensors) =>
            tensors.set('finalNorm', { name: 'finalNorm', kind: 'f32', shape: [32], byteLength: 128 }),
          ),
        ],
      ],
      [
        'heads of a size that the kernels do not know',
        'model-unsupported',
        /headSize is 12/,
        () => [randomModel({ ...fixture().spec, headSize: 12 })],
      ],
      [
        'more than 32-bit memory holds',
        'model-too-large',
        /4096 MiB/,
        () => {
          const spec = {
            ...fixture().spec,
            layers: 32,
            hiddenSize: 4096,
            feedForwardSize: 11_008,
            heads: 32,
            headSize: 128,
          };
          const tensors = new Map<string, TensorFacts>();
          for (const [name, shape] of expectedTensors(spec)) {
            tensors.set(name, { name, kind: 'q8', shape, byteLength: partLengths('q8', shape).data * (34 / 32) });
            if (shape.length === 1)
              tensors.set(name, { name, kind: 'f32', shape, byteLength: elementCount(shape) * 4 });
          }
          return [
            { ...fixtureModel(fixture()), spec, tensors },
            { large: false, kernels: () => Promise.reject(new Error('too late')) },
          ];
        },
      ],
      ['kernels that are not there', 'network', /404/, () => [fixtureModel(fixture()), { kernels: '/nowhere/' }]],
      [
        'kernels that are something else',
        'network',
        /could not be fetched/,
        () => [fixtureModel(fixture()), { kernels: () => Promise.resolve(new TextEncoder().encode('<html>')) }],
      ],
      [
        'a load that was stopped',
        'aborted',
        /stopped/,
        () => [fixtureModel(fixture()), { signal: AbortSignal.abort() }],
      ],
    ];
    for (const [what, code, message, make] of cases) {
      it(what, async () => {
        const error = await refusal(...make());
        expect(error.message).to.match(message);
        expect(error.code).to.equal(code);
      });
    }
  });
});
