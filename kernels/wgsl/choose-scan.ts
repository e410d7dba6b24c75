// First of two passes of choosing a token: adjusts logits (bias, penalties, mask, in this order) and leaves of each block of
// 1024 tokens its greatest score, that token's id (the lowest of equals), sums of exponentials and signs of trouble.
// Called by decoders after the head; choose-pick.ts is the second pass. Knows nothing of what is chosen.
//
// One workgroup: one row, one block; thread = 4 tokens, 256 apart. The adjusted variant writes scores back in place, so
// that the second pass (and the CPU, where that must choose) reads them; forbidden tokens get -3.4e38.
// Repetition penalty: Keskar et al. 2019; presence and frequency: OpenAI's. NaN and +Infinity are found by their bits, since
// WGSL lets a compiler assume that neither occurs.

import { chooseStruct } from './choose-params.js';
import type { KernelSource, Slots, Workgroups } from './kernel.js';
import { stepStruct } from './step.js';

const threads = 256;
/** Tokens of a block. */
export const scanBlock = 1024;

export interface ChooseSpec {
  readonly vocabularySize: number;
  /** Whether bias, penalties or a mask may apply; one request without them runs faster on the other variant. */
  readonly adjusted: boolean;
}

export const scanBlocks = ({ vocabularySize }: ChooseSpec): number => Math.ceil(vocabularySize / scanBlock);

/** Bytes of `blocks` for so many rows. */
export const scanBytes = (spec: ChooseSpec, rows: number): number => scanBlocks(spec) * rows * 32;

export const scanWorkgroups = (spec: ChooseSpec, rows: number): Workgroups => [scanBlocks(spec), rows, 1];

/** u32 and f32 buffers that the adjusted variants share. */
export const adjustmentSlots = {
  /** f32 [vocabulary]: added to the logits. */
  bias: { access: 'read', type: 'array<f32>' },
  /** u32 [vocabulary]: how often a token occurs among the penalised ones. */
  counts: { access: 'read', type: 'array<u32>' },
  /** u32 [vocabulary / 32, rounded up]: bit id % 32 of word id / 32 is set where a token may be chosen. */
  allowed: { access: 'read', type: 'array<u32>' },
} as const satisfies Slots;

export function scanSource({ vocabularySize, adjusted }: ChooseSpec): KernelSource<Slots> {
  return {
    label: `choose scan ${vocabularySize}${adjusted ? ' adjusted' : ''}`,
    slots: {
      step: { access: 'uniform', type: 'Step' },
      choose: { access: 'uniform', type: 'Choose' },
      /** f32 [rows, vocabulary]. */
      logits: { access: adjusted ? 'write' : 'read', type: 'array<f32>' },
      /** [rows, blocks]: (maximum, its id, flags), (sum of exp((s - maximum) / T), the same with T = 1). */
      blocks: { access: 'write', type: 'array<vec4<u32>>' },
      ...(adjusted ? adjustmentSlots : {}),
    },
    code: /* wgsl */ `
${stepStruct}
${chooseStruct}
var<workgroup> best: array<f32, ${threads}>;
var<workgroup> best_id: array<u32, ${threads}>;
var<workgroup> sums: array<vec2<f32>, ${threads}>;
var<workgroup> trouble: atomic<u32>;

fn score_of(row: u32, id: u32) -> f32 {
  let at = row * ${vocabularySize}u + id;
${
  adjusted
    ? /* wgsl */ `
  let logit = logits[at];
  var score = logit + bias[id];
  let count = counts[id];
  if (count > 0u) {
    score = select(score * choose.repetition, score / choose.repetition, score > 0.0);
    score = score - choose.presence - choose.frequency * f32(count);
  }
  if (((allowed[id >> 5u] >> (id & 31u)) & 1u) == 0u) { score = -3.4e38; }
  if (is_nan(logit)) { score = logit; }
  logits[at] = score;
  return score;`
    : '  return logits[at];'
}
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let row = group.y;
  if (row >= step.rows) { return; }
  var scores: array<f32, 4>;
  var top = -3.4e38;
  var top_id = 0xffffffffu;
  var wrong = 0u;
  for (var i = 0u; i < 4u; i++) {
    let id = group.x * ${scanBlock}u + i * ${threads}u + tid;
    scores[i] = -3.4e38;
    if (id < ${vocabularySize}u) {
      let score = score_of(row, id);
      if (is_nan(score)) { wrong |= 1u; } else if (is_infinite(score)) { wrong |= 2u; } else {
        scores[i] = score;
        if (score > never && score > top) { top = score; top_id = id; }
      }
    }
  }
  if (wrong != 0u) { atomicOr(&trouble, wrong); }
  best[tid] = top;
  best_id[tid] = top_id;
  workgroupBarrier();
  if (tid < 16u) {
    for (var i = tid * 16u; i < tid * 16u + 16u; i++) {
      if (best[i] > top || (best[i] == top && best_id[i] < top_id)) { top = best[i]; top_id = best_id[i]; }
    }
  }
  workgroupBarrier();
  if (tid < 16u) { best[tid] = top; best_id[tid] = top_id; }
  workgroupBarrier();
  top = best[0];
  top_id = best_id[0];
  for (var i = 1u; i < 16u; i++) {
    if (best[i] > top || (best[i] == top && best_id[i] < top_id)) { top = best[i]; top_id = best_id[i]; }
  }

  var sum = vec2<f32>();
  if ((choose.flags & (samples | wants_logprobs)) != 0u) {
    for (var i = 0u; i < 4u; i++) {
      if (scores[i] > never) {
        let below = scores[i] - top;
        sum += vec2<f32>(exp(below * choose.inverse_temperature), exp(below));
      }
    }
    sums[tid] = sum;
    workgroupBarrier();
    if (tid < 16u) {
      sum = vec2<f32>();
      for (var i = tid * 16u; i < tid * 16u + 16u; i++) { sum += sums[i]; }
    }
    workgroupBarrier();
    if (tid < 16u) { sums[tid] = sum; }
    workgroupBarrier();
    if (tid == 0u) {
      sum = vec2<f32>();
      for (var i = 0u; i < 16u; i++) { sum += sums[i]; }
    }
  }
  if (tid == 0u) {
    let at = (row * ${Math.ceil(vocabularySize / scanBlock)}u + group.x) * 2u;
    blocks[at] = vec4<u32>(bitcast<u32>(top), top_id, atomicLoad(&trouble), 0u);
    blocks[at + 1u] = vec4<u32>(bitcast<u32>(sum.x), bitcast<u32>(sum.y), 0u, 0u);
  }
}
`,
  };
}
