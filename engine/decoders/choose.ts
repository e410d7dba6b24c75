// Chooses one token from logits on the CPU. Called by every decoder whose logits come to JavaScript (`onnx/`, `wasm/`,
// the reference decoder of the tests); a GPU decoder does the same steps in shaders and is checked against this file.
// Order, as `ChooseOptions` documents it: bias, penalties (repetition, then presence and frequency), then temperature,
// top-k, top-p, min-p, draw. The walk is from the likeliest token down, equal logits by ascending id, and the draw is
// the inverse of that cumulative sum at `uniformAt(seed, position)`; this fixes the result on every decoder.
// Methods: nucleus, Holtzman et al. 2020; min-p, Nguyen et al. 2024; repetition penalty, Keskar et al. 2019.
// Knows nothing of text, sequences or devices. Logits that are NaN, +Infinity or all -Infinity throw `internal`:
// they mean a defect in a kernel or a broken weight, and choosing anyway would hide it.

import { EngineError } from '../protocol/errors.js';
import type { Choice, ChooseOptions, TokenLogprob } from './decoder.js';
import { uniformAt } from './philox.js';

/** The likeliest token and nothing else: what evaluations and cross-checks ask for, and what tests vary. */
export const greedyOptions: ChooseOptions = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  repetitionPenalty: 1,
  penalised: [],
  logitBias: new Map(),
  seed: 0,
  logprobs: -1,
};

// Scratch that grows to the largest vocabulary seen and is then reused: choosing allocates nothing per token. Safe to
// share because choosing is synchronous and one thread's module is never entered twice.
let scores = new Float32Array(0);
let order = new Int32Array(0);
let counts = new Int32Array(0);

/**
 * @param logits float32 [vocabularySize]; left as they are
 * @param position index in the sequence that the chosen token will have: the counter of the draw
 * @throws EngineError `internal` when the logits are not numbers
 */
export function chooseToken(logits: Float32Array, options: ChooseOptions, position: number): Choice {
  const size = logits.length;
  if (scores.length < size) {
    scores = new Float32Array(size);
    order = new Int32Array(size);
  }
  scores.set(logits);
  applyBiasAndPenalties(scores.subarray(0, size), options);
  if (options.allowed !== undefined) forbidOthers(size, options.allowed);
  const best = likeliestId(size);
  const sorted = new DescendingWalk(size);
  const id = options.temperature === 0 ? best : draw(size, best, sorted, options, position);
  if (options.logprobs < 0) return { id };
  return withLogprobs(id, size, best, options.logprobs);
}

/**
 * The first step of choosing, in place: biases, then the penalties of what occurred.
 * @param target float32 [vocabularySize]
 */
export function applyBiasAndPenalties(target: Float32Array, options: ChooseOptions): void {
  const size = target.length;
  for (const [id, bias] of options.logitBias) {
    if (id >= 0 && id < size) target[id] = at(target, id) + bias;
  }
  const { repetitionPenalty, presencePenalty, frequencyPenalty, penalised } = options;
  if (repetitionPenalty === 1 && presencePenalty === 0 && frequencyPenalty === 0) return;
  if (counts.length < size) counts = new Int32Array(size);
  for (const id of penalised) if (id >= 0 && id < size) counts[id] = at(counts, id) + 1;
  for (const id of penalised) {
    const count = id >= 0 && id < size ? at(counts, id) : 0;
    if (count === 0) continue; // out of range, or seen earlier in this loop
    counts[id] = 0;
    let score = at(target, id);
    score = score > 0 ? score / repetitionPenalty : score * repetitionPenalty;
    target[id] = score - presencePenalty - frequencyPenalty * count;
  }
}

