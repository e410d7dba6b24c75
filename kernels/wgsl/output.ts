// Where the results of a weight multiplication go, and what happens to them on the way: stored, added to the residual
// stream, gated by an activation, or turned into queries, keys and values. Matrix-vector and tiled kernels share it.
// Called by matvec.ts, matmul.ts and heads.ts. Knows nothing of weights and inputs.
//
// A *result* is what one call of `finish` is about: one row of the matrix, or a pair of rows that belong together
// (gate and up; the two elements that a rotary angle turns), so that no result needs a neighbour's.

import type { Slots } from './kernel.js';
import { ropeFunction, ropeSlot } from './rope-table.js';

/** WGSL for appending keys and values; made by kv-append.ts for a layout of pages, or by a test. */
export interface KvAppend {
  readonly slots: Slots;
  /** Defines `fn kv_append(row: u32, is_value: bool, kv_head: u32, element: u32, value: f32)`. */
  readonly code: string;
}

/** Attention's shape and what happens between projection and cache. Offsets are floats into `vectors`. */
export interface HeadsSpec {
  readonly heads: number;
  readonly kvHeads: number;
  /** D; rows of the matrix: D for each query head, then each key head, then each value head. */
  readonly headSize: number;
  /** Elements of a head that turn with the position, the first ones: element i with i + rotarySize / 2. */
  readonly rotarySize: number;
  /** Biases of all rows. */
  readonly biasAt?: number;
  /** RMSNorm over each head, [D], before the turn (Qwen3, Gemma 3). */
  readonly headNorm?: { readonly queryAt: number; readonly keyAt: number; readonly epsilon: number };
  readonly append: KvAppend;
}

/**
 * `store`: y[row * stride + at + n] = v; with `softCap` cap * tanh(v / cap).
 * `add`: y[row * stride + at + n] += v (the residual stream).
 * `gated`: the matrix is [gate; up]; y[row * stride + at + n] = activation(gate_n) * up_n.
 * `heads`: the matrix is [query; key; value]; queries to q [rows, heads, D], keys and values to `append`.
 */
export type Output =
  | { readonly kind: 'store'; readonly stride: number; readonly at: number; readonly softCap?: number }
  | { readonly kind: 'add'; readonly stride: number; readonly at: number }
  | { readonly kind: 'gated'; readonly activation: Activation; readonly stride: number; readonly at: number }
  | ({ readonly kind: 'heads' } & HeadsSpec);

export type Activation = 'silu' | 'gelu';

export interface OutputCode {
  readonly slots: Slots;
  /** Defines `fn finish(row: u32, result: u32, values: vec2<f32>)`; the second value counts only for pairs. */
  readonly code: string;
  /** Rows of the matrix for one result. */
  readonly rowsPerResult: 1 | 2;
  /** Results of one row of activations. */
  readonly results: number;
  /** Defines `fn matrix_row(result: u32, second: bool) -> u32`. */
  readonly rowCode: string;
}

const readWrite = { access: 'write', type: 'array<f32>' } as const;
const vectorsSlot = { access: 'read', type: 'array<vec4<f32>>' } as const;

const plainRows = 'fn matrix_row(result: u32, second: bool) -> u32 { return result; }\n';

const activations: Record<Activation, string> = {
  // The exponent is held back where the result is 0 anyway, so that no infinity arises.
  silu: /* wgsl */ `
fn activation(v: f32) -> f32 { return v / (1.0 + exp(min(-v, 80.0))); }`,
  // GELU's tanh form, as Gemma has it; tanh of large numbers overflows on some drivers.
  gelu: /* wgsl */ `
fn activation(v: f32) -> f32 {
  let inner = 0.7978845608028654 * (v + 0.044715 * v * v * v);
  return 0.5 * v * (1.0 + tanh(clamp(inner, -15.0, 15.0)));
}`,
};

