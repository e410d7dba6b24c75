// Joins the parts that attention.ts left for each row and head. Called by decoders right after it; rows with one split
// are finished already and pass by untouched. A step none of whose rows has more than one split can leave this dispatch
// out (`needsReduce`): the results are the same bits either way.
// Thread = 4 elements of the head (at most 64). Method: o = sum_s exp(m_s - m) o_s / sum_s exp(m_s - m) l_s (Milakov & Gimelshein 2018). One workgroup a row and head.

import { attentionParts, maxParts, splitFunctions, type AttentionSpec } from './attention.js';
import type { KernelSource, Slots, Workgroups } from './kernel.js';
import { layerStruct } from './kv-pages.js';
import { stepStruct } from './step.js';

const threads = 64;

export const attentionReduceSlots = {
  step: { access: 'uniform', type: 'Step' },
  layer: { access: 'uniform', type: 'Layer' },
  parts: { access: 'read', type: 'array<vec4<f32>>' },
  attended: { access: 'write', type: 'array<vec4<f32>>' },
} as const satisfies Slots;

export const attentionReduceWorkgroups = ({ heads }: AttentionSpec, rows: number): Workgroups => [heads, rows, 1];

/** Whether a step's rows leave anything to join. */
export const needsReduce = (spec: AttentionSpec, position: number, rows: number, window: number): boolean =>
  attentionParts(spec, position, rows, window) > 1;

export function attentionReduceSource(spec: AttentionSpec): KernelSource<typeof attentionReduceSlots> {
  const { pool, heads } = spec;
  const { headSize } = pool;
  const stride = maxParts(spec);
  const columns = headSize / 4;
  return {
    label: `attention reduce ${heads}x${headSize}`,
    slots: attentionReduceSlots,
    code: /* wgsl */ `
${stepStruct}
${layerStruct}
${splitFunctions(spec)}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let row = group.y;
  if (row >= step.rows) { return; }
  let count = split_count(position_of(row));
  if (count == 1u) { return; }
  let head = row * ${heads}u + group.x;
  let first = head * ${stride}u;
  var best = -3.4e38;
  for (var s = 0u; s < count; s++) { best = max(best, parts[(first + s) * ${columns + 1}u + ${columns}u].x); }
  if (tid >= ${columns}u) { return; }
  var sum = vec4<f32>();
  var total = 0.0;
  for (var s = 0u; s < count; s++) {
    let at = (first + s) * ${columns + 1}u;
    let joined = parts[at + ${columns}u];
    let weight = exp(joined.x - best);
    sum += weight * parts[at + tid];
    total += weight * joined.y;
  }
  attended[head * ${columns}u + tid] = sum / total;
}
`,
  };
}
