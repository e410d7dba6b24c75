// Parts of choose-pick.ts: what its threads share, inclusive sums over them, and the sort of the candidates (bitonic; Batcher
// 1968). Called by it alone.

import type { WorkgroupMemory } from './workgroup-memory.js';

/** Bins of the histograms of scores. */
export const bins = 1024;
/** Tokens that are gathered and sorted at most. */
export const candidates = 512;

/** WGSL: variables, `inclusive`, `inclusive_count`, `total_of`. */
export const memory = (threads: number, shared: WorkgroupMemory): string => /* wgsl */ `
${shared.declare('histogram', `array<${shared.counter}, ${bins}>`)}
${shared.declare('scores', `array<f32, ${candidates}>`)}
${shared.declare('ids', `array<u32, ${candidates}>`)}
${shared.declare('masses', `array<f32, ${candidates}>`)}
${shared.declare('lane_floats', `array<f32, ${threads}>`)}
${shared.declare('lane_words', `array<u32, ${threads}>`)}
${shared.declare('gathered', shared.counter)}
${shared.declare('first_cut', shared.counter)}
${shared.declare('last_cut', shared.counter)}
${shared.declare('kept_cut', shared.counter)}
${shared.declare('chosen_rank', shared.counter)}
${shared.declare('found', 'u32')}

// Sum over the threads up to and with this one. Every thread calls it.
fn inclusive(tid: u32, value: f32) -> f32 {
  ${shared.barrier}
  lane_floats[tid] = value;
  ${shared.barrier}
  var within = 0.0;
  let first = tid & ~15u;
  for (var i = first; i <= tid; i++) { within += lane_floats[i]; }
  ${shared.barrier}
  if ((tid & 15u) == 15u) { lane_floats[tid >> 4u] = within; }
  ${shared.barrier}
  var before = 0.0;
  for (var i = 0u; i < (tid >> 4u); i++) { before += lane_floats[i]; }
  return before + within;
}
fn inclusive_count(tid: u32, value: u32) -> u32 {
  ${shared.barrier}
  lane_words[tid] = value;
  ${shared.barrier}
  var within = 0u;
  let first = tid & ~15u;
  for (var i = first; i <= tid; i++) { within += lane_words[i]; }
  ${shared.barrier}
  if ((tid & 15u) == 15u) { lane_words[tid >> 4u] = within; }
  ${shared.barrier}
  var before = 0u;
  for (var i = 0u; i < (tid >> 4u); i++) { before += lane_words[i]; }
  return before + within;
}
// What the last thread's sum is, for all.
fn total_of(tid: u32, inclusive_sum: f32) -> f32 {
  ${shared.barrier}
  if (tid == ${threads - 1}u) { lane_floats[0] = inclusive_sum; }
  ${shared.barrier}
  return lane_floats[0];
}
`;

/** Descending by score, equal scores by ascending id; `size` is a power of two. */
export const sorting = (threads: number, shared: WorkgroupMemory): string => /* wgsl */ `
fn sort_candidates(tid: u32, size: u32) {
  for (var width = 2u; width <= size; width *= 2u) {
    for (var stride = width / 2u; stride > 0u; stride /= 2u) {
      for (var pair = tid; pair < size / 2u; pair += ${threads}u) {
        let low = (pair / stride) * stride * 2u + pair % stride;
        let high = low + stride;
        let descending = (low & width) == 0u;
        let a = scores[low];
        let b = scores[high];
        let wrong_order = b > a || (b == a && ids[high] < ids[low]);
        if (wrong_order == descending) {
          let id = ids[low];
          scores[low] = b;
          scores[high] = a;
          ids[low] = ids[high];
          ids[high] = id;
        }
      }
      ${shared.barrier}
    }
  }
}
`;
