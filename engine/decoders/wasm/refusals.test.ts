// Models and files that the WebAssembly decoder refuses: tensors missing or mis-shaped, sizes that the kernels do not know,
// numbers that are none, kernels that are not there. Each with a typed error that names it.

import { expect } from '@esm-bundle/chai';
import { type DecoderFixture, fixtureModel, fixtures } from '../../../test/fixtures/fixture-models.js';
import { randomModel } from '../../../test/support/memory-model.js';
import { EngineError, type EngineErrorCode } from '../../protocol/errors.js';
import type { Model, TensorFacts, WeightTensor } from '../../weights/model.js';
import { greedyOptions } from '../choose.js';
import type { Decoder } from '../decoder.js';
import { createWasmDecoder, type WasmDecoderOptions } from './wasm-decoder.js';

const kernels = '/'; // the test server answers below /kernels/

const open = (model: Model, options: Partial<WasmDecoderOptions> = {}): Promise<Decoder> =>
  createWasmDecoder({ model, kernels, ...options });

describe('the WebAssembly decoder', () => {
  let all: readonly DecoderFixture[] = [];

  before(async () => {
    all = await fixtures();
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
