// Rows of a GGUF tensor -> the layout of model.ts. Called by gguf-model.ts.
// Lossless: F32, F16, Q4_0 and Q8_0, whose blocks are ours with the nibbles in another order:
//
//   Q4_0  2 bytes f16 scale, 16 bytes: byte j holds element j (low nibble) and j + 16 (high); (nibble - 8) * scale
//   Q8_0  2 bytes f16 scale, 32 bytes: int8 * scale
//
// BF16 becomes f16 (f32 for vectors): its 8 bits of precision fit, its range only between 2^-24 and 65504.
// Requantised, because our blocks have neither minima nor scales of scales (block-types.ts): types of up to 4.5 bits a
// weight (Q4_1, Q4_K) become q4, so that a model stays as small and as quick as its maker meant; those above (Q5_0, Q5_1,
// Q5_K, Q6_K) become q8, whose steps are finer than theirs. The error is measured and told with the rows.
//
// Rotary rows: files of the architecture `llama` hold the query's and key's rows interleaved (2i turns with 2i + 1),
// ours are half-split (i turns with i + headSize/2). A row moves whole, so quantised rows stay exact.
// What goes wrong: any other type is `model-unsupported`, naming the tensor and the type.

import { EngineError } from '../../protocol/errors.js';
import { fromHalf } from '../half.js';
import { dequantise } from '../quantise.js';
import { encodeRows, type ConvertedRows } from '../tensor-rows.js';
import type { TensorKind } from '../tensor-layout.js';
import { unfoldBlocks } from './block-types.js';
import type { GgufTensorType } from './tensor-types.js';

const matrixKinds = new Map<string, TensorKind>([
  ['F32', 'f32'],
  ['F16', 'f16'],
  ['BF16', 'f16'],
  ['Q4_0', 'q4'],
  ['Q4_1', 'q4'],
  ['Q4_K', 'q4'],
  ['Q5_0', 'q8'],
  ['Q5_1', 'q8'],
  ['Q5_K', 'q8'],
  ['Q6_K', 'q8'],
  ['Q8_0', 'q8'],
]);
const vectorKinds = new Map<string, TensorKind>([
  ['F32', 'f32'],
  ['F16', 'f16'],
  ['BF16', 'f32'],
]);

/** Types that our layout holds as they are. */
const exact = new Set(['F32', 'F16', 'Q4_0', 'Q8_0']);

export const isExact = (type: string): boolean => exact.has(type);

/** Whether numbers may change on the way (BF16 hardly ever does). */
export const isRequantised = (type: string): boolean => !exact.has(type) && type !== 'BF16';

/** @throws EngineError `model-unsupported` */
export function kindOf(type: string, isVector: boolean, tensor: string, where: string): TensorKind {
  const kind = (isVector ? vectorKinds : matrixKinds).get(type);
  if (kind !== undefined) return kind;
  throw new EngineError(
    'model-unsupported',
    `${where}: the tensor ${tensor} is of the type ${type}, which is not read.`,
    {
      hint: `Use a file in ${[...matrixKinds.keys()].join(', ')} (llama-quantize makes one).`,
    },
  );
}

/**
 * @param bytes whole rows, one after the other, as the file has them
 * @param headSize rows of a head of this size trade places (interleaved to half-split), null: none do
 */
export function convertRows(
  type: GgufTensorType,
  kind: TensorKind,
  bytes: Uint8Array<ArrayBuffer>,
  rowBytes: number,
  headSize: number | null,
): ConvertedRows {
  const ordered = headSize === null ? bytes : halfSplit(bytes, rowBytes, headSize);
  if (!exact.has(type.name)) return encodeRows(kind, unfoldBlocks(type, ordered));
  const kept = { squaredError: 0, squaredNorm: 0 };
  if (type.name === 'Q4_0') return { ...splitQ4(ordered), ...kept };
  if (type.name === 'Q8_0') return { ...splitQ8(ordered), ...kept };
  return { data: ordered, scales: new Uint8Array(0), ...kept };
}

/** The same rows as numbers, none of them changed. Arguments as of {@link convertRows}. */
export function unfoldRows(
  type: GgufTensorType,
  kind: TensorKind,
  bytes: Uint8Array<ArrayBuffer>,
  rowBytes: number,
  headSize: number | null,
): Float32Array<ArrayBuffer> {
  const ordered = headSize === null ? bytes : halfSplit(bytes, rowBytes, headSize);
  if (!exact.has(type.name)) return unfoldBlocks(type, ordered);
  const { data, scales } = convertRows(type, kind, ordered, rowBytes, null);
  const length = (bytes.length / type.blockBytes) * type.blockElements;
  if (kind === 'f32') return new Float32Array(data.slice().buffer);
  if (kind === 'f16') return Float32Array.from(new Uint16Array(data.slice().buffer), fromHalf);
  return dequantise({ kind, shape: [1, length], quants: data, scales: new Uint16Array(scales.slice().buffer) });
}

/** Within a head, row 2i goes to i and row 2i + 1 to i + headSize/2. */
function halfSplit(bytes: Uint8Array<ArrayBuffer>, rowBytes: number, headSize: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes.length);
  for (let at = 0, row = 0; at < bytes.length; at += rowBytes, row++) {
    const inHead = row % headSize;
    const to = row - inHead + (inHead % 2) * (headSize / 2) + Math.floor(inHead / 2);
    out.set(bytes.subarray(at, at + rowBytes), to * rowBytes);
  }
  return out;
}

interface Split {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly scales: Uint8Array<ArrayBuffer>;
}

function splitQ4(from: Uint8Array): Split {
  const blocks = from.length / 18;
  const data = new Uint8Array(blocks * 16);
  const scales = new Uint8Array(blocks * 2);
  for (let block = 0; block < blocks; block++) {
    const at = block * 18;
    scales[block * 2] = from[at] as number;
    scales[block * 2 + 1] = from[at + 1] as number;
    const out = block * 16;
    for (let i = 0; i < 8; i++) {
      const first = from[at + 2 + 2 * i] as number;
      const second = from[at + 3 + 2 * i] as number;
      // Low nibbles are elements 0-15, high ones 16-31; ours pair neighbours.
      data[out + i] = (first & 15) | ((second & 15) << 4);
      data[out + 8 + i] = (first >>> 4) | (second & 0xf0);
    }
  }
  return { data, scales };
}

function splitQ8(from: Uint8Array): Split {
  const blocks = from.length / 34;
  const data = new Uint8Array(blocks * 32);
  const scales = new Uint8Array(blocks * 2);
  for (let block = 0; block < blocks; block++) {
    const at = block * 34;
    scales[block * 2] = from[at] as number;
    scales[block * 2 + 1] = from[at + 1] as number;
    // Two's complement + 128 is the same byte with its top bit turned.
    for (let i = 0; i < 32; i++) data[block * 32 + i] = (from[at + 2 + i] as number) ^ 0x80;
  }
  return { data, scales };
}
