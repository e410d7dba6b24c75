// Bytes of a GGUF tensor -> the layout of model.ts, rows at a time. Called by gguf-model.ts.
// Lossless for all four types. Block layouts (ggml-common.h), one block being 32 elements:
//
//   Q4_0  2 bytes f16 scale, 16 bytes: byte j holds element j (low nibble) and j + 16 (high); (nibble - 8) * scale
//   Q8_0  2 bytes f16 scale, 32 bytes: int8 * scale
//
// Rotary rows: files of the architecture `llama` hold the query's and key's rows interleaved (2i turns with 2i + 1),
// ours are half-split (i turns with i + headSize/2). A row moves whole, so quantised rows stay exact.
// What goes wrong: any other type is `model-unsupported`, naming the tensor and the type.

import { EngineError } from '../../protocol/errors.js';
import { allocate } from '../byte-source.js';
import type { WeightTensor } from '../model.js';
import type { TensorKind } from '../tensor-layout.js';
import { partLengths } from '../tensor-layout.js';

const kinds = new Map<string, TensorKind>([
  ['F32', 'f32'],
  ['F16', 'f16'],
  ['Q4_0', 'q4'],
  ['Q8_0', 'q8'],
]);

/** @throws EngineError `model-unsupported` */
export function kindOf(type: string, tensor: string, where: string): TensorKind {
  const kind = kinds.get(type);
  if (kind !== undefined) return kind;
  throw new EngineError(
    'model-unsupported',
    `${where}: the tensor ${tensor} is of the type ${type}, which is not read.`,
    {
      hint: `Use a file in F32, F16, Q8_0 or Q4_0 (llama-quantize makes one: --pure keeps single tensors from other types).`,
    },
  );
}

/** Where row r of the file goes. */
export type RowOrder = (row: number) => number;

export const sameOrder: RowOrder = (row) => row;

/** From interleaved to half-split order: within a head, row 2i goes to i and row 2i + 1 to i + headSize/2. */
export const halfSplitOrder =
  (headSize: number): RowOrder =>
  (row) => {
    const inHead = row % headSize;
    return row - inHead + (inHead % 2) * (headSize / 2) + Math.floor(inHead / 2);
  };

export interface TensorFiller {
  /**
   * Takes whole rows of the file, in order.
   * @param bytes rows one after the other, as the file has them
   */
  take(bytes: Uint8Array<ArrayBuffer>): void;
  /** The tensor, once all rows were taken. */
  readonly tensor: WeightTensor;
}

/** Makes an empty tensor and fills it with the rows it is given. */
export function createFiller(kind: TensorKind, shape: readonly number[], order: RowOrder): TensorFiller {
  const rows = shape.length === 2 ? (shape[0] as number) : 1;
  const lengths = partLengths(kind, shape);
  const data = allocate(lengths.data, 'a tensor');
  const scales = allocate(lengths.scales, 'the scales of a tensor');
  const dataRow = lengths.data / rows;
  const scalesRow = lengths.scales / rows;
  let row = 0;
  return {
    take(bytes) {
      const rowBytes = dataRow + scalesRow;
      for (let at = 0; at < bytes.length; at += rowBytes, row++) {
        const from = bytes.subarray(at, at + rowBytes);
        const to = order(row);
        const rowData = data.subarray(to * dataRow, (to + 1) * dataRow);
        const rowScales = scales.subarray(to * scalesRow, (to + 1) * scalesRow);
        if (kind === 'q4') convertQ4Row(from, rowData, rowScales);
        else if (kind === 'q8') convertQ8Row(from, rowData, rowScales);
        else rowData.set(from);
      }
    },
    tensor: asTensor(kind, shape, data, new Uint16Array(scales.buffer)),
  };
}

function asTensor(
  kind: TensorKind,
  shape: readonly number[],
  data: Uint8Array<ArrayBuffer>,
  scales: Uint16Array,
): WeightTensor {
  if (kind === 'f32') return { kind, shape, data: new Float32Array(data.buffer) };
  if (kind === 'f16') return { kind, shape, data: new Uint16Array(data.buffer) };
  return { kind, shape: shape as readonly [number, number], quants: data, scales };
}

function convertQ4Row(from: Uint8Array, quants: Uint8Array, scales: Uint8Array): void {
  const blocks = scales.length / 2;
  for (let block = 0; block < blocks; block++) {
    const at = block * 18;
    scales[block * 2] = from[at] as number;
    scales[block * 2 + 1] = from[at + 1] as number;
    const out = block * 16;
    for (let i = 0; i < 8; i++) {
      const first = from[at + 2 + 2 * i] as number;
      const second = from[at + 3 + 2 * i] as number;
      // Low nibbles are elements 0-15, high ones 16-31; ours pair neighbours.
      quants[out + i] = (first & 15) | ((second & 15) << 4);
      quants[out + 8 + i] = (first >>> 4) | (second & 0xf0);
    }
  }
}

function convertQ8Row(from: Uint8Array, quants: Uint8Array, scales: Uint8Array): void {
  const blocks = scales.length / 2;
  for (let block = 0; block < blocks; block++) {
    const at = block * 34;
    scales[block * 2] = from[at] as number;
    scales[block * 2 + 1] = from[at + 1] as number;
    // Two's complement + 128 is the same byte with its top bit turned.
    for (let i = 0; i < 32; i++) quants[block * 32 + i] = (from[at + 2 + i] as number) ^ 0x80;
  }
}