/** @param rows N of the matrix */
export function outputCode(output: Output, rows: number): OutputCode {
  switch (output.kind) {
    case 'store': {
      const { stride, at, softCap } = output;
      const capped =
        softCap === undefined ? 'values.x' : `${softCap} * tanh(clamp(values.x * ${1 / softCap}, -15.0, 15.0))`;
      return {
        slots: { y: readWrite },
        code: /* wgsl */ `
fn finish(row: u32, result: u32, values: vec2<f32>) { y[row * ${stride}u + ${at}u + result] = ${capped}; }`,
        rowsPerResult: 1,
        results: rows,
        rowCode: plainRows,
      };
    }
    case 'add':
      return {
        slots: { y: readWrite },
        code: /* wgsl */ `
fn finish(row: u32, result: u32, values: vec2<f32>) { y[row * ${output.stride}u + ${output.at}u + result] += values.x; }`,
        rowsPerResult: 1,
        results: rows,
        rowCode: plainRows,
      };
    case 'gated':
      return {
        slots: { y: readWrite },
        code: /* wgsl */ `${activations[output.activation]}
fn finish(row: u32, result: u32, values: vec2<f32>) {
  y[row * ${output.stride}u + ${output.at}u + result] = activation(values.x) * values.y;
}`,
        rowsPerResult: 2,
        results: rows / 2,
        rowCode: /* wgsl */ `
fn matrix_row(result: u32, second: bool) -> u32 { return result + select(0u, ${rows / 2}u, second); }
`,
      };
    case 'heads':
      return headsCode(output, rows);
  }
}

/** Slots and functions that every `heads` output has: `place(row, head, element, value)` puts one value where it belongs. */
export function headsParts(spec: HeadsSpec): { slots: Slots; code: string } {
  const { heads, kvHeads, headSize, rotarySize, biasAt, headNorm, append } = spec;
  const needsVectors = biasAt !== undefined || headNorm !== undefined;
  return {
    slots: { ...(needsVectors ? { vectors: vectorsSlot } : {}), rope: ropeSlot, q: readWrite, ...append.slots },
    code: /* wgsl */ `
${append.code}
${ropeFunction(rotarySize)}
${needsVectors ? 'fn vector_at(at: u32) -> f32 { return vectors[at >> 2u][at & 3u]; }' : ''}
fn place(row: u32, head: u32, element: u32, value: f32) {
  if (head < ${heads}u) {
    q[(row * ${heads}u + head) * ${headSize}u + element] = value;
  } else {
    let is_value = head >= ${heads + kvHeads}u;
    kv_append(row, is_value, head - select(${heads}u, ${heads + kvHeads}u, is_value), element, value);
  }
}
// The two elements of a head that make pair \`pair\`: turning pairs first, then those that don't turn.
fn pair_elements(pair: u32) -> vec2<u32> {
  if (pair < ${rotarySize / 2}u) { return vec2<u32>(pair, pair + ${rotarySize / 2}u); }
  let still = ${rotarySize}u + pair - ${rotarySize / 2}u;
  return vec2<u32>(still, still + ${(headSize - rotarySize) / 2}u);
}
fn place_pair(row: u32, head: u32, pair: u32, values: vec2<f32>) {
  let elements = pair_elements(pair);
  var turned = values;
  if (pair < ${rotarySize / 2}u && head < ${heads + kvHeads}u) {
    let angle = turn(position_of(row), pair);
    turned = vec2<f32>(values.x * angle.x - values.y * angle.y, values.y * angle.x + values.x * angle.y);
  }
  place(row, head, elements.x, turned.x);
  place(row, head, elements.y, turned.y);
}
`,
  };
}

/** Without head norms: a result is a pair of one head. With them see matvec.ts and heads.ts, which see whole heads. */
function headsCode(spec: HeadsSpec, rows: number): OutputCode {
  const { headSize, biasAt } = spec;
  const expected = (spec.heads + 2 * spec.kvHeads) * headSize;
  if (rows !== expected) throw new RangeError(`A matrix of ${rows} rows is not ${expected} rows of heads`);
  const { slots, code } = headsParts(spec);
  const half = headSize / 2;
  const bias =
    biasAt === undefined
      ? ''
      : ` + vec2<f32>(vector_at(${biasAt}u + matrix_row(result, false)), vector_at(${biasAt}u + matrix_row(result, true)))`;
  return {
    slots,
    code: /* wgsl */ `${code}
fn finish(row: u32, result: u32, values: vec2<f32>) {
  place_pair(row, result / ${half}u, result % ${half}u, values${bias});
}`,
    rowsPerResult: 2,
    results: rows / 2,
    rowCode: /* wgsl */ `
fn matrix_row(result: u32, second: bool) -> u32 {
  let elements = pair_elements(result % ${half}u);
  return (result / ${half}u) * ${headSize}u + select(elements.x, elements.y, second);
}
`,
  };
}
