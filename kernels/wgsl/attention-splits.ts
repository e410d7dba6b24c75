// What a workgroup of attention.ts does, where it is a split of the text. Called through attention.ts, which documents the
// whole; on WebGPU on the processor attention-threads.ts takes its place.
//
// One workgroup: one row, one split of 128 tokens (counted from the text's beginning, so that a row's sums do not depend on
// what else is in the step), one key-value head and all its query heads (as many as G * D <= 512 allows).
//
//   scores   thread = token of the page (32) x lane (4); a lane takes every 4th group of 8 elements, for all G heads
//   softmax  thread = four heads x lane (16)
//   values   thread = 4 elements of the head x slice of the tokens, for all G heads; slices are summed in order

import { pageTokens } from './kv-pages.js';

const threads = 128;
/** Pages of a split. */
export const splitPages = 4;
const splitTokens = splitPages * pageTokens;

export interface SplitBody {
  readonly heads: number;
  readonly int8: boolean;
  readonly scale: number;
  readonly headSize: number;
  readonly maxParts: number;
  readonly softCap: number | undefined;
  readonly groups: number;
  /** G: query heads of a workgroup. */
  readonly size: number;
  readonly perKvHead: number;
}

/** WGSL after the structures and functions of attention.ts. */
export function splitBody(body: SplitBody): string {
  const { heads, headSize, int8, scale, softCap, maxParts, groups, size, perKvHead } = body;
  const columns = headSize / 4;
  const fours = Math.ceil(size / 4);
  const slices = Math.min(pageTokens, Math.floor(threads / columns), Math.floor(512 / (size * columns)));
  const laneAt = int8 ? size * columns : 0;
  const scratchSize = Math.max(laneAt + 4 * fours * pageTokens, slices * size * columns);
  const each = (line: (g: number) => string): string => Array.from({ length: size }, (_, g) => line(g)).join('\n');
  /** vec4 number `four` of the heads' values: name0, name1, ... with zeros past the last head. */
  const four = (name: string, at: number): string =>
    `vec4<f32>(${[0, 1, 2, 3].map((i) => (4 * at + i < size ? `${name}${4 * at + i}` : '0.0')).join(', ')})`;
  const eachFour = (line: (at: number) => string): string =>
    Array.from({ length: fours }, (_, at) => line(at)).join('\n');
  const capped =
    softCap === undefined ? '' : `score = ${softCap} * tanh(clamp(score * ${1 / softCap}, vec4(-15.0), vec4(15.0)));`;
  const products = (vectors: string, at: number): string =>
    each(
      (g) =>
        `s${g} += dot(${vectors}[${at + g * columns}u + 2u * c], k0) + dot(${vectors}[${at + g * columns + 1}u + 2u * c], k1);`,
    );
  return /* wgsl */ `
var<workgroup> query: array<vec4<f32>, ${size * columns}>;
// By turns: the query times a page's steps, then lanes' sums of scores; at the end slices' sums of values.
var<workgroup> scratch: array<vec4<f32>, ${scratchSize}>;
// Four heads at once: [fours, 128 tokens].
var<workgroup> scores: array<vec4<f32>, ${fours * splitTokens}>;
var<workgroup> maxima: array<vec4<f32>, ${fours * 16}>;
var<workgroup> sums: array<vec4<f32>, ${fours * 16}>;
${
  int8
    ? `var<workgroup> lane_parts: array<f32, ${threads}>;
var<workgroup> page_parts: array<f32, ${splitPages * fours * 4}>;`
    : ''
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let row = group.z;
  let position = position_of(row);
  let table = table_of(row);
  if (row >= step.rows || group.x >= split_count(position)) { return; }
  let first = first_seen(position);
  let split = first / ${splitTokens}u + group.x;
  let begin = max(split * ${splitTokens}u, first);
  let end = min((split + 1u) * ${splitTokens}u, position + 1u);
  let first_page = begin / ${pageTokens}u;
  let past_page = (end + ${pageTokens - 1}u) / ${pageTokens}u;
  let float_from = first_float_page(position);
  let kv_head = group.y / ${groups}u;
  let in_group = (group.y % ${groups}u) * ${size}u;
  let first_head = row * ${heads}u + kv_head * ${perKvHead}u + in_group;
  let heads_here = min(${size}u, ${perKvHead}u - in_group);

  for (var i = tid; i < ${size * columns}u; i += ${threads}u) {
    query[i] = q[(first_head + min(i / ${columns}u, heads_here - 1u)) * ${columns}u + i % ${columns}u] * ${scale};
  }
  workgroupBarrier();
${
  int8
    ? /* wgsl */ `
  if (first_page < float_from) {
    let pair = tid / 4u;
    let page = split * ${splitPages}u + pair / ${size}u;
    var sum = 0.0;
    if (pair < ${splitPages * size}u && page >= first_page && page < min(past_page, float_from)) {
      let base = quant_base(pages[table + page].y);
      for (var c = tid % 4u; c < ${columns}u; c += 4u) {
        sum += dot(query[(pair % ${size}u) * ${columns}u + c], key_minima(base, kv_head, c));
      }
    }
    lane_parts[tid] = sum;
    workgroupBarrier();
    if (tid < ${splitPages * size}u) {
      page_parts[(tid / ${size}u) * ${fours * 4}u + tid % ${size}u] = (lane_parts[tid * 4u] + lane_parts[tid * 4u + 1u])
        + (lane_parts[tid * 4u + 2u] + lane_parts[tid * 4u + 3u]);
    }
  }`
    : ''
}

  let token_of_page = tid / 4u;
  let lane = tid % 4u;
  for (var page = first_page; page < past_page; page++) {
    let slots = pages[table + page];
    let token = page * ${pageTokens}u + token_of_page;
    let seen = token >= begin && token < end;
    let closed = page < float_from;
    ${each((g) => `var s${g} = 0.0;`)}
${
  int8
    ? /* wgsl */ `
    let base = quant_base(slots.y);
    if (closed) {
      for (var i = tid; i < ${size * columns}u; i += ${threads}u) {
        scratch[i] = query[i] * key_steps(base, kv_head, i % ${columns}u);
      }
    }
    workgroupBarrier();
    if (closed && seen) {
      for (var c = lane; c < ${headSize / 8}u; c += 4u) {
        let packed = key_quants(base, kv_head, token_of_page, c);
        let k0 = bytes(packed.x);
        let k1 = bytes(packed.y);
        ${products('scratch', 0)}
      }
    }`
    : `    workgroupBarrier();`
}
    if (!closed && seen) {
      let at = float_base(slots.x, false, kv_head) + token_of_page * ${columns}u;
      for (var c = lane; c < ${headSize / 8}u; c += 4u) {
        let k0 = floats[at + 2u * c];
        let k1 = floats[at + 2u * c + 1u];
        ${products('query', 0)}
      }
    }
    ${eachFour((at) => `scratch[${laneAt}u + (lane * ${fours}u + ${at}u) * ${pageTokens}u + token_of_page] = ${four('s', at)};`)}
    workgroupBarrier();
    if (tid < ${fours * pageTokens}u) {
      let at = ${laneAt}u + tid;
      var score = (scratch[at] + scratch[at + ${fours * pageTokens}u])
        + (scratch[at + ${2 * fours * pageTokens}u] + scratch[at + ${3 * fours * pageTokens}u]);
      let page_of_split = page % ${splitPages}u;
      ${
        int8
          ? /* wgsl */ `
      if (closed) {
        let part = (page_of_split * ${fours}u + tid / ${pageTokens}u) * 4u;
        score += vec4<f32>(page_parts[part], page_parts[part + 1u], page_parts[part + 2u], page_parts[part + 3u]);
      }`
          : ''
      }
      ${capped}
      scores[(tid / ${pageTokens}u) * ${splitTokens}u + page_of_split * ${pageTokens}u + tid % ${pageTokens}u] = score;
    }
  }
  workgroupBarrier();

  // Softmax of the split; the values' scales go into the weights.
  let lo = begin - split * ${splitTokens}u;
  let hi = end - split * ${splitTokens}u;
  let scores_at = (tid / 16u) * ${splitTokens}u;
  if (tid < ${fours * 16}u) {
    var best = vec4<f32>(-3.4e38);
    for (var t = lo + tid % 16u; t < hi; t += 16u) { best = max(best, scores[scores_at + t]); }
    maxima[tid] = best;
  }
  workgroupBarrier();
  if (tid < ${fours * 16}u) {
    let best = best_of(tid / 16u);
    var sum = vec4<f32>();
    for (var t = lo + tid % 16u; t < hi; t += 16u) {
      var weight = exp(scores[scores_at + t] - best);
      sum += weight;
      ${
        int8
          ? /* wgsl */ `
      let page = split * ${splitPages}u + t / ${pageTokens}u;
      if (page < float_from) {
        weight *= value_scale(quant_base(pages[table + page].y), kv_head, t % ${pageTokens}u);
      }`
          : ''
      }
      scores[scores_at + t] = weight;
    }
    sums[tid] = sum;
  }
  workgroupBarrier();

  let column = tid % ${columns}u;
  let slice = tid / ${columns}u;
  if (slice < ${slices}u) {
    ${each((g) => `var v${g} = vec4<f32>();`)}
    for (var page = first_page; page < past_page; page++) {
      let slots = pages[table + page];
      let page_at = page * ${pageTokens}u;
      let past = min(end - page_at, ${pageTokens}u);
      for (var t = slice; t < past; t += ${slices}u) {
        if (page_at + t < begin) { continue; }
        var v: vec4<f32>;
        ${
          int8
            ? /* wgsl */ `
        if (page < float_from) {
          v = value_quants(quant_base(slots.y), kv_head, t, column);
        } else {
          v = floats[float_base(slots.x, true, kv_head) + t * ${columns}u + column];
        }`
            : `v = floats[float_base(slots.x, true, kv_head) + t * ${columns}u + column];`
        }
        let at = (page % ${splitPages}u) * ${pageTokens}u + t;
        ${eachFour((at) => `let w${at} = scores[${at * splitTokens}u + at];`)}
        ${each((g) => `v${g} += w${g >> 2}.${'xyzw'[g & 3]} * v;`)}
      }
    }
    ${each((g) => `scratch[(slice * ${size}u + ${g}u) * ${columns}u + column] = v${g};`)}
  }
  workgroupBarrier();

  for (var i = tid; i < heads_here * ${columns}u; i += ${threads}u) {
    var sum = vec4<f32>();
    for (var s = 0u; s < ${slices}u; s++) { sum += scratch[s * ${size * columns}u + i]; }
    let g = i / ${columns}u;
    let head = first_head + g;
    let best = best_of(g / 4u)[g & 3u];
    var total = 0.0;
    for (var j = 0u; j < 16u; j++) { total += sums[(g / 4u) * 16u + j][g & 3u]; }
    if (split_count(position) == 1u) {
      attended[head * ${columns}u + i % ${columns}u] = sum / total;
    } else {
      let at = (head * ${maxParts}u + group.x) * ${columns + 1}u;
      parts[at + i % ${columns}u] = sum;
      if (i % ${columns}u == 0u) { parts[at + ${columns}u] = vec4<f32>(best, total, 0.0, 0.0); }
    }
  }
}

fn best_of(heads: u32) -> vec4<f32> {
  var best = vec4<f32>(-3.4e38);
  for (var i = 0u; i < 16u; i++) { best = max(best, maxima[heads * 16u + i]); }
  return best;
}
`;
}
