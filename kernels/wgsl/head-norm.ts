// RMSNorm over each query and key head (Qwen3, Gemma 3), the rotary turn, and the way into q and the cache, for a whole
// head in workgroup memory. Pasted into matvec.ts's kernels and heads.ts's. Sums run in 16 lanes by element, then in one
// fixed tree: the same bits for every number of rows.

import type { HeadsSpec } from './output.js';

/** Floats of workgroup memory: the head's values of every row, and the lanes' sums. */
export const headNormBytes = (batch: number, headSize: number): number => batch * (headSize + 16) * 4;

export const headNormMemory = (batch: number, headSize: number): string => /* wgsl */ `
var<workgroup> head_values: array<f32, ${batch * headSize}>;
var<workgroup> head_sums: array<f32, ${batch * 16}>;
`;

export interface HeadNormPlan {
  readonly batch: number;
  readonly workgroupSize: number;
  readonly heads: HeadsSpec;
}

/** Statements of `main`; `workgroup` is the head, `head_values` [M, D] was written but needs a barrier yet. */
export function headNormCode({ batch, workgroupSize, heads: spec }: HeadNormPlan): string {
  const { heads, kvHeads, headSize, headNorm } = spec;
  const half = headSize / 2;
  const lane = (i: number): string => `head_sums[m * 16u + ${i}u]`;
  const tree = (from: number, count: number): string =>
    count === 1 ? lane(from) : `(${tree(from, count / 2)} + ${tree(from + count / 2, count / 2)})`;
  const normalise =
    headNorm === undefined
      ? ''
      : /* wgsl */ `
      if (workgroup < ${heads + kvHeads}u) {
        let scale = inverseSqrt(${tree(0, 16)} * ${1 / headSize} + ${headNorm.epsilon});
        let at = select(${headNorm.queryAt}u, ${headNorm.keyAt}u, workgroup >= ${heads}u);
        values *= scale * vec2<f32>(vector_at(at + elements.x), vector_at(at + elements.y));
      }`;
  const sums =
    headNorm === undefined
      ? ''
      : /* wgsl */ `
  for (var task = tid; task < ${batch * 16}u; task += ${workgroupSize}u) {
    let m = task / 16u;
    var sum = 0.0;
    for (var e = task % 16u; e < ${headSize}u; e += 16u) {
      let value = head_values[m * ${headSize}u + e];
      sum += value * value;
    }
    head_sums[task] = sum;
  }
  workgroupBarrier();`;
  return /* wgsl */ `
  workgroupBarrier();${sums}
  for (var task = tid; task < ${batch * half}u; task += ${workgroupSize}u) {
    let m = task / ${half}u;
    let pair = task % ${half}u;
    if (first_row + m < step.rows) {
      let elements = pair_elements(pair);
      var values = vec2<f32>(head_values[m * ${headSize}u + elements.x], head_values[m * ${headSize}u + elements.y]);${normalise}
      place_pair(first_row + m, workgroup, pair, values);
    }
  }`;
}
