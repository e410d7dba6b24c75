// Turns a model's tensors into the forms that ONNX Runtime's operators take, one tensor at a time. Called while a decoder
// opens and for each token (rows of the embedding table).
// Two forms of a matrix y = W x: `blocks` is MatMulNBits' own layout (the pack's bytes as they are; its scales must have
// the activations' type, so f16 scales become f32), `dense` is MatMul's right-hand side, float32 and transposed.
// ONNX Runtime: docs/ContribOperators.md, "com.microsoft.MatMulNBits". Knows nothing of graphs, sessions or names.

import { fromHalf } from '../../weights/half.js';
import type { WeightTensor } from '../../weights/model.js';
import { blockLength } from '../../weights/quantise.js';

export type DeviceMatrix =
  | {
      readonly kind: 'blocks';
      readonly bits: 4 | 8;
      readonly rows: number;
      readonly columns: number;
      /** uint8 [rows, columns / 32, 4 * bits] */
      readonly quants: Uint8Array;
      /** float32 [rows, columns / 32] */
      readonly scales: Float32Array;
    }
  | {
      readonly kind: 'dense';
      readonly rows: number;
      readonly columns: number;
      /** float32 [columns, rows]: transposed */
      readonly data: Float32Array;
    };

/** Bytes that a matrix takes on the device in the given form. */
export function deviceMatrixBytes(kind: WeightTensor['kind'], elements: number, dense: boolean): number {
  if (dense || kind === 'f32' || kind === 'f16') return elements * 4;
  return (elements * (kind === 'q4' ? 4 : 8)) / 8 + (elements / blockLength) * 4;
}

/** @param dense dequantise to float32 even where `blocks` is possible: exact, larger, and faster on WebAssembly */
export function toDeviceMatrix(tensor: WeightTensor, dense: boolean): DeviceMatrix {
  const [rows = 0, columns = 0] = tensor.shape;
  if (isBlocks(tensor) && !dense) {
    const bits = tensor.kind === 'q4' ? 4 : 8;
    return { kind: 'blocks', bits, rows, columns, quants: tensor.quants, scales: widen(tensor.scales) };
  }
  return { kind: 'dense', rows, columns, data: transposed(tensor, rows, columns) };
}

/**
 * Dequantises one row of a matrix: the embedding of a token.
 * @param out float32; `columns` elements are written from `offset`
 */
export function rowInto(tensor: WeightTensor, row: number, out: Float32Array, offset: number): void {
  const columns = tensor.shape[1] ?? 0;
  const first = row * columns;
  if (tensor.kind === 'f32') {
    out.set(tensor.data.subarray(first, first + columns), offset);
  } else if (tensor.kind === 'f16') {
    for (let i = 0; i < columns; i++) out[offset + i] = widenOne(tensor.data[first + i] ?? 0);
  } else {
    for (let block = 0; block < columns / blockLength; block++) {
      blockInto(tensor, row, block, out, offset + block * blockLength, 1);
    }
  }
}

type BlockTensor = Extract<WeightTensor, { quants: Uint8Array }>;

function isBlocks(tensor: WeightTensor): tensor is BlockTensor {
  return tensor.kind === 'q4' || tensor.kind === 'q8';
}

/** Dequantises the 32 elements of one block to out[offset + i * stride]. */
function blockInto(
  tensor: BlockTensor,
  row: number,
  block: number,
  out: Float32Array,
  offset: number,
  stride: number,
): void {
  const at = (row * tensor.shape[1]) / blockLength + block;
  const scale = widenOne(tensor.scales[at] ?? 0);
  if (tensor.kind === 'q8') {
    for (let i = 0; i < blockLength; i++) {
      out[offset + i * stride] = ((tensor.quants[at * blockLength + i] ?? 0) - 128) * scale;
    }
    return;
  }
  for (let i = 0; i < blockLength / 2; i++) {
    const byte = tensor.quants[(at * blockLength) / 2 + i] ?? 0;
    out[offset + 2 * i * stride] = ((byte & 15) - 8) * scale;
    out[offset + (2 * i + 1) * stride] = ((byte >> 4) - 8) * scale;
  }
}

/** float32 [columns, rows]. Walks 32 columns at a time so that 32 sequential streams are written, not scattered cells. */
function transposed(tensor: WeightTensor, rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let first = 0; first < columns; first += blockLength) {
    const last = Math.min(first + blockLength, columns);
    for (let row = 0; row < rows; row++) {
      if (isBlocks(tensor)) {
        blockInto(tensor, row, first / blockLength, out, first * rows + row, rows);
        continue;
      }
      for (let column = first; column < last; column++) {
        const value = tensor.data[row * columns + column] ?? 0;
        out[column * rows + row] = tensor.kind === 'f32' ? value : widenOne(value);
      }
    }
  }
  return out;
}

function widen(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = widenOne(bits[i] ?? 0);
  return out;
}

/** All 65,536 halves as floats (256 KiB), made at first use: a model has millions to widen. */
let halves: Float32Array | undefined;

function widenOne(bits: number): number {
  halves ??= Float32Array.from({ length: 65_536 }, (_, half) => fromHalf(half));
  return halves[bits] ?? 0;
}
