// What planning refuses, and how it groups layers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomModel } from '../../../test/support/memory-model.js';
import { EngineError, type EngineErrorCode } from '../../protocol/errors.js';
import type { Model, ModelSpec } from '../../weights/model.js';
import { planLoad, type PlanLimits } from './plan.js';

const spec: ModelSpec = {
  architecture: 'llama',
  layers: 5,
  hiddenSize: 32,
  feedForwardSize: 64,
  heads: 2,
  kvHeads: 1,
  headSize: 16,
  vocabularySize: 40,
  contextLength: 64,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: { kind: 'none' },
  tiedHead: true,
};
const roomy: PlanLimits = { denseBytes: 0, segmentBytes: 1e9, largestBuffer: 1e9, totalBytes: 1e9 };
/** Elements of one layer's matrices: query and output 32 x 32, key and value 16 x 32, three of 64 x 32. */
const matrices = 2 * 32 * 32 + 2 * 16 * 32 + 3 * 64 * 32;
const layerBytes = { f32: (matrices + 64) * 4, q4: (matrices * 5) / 8 + 64 * 4 };

const refusal = (model: Model, limits: PlanLimits, code: EngineErrorCode, part: string): void => {
  assert.throws(
    () => planLoad(model, limits),
    (error) => error instanceof EngineError && error.code === code && error.message.includes(part) && error.hint !== '',
  );
};

test('weights are counted as the device will hold them', () => {
  const model = randomModel(spec, { kind: 'q4' });
  const rest = 40 * 32;
  const blocks = planLoad(model, roomy);
  assert.deepEqual([blocks.dense, blocks.weightBytes], [false, 5 * layerBytes.q4 + (rest * 5) / 8 + 32 * 4]);
  assert.equal(blocks.readBytes, model.identity.byteLength);
  const dense = planLoad(model, { ...roomy, denseBytes: 1e9 });
  assert.deepEqual([dense.dense, dense.weightBytes], [true, 5 * layerBytes.f32 + (rest + 32) * 4]);
});

test('layers are grouped up to the limit, and a large one stands alone', () => {
  const model = randomModel(spec);
  const segments = (segmentBytes: number): unknown => planLoad(model, { ...roomy, segmentBytes }).segments;
  assert.deepEqual(segments(1e9), [[0, 5]]);
  assert.deepEqual(segments(2 * layerBytes.f32), [
    [0, 2],
    [2, 4],
    [4, 5],
  ]);
  assert.deepEqual(segments(1), [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
    [4, 5],
  ]);
});

test('what does not fit is refused, in one piece or in sum', () => {
  const model = randomModel(spec);
  refusal(model, { ...roomy, largestBuffer: 6000 }, 'model-too-large', 'gate');
  refusal(model, { ...roomy, totalBytes: 5 * layerBytes.f32 }, 'model-too-large', 'MiB');
});

test('a model that is not what its spec says is refused', () => {
  const model = randomModel(spec);
  const without = new Map(model.tensors);
  without.delete('layers.4.up');
  refusal({ ...model, tensors: without }, roomy, 'model-invalid', 'layers.4.up');
  const other = { ...model, spec: { ...spec, vocabularySize: 41 } };
  refusal(other, roomy, 'model-invalid', 'embedding');
  refusal({ ...model, spec: { ...spec, architecture: 'qwen2' } }, roomy, 'model-invalid', 'queryBias');
  refusal({ ...model, spec: { ...spec, layers: 0 } }, roomy, 'model-invalid', 'layers');
});

test('heads that ONNX Runtime cannot compute are refused', () => {
  refusal(randomModel({ ...spec, headSize: 12 }), roomy, 'model-unsupported', '12');
});
