// What the WebAssembly decoder refuses and how it fails: no SIMD, no memory (at once or in mid-text), models beyond 4 GiB with and
// without Memory64, traps in a kernel. A typed error each time, and the sequence holds what it held. Models and files that are
// wrong: refusals.test.ts; threads: threads.isolated.test.ts.

import { expect } from '@esm-bundle/chai';
import { type DecoderFixture, fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import { randomModel } from '../../../test/support/memory-model.js';
import { type Kernels, largeMemorySupported } from '../../../kernels/wasm/kernels.js';
import { EngineError } from '../../protocol/errors.js';
import type { Model, ModelSpec, TensorFacts } from '../../weights/model.js';
import { expectedTensors, partLengths } from '../../weights/tensor-layout.js';
import { greedyOptions } from '../choose.js';
import type { ChooseOptions, Decoder } from '../decoder.js';
import { createWasmDecoder, type WasmDecoderOptions } from './wasm-decoder.js';

const kernels = '/'; // the test server answers below /kernels/

const open = (model: Model, options: Partial<WasmDecoderOptions> = {}): Promise<Decoder> =>
  createWasmDecoder({ model, kernels, ...options });

async function errorOf(work: Promise<unknown>): Promise<EngineError> {
  try {
    await work;
  } catch (error) {
    expect(error).to.be.instanceOf(EngineError);
    return error as EngineError;
  }
  throw new Error('it worked');
}

/** Runs `work` while some of an object of the browser's is replaced. */
async function replacing<T extends object, R>(
  target: T,
  changed: Record<string, unknown>,
  work: () => Promise<R>,
): Promise<R> {
  const own = Object.fromEntries(Object.keys(changed).map((name) => [name, Reflect.get(target, name) as unknown]));
  Object.assign(target, changed);
  try {
    return await work();
  } finally {
    Object.assign(target, own);
  }
}

const never = { kernels: () => Promise.reject(new Error('too late')) };

describe('the WebAssembly decoder says what went wrong', () => {
  let all: readonly DecoderFixture[] = [];
  const named = (name: string): DecoderFixture => {
    const found = all.find((fixture) => fixture.name === name);
    if (found === undefined) throw new Error(`no fixture ${name}`);
    return found;
  };

  before(async () => {
    all = await fixtures();
  });

  it('without SIMD, and fetches nothing', async () => {
    const opening = (): Promise<Decoder> => open(fixtureModel(named('qwen3-q4')), never);
    const error = await replacing(WebAssembly, { validate: () => false }, () => errorOf(opening()));
    expect(error.code).to.equal('wasm-unsupported');
  });

  it('without WebAssembly, and fetches nothing', async () => {
    const opening = (): Promise<Decoder> => open(fixtureModel(named('qwen3-q4')), never);
    const error = await replacing(globalThis, { WebAssembly: undefined }, () => errorOf(opening()));
    expect(error.code).to.equal('wasm-unsupported');
  });

  it('without memory for the model, and reads none of it', async () => {
    const refused = function none(): never {
      throw new RangeError('could not allocate memory');
    };
    const model = { ...fixtureModel(named('qwen3-q4')), readTensor: () => Promise.reject(new Error('too late')) };
    const error = await replacing(WebAssembly, { Memory: refused }, () => errorOf(open(model)));
    expect(error.code).to.equal('out-of-memory');
    expect(error.message).to.match(/did not give \d+ MiB/);
  });

  for (const kvPrecision of ['f32', 'int8'] as const) {
    it(`when memory ends in the middle of a text, and goes on when there is some again, ${kvPrecision} pages`, async () => {
      const fixture = named('qwen3-q4');
      const spec = { ...fixture.spec, contextLength: 2048 };
      const tokens = Array.from({ length: 1500 }, (_, i) => (i * 37 + 11) % spec.vocabularySize);
      const decoder = await open(fixtureModel({ ...fixture, spec }), { kvPrecision });
      const sequence = decoder.openSequence();
      await sequence.append({ tokens: tokens.slice(0, 40), at: 'none' });
      const held = sequence.holding;
      const grow = (): never => {
        throw new RangeError('Unable to grow instance memory');
      };
      const rest = { tokens: tokens.slice(40), at: 'last', choose: { ...greedyOptions, logprobs: 3 } } as const;
      const error = await replacing(WebAssembly.Memory.prototype, { grow }, () => errorOf(sequence.append(rest)));
      expect(error.code).to.equal('out-of-memory');
      expect(sequence.length).to.equal(40);
      expect(sequence.holding).to.deep.equal(held);
      const whole = decoder.openSequence();
      const expected = await whole.append({ ...rest, tokens });
      expect(await sequence.append(rest)).to.deep.equal(expected);
      await decoder.dispose();
    });
  }

  describe('of models beyond 4 GiB', () => {
    /** Facts alone, of 4-bit matrices. */
    const facts = (spec: Partial<ModelSpec>): Model => {
      const whole = { ...named('llama-gqa').spec, vocabularySize: 32_000, heads: 32, headSize: 128, ...spec };
      const tensors = new Map<string, TensorFacts>();
      for (const [name, shape] of expectedTensors(whole)) {
        const kind = shape.length === 1 ? 'f32' : 'q4';
        const { data, scales } = partLengths(kind, shape);
        tensors.set(name, { name, kind, shape, byteLength: data + scales });
      }
      return { ...randomModel(named('llama-gqa').spec), spec: whole, tensors };
    };
    const seven = { layers: 32, hiddenSize: 4096, feedForwardSize: 11_008, kvHeads: 8, contextLength: 8192 };
    const eight = { ...seven, feedForwardSize: 14_336, vocabularySize: 128_256 };
    /** The kernels' file that is asked for. */
    const asked = async (model: Model, options: Partial<WasmDecoderOptions> = {}): Promise<string> => {
      const files: string[] = [];
      const source = (file: string): Promise<never> => {
        files.push(file);
        return Promise.reject(new EngineError('network', 'Far enough.'));
      };
      await errorOf(open(model, { ...options, build: 'simd', kernels: source }));
      expect(files).to.have.length(1);
      return files[0] as string;
    };
    /** A browser without memory that has addresses of 64 bits. */
    const withoutLarge = <R>(work: () => Promise<R>): Promise<R> => {
      const validate = WebAssembly.validate.bind(WebAssembly);
      const isProbe = (bytes: Uint8Array): boolean => bytes[8] === 5 && bytes[11] === 4; // a memory section, its flags
      const answer = (bytes: Uint8Array<ArrayBuffer>): boolean => !isProbe(bytes) && validate(bytes);
      return replacing(WebAssembly, { validate: answer }, work);
    };

    it('takes 64-bit addresses where the weights, or they and a whole text, need them, and else not', async function () {
      if (!largeMemorySupported()) return this.skip();
      expect(await asked(facts(eight))).to.equal('simd-large.wasm');
      expect(await asked(facts({ ...eight, layers: 8 }))).to.equal('simd.wasm');
      // 3.4 GiB of weights: with room for 4096 tokens more than 4 GiB, as int8 or shorter not.
      expect(await asked(facts(seven))).to.equal('simd-large.wasm');
      expect(await asked(facts(seven), { kvPrecision: 'int8' })).to.equal('simd.wasm');
      expect(await asked(facts(seven), { maxContext: 1024 })).to.equal('simd.wasm');
    });

    it('without them runs what fits, and refuses the rest before anything is fetched', async () => {
      await withoutLarge(async () => {
        expect(largeMemorySupported()).to.equal(false);
        expect(await asked(facts(seven))).to.equal('simd.wasm');
        const error = await errorOf(open(facts(eight), never));
        expect(error.code).to.equal('model-too-large');
        expect(error.message).to.match(/\d{4} MiB of WebAssembly memory, which ends at 4096 MiB/);
      });
    });

    it('refuses what is beyond 16 GiB, too', async function () {
      if (!largeMemorySupported()) return this.skip();
      const error = await errorOf(open(facts({ ...eight, layers: 160 }), never));
      expect(error.code).to.equal('model-too-large');
      expect(error.message).to.match(/which ends at 16384 MiB/);
    });
  });

  describe('when a kernel traps', () => {
    // (module (func (export "f") unreachable))
    const bytes = [
      0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 5, 1, 3, 0, 0, 11,
    ];
    const { f: trap } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes))).exports;
    const plain = WebAssembly.instantiate.bind(WebAssembly) as (
      module: WebAssembly.Module,
      imports: WebAssembly.Imports,
    ) => Promise<WebAssembly.Instance>;

    /** Kernels of which one traps while `armed`. */
    const trapping = <R>(kernel: keyof Kernels, work: (arm: (armed: boolean) => void) => Promise<R>): Promise<R> => {
      let armed = false;
      const instantiate = async (module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<unknown> => {
        const { exports } = await plain(module, imports);
        const own = exports[kernel] as (...values: number[]) => unknown;
        const replaced = (...values: number[]): unknown => (armed ? (trap as () => void)() : own(...values));
        return { exports: { ...exports, [kernel]: replaced } };
      };
      return replacing(WebAssembly, { instantiate }, () => work((value) => (armed = value)));
    };

    const greedy: ChooseOptions = greedyOptions;
    const drawing: ChooseOptions = { ...greedyOptions, temperature: 1, topK: 5 };
    for (const [kernel, choose] of [
      ['attention', greedy],
      ['matmulQ4Wide', greedy],
      ['argmax', greedy],
      ['topK', drawing],
    ] as const) {
      it(`${kernel}: now and ever after, and holds what it held`, async () => {
        await trapping(kernel, async (arm) => {
          const decoder = await open(fixtureModel(named('qwen3-q4')));
          const sequence = decoder.openSequence();
          await sequence.append({ tokens: [1, 2, 3], at: 'none' });
          arm(true);
          for (const call of [() => sequence.append({ tokens: [4], at: 'last', choose }), () => decoder.logits([1])]) {
            const failure = await errorOf(call());
            expect(failure.code).to.equal('internal');
            expect(failure.message).to.match(/kernel failed: .*unreachable/);
            arm(false); // the memory is not trusted any more, even if the next pass would do
          }
          expect(sequence.length).to.equal(3);
          await decoder.dispose();
          expect(decoder.holding).to.deep.equal({ tokens: 0, kvBytes: 0 });
        });
      });
    }

    it('repackQ4: while the model is loaded', async () => {
      await trapping('repackQ4', async (arm) => {
        arm(true);
        const failure = await errorOf(open(fixtureModel(named('qwen3-q4'))));
        expect(failure.code).to.equal('internal');
        expect(failure.message).to.match(/kernel failed: .*unreachable/);
      });
    });
  });
});
