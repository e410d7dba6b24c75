// Where tensors go on the device, without a device: shared buffers, widening, cutting, and that every row arrives exactly
// once in the place where kernels look for it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeTensor, memoryModel, randomModel } from '../../../test/support/memory-model.js';
import { EngineError } from '../../protocol/errors.js';
import type { Model, ModelSpec, WeightTensor } from '../../weights/model.js';
import { dequantise } from '../../weights/quantise.js';
import type { TensorKind } from '../../weights/tensor-layout.js';
import { type MatrixPlan, placeRows, planLoad, rowBytes } from './plan.js';
import { widen } from './widen.js';

const spec: ModelSpec = {
  architecture: 'llama',
  layers: 2,
  hiddenSize: 64,
  feedForwardSize: 224,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  vocabularySize: 331,
  contextLength: 128,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: { kind: 'none' },
  tiedHead: true,
};

const unlimited = { largestBinding: 2 ** 30 };

const matrixOf = (model: Model, name: string, limits = unlimited): MatrixPlan => {
  const matrix = planLoad(model, limits).matrices.get(name);
  assert.ok(matrix);
  return matrix;
};

async function withKinds(kinds: Readonly<Record<string, TensorKind>>): Promise<Model> {
  const model = randomModel(spec, { kind: 'q4' });
  const tensors = new Map<string, WeightTensor>();
  for (const name of model.tensors.keys()) {
    const tensor = await model.readTensor(name);
    const kind = kinds[name];
    tensors.set(name, kind === undefined ? tensor : encodeTensor(kind, tensor.shape, dequantise(tensor)));
  }
  return memoryModel({ spec, tensors });
}

describe('the plan of a load', () => {
  it('puts what is multiplied by the same vector into one buffer', () => {
    const model = randomModel(spec, { kind: 'q4' });
    const { matrices } = planLoad(model, unlimited);
    assert.deepEqual([...matrices.keys()].slice(0, 5), [
      'embedding',
      'layers.0.queryKeyValue',
      'layers.0.attentionOutput',
      'layers.0.gateUp',
      'layers.0.down',
    ]);
    assert.deepEqual(
      ['layers.1.queryKeyValue', 'layers.1.gateUp'].map((name) => {
        const { kind, order, rows, columns, parts } = matrixOf(model, name);
        return { kind, order, rows, columns, parts };
      }),
      [
        { kind: 'q4', order: 'stacked', rows: 128, columns: 64, parts: [{ firstRow: 0, rows: 128 }] },
        { kind: 'q4', order: 'paired', rows: 224, columns: 64, parts: [{ firstRow: 0, rows: 224 }] },
      ],
    );
  });

  it('widens mixed kinds to one that holds all of them exactly', async () => {
    const kind = async (kinds: Readonly<Record<string, TensorKind>>): Promise<TensorKind> =>
      matrixOf(await withKinds(kinds), 'layers.0.queryKeyValue').kind;
    assert.equal(await kind({ 'layers.0.value': 'q8' }), 'q8');
    assert.equal(await kind({ 'layers.0.value': 'f16' }), 'f32');
    const [query, key, value] = ['layers.0.query', 'layers.0.key', 'layers.0.value'];
    assert.equal(await kind({ [query]: 'f16', [key]: 'f16', [value]: 'f16' }), 'f16');
    assert.equal(await kind({ [query]: 'f16', [key]: 'f32', [value]: 'f16' }), 'f32');
  });

  it('brings every row to its place, whatever the parts and kinds', async () => {
    const kinds = fc.constantFrom<TensorKind>('q4', 'q8', 'f16', 'f32');
    const rowsPerPart = fc.constantFrom(64, 128, 1000);
    await fc.assert(
      fc.asyncProperty(kinds, kinds, rowsPerPart, fc.constantFrom('stacked', 'paired'), async (a, b, most, order) => {
        const names = order === 'stacked' ? ['layers.0.key', 'layers.0.value'] : ['layers.0.gate', 'layers.0.up'];
        const model = await withKinds({ [names[0] as string]: a, [names[1] as string]: b, 'layers.0.query': a });
        const name = order === 'stacked' ? 'layers.0.queryKeyValue' : 'layers.0.gateUp';
        const whole = matrixOf(model, name);
        // Cut by hand, as the plan would: its other matrices need not fit.
        const parts = Array.from({ length: Math.ceil(whole.rows / most) }, (_, i) => ({
          firstRow: i * most,
          rows: Math.min(most, whole.rows - i * most),
        }));
        const matrix = { ...whole, parts };
        const seen = new Map<string, Float32Array>();
        let before = 0;
        for (const [member, tensorName] of matrix.members.entries()) {
          const tensor = await model.readTensor(tensorName);
          const rows = tensor.shape[0] as number;
          const exact = dequantise(tensor);
          for (const { part, from, to, count } of placeRows(matrix, member, before, rows)) {
            for (const piece of widen(tensor, matrix.kind, 64, from, count)) {
              const bytes = rowBytes(matrix.kind, 64);
              const data = new Uint8Array(
                piece.data.buffer as ArrayBuffer,
                piece.data.byteOffset,
                piece.data.byteLength,
              );
              for (let row = 0; row < data.length / bytes.data; row++) {
                const place = `${part}:${to + piece.row - from + row}`;
                assert.ok(!seen.has(place), `${place} was written twice`);
                const values = decode(matrix.kind, data.slice(row * bytes.data, (row + 1) * bytes.data), piece, row);
                seen.set(place, values);
                const at = (piece.row + row) * 64;
                assert.deepEqual(values, exact.slice(at, at + 64));
              }
            }
          }
          before += rows;
        }
        const expected = parts.reduce((sum, { rows }) => sum + rows, 0) * (order === 'paired' ? 2 : 1);
        assert.equal(seen.size, expected);
      }),
      { numRuns: 12 },
    );
  });

  it('cuts a matrix that is larger than a binding into whole tiles of rows', () => {
    const model = randomModel(spec, { kind: 'f32' });
    // The embedding has 331 rows of 256 bytes; gate and up 224 pairs of 512.
    const { matrices } = planLoad(model, { largestBinding: 130 * 256 * 2 });
    assert.deepEqual(matrices.get('embedding')?.parts, [
      { firstRow: 0, rows: 256 },
      { firstRow: 256, rows: 75 },
    ]);
    assert.deepEqual(matrices.get('layers.0.gateUp')?.parts, [
      { firstRow: 0, rows: 128 },
      { firstRow: 128, rows: 96 },
    ]);
    const tooLarge = (): unknown => planLoad(model, { largestBinding: 2 ** 13 });
    assert.throws(tooLarge, (error: unknown) => error instanceof EngineError && error.code === 'model-too-large');
  });
});

function decode(kind: TensorKind, data: Uint8Array, piece: { scales?: ArrayBufferView }, row: number): Float32Array {
  if (kind === 'f32') return new Float32Array(data.buffer);
  if (kind === 'f16') return dequantise({ kind, shape: [1, 64], data: new Uint16Array(data.buffer) });
  const view = piece.scales as Uint16Array;
  return dequantise({ kind, shape: [1, 64], quants: data, scales: view.slice(row * 2, row * 2 + 2) });
}
