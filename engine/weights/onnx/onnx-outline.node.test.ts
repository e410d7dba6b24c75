// The outline of ONNX files: of sound ones, and of thousands of broken ones, none of which may do worse than be refused.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { graphInMemory } from '../../../test/support/onnx-repository.js';
import { randomModel } from '../../../test/support/memory-model.js';
import { writeOnnx } from '../../decoders/onnx/onnx-writer.js';
import { EngineError } from '../../protocol/errors.js';
import { onnxTypes, readOnnxOutline } from './onnx-outline.js';
import { checkGraph } from './graph-config.js';

let graph: Uint8Array;
let data: Uint8Array;
before(async () => {
  const spec = {
    architecture: 'qwen2' as const,
    layers: 2,
    hiddenSize: 64,
    feedForwardSize: 96,
    heads: 4,
    kvHeads: 2,
    headSize: 16,
    vocabularySize: 320,
    contextLength: 128,
    rmsNormEpsilon: 1e-6,
    ropeTheta: 10_000,
    ropeScaling: { kind: 'none' as const },
    tiedHead: true,
  };
  const model = randomModel(spec, { kind: 'q4', embeddingKind: 'q8' });
  ({ graph, data } = await graphInMemory(model, { dataFile: 'model_q4.onnx_data', context: 64 }));
});

test('inputs, outputs and data files of a graph as exports have them', () => {
  const { inputs, outputs, externalData } = readOnnxOutline(graph, 'graph');
  assert.deepEqual(inputs[0], { name: 'input_ids', type: onnxTypes.int64, dims: ['batch_size', 'sequence_length'] });
  assert.deepEqual(inputs[2], {
    name: 'past_key_values.0.key',
    type: onnxTypes.float32,
    dims: ['batch_size', 2, 'past_sequence_length', 16],
  });
  assert.deepEqual(outputs[0]?.dims, ['batch_size', 'sequence_length', 320]);
  assert.equal(outputs.length, 1 + 2 * 2);
  assert.deepEqual([...externalData], [['model_q4.onnx_data', data.length]]);
  checkGraph({ inputs, outputs }, 'graph');
});

test('data that lie anywhere but beside the graph are refused', () => {
  const named = (location: string): Uint8Array =>
    writeOnnx({
      name: 'g',
      inputs: [{ name: 'input_ids', type: 'int64', dims: [1] }],
      outputs: [{ name: 'logits', type: 'float32', dims: [1] }],
      constants: [{ name: 'c', type: 'float32', dims: [1], byteLength: 4, place: { location, offset: 8 } }],
      nodes: [],
    });
  assert.deepEqual([...readOnnxOutline(named('./a.bin'), 'g').externalData], [['a.bin', 12]]);
  for (const location of ['../secret', '/etc/passwd', 'https://elsewhere.example/x', 'a/b', '.hidden', '', 'a\0b']) {
    assert.throws(() => readOnnxOutline(named(location), 'g'), { code: 'model-invalid' }, location);
  }
});

test('graphs that continue no text are refused by what they want', () => {
  const value = (name: string) => ({ name, type: 1, dims: [] });
  const past = ['key', 'value'].map((part) => value(`past_key_values.0.${part}`));
  const present = ['key', 'value'].map((part) => value(`present.0.${part}`));
  const check = (inputs: readonly string[], outputs: readonly string[], cache = true) =>
    checkGraph(
      {
        inputs: [...inputs.map(value), ...(cache ? past : [])],
        outputs: [...outputs.map(value), ...(cache ? present : [])],
      },
      'g',
    );
  check(['input_ids', 'attention_mask', 'position_ids'], ['logits']);
  const refused = (what: RegExp) => (error: unknown) =>
    error instanceof EngineError && error.code === 'model-unsupported' && what.test(error.message);
  assert.throws(() => check(['pixel_values'], ['logits']), refused(/input_ids/));
  assert.throws(() => check(['input_ids', 'encoder_hidden_states'], ['logits']), refused(/encoder_hidden_states/));
  assert.throws(() => check(['input_ids'], ['last_hidden_state']), refused(/logits/));
  assert.throws(() => check(['input_ids'], ['logits'], false), refused(/no cache/));
});

test('20 000 mutated graphs: refused with a typed error or read, never anything else', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = graph.slice(0, random(4) === 0 ? random(graph.length) : graph.length);
    for (let flips = random(6); flips >= 0; flips--) bytes[random(bytes.length)] = random(3) === 0 ? 255 : random(256);
    try {
      const { inputs, outputs, externalData } = readOnnxOutline(bytes, 'mutated');
      assert.ok(inputs.length <= bytes.length && outputs.length <= bytes.length && externalData.size <= 256);
    } catch (error) {
      assert.ok(error instanceof EngineError && error.code === 'model-invalid', String(error));
      refused++;
    }
  }
  assert.ok(refused > 2_000 && refused < 20_000, `${refused} refused`);
});
