// A foreign graph, laid out as published exports are, of the embedded model: the decoder over it must say what our own
// decoder says of the same weights, in each variant that exports come in, on both devices.

import { expect } from '@esm-bundle/chai';
import { graphInMemory, transformersConfig, type GraphVariant } from '../../../test/support/onnx-repository.js';
import { EngineError } from '../../protocol/errors.js';
import type { Model } from '../../weights/model.js';
import type { GraphModel } from '../../weights/onnx/graph-model.js';
import { readGraphConfig } from '../../weights/onnx/graph-config.js';
import { readOnnxOutline } from '../../weights/onnx/onnx-outline.js';
import { openTensorModel } from '../../weights/open-model.js';
import { greedyOptions } from '../choose.js';
import type { Decoder, Sequence } from '../decoder.js';
import { createGraphDecoder } from './graph-decoder.js';
import { createOnnxDecoder } from './onnx-decoder.js';
import { requestOrtDevice } from './ort-gpu.js';

const assetBase = '/node_modules/onnxruntime-web/dist/';
const dataFile = 'model_q4.onnx_data';
const prompt = [5, 900, 17, 33, 2044, 801, 7];

async function graphModelOf(model: Model, variant: Partial<GraphVariant>): Promise<GraphModel> {
  const { graph, data } = await graphInMemory(model, { dataFile, context: 256, ...variant });
  const { inputs, outputs } = readOnnxOutline(graph, 'the graph');
  const files = new Map([
    ['model_q4.onnx', graph],
    [dataFile, data],
  ]);
  return {
    identity: { ...model.identity, byteLength: graph.length + data.length },
    tokenizerFiles: model.tokenizerFiles,
    graph: {
      file: { path: 'model_q4.onnx', byteLength: graph.length },
      externalData: [{ path: dataFile, byteLength: data.length }],
      inputs,
      outputs,
      ...readGraphConfig(transformersConfig(model, 256), 'config'),
    },
    readFile: (path) => Promise.resolve(files.get(path)?.slice() as Uint8Array<ArrayBuffer>),
    downloaded: () => Promise.resolve(),
    close: () => undefined,
  };
}

async function greedy(sequence: Sequence, tokens: readonly number[], count: number): Promise<number[]> {
  const ids: number[] = [];
  for (let next = tokens; ids.length < count;) {
    const [choice] = await sequence.append({ tokens: next, at: 'last', choose: greedyOptions });
    if (choice === undefined) throw new Error('nothing was chosen');
    ids.push(choice.id);
    next = [choice.id];
  }
  return ids;
}

const variants: Record<string, Partial<GraphVariant>> = {
  'as the model builder writes it': {},
  'with positions as an input': { positionIds: true },
  'with a cache of 16 bits': { halfCache: true },
  'with only the last logits': { lastLogits: true },
};

describe('a graph that was written elsewhere', function () {
  this.timeout(120_000);
  let model: Model;
  let own: Decoder;
  let expected: number[];
  let logits: Float32Array;
  let gpuDevice: GPUDevice;

  before(async () => {
    model = await openTensorModel({ kind: 'url', url: new URL('/models/default/pack/', location.href).href });
    own = await createOnnxDecoder({ model, device: 'wasm', assetBase });
    expected = await greedy(own.openSequence(), prompt, 24);
    logits = await own.logits(prompt);
    gpuDevice = await requestOrtDevice();
  });
  after(async () => {
    await own.dispose();
    gpuDevice.destroy();
  });

  for (const [title, variant] of Object.entries(variants)) {
    it(`says what our own decoder says, ${title}`, async () => {
      const decoder = await createGraphDecoder({
        model: await graphModelOf(model, variant),
        device: 'wasm',
        assetBase,
      });
      expect(decoder.info.vocabularySize).to.equal(3072);
      expect(decoder.info.contextLength).to.equal(256);
      const sequence = decoder.openSequence();
      expect(await greedy(sequence, prompt, 24)).to.deep.equal(expected);
      // The cache goes back and on again.
      sequence.truncate(prompt.length);
      expect(await greedy(sequence, expected.slice(0, 1), 23)).to.deep.equal(expected.slice(1));
      const others = await decoder.logits(prompt);
      const worst = others.reduce((most, value, i) => Math.max(most, Math.abs(value - (logits[i] ?? NaN))), 0);
      expect(worst).to.be.lessThan(variant.halfCache === true ? 0.05 : 0.01);
      sequence.release();
      expect(decoder.holding.kvBytes).to.equal(0);
      await decoder.dispose();
    });
  }

  it('says the same on WebGPU, where the cache stays on the GPU and goes back there', async () => {
    const decoder = await createGraphDecoder({
      model: await graphModelOf(model, { positionIds: true }),
      device: 'webgpu',
      assetBase,
      gpuDevice,
    });
    const sequence = decoder.openSequence();
    expect(await greedy(sequence, prompt, 2)).to.deep.equal(expected.slice(0, 2));
    sequence.truncate(prompt.length);
    expect(await greedy(sequence, expected.slice(0, 1), 1)).to.deep.equal(expected.slice(1, 2));
    sequence.release();
    await decoder.dispose();
  });

  it('that is damaged is refused in words, and the next one opens', async () => {
    const whole = await graphModelOf(model, {});
    const broken: GraphModel = {
      ...whole,
      readFile: async (path) => {
        const bytes = await whole.readFile(path);
        return path === dataFile ? bytes.slice(0, 1000) : bytes;
      },
    };
    let error: unknown;
    await createGraphDecoder({ model: broken, device: 'wasm', assetBase }).catch((thrown: unknown) => {
      error = thrown;
    });
    expect(error).to.be.instanceOf(EngineError);
    expect((error as EngineError).code).to.equal('model-invalid');
    const decoder = await createGraphDecoder({ model: whole, device: 'wasm', assetBase });
    await decoder.dispose();
  });
});