/** Tokens beyond the mask's last word are not allowed. */
function forbidOthers(size: number, allowed: Uint32Array): void {
  for (let id = 0; id < size; id++) {
    if ((((allowed[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 0) scores[id] = -Infinity;
  }
}

/** The id with the greatest score, the lowest such id; also the one place where bad logits are found. */
function likeliestId(size: number): number {
  let best = -1;
  let top = -Infinity;
  for (let id = 0; id < size; id++) {
    const score = at(scores, id);
    if (score > top) {
      top = score;
      best = id;
    } else if (score !== score) {
      throw badLogits(`the logit of token ${id} is not a number`);
    }
  }
  if (best < 0) throw badLogits('no token has a finite logit');
  if (top === Infinity) throw badLogits(`the logit of token ${best} is infinite`);
  return best;
}

/** What a decoder says of logits that are no numbers. */
export function badLogits(what: string): EngineError {
  return new EngineError('internal', `The model computed nonsense: ${what}.`, {
    hint: 'Load the model again, or on another device; if it comes back, please report it with the name of the model.',
  });
}

function draw(size: number, best: number, walk: DescendingWalk, options: ChooseOptions, position: number): number {
  const top = at(scores, best);
  const weight = (id: number): number => Math.exp((at(scores, id) - top) / options.temperature);

  // Top-k: the walk ends after k tokens, and the mass that top-p refers to is theirs alone.
  const limit = options.topK > 0 ? Math.min(options.topK, size) : size;
  let total = 0;
  if (limit < size) {
    for (let rank = 0; rank < limit; rank++) total += weight(walk.at(rank));
  } else {
    for (let id = 0; id < size; id++) total += weight(id);
  }

  // Nothing more is cut: the draw ends the walk. Otherwise find where top-p and min-p end it, then draw in what is left.
  const truncates = options.topP < 1 || options.minP > 0;
  let kept = limit;
  if (truncates) {
    const enough = options.topP * total;
    let mass = 0;
    for (kept = 0; kept < limit; kept++) {
      const w = weight(walk.at(kept));
      if (kept > 0 && ((options.topP < 1 && mass >= enough) || w < options.minP)) break;
      mass += w;
    }
    total = mass;
  }

  const target = uniformAt(options.seed, position) * total;
  let mass = 0;
  let id = best;
  for (let rank = 0; rank < kept; rank++) {
    const candidate = walk.at(rank);
    const w = weight(candidate);
    if (w === 0) break; // a masked token (-Infinity) is never drawn, whatever rounding left of the target
    id = candidate;
    mass += w;
    if (mass > target) break;
  }
  return id;
}

function withLogprobs(id: number, size: number, best: number, alternatives: number): Choice {
  const top = at(scores, best);
  let sum = 0;
  for (let i = 0; i < size; i++) sum += Math.exp(at(scores, i) - top);
  const normaliser = top + Math.log(sum);
  const entry = (of: number): TokenLogprob => ({ id: of, logprob: at(scores, of) - normaliser });
  const walk = new DescendingWalk(size);
  const listed: TokenLogprob[] = [];
  for (let rank = 0; rank < Math.min(alternatives, size); rank++) listed.push(entry(walk.at(rank)));
  return { id, logprob: entry(id), alternatives: listed };
}

/**
 * Ids from the greatest score down, found as far as one walks: a binary max-heap over all ids (built in O(n)), popped
 * from the end of `order`, so a walk of k tokens costs O(n + k log n) and not a sort of the vocabulary.
 */
class DescendingWalk {
  private heap = 0;
  private found = 0;
  private built = false;

  constructor(private readonly size: number) {}

  /** Id of the given rank; ranks already reached are answered at once. */
  at(rank: number): number {
    if (!this.built) this.build();
    while (this.found <= rank) this.pop();
    return at(order, this.size - 1 - rank);
  }

  private build(): void {
    this.built = true;
    this.heap = this.size;
    for (let i = 0; i < this.size; i++) order[i] = i;
    for (let i = (this.size >> 1) - 1; i >= 0; i--) this.sink(i);
  }

  /** Moves the greatest of the heap behind it. */
  private pop(): void {
    const greatest = at(order, 0);
    this.heap -= 1;
    order[0] = at(order, this.heap);
    order[this.heap] = greatest;
    this.found += 1;
    this.sink(0);
  }

  private sink(from: number): void {
    const id = at(order, from);
    let node = from;
    for (let child = 2 * node + 1; child < this.heap; child = 2 * node + 1) {
      if (child + 1 < this.heap && before(at(order, child + 1), at(order, child))) child += 1;
      if (!before(at(order, child), id)) break;
      order[node] = at(order, child);
      node = child;
    }
    order[node] = id;
  }
}

/** Whether id a comes before id b: greater score, then lower id. */
function before(a: number, b: number): boolean {
  const x = at(scores, a);
  const y = at(scores, b);
  return x > y || (x === y && a < b);
}

/** An element known to exist. */
function at(array: Float32Array | Int32Array, index: number): number {
  return array[index] as number;
}
