// Forms of matrices against the plain dequantiser of weights/: the same numbers, transposed or row by row.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHalf } from '../../weights/half.js';
import type { WeightTensor } from '../../weights/model.js';
import { dequantise } from '../../weights/quantise.js';
import { deviceMatrixBytes, rowInto, toDeviceMatrix } from './matrices.js';

/** A tensor of any kind with any bytes; scales and halves are finite. */
const tensors: fc.Arbitrary<WeightTensor> = fc
  .record({
    kind: fc.constantFrom('f32' as const, 'f16' as const, 'q4' as const, 'q8' as const),
    rows: fc.integer({ min: 1, max: 5 }),
    blocks: fc.integer({ min: 1, max: 3 }),
    seed: fc.infiniteStream(fc.nat({ max: 255 })),
  })
  .map(({ kind, rows, blocks, seed }) => {
    const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => seed.next().value as number);
    const halves = (count: number): Uint16Array => Uint16Array.from(bytes(count), (byte) => toHalf((byte - 100) / 64));
    const count = rows * blocks * 32;
    const shape = [rows, blocks * 32] as const;
    if (kind === 'f32') return { kind, shape, data: Float32Array.from(bytes(count), (byte) => (byte - 128) / 7) };
    if (kind === 'f16') return { kind, shape, data: halves(count) };
    return { kind, shape, quants: bytes(kind === 'q4' ? count / 2 : count), scales: halves(rows * blocks) };
  });

test('rows are what the dequantiser says', () => {
  fc.assert(
    fc.property(tensors, (tensor) => {
      const [rows = 0, columns = 0] = tensor.shape;
      const expected = dequantise(tensor);
      const out = new Float32Array(columns + 2).fill(NaN);
      for (let row = 0; row < rows; row++) {
        rowInto(tensor, row, out, 1);
        assert.deepEqual(out.subarray(1, columns + 1), expected.subarray(row * columns, (row + 1) * columns));
        assert.deepEqual([out[0], out[columns + 1]], [NaN, NaN]);
      }
    }),
  );
});

test('a dense matrix is the transpose', () => {
  fc.assert(
    fc.property(tensors, (tensor) => {
      const [rows = 0, columns = 0] = tensor.shape;
      const matrix = toDeviceMatrix(tensor, true);
      assert.ok(matrix.kind === 'dense');
      assert.equal(matrix.data.byteLength, deviceMatrixBytes(tensor.kind, rows * columns, true));
      const expected = dequantise(tensor);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          assert.equal(matrix.data[column * rows + row], expected[row * columns + column]);
        }
      }
    }),
  );
});

test('widths that are no multiple of 32 are transposed as well', () => {
  const data = Float32Array.from({ length: 3 * 172 }, (_, i) => i);
  const matrix = toDeviceMatrix({ kind: 'f32', shape: [3, 172], data }, false);
  assert.ok(matrix.kind === 'dense');
  assert.deepEqual([...matrix.data.subarray(171 * 3)], [171, 343, 515]);
});

test('blocks keep their bytes, and scales become floats', () => {
  fc.assert(
    fc.property(tensors, (tensor) => {
      const [rows = 0, columns = 0] = tensor.shape;
      const matrix = toDeviceMatrix(tensor, false);
      if (tensor.kind === 'f32' || tensor.kind === 'f16') {
        assert.equal(matrix.kind, 'dense');
        return;
      }
      assert.ok(matrix.kind === 'blocks' && 'quants' in tensor);
      assert.equal(matrix.quants, tensor.quants);
      assert.equal(matrix.bits, tensor.kind === 'q4' ? 4 : 8);
      assert.deepEqual(
        [...matrix.scales].map(toHalf),
        [...tensor.scales].map((half) => (half === 0x8000 ? 0 : half)),
      );
      const bytes = matrix.quants.byteLength + matrix.scales.byteLength;
      assert.equal(bytes, deviceMatrixBytes(tensor.kind, rows * columns, false));
    }),
  );
});
