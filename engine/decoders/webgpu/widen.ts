// Rows of a tensor in the kind that its buffer holds, exactly: as they are, or in a wider kind, in pieces small enough that
// no second copy of a tensor arises. Called by weights.ts; pure.

import { fromHalf } from '../../weights/half.js';
import type { WeightTensor } from '../../weights/model.js';
import { dequantise } from '../../weights/quantise.js';
import type { TensorKind } from '../../weights/tensor-layout.js';

/** Rows from `row` on, as the buffer of quants (or of plain numbers) and that of scales want them. */
export interface RowPiece {
  readonly row: number;
  readonly data: ArrayBufferView;
  readonly scales?: ArrayBufferView;
}

/** Elements that are widened at once. */
const pieceElements = 2 ** 18;

export const hasQuants = (tensor: WeightTensor): tensor is Extract<WeightTensor, { quants: Uint8Array }> =>
  tensor.kind === 'q4' || tensor.kind === 'q8';

/** @param count rows, from row `from` of the tensor */
export function* widen(
  tensor: WeightTensor,
  kind: TensorKind,
  columns: number,
  from: number,
  count: number,
): Generator<RowPiece, void, undefined> {
  if (tensor.kind === kind) {
    yield { row: from, ...rowsOf(tensor, columns, from, count) };
    return;
  }
  const most = Math.max(4, Math.floor(pieceElements / columns / 4) * 4);
  for (let row = from; row < from + count; row += most) {
    const rows = Math.min(most, from + count - row);
    yield { row, ...widened(tensor, kind, columns, row, rows) };
  }
}

function rowsOf(tensor: WeightTensor, columns: number, from: number, count: number): Omit<RowPiece, 'row'> {
  const end = from + count;
  if (tensor.kind === 'f32' || tensor.kind === 'f16')
    return { data: tensor.data.subarray(from * columns, end * columns) };
  const perRow = tensor.kind === 'q4' ? columns / 2 : columns;
  return {
    data: tensor.quants.subarray(from * perRow, end * perRow),
    scales: tensor.scales.subarray((from * columns) / 32, (end * columns) / 32),
  };
}

function widened(
  tensor: WeightTensor,
  kind: TensorKind,
  columns: number,
  from: number,
  count: number,
): Omit<RowPiece, 'row'> {
  if (hasQuants(tensor)) {
    const end = from + count;
    const perRow = tensor.quants.length / (tensor.shape[0] ?? 1);
    const quants = tensor.quants.subarray(from * perRow, end * perRow);
    const scales = tensor.scales.subarray((from * columns) / 32, (end * columns) / 32);
    if (kind === 'q8') return { data: bytesOfNibbles(quants), scales };
    return { data: dequantise({ kind: tensor.kind, shape: [count, columns], quants, scales }) };
  }
  return { data: Float32Array.from(tensor.data.subarray(from * columns, (from + count) * columns), toFloat(tensor)) };
}

const toFloat = (tensor: WeightTensor): ((value: number) => number) =>
  tensor.kind === 'f16' ? fromHalf : (value) => value;

/** (nibble - 8) * scale is (byte - 128) * scale for byte = nibble + 120. */
function bytesOfNibbles(nibbles: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(nibbles.length * 2);
  for (let i = 0; i < nibbles.length; i++) {
    const pair = nibbles[i] as number;
    bytes[2 * i] = (pair & 15) + 120;
    bytes[2 * i + 1] = (pair >>> 4) + 120;
  }
  return bytes;
}
