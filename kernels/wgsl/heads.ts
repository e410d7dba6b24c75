// From a projection's rows [rows, (heads + 2 kvHeads) * D] to queries, keys and values: bias, norm over each head, rotary
// turn, append. A dispatch of its own for prefill with norms over heads (Qwen3, Gemma 3): tiles of a matrix product don't
// see whole heads. Without head norms matmul.ts does all this itself; decoding always does (matvec.ts).
// Called by decoders. One workgroup a head and row.

import { headNormCode, headNormMemory } from './head-norm.js';
import type { KernelSource, Slots, Workgroups } from './kernel.js';
import { headsParts, type HeadsSpec } from './output.js';
import { stepStruct } from './step.js';

const threads = 64;

/** Slots: `step`, `x` float32 [rows, (heads + 2 kvHeads) * D], then those of the `heads` output (output.ts). */
export function headsSource(spec: HeadsSpec): KernelSource<Slots> {
  const { heads, kvHeads, headSize, biasAt } = spec;
  const all = heads + 2 * kvHeads;
  const { slots, code } = headsParts(spec);
  return {
    label: `heads ${heads}/${kvHeads}x${headSize}`,
    slots: {
      step: { access: 'uniform', type: 'Step' },
      x: { access: 'read', type: 'array<f32>' },
      ...slots,
    },
    code: /* wgsl */ `
${stepStruct}
${code}
${headNormMemory(1, headSize)}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let workgroup = at.x;
  let first_row = at.y;
  if (first_row >= step.rows) { return; }
  for (var e = tid; e < ${headSize}u; e += ${threads}u) {
    let column = workgroup * ${headSize}u + e;
    head_values[e] = x[first_row * ${all * headSize}u + column]${biasAt === undefined ? '' : ` + vector_at(${biasAt}u + column)`};
  }
  ${headNormCode({ batch: 1, workgroupSize: threads, heads: spec })}
}
`,
  };
}

/** One workgroup for each head of each row. */
export const headsWorkgroups = ({ heads, kvHeads }: HeadsSpec, rows: number): Workgroups => [
  heads + 2 * kvHeads,
  rows,
  1,
];
