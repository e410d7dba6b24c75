// Choosing a token from a row of logits in WebAssembly memory: choose.ts's result without its walk over the vocabulary in
// JavaScript (which takes 3 ms for 49,000 tokens and 7 to 13 ms for 152,000: as long as half the model). Called by
// wasm-sequence.ts after a pass.
//   greedy: argmax
//   top-k up to `mostTopK`: the k likeliest, in choose.ts's order, are handed to choose.ts as a vocabulary of k; it draws in
//     that order anyway, and nothing beyond the k takes part
//   a draw from all (top-p and min-p included): the `mostTopK` likeliest and the sum of all weights; where the draw or the
//     nucleus ends among those, that is it. The sum's tail is right to 1e-6, so that one draw in millions may fall to the
//     neighbour of choose.ts's token; everything else is the same arithmetic.
// Biases, penalties and masks are applied to the row in place. Log-probabilities, and draws that end further down, go
// through choose.ts whole.
// What goes wrong: logits that are not numbers are `internal`, said by choose.ts.

import type { Kernels } from '../../../kernels/wasm/kernels.js';
import { applyBiasAndPenalties, chooseToken } from '../choose.js';
import type { Choice, ChooseOptions } from '../decoder.js';
import { uniformAt } from '../philox.js';
import type { WasmMemory } from './memory.js';
import { mostTopK, type ScratchPlan } from './scratch.js';

export class Chooser {
  constructor(
    private readonly kernels: Kernels,
    private readonly memory: WasmMemory,
    private readonly scratch: ScratchPlan,
    private readonly vocabularySize: number,
  ) {}

  /**
   * @param logits address of the row, which is changed
   * @param position as chooseToken
   */
  choose(logits: number, options: ChooseOptions, position: number): Choice {
    const row = this.memory.floats(logits, this.vocabularySize);
    const { allowed, ...rest } = options;
    applyBiasAndPenalties(row, options);
    this.forbid(logits, allowed);
    const plain: ChooseOptions = { ...rest, ...unchanged };
    const id = options.logprobs < 0 ? this.find(logits, plain, position) : null;
    return id === null ? chooseToken(row, plain, position) : { id };
  }

  /** Null where choose.ts must see the whole row: what is wanted lies further down, or the logits are no numbers. */
  private find(logits: number, options: ChooseOptions, position: number): number | null {
    const { kernels, memory, scratch, vocabularySize } = this;
    const { temperature, topK } = options;
    if (temperature === 0) {
      const id = kernels.argmax(logits, vocabularySize);
      return id < 0 ? null : id;
    }
    const drawsFromAll = topK === 0 || topK >= vocabularySize;
    const wanted = Math.min(drawsFromAll ? mostTopK : topK, vocabularySize);
    if (wanted > mostTopK) return null;
    const found = kernels.topK(logits, vocabularySize, wanted, scratch.topValues, scratch.topIds);
    if (found < wanted) return null;
    const values = memory.floats(scratch.topValues, found);
    const top = values[0] ?? NaN;
    if (!Number.isFinite(top)) return null;
    const rank = drawsFromAll
      ? drawFromTop(values, this.sumBelow(logits, found, top, temperature), options, position)
      : chooseToken(values, options, position).id;
    return rank === null ? null : (memory.words(scratch.topIds, found)[rank] as number);
  }

  /** Weights of all tokens but the `found` likeliest. */
  private sumBelow(logits: number, found: number, top: number, temperature: number): number {
    const { kernels, scratch, vocabularySize } = this;
    if (found === vocabularySize) return 0;
    const all = kernels.sumOfWeights(logits, vocabularySize, top, temperature);
    return Math.max(0, all - kernels.sumOfWeights(scratch.topValues, found, top, temperature));
  }

  private forbid(logits: number, allowed: Uint32Array | undefined): void {
    if (allowed === undefined) return;
    const { kernels, memory, scratch, vocabularySize } = this;
    const words = Math.min(allowed.length, Math.ceil(vocabularySize / 32));
    memory.words(scratch.allowed, words).set(allowed.subarray(0, words));
    kernels.forbid(logits, vocabularySize, scratch.allowed, words);
  }
}

/** What has been applied already. */
const unchanged = { logitBias: new Map(), repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 };

/**
 * choose.ts's draw from a whole vocabulary, of which the likeliest are here.
 * @param values their logits, descending
 * @param tail the sum of the others' weights
 * @returns the rank drawn, null when it is none of these or cannot be told
 */
export function drawFromTop(
  values: Float32Array,
  tail: number,
  { temperature, topP, minP, seed }: ChooseOptions,
  position: number,
): number | null {
  const top = values[0] as number;
  const weight = (rank: number): number => Math.exp(((values[rank] as number) - top) / temperature);
  const count = values.length;
  let total = tail;
  for (let rank = 0; rank < count; rank++) total += weight(rank);

  const truncates = topP < 1 || minP > 0;
  let kept = count;
  if (truncates) {
    const enough = topP * total;
    let mass = 0;
    for (kept = 0; kept < count; kept++) {
      const w = weight(kept);
      if (kept > 0 && ((topP < 1 && mass >= enough) || w < minP)) break;
      mass += w;
    }
    if (kept === count && tail > 0) return null;
    total = mass;
  }

  const target = uniformAt(seed, position) * total;
  let mass = 0;
  let drawn = 0;
  for (let rank = 0; rank < kept; rank++) {
    const w = weight(rank);
    if (w === 0) return drawn; // a masked token is never drawn, whatever rounding left of the target
    drawn = rank;
    mass += w;
    if (mass > target) return drawn;
  }
  return truncates || tail === 0 ? drawn : null;
}
