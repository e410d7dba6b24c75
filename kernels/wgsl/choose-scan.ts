// First of two passes of choosing a token: adjusts logits (bias, penalties, mask, in this order) and leaves of each block of
// 64 tokens its greatest score, that token's id (the lowest of equals), sums of exponentials, how many scores are finite,
// and signs of trouble. Called by decoders after the head; choose-pick.ts is the second pass. Knows nothing of choices.
//
// Rows are those of a step, from `choose.first_row` on: where rows are different texts', each has its own dispatch.
// One thread: one row, one block: tokens 64 apart within a workgroup's 4096, so that neighbours read neighbours. No thread
// waits for another (a barrier costs more than the sums do, on software GPUs above all). The adjusted variant writes scores
// back in place, so that the second pass (and the CPU, where that must choose) reads them; forbidden tokens get -3.4e38.
// Repetition penalty: Keskar et al. 2019; presence and frequency: OpenAI's. NaN and +Infinity are found by their bits, since
// WGSL lets a compiler assume that neither occurs.

import { chooseStruct } from './choose-params.js';
import type { KernelSource, Slots, Workgroups } from './kernel.js';
import { stepStruct } from './step.js';

const threads = 64;
/** Tokens of a block. */
export const blockSize = 64;
const groupSize = threads * blockSize;

export interface ChooseSpec {
  readonly vocabularySize: number;
  /** Whether bias, penalties or a mask may apply; one request without them runs faster on the other variant. */
  readonly adjusted: boolean;
  /** The second pass by one thread: for WebGPU on the processor (`DeviceTraits.software`), where barriers are dear. */
  readonly byOneThread?: boolean;
}

const groupsOf = ({ vocabularySize }: ChooseSpec): number => Math.ceil(vocabularySize / groupSize);

/** Sets of a row; block i holds tokens blockFirst(i) + 64 j. Some of the last ones may be empty. */
export const blockCount = (spec: ChooseSpec): number => groupsOf(spec) * threads;

/** WGSL: a block's first token. */
export const blockFirst = `fn block_first(i: u32) -> u32 { return (i / ${threads}u) * ${groupSize}u + i % ${threads}u; }\n`;

/** Bytes of `blocks` for so many rows. */
export const scanBytes = (spec: ChooseSpec, rows: number): number => blockCount(spec) * rows * 32;

export const scanWorkgroups = (spec: ChooseSpec, rows: number): Workgroups => [groupsOf(spec), rows, 1];

/** u32 and f32 buffers that the adjusted variants share. */
export const adjustmentSlots = {
  /** f32 [vocabulary]: added to the logits. */
  bias: { access: 'read', type: 'array<f32>' },
  /** u32 [vocabulary]: how often a token occurs among the penalised ones. */
  counts: { access: 'read', type: 'array<u32>' },
  /** u32 [vocabulary / 32, rounded up]: bit id % 32 of word id / 32 is set where a token may be chosen. */
  allowed: { access: 'read', type: 'array<u32>' },
} as const satisfies Slots;

export function scanSource(spec: ChooseSpec): KernelSource<Slots> {
  const { vocabularySize, adjusted } = spec;
  return {
    label: `choose scan ${vocabularySize}${adjusted ? ' adjusted' : ''}`,
    slots: {
      step: { access: 'uniform', type: 'Step' },
      choose: { access: 'uniform', type: 'Choose' },
      /** f32 [rows, vocabulary]. */
      logits: { access: adjusted ? 'write' : 'read', type: 'array<f32>' },
      /** [rows, blocks]: (maximum, its id, flags, finite scores), (sum of exp((s - maximum) / T), the same with T = 1). */
      blocks: { access: 'write', type: 'array<vec4<u32>>' },
      ...(adjusted ? adjustmentSlots : {}),
    },
    code: /* wgsl */ `
${stepStruct}
${chooseStruct}
${blockFirst}
fn score_of(at: u32, id: u32) -> f32 {
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
  let row = choose.first_row + group.y;
  if (row >= step.rows) { return; }
  let first = row * ${vocabularySize}u;
  let block = group.x * ${threads}u + tid;
  var top = -3.4e38;
  var top_id = 0xffffffffu;
  var flags = 0u;
  var finite = 0u;
  for (var i = 0u; i < ${blockSize}u; i++) {
    let id = block_first(block) + i * ${threads}u;
    if (id >= ${vocabularySize}u) { break; }
    let score = score_of(first + id, id);
    if (is_nan(score)) { flags |= 1u; } else if (is_infinite(score)) { flags |= 2u; } else if (score > never) {
      finite++;
      if (score > top) { top = score; top_id = id; }
    }
  }
  var sum = vec2<f32>();
  if ((choose.flags & (samples | wants_logprobs)) != 0u && flags == 0u) {
    for (var i = 0u; i < ${blockSize}u; i++) {
      let id = block_first(block) + i * ${threads}u;
      if (id >= ${vocabularySize}u) { break; }
      let score = logits[first + id];
      if (score > never) { sum += vec2<f32>(exp((score - top) * choose.inverse_temperature), exp(score - top)); }
    }
  }
  let at = (row * ${blockCount(spec)}u + block) * 2u;
  blocks[at] = vec4<u32>(bitcast<u32>(top), top_id, flags, finite);
  blocks[at + 1u] = vec4<u32>(bitcast<u32>(sum.x), bitcast<u32>(sum.y), 0u, 0u);
}
`,
  };
}
