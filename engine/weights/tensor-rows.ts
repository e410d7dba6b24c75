// A tensor as rows that are read and converted on demand: what formats other than ours offer (gguf/, safetensors/), and
// what reading a whole tensor and rewriting a model into a pack (rewrite/) are made of. It knows kinds and shapes, and
// nothing of formats or of where bytes lie.

import { allocate } from './byte-source.js';
import { fromHalf, isFiniteHalf, toHalf } from './half.js';
import type { TensorFacts, WeightTensor } from './model.js';
import { quantise, unquantisable } from './quantise.js';
import { partLengths } from './tensor-layout.js';

/** Rows in the layout of model.ts, with what their conversion cost. */
export interface ConvertedRows {
  /** The `data` of a plain kind, the `quants` of a quantised one. */
  readonly data: Uint8Array;
  /** f16 bits; empty for plain kinds. */
  readonly scales: Uint8Array;
  /** Sum of (value - original)^2, and of original^2. 0 and 0 where nothing could change. */
  readonly squaredError: number;
  readonly squaredNorm: number;
}

export interface TensorRows {
  readonly facts: TensorFacts;
  /** Vectors are one row. */
  readonly rows: number;
  /** Reads begin and end at multiples of this many rows: heads, where a head's rows trade places. */
  readonly group: number;
  /** Bytes of a row in the source. */
  readonly sourceRowBytes: number;
  /** Reading changes no number. */
  readonly exact: boolean;
  /** The source's own numbers. @throws EngineError of the source */
  values(from: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
  /** @throws EngineError of the source, `model-invalid` for numbers that the kind cannot hold */
  read(from: number, count: number, signal?: AbortSignal): Promise<ConvertedRows>;
}

export const rowsOf = (shape: readonly number[]): number => (shape.length === 2 ? (shape[0] as number) : 1);

/** Bytes of a row in our layout. */
export function rowLengths({ facts, rows }: Pick<TensorRows, 'facts' | 'rows'>): { data: number; scales: number } {
  const { data, scales } = partLengths(facts.kind, facts.shape);
  return { data: data / rows, scales: scales / rows };
}

/** How many rows make a piece of about `bytes` of the source: whole groups, one at least. */
export const rowsInPiece = ({ sourceRowBytes, group }: TensorRows, bytes: number): number =>
  Math.max(1, Math.floor(bytes / (sourceRowBytes * group))) * group;

/**
 * Reads a tensor whole.
 * @param onRead told the bytes of the source behind each piece
 */
export async function readWhole(
  tensor: TensorRows,
  pieceBytes: number,
  signal: AbortSignal | undefined,
  onRead: (bytes: number) => void,
): Promise<WeightTensor> {
  const { kind, shape, name } = tensor.facts;
  const lengths = partLengths(kind, shape);
  const row = rowLengths(tensor);
  const data = allocate(lengths.data, `the tensor ${name}`);
  const scales = allocate(lengths.scales, `the scales of the tensor ${name}`);
  const step = rowsInPiece(tensor, pieceBytes);
  for (let from = 0; from < tensor.rows; from += step) {
    const count = Math.min(step, tensor.rows - from);
    const piece = await tensor.read(from, count, signal);
    data.set(piece.data, from * row.data);
    scales.set(piece.scales, from * row.scales);
    onRead(count * tensor.sourceRowBytes);
  }
  if (kind === 'f32') return { kind, shape, data: new Float32Array(data.buffer) };
  if (kind === 'f16') return { kind, shape, data: new Uint16Array(data.buffer) };
  return { kind, shape: shape as readonly [number, number], quants: data, scales: new Uint16Array(scales.buffer) };
}

/** Numbers into rows of a kind. @throws EngineError `model-invalid` for numbers that the kind cannot hold */
export function encodeRows(kind: WeightTensor['kind'], values: Float32Array<ArrayBuffer>): ConvertedRows {
  const none = new Uint8Array(0);
  if (kind === 'f32') {
    return {
      data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      scales: none,
      squaredError: 0,
      squaredNorm: 0,
    };
  }
  if (kind === 'f16') {
    const halves = new Uint16Array(values.length);
    let squaredError = 0;
    let squaredNorm = 0;
    for (const [i, value] of values.entries()) {
      const half = toHalf(value);
      if (!isFiniteHalf(half)) throw unquantisable(String(value));
      halves[i] = half;
      squaredError += (value - fromHalf(half)) ** 2;
      squaredNorm += value ** 2;
    }
    return { data: new Uint8Array(halves.buffer), scales: none, squaredError, squaredNorm };
  }
  const { quants, scales, squaredError, squaredNorm } = quantise(kind, values);
  return { data: quants, scales: new Uint8Array(scales.buffer), squaredError, squaredNorm };
}
