// What a matrix-vector kernel multiplies: rows of activations as they are, or RMS-normalised on the way in, so that a norm
// costs no dispatch of its own. Every workgroup stages the (small) rows in its memory and sums their squares itself; the
// factor 1/rms is common to a row and goes to the end, into `inverse_rms`.
// Called by matvec.ts. Knows nothing of weights.
// This is the staged way, through workgroup memory; input-direct.ts reads x from storage and needs no barrier.
//
// The order of every sum depends on K alone (128 lanes by vec4 index, then 8, then 1), not on rows, tiles or workgroup
// size: a row gives the same bits whatever stands beside it.
// RMSNorm: Zhang & Sennrich 2019. Staged vectors are padded by one in nine against bank conflicts.

import type { Slots } from './kernel.js';

/**
 * `plain`: x [rows, K].
 * `norm`: x / rms(x) * w; w is float `normAt` ... of `vectors`.
 * `joined` (Gemma's post-norms): `state` holds three blocks of [maxRows, K] floats: hidden at `hiddenAt`, a block's raw
 * result at `pendingAt`. New hidden = hidden + pending / rms(pending) * w[postNormAt]; it is multiplied as with `norm`, and
 * written to `nextAt` (another block than `hiddenAt`: workgroups that still read must see the old one).
 */
export type Input =
  | { readonly kind: 'plain' }
  | { readonly kind: 'norm'; readonly epsilon: number; readonly normAt: number }
  | {
      readonly kind: 'joined';
      readonly epsilon: number;
      readonly normAt: number;
      readonly postNormAt: number;
      readonly hiddenAt: number;
      readonly pendingAt: number;
      /** Absent: the new hidden state is not wanted (the head, the last reader). */
      readonly nextAt?: number;
    };

export interface InputPlan {
  readonly input: Input;
  /** K. */
  readonly columns: number;
  /** M: rows staged at once. */
  readonly batch: number;
  readonly workgroupSize: number;
  /** Elements of a row staged at once; a multiple of 32 unless it is K. */
  readonly tile: number;
}

/** Enough that a workgroup's threads share the loads of one row; a power of two, since tiles begin anywhere in them. */
const lanes = 128;

/** Bytes of workgroup memory besides the tile. */
export const inputSumBytes = ({ kind }: Input, batch: number): number => {
  const sums = batch * (lanes + 8) * 4;
  return kind === 'plain' ? 0 : kind === 'norm' ? sums : sums + batch * 8 * 4;
};

/** vec4s that a staged row takes. */
export const tileStride = (tile: number): number => tile / 4 + Math.ceil(tile / 32);

/** The sum of `count` neighbouring lanes as a balanced tree. */
const laneTree = (from: number, count: number): string =>
  count === 1
    ? `lane_sums[at + ${from}u]`
    : `(${laneTree(from, count / 2)} + ${laneTree(from + count / 2, count / 2)})`;

/** The largest tile for a row of K elements that keeps `batch` rows within `bytes`: whole blocks, eight of them where it can. */
export function tileFor(columns: number, batch: number, bytes: number): number {
  const fits = (tile: number): boolean => batch * tileStride(tile) * 16 <= bytes;
  if (fits(columns)) return columns;
  const step = fits(256) ? 256 : 32;
  let tile = step;
  while (tile + step < columns && fits(tile + step)) tile += step;
  if (!fits(tile)) throw new RangeError(`${batch} rows do not fit ${bytes} bytes`);
  return tile;
}

export function inputSlots({ kind }: Input): Slots {
  const vectors = { access: 'read', type: 'array<vec4<f32>>' } as const;
  switch (kind) {
    case 'plain':
      return { x: { access: 'read', type: 'array<vec4<f32>>' } };
    case 'norm':
      return { x: { access: 'read', type: 'array<vec4<f32>>' }, vectors };
    case 'joined':
      return { state: { access: 'write', type: 'array<vec4<f32>>' }, vectors };
  }
}

export const quarter = (at: number): string => {
  if (at % 4 !== 0) throw new RangeError(`Offset ${at} is not a multiple of 4 floats`);
  return `${at / 4}u`;
};

/**
 * WGSL: `prepare(tid, first_row, keeps)` once (all threads), `stage(tid, first_row, tile, keeps)` for each tile (all
 * threads; a barrier before and after is the caller's), `settle(tid)` after the last stage and its barrier (a barrier
 * after it is the caller's), then `inverse_rms(m)`. `staged[m * stride + j + j / 8]` is vec4 j of the tile.
 */
