// What the packer packs: one shape for both kinds of input (hf-input.ts, gguf-input.ts), so that write-pack.ts knows
// neither.

import type { GenerationDefaults, ModelSpec, TensorName } from '../../engine/weights/model.js';
import type { QuantisedKind } from '../../engine/weights/quantise.js';
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
  /** The tensor's blocks, rows in order, when the input has it in just this kind, so that no number is touched; or null. */
  readBlocks(name: TensorName, kind: QuantisedKind): AsyncIterable<StoredBlocks> | null;
  /** The tensor's values, whole rows at a time, in order. */
  readValues(name: TensorName): AsyncIterable<Float32Array>;
  close(): Promise<void>;
}

/** About so many numbers make a piece. */
export const pieceElements = 2 ** 20;
