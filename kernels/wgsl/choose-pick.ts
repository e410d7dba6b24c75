// Second of two passes of choosing a token: joins the blocks of choose-scan.ts and, beyond the greedy choice, draws by
// temperature, top-k, top-p and min-p, and lists the likeliest tokens. Called by decoders; writes a record (choose-params.ts)
// to `results` and the id to `tokens`, where the next step's embedding reads it. Knows nothing of text.
//
// Order and meaning are those of engine/decoders/choose.ts: candidates from the likeliest down, equal scores by ascending
// id; the draw is the inverse of their cumulative sum at `uniform_at(position)`. Sums are f32 here and f64 there: where the
// draw falls within some 1e-6 of a boundary, the neighbour may be chosen.
//
// No sort of the vocabulary: a histogram of scores' distances from the top (1024 bins over 40 nats, or 40 T) tells how far
// down the best 512 (or the k that are wanted) reach; those are gathered, sorted (bitonic; Batcher 1968) and summed. A
// first histogram, of the blocks' maxima, spares the second one most of the vocabulary: where k blocks reach a bin, so do k
// tokens, and no other block can hold a better one. **Covered** is every choice that the candidates decide: any top-k up to
// 512; any draw and any cut by top-p or min-p that falls among them. What falls beyond (a flat distribution, or more than
// 512 tokens as good as one that is wanted) is flagged `notCovered`, never guessed.
//
// One workgroup a row, of 128 threads (inclusive sums: groups of 16) or, for software, of one: then barriers go, since each
// costs such a device more than all that they let threads share.

import { bins, candidates, memory, sorting } from './choose-candidates.js';
import { chooseStruct, drawFunction, maxAlternatives, recordWords } from './choose-params.js';
import { blockCount, blockFirst, blockSize, type ChooseSpec } from './choose-scan.js';
import type { KernelSource, Slots, Workgroups } from './kernel.js';
import { stepStruct } from './step.js';
import { ownMemory, sharedMemory, type WorkgroupMemory } from './workgroup-memory.js';

/** Nats (times T, where T > 1) that the histogram spans. */
const span = 40;

export const pickWorkgroups = (rows: number): Workgroups => [rows, 1, 1];

export function pickSource(spec: ChooseSpec): KernelSource<Slots> {
  const { vocabularySize, adjusted, byOneThread = false } = spec;
  const threads = byOneThread ? 1 : 128;
  const shared = byOneThread ? ownMemory : sharedMemory;
  return {
    label: `choose pick ${vocabularySize}${adjusted ? ' adjusted' : ''}${byOneThread ? ' by one' : ''}`,
    slots: {
      step: { access: 'uniform', type: 'Step' },
      choose: { access: 'uniform', type: 'Choose' },
      /** f32 [rows, vocabulary], as the first pass left them. */
      logits: { access: 'read', type: 'array<f32>' },
      blocks: { access: 'read', type: 'array<vec4<u32>>' },
      /** u32 [rows]: the chosen ids. */
      tokens: { access: 'write', type: 'array<u32>' },
      /** Row r's record is number step.draw + r. */
      results: { access: 'write', type: 'array<u32>' },
      ...(adjusted ? { counts: { access: 'write', type: 'array<u32>' } as const } : {}),
    },
    code: [
      stepStruct,
      chooseStruct,
      drawFunction,
      blockFirst,
      memory(threads, shared),
      sorting(threads, shared),
      mainCode(spec, threads, shared),
    ].join(''),
  };
}

