// Where a forward pass keeps its activations: addresses behind the weights, fixed when the decoder opens. Called by
// wasm-decoder.ts; read by forward.ts in every thread. Pure arithmetic.

import { matmulScratchBytes, wideRowBytes } from '../../../kernels/wasm/kernels.js';
import { attentionScratchBytes } from '../../../kernels/wasm/operations.js';
import { pageTokens } from '../../kv/page-layout.js';
import { rotarySizeOf } from '../../weights/architectures.js';
import type { ModelSpec } from '../../weights/model.js';
import { aligned } from './plan.js';
import { controlBytes } from './team.js';

/** What one thread has to itself. */
export interface ThreadScratch {
  /** f32 [rows, hiddenSize]: the residual stream. */
  readonly hidden: number;
  /** f32 [rows, hiddenSize] */
  readonly normed: number;
  /** Quantised activations of the widest input. */
  readonly quantised: number;
  readonly matmul: number;
  readonly attention: number;
  /** f32 [widest input]: a row of a matrix, in the float reference mode. */
  readonly row: number;
}

/** Addresses; plain data, so that it can be posted to a thread. */
export interface ScratchPlan {
  /** Tokens a pass takes at most. */
  readonly rows: number;
  /** Rows of logits a pass gives at most. */
  readonly logitRows: number;
  /** Where threads meet (team.ts). */
  readonly control: number;
  /** u32 [rows] */
  readonly tokens: number;
  /** f32 [rows, rotarySize / 2] each: of layers that see everything, and of those that slide. */
  readonly cosines: readonly [number, number];
  readonly sines: readonly [number, number];
  /** f32 [rows, query, key and value] */
  readonly queryKeyValue: number;
  /** f32 [rows, heads * headSize] */
  readonly attended: number;
  /** f32 [heads, scoreStride]: of one token, where threads share its attention; no room where one thread computes. */
  readonly scores: number;
  /** Floats from one head's scores to the next's: the context in whole pages. */
  readonly scoreStride: number;
  /** f32 [rows, hiddenSize]: what a block adds to the residual stream. */
  readonly added: number;
  /** f32 [rows, 2 * feedForwardSize] */
  readonly gateUp: number;
  /** f32 [logitRows, vocabularySize] */
  readonly logits: number;
  /** f32 [mostTopK], i32 [mostTopK] */
  readonly topValues: number;
  readonly topIds: number;
  /** u32 [vocabularySize / 32, rounded up]: a token mask. */
  readonly allowed: number;
  readonly threads: readonly ThreadScratch[];
  readonly end: number;
}

/** Beyond this many, candidates are sought in JavaScript. */
export const mostTopK = 256;

export interface ScratchSizes {
  readonly rows: number;
  readonly logitRows: number;
  readonly threads: number;
  /** Tokens a sequence may hold. */
  readonly contextLength: number;
}

export function planScratch(spec: ModelSpec, start: number, sizes: ScratchSizes): ScratchPlan {
  const { rows, logitRows, threads, contextLength } = sizes;
  const { hiddenSize, feedForwardSize, heads, kvHeads, headSize, vocabularySize } = spec;
  let at = aligned(start);
  const take = (bytes: number): number => {
    const address = at;
    at = aligned(at + bytes);
    return address;
  };
  const floats = (count: number): number => take(count * 4);
  const widest = Math.max(hiddenSize, feedForwardSize, heads * headSize);
  const scoreStride = threads === 1 ? 0 : Math.ceil(contextLength / pageTokens) * pageTokens;
  const rotary = (): number => floats((rows * rotarySizeOf(spec)) / 2);
  return {
    rows,
    logitRows,
    control: take(controlBytes(threads)),
    tokens: floats(rows),
    cosines: [rotary(), rotary()],
    sines: [rotary(), rotary()],
    queryKeyValue: floats(rows * (heads + 2 * kvHeads) * headSize),
    attended: floats(rows * heads * headSize),
    scores: floats(heads * scoreStride),
    scoreStride,
    added: floats(rows * hiddenSize),
    gateUp: floats(rows * 2 * feedForwardSize),
    logits: floats(logitRows * Math.ceil(vocabularySize / 4) * 4),
    topValues: floats(mostTopK),
    topIds: floats(mostTopK),
    allowed: floats(Math.ceil(vocabularySize / 32)),
    threads: Array.from({ length: threads }, () => ({
      hidden: floats(rows * hiddenSize),
      normed: floats(rows * hiddenSize),
      quantised: take(rows * wideRowBytes(Math.ceil(widest / 32) * 32)),
      matmul: take(matmulScratchBytes(Math.ceil(widest / 32) * 32)),
      attention: take(attentionScratchBytes(headSize, rows, heads / kvHeads)),
      row: floats(widest),
    })),
    end: at,
  };
}