export function inputCode({ input, columns, batch, workgroupSize, tile }: InputPlan): string {
  const stride = tileStride(tile);
  const vectors = columns / 4;
  const head = /* wgsl */ `
var<workgroup> staged: array<vec4<f32>, ${batch * stride}>;
`;
  if (input.kind === 'plain') {
    return /* wgsl */ `${head}
fn prepare(tid: u32, first_row: u32, keeps: bool) {}
fn stage(tid: u32, first_row: u32, tile: u32, keeps: bool) {
  for (var i = tid; i < ${batch * (tile / 4)}u; i += ${workgroupSize}u) {
    let m = i / ${tile / 4}u;
    let j = i % ${tile / 4}u;
    let column = tile * ${tile / 4}u + j;
    if (column < ${vectors}u) {
      staged[m * ${stride}u + j + (j >> 3u)] = x[(first_row + m) * ${vectors}u + column];
    }
  }
}
fn settle(tid: u32) {}
fn inverse_rms(m: u32) -> f32 { return 1.0; }
`;
  }
  const joined = input.kind === 'joined';
  const hidden = (row: string, column: string): string =>
    joined
      ? `(state[${quarter(input.hiddenAt)} + ${row} * ${vectors}u + ${column}]
        + state[${quarter(input.pendingAt)} + ${row} * ${vectors}u + ${column}] * pending_inverse
        * vectors[${quarter(input.postNormAt)} + ${column}])`
      : `x[${row} * ${vectors}u + ${column}]`;
  const inverse = (array: string): string => /* wgsl */ `
  let at = m * 8u;
  let sum = ((${array}[at] + ${array}[at + 1u]) + (${array}[at + 2u] + ${array}[at + 3u]))
    + ((${array}[at + 4u] + ${array}[at + 5u]) + (${array}[at + 6u] + ${array}[at + 7u]));
  return inverseSqrt(sum * ${1 / columns} + ${input.epsilon});`;
  const eighths = (array: string): string => /* wgsl */ `
  for (var i = tid; i < ${batch * 8}u; i += ${workgroupSize}u) {
    let at = i * ${lanes / 8}u;
    ${array}[i] = ${laneTree(0, lanes / 8)};
  }`;
  const prepare = joined
    ? /* wgsl */ `
  for (var task = tid; task < ${batch * lanes}u; task += ${workgroupSize}u) {
    let at = ${quarter(input.pendingAt)} + (first_row + task / ${lanes}u) * ${vectors}u;
    var sum = 0.0;
    for (var j = task % ${lanes}u; j < ${vectors}u; j += ${lanes}u) {
      let value = state[at + j];
      sum += dot(value, value);
    }
    lane_sums[task] = sum;
  }
  workgroupBarrier();
  ${eighths('pending_sums')}
  workgroupBarrier();`
    : '';
  const keep =
    joined && input.nextAt !== undefined
      ? `if (keeps) { state[${quarter(input.nextAt)} + row * ${vectors}u + column] = value; }`
      : '';
  return /* wgsl */ `${head}
var<workgroup> lane_sums: array<f32, ${batch * lanes}>;
var<workgroup> row_sums: array<f32, ${batch * 8}>;
${joined ? `var<workgroup> pending_sums: array<f32, ${batch * 8}>;` : ''}
${joined ? `fn pending_rms(m: u32) -> f32 {${inverse('pending_sums')}\n}` : ''}
fn prepare(tid: u32, first_row: u32, keeps: bool) {${prepare}
  for (var task = tid; task < ${batch * lanes}u; task += ${workgroupSize}u) { lane_sums[task] = 0.0; }
}
fn stage(tid: u32, first_row: u32, tile: u32, keeps: bool) {
  for (var task = tid; task < ${batch * lanes}u; task += ${workgroupSize}u) {
    let m = task / ${lanes}u;
    let row = first_row + m;
    ${joined ? 'let pending_inverse = pending_rms(m);' : ''}
    var sum = lane_sums[task];
    // Lane l has vectors l, l + ${lanes}, ... of the row, wherever the tile begins. A fixed count lets loads overlap.
    let first = (task - tile * ${tile / 4}u) & ${lanes - 1}u;
    for (var i = 0u; i < ${Math.ceil(tile / 4 / lanes)}u; i++) {
      let j = first + i * ${lanes}u;
      let column = tile * ${tile / 4}u + j;
      if (j >= ${tile / 4}u || column >= ${vectors}u) { continue; }
      let value = ${hidden('row', 'column')};
      ${keep}
      sum += dot(value, value);
      staged[m * ${stride}u + j + (j >> 3u)] = value * vectors[${quarter(input.normAt)} + column];
    }
    lane_sums[task] = sum;
  }
}
fn settle(tid: u32) {${eighths('row_sums')}
}
fn inverse_rms(m: u32) -> f32 {${inverse('row_sums')}
}
`;
}
