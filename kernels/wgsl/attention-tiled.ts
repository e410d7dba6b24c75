// Attention of a prefill chunk's many queries over pages of keys and values. Called by decoders where attention.ts would
// read every page once a row; the chunk's own rows are in their float pages already, and those of its pages that later
// rows of the chunk see as int8 are closed. Knows pages, positions and shapes; nothing of sequences or models.
// Method: FlashAttention (Dao et al. 2022): tiles of scores, running maximum and sum, results rescaled as the maximum grows.
//
// One workgroup: one query head, the 32 rows of one page (a tile is a page of the text, wherever the chunk begins, so that
// all its rows see the same pages as int8 and a row's bits depend on nothing but its position). 128 threads, a page of
// keys at a time, 32 elements of the heads at a time:
//
//                keys (32)                      elements (32 of D)
//          +------------------+               +------------------+
//   rows   | thread (y, x):   |      rows     | thread (y, x):   |   y = 0..15: rows y and y + 16
//   (32)   | keys x + 8 j     |  ->  (32)     | 4 from 4 x       |   x = 0..7
//          +------------------+               +------------------+
//
// A query without any visible key cannot occur (it sees itself). NaN in a value reaches all rows of its tile.

import { attentionSlots, firstSeenFunction, type AttentionSpec } from './attention.js';
import type { DeviceTraits, KernelSource, Slots, Workgroups } from './kernel.js';
import { checkPool, layerStruct, pageTokens } from './kv-pages.js';
import { firstFloatPageCode, floatFunctions, quantFunctions } from './kv-read.js';
import { stepStruct } from './step.js';

const threads = 128;
/** Elements of a head that are staged at once, in vec4s. */
const chunk = 8;
/** vec4s from a staged row to the next: one more than a row, against bank conflicts. */
const pitch = chunk + 1;

/** The same as attention.ts's, without parts. */
const { step, layer, pages, q, floats, attended } = attentionSlots;
export const tiledSlots = { step, layer, pages, q, floats, attended } satisfies Slots;

export type TiledSpec = Omit<AttentionSpec, 'maxSplits'>;

export function tiledWorkgroups({ heads }: TiledSpec, position: number, rows: number): Workgroups {
  return [Math.floor((position + rows - 1) / pageTokens) - Math.floor(position / pageTokens) + 1, heads, 1];
}

