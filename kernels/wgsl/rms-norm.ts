// RMSNorm as a dispatch of its own, for prefill, where many rows share it (decoding norms inside the matrix-vector kernels,
// input.ts). The `joined` form first adds a block's normed result to the hidden state (Gemma's post-norms).
// Called by decoders. One workgroup a row: 64 threads, each a lane of the sum, as input.ts has it.
// RMSNorm: Zhang & Sennrich 2019. Knows nothing of weights.

import type { KernelSource, Slots, Workgroups } from './kernel.js';
import { inputSlots, type Input } from './input.js';
import { stepStruct } from './step.js';

export interface RmsNormSpec {
  readonly columns: number;
  readonly input: Exclude<Input, { kind: 'plain' }>;
}

const threads = 64;

/** Slots: `step`; x or `state`, `vectors` as input.ts has them; `y` [rows, columns]. */
export function rmsNormSource({ columns, input }: RmsNormSpec): KernelSource<Slots> {
  const vectors = columns / 4;
  if (columns % 4 !== 0) throw new RangeError(`Rows of ${columns} elements: a multiple of 4 was expected`);
  const joined = input.kind === 'joined';
  const hiddenAt = joined ? input.hiddenAt / 4 : 0;
  const value = joined
    ? `state[${hiddenAt}u + at + j] + state[${input.pendingAt / 4}u + at + j] * pending * vectors[${input.postNormAt / 4}u + j]`
    : 'x[at + j]';
  const keep = joined && input.nextAt !== undefined ? `state[${input.nextAt / 4}u + at + j] = value;` : '';
  return {
    label: `rms-norm ${input.kind} ${columns}`,
    slots: {
      step: { access: 'uniform', type: 'Step' },
      ...inputSlots(input),
      y: { access: 'write', type: 'array<vec4<f32>>' },
    },
    code: /* wgsl */ `
${stepStruct}
var<workgroup> sums: array<f32, ${threads}>;
fn joined_sum(tid: u32, own: f32) -> f32 {
  sums[tid] = own;
  for (var half = ${threads / 2}u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (tid < half) { sums[tid] += sums[tid + half]; }
  }
  workgroupBarrier();
  let sum = sums[0];
  workgroupBarrier();
  return sum;
}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let row = group.x;
  if (row >= step.rows) { return; }
  let at = row * ${vectors}u;
  ${
    joined
      ? /* wgsl */ `var pending_sum = 0.0;
  for (var j = tid; j < ${vectors}u; j += ${threads}u) {
    let value = state[${input.pendingAt / 4}u + at + j];
    pending_sum += dot(value, value);
  }
  let pending = inverseSqrt(joined_sum(tid, pending_sum) * ${1 / columns} + ${input.epsilon});`
      : ''
  }
  var own = 0.0;
  for (var j = tid; j < ${vectors}u; j += ${threads}u) {
    let value = ${value};
    own += dot(value, value);
  }
  let inverse = inverseSqrt(joined_sum(tid, own) * ${1 / columns} + ${input.epsilon});
  for (var j = tid; j < ${vectors}u; j += ${threads}u) {
    let value = ${value};
    ${keep}
    y[at + j] = value * inverse * vectors[${input.normAt / 4}u + j];
  }
}
`,
  };
}

/** One workgroup a row. */
export const rmsNormWorkgroups = (rows: number): Workgroups => [rows, 1, 1];