function mainCode(spec: ChooseSpec, threads: number, shared: WorkgroupMemory): string {
  const perThread = candidates / threads;
  const { vocabularySize, adjusted } = spec;
  const blockTotal = blockCount(spec);
  return /* wgsl */ `
// Of the histogram: the first bins that hold \`wanted\` (else first_cut stays), the most that hold no more than fit.
fn cut_where(tid: u32, wanted: u32) {
  var own = 0u;
  for (var i = 0u; i < ${bins / threads}u; i++) { own += ${shared.load(`histogram[tid * ${bins / threads}u + i]`)}; }
  var running = inclusive_count(tid, own) - own;
  for (var i = 0u; i < ${bins / threads}u; i++) {
    let bin = tid * ${bins / threads}u + i;
    running += ${shared.load('histogram[bin]')};
    if (running <= ${candidates}u) { ${shared.max('last_cut', 'bin + 1u')} }
    if (running >= wanted) { ${shared.min('first_cut', 'bin + 1u')} }
  }
  ${shared.barrier}
}
fn bin_of(below: f32, per_nat: f32) -> u32 { return u32(min(below * per_nat, ${bins - 1}.0)); }

fn write_choice(row: u32, id: u32, flags: u32, logprob: f32, alternatives: u32) {
  let at = (step.draw + row) * ${recordWords}u;
  results[at] = id;
  results[at + 1u] = flags;
  results[at + 2u] = bitcast<u32>(logprob);
  results[at + 3u] = alternatives;
  tokens[row] = id;
  ${adjusted ? 'if ((choose.flags & learns) != 0u && row == choose.first_row && flags == 0u) { counts[id] += 1u; }' : ''}
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let row = choose.first_row + group.x;
  if (row >= step.rows) { return; }
  let first_block = row * ${blockTotal}u;
  let wants_list = (choose.flags & wants_logprobs) != 0u;
  let draws = (choose.flags & samples) != 0u;

  // The greatest score, the lowest id of equals.
  var top = -3.4e38;
  var top_id = 0xffffffffu;
  var wrong = 0u;
  for (var i = tid; i < ${blockTotal}u; i += ${threads}u) {
    let block = blocks[(first_block + i) * 2u];
    let score = bitcast<f32>(block.x);
    wrong |= block.z;
    if (score > top || (score == top && block.y < top_id)) { top = score; top_id = block.y; }
  }
  lane_floats[tid] = top;
  lane_words[tid] = top_id;
  if (wrong != 0u) { ${shared.or('gathered', 'wrong')} }
  ${shared.barrier}
  if (tid == 0u) {
    for (var i = 1u; i < ${threads}u; i++) {
      if (lane_floats[i] > top || (lane_floats[i] == top && lane_words[i] < top_id)) {
        top = lane_floats[i];
        top_id = lane_words[i];
      }
    }
    lane_floats[0] = top;
    lane_words[0] = top_id;
    found = ${shared.load('gathered')} | select(0u, 4u, top_id == 0xffffffffu);
    ${shared.store('gathered', '0u')}
    ${shared.store('first_cut', `${bins}u`)}
    ${shared.store('kept_cut', `${candidates}u`)}
    ${shared.store('chosen_rank', `${candidates}u`)}
  }
  wrong = ${shared.same('found')};
  top = lane_floats[0];
  top_id = lane_words[0];
  if (wrong != 0u || (!draws && !wants_list)) {
    if (tid == 0u) { write_choice(row, select(top_id, 0u, top_id == 0xffffffffu), wrong, 0.0, 0u); }
    return;
  }

  let limit = select(${vocabularySize}u, min(choose.top_k, ${vocabularySize}u), draws && choose.top_k > 0u);
  let wanted = max(select(1u, min(limit, ${candidates}u), draws), select(0u, choose.alternatives, wants_list));
  let per_nat = ${bins / span} * select(1.0, min(choose.inverse_temperature, 1.0), draws);

  // Sums over the whole vocabulary, and the histogram of the blocks' maxima.
  var mass = vec2<f32>();
  var finite_here = 0u;
  for (var i = tid; i < ${blockTotal}u; i += ${threads}u) {
    let block = blocks[(first_block + i) * 2u];
    let sums = blocks[(first_block + i) * 2u + 1u];
    let greatest = bitcast<f32>(block.x);
    if (block.w == 0u) { continue; }
    finite_here += block.w;
    mass += vec2<f32>(
      exp((greatest - top) * choose.inverse_temperature) * bitcast<f32>(sums.x),
      exp(greatest - top) * bitcast<f32>(sums.y),
    );
    ${shared.add('histogram[bin_of(top - greatest, per_nat)]', '1u')}
  }
  let everything = total_of(tid, inclusive(tid, mass.x));
  let log_normaliser = log(total_of(tid, inclusive(tid, mass.y)));
  let finite_up_to = inclusive_count(tid, finite_here);
  if (tid == ${threads - 1}u) { found = finite_up_to; }
  let finite = ${shared.same('found')};
  cut_where(tid, wanted);
  let reach = ${shared.load('first_cut')};
  ${shared.barrier}
  for (var i = tid; i < ${bins}u; i += ${threads}u) { ${shared.store('histogram[i]', '0u')} }
  if (tid == 0u) { ${shared.store('first_cut', `${bins}u`)} ${shared.store('last_cut', '0u')} }
  ${shared.barrier}

  // The histogram of the tokens that can be among the wanted ones; then those themselves.
  for (var i = tid; i < ${blockTotal}u; i += ${threads}u) {
    let block = blocks[(first_block + i) * 2u];
    if (block.w == 0u || bin_of(top - bitcast<f32>(block.x), per_nat) >= reach) { continue; }
    for (var id = block_first(i); id < min(block_first(i) + ${blockSize * blockSize}u, ${vocabularySize}u); id += ${blockSize}u) {
      let score = logits[row * ${vocabularySize}u + id];
      if (score <= never) { continue; }
      let bin = bin_of(top - score, per_nat);
      if (bin < reach) { ${shared.add('histogram[bin]', '1u')} }
    }
  }
  ${shared.barrier}
  cut_where(tid, wanted);
  let cut = min(reach, min(${shared.load('first_cut')}, ${shared.load('last_cut')}));
  for (var i = tid; i < ${blockTotal}u; i += ${threads}u) {
    let block = blocks[(first_block + i) * 2u];
    if (block.w == 0u || bin_of(top - bitcast<f32>(block.x), per_nat) >= cut) { continue; }
    for (var id = block_first(i); id < min(block_first(i) + ${blockSize * blockSize}u, ${vocabularySize}u); id += ${blockSize}u) {
      let score = logits[row * ${vocabularySize}u + id];
      if (score > never && bin_of(top - score, per_nat) < cut) {
        ${shared.take('at', 'gathered')}
        if (at < ${candidates}u) { scores[at] = score; ids[at] = id; }
      }
    }
  }
  ${shared.barrier}
  if (tid == 0u) { found = min(${shared.load('gathered')}, ${candidates}u); }
  let count = ${shared.same('found')};
  var size = 1u;
  while (size < count) { size *= 2u; }
  for (var i = count + tid; i < size; i += ${threads}u) { scores[i] = -3.4e38; ids[i] = 0xffffffffu; }
  ${shared.barrier}
  sort_candidates(tid, size);

  let exhausted = count == finite;
  var uncovered = count == 0u;
  var rank = 0u;
  if (draws) {
    var own = 0.0;
    for (var i = tid * ${perThread}u; i < (tid + 1u) * ${perThread}u; i++) {
      masses[i] = 0.0;
      if (i < count) { masses[i] = exp((scores[i] - top) * choose.inverse_temperature); }
      own += masses[i];
    }
    var running = inclusive(tid, own) - own;
    for (var i = tid * ${perThread}u; i < (tid + 1u) * ${perThread}u; i++) {
      running += masses[i];
      masses[i] = running;
    }
    ${shared.barrier}

    let available = min(limit, count);
    let complete = exhausted || limit <= count;
    var total = everything;
    if (limit < ${vocabularySize}u || exhausted) { total = masses[max(available, 1u) - 1u]; }
    uncovered = uncovered || (limit < ${vocabularySize}u && !complete);
    var kept = available;
    let truncates = choose.top_p < 1.0 || choose.min_p > 0.0;
    if (truncates) {
      let enough = choose.top_p * total;
      for (var i = max(tid, 1u); i < available; i += ${threads}u) {
        let weight = exp((scores[i] - top) * choose.inverse_temperature);
        if ((choose.top_p < 1.0 && masses[i - 1u] >= enough) || weight < choose.min_p) { ${shared.min('kept_cut', 'i')} break; }
      }
      ${shared.barrier}
      let cut_at = ${shared.load('kept_cut')};
      uncovered = uncovered || (cut_at >= available && !complete);
      kept = min(cut_at, available);
      total = masses[max(kept, 1u) - 1u];
    }
    let target_mass = uniform_at(position_of(row) + 1u) * total;
    for (var i = tid; i < kept; i += ${threads}u) {
      if (masses[i] > target_mass) { ${shared.min('chosen_rank', 'i')} break; }
    }
    ${shared.barrier}
    rank = ${shared.load('chosen_rank')};
    if (rank >= kept) {
      // Past the last sum: rounding, where these are all there are; else the draw fell beyond the candidates.
      uncovered = uncovered || !(truncates || complete);
      rank = max(kept, 1u) - 1u;
      while (rank > 0u && exp((scores[rank] - top) * choose.inverse_temperature) == 0.0) { rank--; }
    }
  }
  uncovered = uncovered || (wants_list && choose.alternatives > count);

  if (wants_list && !uncovered) {
    let listed = min(choose.alternatives, ${maxAlternatives}u);
    for (var i = tid; i < listed; i += ${threads}u) {
      let at = (step.draw + row) * ${recordWords}u + 4u + 2u * i;
      results[at] = ids[i];
      results[at + 1u] = bitcast<u32>(scores[i] - top - log_normaliser);
    }
  }
  if (tid == 0u) {
    let id = select(top_id, ids[rank], draws && !uncovered);
    let logprob = select(0.0, scores[rank] - top - log_normaliser, wants_list && !uncovered);
    write_choice(row, id, select(0u, 8u, uncovered), logprob, select(0u, choose.alternatives, wants_list && !uncovered));
  }
}
`;
}