export function tiledSource(spec: TiledSpec, traits: Pick<DeviceTraits, 'packedDot'>): KernelSource<Slots> {
  const { pool, heads, int8, scale, softCap } = spec;
  checkPool(pool);
  const { kvHeads, headSize } = pool;
  const columns = headSize / 4;
  const chunks = Array.from({ length: Math.ceil(columns / chunk) }, (_, i) => i);
  const capped = softCap === undefined ? '' : `score = ${softCap} * tanh(clamp(score * ${1 / softCap}, -15.0, 15.0));`;
  const fourKeys = (line: (j: number) => string): string => [0, 1, 2, 3].map(line).join('\n');
  const weigh = (row: 0 | 1): string => /* wgsl */ `
    {
      let above = max(best${row}, best_of(y + ${16 * row}u));
      let shrink = exp(best${row} - above);
      best${row} = above;
      total${row} *= shrink;
      ${chunks.map((c) => `o${c}_${row} *= shrink;`).join('\n')}
      ${fourKeys(
        (j) => /* wgsl */ `
      {
        let weight = select(0.0, exp(s${row}[${j}] - above), s${row}[${j}] > -3.3e38);
        total${row} += weight;
        weights[(y + ${16 * row}u) * ${pageTokens + 1}u + x + ${8 * j}u] = weight;
      }`,
      )}
    }`;
  return {
    label: `attention tiled ${heads}/${kvHeads}x${headSize}${int8 ? ' int8' : ''}`,
    slots: { ...tiledSlots, ...(int8 ? { quants: { access: 'read', type: 'array<vec2<u32>>' } as const } : {}) },
    code: /* wgsl */ `
${stepStruct}
${layerStruct}
${firstSeenFunction}
${firstFloatPageCode(int8)}
${floatFunctions(pool)}
${int8 ? quantFunctions(pool, traits) : ''}
var<workgroup> queries: array<vec4<f32>, ${pageTokens * pitch}>;
var<workgroup> staged: array<vec4<f32>, ${pageTokens * pitch}>;
var<workgroup> weights: array<f32, ${pageTokens * (pageTokens + 1)}>;
// [32 rows, 8 threads]: maxima, at the end sums.
var<workgroup> joined: array<f32, ${pageTokens * 8}>;

fn best_of(row: u32) -> f32 {
  var best = joined[row * 8u];
  for (var i = 1u; i < 8u; i++) { best = max(best, joined[row * 8u + i]); }
  return best;
}
// A score where the key is seen; otherwise what counts as none.
fn seen(product: f32, position: u32, key: u32) -> f32 {
  var score = product;
  ${capped}
  return select(-3.4e38, score, key <= position && key >= first_seen(position));
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let tile = step.position / ${pageTokens}u + group.x;
  let past = step.position + step.rows;
  if (tile * ${pageTokens}u >= past) { return; }
  let head = group.y;
  let kv_head = head / ${heads / kvHeads}u;
  let y = tid / 8u;
  let x = tid % 8u;
  let position0 = tile * ${pageTokens}u + y;
  let position1 = position0 + 16u;
  let float_from = first_float_page(tile * ${pageTokens}u);
  let first_position = max(tile * ${pageTokens}u, step.position);

  var best0 = -3.4e38;
  var best1 = -3.4e38;
  var total0 = 0.0;
  var total1 = 0.0;
  ${chunks.map((c) => `var o${c}_0 = vec4<f32>(); var o${c}_1 = vec4<f32>();`).join('\n')}

  for (var page = first_seen(first_position) / ${pageTokens}u; page <= tile; page++) {
    let slots = pages[step.page_table + page];
    let closed = page < float_from;
    ${int8 ? 'let base = quant_base(slots.y);' : ''}
    let keys = float_base(slots.x, false, kv_head);
    let values = float_base(slots.x, true, kv_head);
    var s0 = vec4<f32>();
    var s1 = vec4<f32>();
    for (var c = 0u; c < ${chunks.length}u; c++) {
      for (var i = tid; i < ${pageTokens * chunk}u; i += ${threads}u) {
        let t = i / ${chunk}u;
        let column = c * ${chunk}u + i % ${chunk}u;
        let position = tile * ${pageTokens}u + t;
        var query = vec4<f32>();
        var key = vec4<f32>();
        if (column < ${columns}u) {
          if (position >= step.position && position < past) {
            query = q[((position - step.position) * ${heads}u + head) * ${columns}u + column] * ${scale};
          }
          ${
            int8
              ? /* wgsl */ `
          if (closed) {
            let pair = key_quants(base, kv_head, t, column / 2u);
            key = key_minima(base, kv_head, column)
              + key_steps(base, kv_head, column) * bytes(select(pair.x, pair.y, (column & 1u) != 0u));
          } else if (page * ${pageTokens}u + t < past) {
            key = floats[keys + t * ${columns}u + column];
          }`
              : /* wgsl */ `
          if (page * ${pageTokens}u + t < past) { key = floats[keys + t * ${columns}u + column]; }`
          }
        }
        queries[t * ${pitch}u + i % ${chunk}u] = query;
        staged[t * ${pitch}u + i % ${chunk}u] = key;
      }
      workgroupBarrier();
      for (var d = 0u; d < ${chunk}u; d++) {
        let q0 = queries[y * ${pitch}u + d];
        let q1 = queries[(y + 16u) * ${pitch}u + d];
        ${fourKeys((j) => `let k${j} = staged[(x + ${8 * j}u) * ${pitch}u + d];`)}
        s0 += vec4<f32>(dot(q0, k0), dot(q0, k1), dot(q0, k2), dot(q0, k3));
        s1 += vec4<f32>(dot(q1, k0), dot(q1, k1), dot(q1, k2), dot(q1, k3));
      }
      workgroupBarrier();
    }
    let key_at = page * ${pageTokens}u + x;
    ${[0, 1]
      .map(
        (row) =>
          `s${row} = vec4<f32>(${[0, 8, 16, 24]
            .map((j) => `seen(s${row}[${j / 8}], position${row}, key_at + ${j}u)`)
            .join(', ')});`,
      )
      .join('\n')}
    joined[y * 8u + x] = max(max(s0.x, s0.y), max(s0.z, s0.w));
    joined[(y + 16u) * 8u + x] = max(max(s1.x, s1.y), max(s1.z, s1.w));
    workgroupBarrier();
    ${weigh(0)}
    ${weigh(1)}
    ${chunks
      .map(
        (c) => /* wgsl */ `
    for (var i = tid; i < ${pageTokens * chunk}u; i += ${threads}u) {
      let t = i / ${chunk}u;
      let column = ${c * chunk}u + i % ${chunk}u;
      var value = vec4<f32>();
      if (column < ${columns}u) {
        ${
          int8
            ? /* wgsl */ `
        if (closed) {
          value = value_quants(base, kv_head, t, column) * value_scale(base, kv_head, t);
        } else if (page * ${pageTokens}u + t < past) {
          value = floats[values + t * ${columns}u + column];
        }`
            : /* wgsl */ `
        if (page * ${pageTokens}u + t < past) { value = floats[values + t * ${columns}u + column]; }`
        }
      }
      staged[t * ${pitch}u + i % ${chunk}u] = value;
    }
    workgroupBarrier();
    for (var t = 0u; t < ${pageTokens}u; t++) {
      let value = staged[t * ${pitch}u + x];
      o${c}_0 += weights[y * ${pageTokens + 1}u + t] * value;
      o${c}_1 += weights[(y + 16u) * ${pageTokens + 1}u + t] * value;
    }
    workgroupBarrier();`,
      )
      .join('\n')}
  }

  joined[y * 8u + x] = total0;
  joined[(y + 16u) * 8u + x] = total1;
  workgroupBarrier();
  total0 = 0.0;
  total1 = 0.0;
  for (var i = 0u; i < 8u; i++) {
    total0 += joined[y * 8u + i];
    total1 += joined[(y + 16u) * 8u + i];
  }
  ${chunks
    .map(
      (c) => /* wgsl */ `
  if (${c * chunk}u + x < ${columns}u) {
    ${[0, 1]
      .map(
        (row) => /* wgsl */ `
    if (position${row} >= step.position && position${row} < past) {
      attended[((position${row} - step.position) * ${heads}u + head) * ${columns}u + ${c * chunk}u + x] = o${c}_${row} / total${row};
    }`,
      )
      .join('')}
  }`,
    )
    .join('\n')}
}
`,
  };
}
