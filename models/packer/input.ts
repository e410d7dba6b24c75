// What the packer packs: one shape for both kinds of input (hf-input.ts, gguf-input.ts), so that write-pack.ts knows
// neither. Also the small conversions that both need.

import type { GenerationDefaults, ModelSpec, TensorName, WeightTensor } from '../../engine/weights/model.js';
import { dequantise, type QuantisedKind } from '../../engine/weights/quantise.js';
import type { TensorKind } from '../../engine/weights/tensor-layout.js';

export interface StoredBlocks {
  readonly quants: Uint8Array;
  readonly scales: Uint16Array;
}

export interface PackInput {
  readonly name: string;
  readonly licence: string;
  readonly spec: ModelSpec;
  readonly generation: GenerationDefaults;
  readonly tokenizer:
    | { readonly kind: 'tokenizer-json'; readonly tokenizer: Uint8Array; readonly config: Uint8Array }
    | { readonly kind: 'gguf'; readonly metadata: Uint8Array };
  /** The kind that holds a tensor without loss (f16 for bf16, nearly so). */
  kindOf(name: TensorName): TensorKind;
  /** The tensor's blocks when the input has it in just this kind, so that no number is touched; otherwise null. */
  readBlocks(name: TensorName, kind: QuantisedKind): Promise<StoredBlocks | null>;
  /** The tensor's values, whole rows at a time, in order. */
  readValues(name: TensorName): AsyncIterable<Float32Array>;
  close(): Promise<void>;
}

/** About so many numbers make a piece. */
export const pieceElements = 2 ** 20;

/** The values of a tensor at hand, whole rows at a time, so that a large one is never unfolded at once. */
export function* valuesInPieces(tensor: WeightTensor): Generator<Float32Array> {
  const columns = tensor.shape.at(-1) ?? 1;
  const rows = tensor.shape.length === 2 ? (tensor.shape[0] as number) : 1;
  const step = Math.max(1, Math.floor(pieceElements / columns));
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row);
    yield dequantise(rowsOf(tensor, row, count, rows, columns));
  }
}

function rowsOf(tensor: WeightTensor, row: number, count: number, rows: number, columns: number): WeightTensor {
  const cut = (length: number): [number, number] => [(row * length) / rows, ((row + count) * length) / rows];
  const shape = [count, columns] as const;
  if (tensor.kind === 'f32') return { kind: 'f32', shape, data: tensor.data.subarray(...cut(tensor.data.length)) };
  if (tensor.kind === 'f16') return { kind: 'f16', shape, data: tensor.data.subarray(...cut(tensor.data.length)) };
  return {
    kind: tensor.kind,
    shape,
    quants: tensor.quants.subarray(...cut(tensor.quants.length)),
    scales: tensor.scales.subarray(...cut(tensor.scales.length)),
  };
}
