// attention.ts for WebGPU on the processor, where a barrier costs more than the sums between two: one thread does a page of
// tokens for all query heads of one key-value head, alone. Same slots, same parts, same reduce pass; a *part* is a page
// here, four of them a split there. Called through attention.ts (`byThreads`). Reads each key once for all its heads.
// Knows pages, positions and shapes. A thread's sums depend on the row's position alone, whatever else is in the step.
//
// Threads are numbered part by part, row by row, head by head (groups of heads, see headGroups), 16 a workgroup; those
// past a row's last part return at once.

import { pageTokens, type KvPool } from './kv-pages.js';

/** Threads of a workgroup. */
export const lanes = 16;

export interface ThreadBody {
  readonly pool: KvPool;
  readonly heads: number;
  readonly int8: boolean;
  readonly scale: number;
  readonly softCap: number | undefined;
  readonly maxParts: number;
  readonly groups: number;
  /** G: query heads of a thread. */
  readonly size: number;
  readonly perKvHead: number;
}

/** WGSL after the structures and functions of attention.ts. */
export function threadBody({
  pool,
  heads,
  int8,
  scale,
  softCap,
  maxParts,
  groups,
  size,
  perKvHead,
}: ThreadBody): string {
  const { kvHeads, headSize } = pool;
  const columns = headSize / 4;
  const each = (line: (g: number) => string): string => Array.from({ length: size }, (_, g) => line(g)).join('\n');
  const capped = softCap === undefined ? '' : `score = ${softCap} * tanh(clamp(score * ${1 / softCap}, -15.0, 15.0));`;
  const products = (k0: string, k1: string): string => /* wgsl */ `
        let k0 = ${k0};
        let k1 = ${k1};
        ${each((g) => `s${g} += dot(query[${g * columns}u + 2u * c], k0) + dot(query[${g * columns + 1}u + 2u * c], k1);`)}`;
  return /* wgsl */ `
@compute @workgroup_size(${lanes})
fn main(
  @builtin(global_invocation_id) thread: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
) {
  let id = thread.x + thread.y * workgroups.x * ${lanes}u;
  let row_groups = step.rows * ${kvHeads * groups}u;
  let part = id / row_groups;
  let row = (id % row_groups) / ${kvHeads * groups}u;
  let position = position_of(row);
  if (part >= split_count(position)) { return; }
  let first = first_seen(position);
  let page = first / ${pageTokens}u + part;
  let lo = max(first, page * ${pageTokens}u) - page * ${pageTokens}u;
  let hi = min(position + 1u - page * ${pageTokens}u, ${pageTokens}u);
  let kv_head = (id % ${kvHeads * groups}u) / ${groups}u;
  let in_group = (id % ${groups}u) * ${size}u;
  let first_head = row * ${heads}u + kv_head * ${perKvHead}u + in_group;
  let heads_here = min(${size}u, ${perKvHead}u - in_group);
  let slots = pages[table_of(row) + page];
  let closed = page < first_float_page(position);

  var query: array<vec4<f32>, ${size * columns}>;
  var scores: array<f32, ${size * pageTokens}>;
  var base: array<f32, ${size}>;
  for (var g = 0u; g < ${size}u; g++) {
    let at = (first_head + min(g, heads_here - 1u)) * ${columns}u;
    for (var c = 0u; c < ${columns}u; c++) { query[g * ${columns}u + c] = q[at + c] * ${scale}; }
  }
${
  int8
    ? /* wgsl */ `
  let quant_at = quant_base(slots.y);
  if (closed) {
    for (var c = 0u; c < ${columns}u; c++) {
      let low = key_minima(quant_at, kv_head, c);
      let steps = key_steps(quant_at, kv_head, c);
      for (var g = 0u; g < ${size}u; g++) {
        let part_of_q = query[g * ${columns}u + c];
        base[g] += dot(part_of_q, low);
        query[g * ${columns}u + c] = part_of_q * steps;
      }
    }
  }`
    : ''
}
  let keys = float_base(slots.x, false, kv_head);
  for (var t = lo; t < hi; t++) {
    ${each((g) => `var s${g} = base[${g}];`)}
    ${
      int8
        ? /* wgsl */ `
    if (closed) {
      for (var c = 0u; c < ${headSize / 8}u; c++) {
        let packed = key_quants(quant_at, kv_head, t, c);
        ${products('bytes(packed.x)', 'bytes(packed.y)')}
      }
    } else {`
        : '{'
    }
      for (var c = 0u; c < ${headSize / 8}u; c++) {
        ${products(`floats[keys + t * ${columns}u + 2u * c]`, `floats[keys + t * ${columns}u + 2u * c + 1u]`)}
      }
    }
    ${each((g) => `scores[${g * pageTokens}u + t] = s${g};`)}
  }

  var best: array<f32, ${size}>;
  var total: array<f32, ${size}>;
  for (var g = 0u; g < ${size}u; g++) {
    var greatest = -3.4e38;
    for (var t = lo; t < hi; t++) {
      var score = scores[g * ${pageTokens}u + t];
      ${capped}
      scores[g * ${pageTokens}u + t] = score;
      greatest = max(greatest, score);
    }
    var sum = 0.0;
    for (var t = lo; t < hi; t++) {
      var weight = exp(scores[g * ${pageTokens}u + t] - greatest);
      sum += weight;
      ${int8 ? 'if (closed) { weight *= value_scale(quant_at, kv_head, t); }' : ''}
      scores[g * ${pageTokens}u + t] = weight;
    }
    best[g] = greatest;
    total[g] = sum;
  }

  let single = split_count(position) == 1u;
  let values = float_base(slots.x, true, kv_head);
  for (var c = 0u; c < ${columns}u; c++) {
    ${each((g) => `var v${g} = vec4<f32>();`)}
    ${
      int8
        ? /* wgsl */ `
    if (closed) {
      for (var t = lo; t < hi; t++) {
        let v = value_quants(quant_at, kv_head, t, c);
        ${each((g) => `v${g} += scores[${g * pageTokens}u + t] * v;`)}
      }
    } else {`
        : '{'
    }
      for (var t = lo; t < hi; t++) {
        let v = floats[values + t * ${columns}u + c];
        ${each((g) => `v${g} += scores[${g * pageTokens}u + t] * v;`)}
      }
    }
    ${each(
      (g) => /* wgsl */ `
    if (${g}u < heads_here) {
      if (single) {
        attended[(first_head + ${g}u) * ${columns}u + c] = v${g} / total[${g}];
      } else {
        parts[((first_head + ${g}u) * ${maxParts}u + part) * ${columns + 1}u + c] = v${g};
      }
    }`,
    )}
  }
  if (!single) {
    for (var g = 0u; g < heads_here; g++) {
      parts[((first_head + g) * ${maxParts}u + part) * ${columns + 1}u + ${columns}u] = vec4<f32>(best[g], total[g], 0.0, 0.0);
    }
  }
}
`;
}
