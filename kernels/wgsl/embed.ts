// Rows of the embedding table for a step's tokens: the hidden state that the first layer reads. The ids come from a buffer
// that the sampling kernel of the step before wrote, so that no token visits the CPU first; Gemma scales the rows.
// A table larger than a binding is bound in pieces of whole rows, a dispatch each: a piece writes the rows it has.
// Called by decoders, once a step. What goes wrong: an id past the table leaves its row untouched (ids are checked by
// whoever takes them from outside).

import type { KernelSource, Slots, Workgroups } from './kernel.js';
import { stepStruct } from './step.js';
import { checkMatrix, eightFunction, weightSlots, type MatrixShape } from './weight-format.js';

export interface EmbedSpec {
  /** The piece: `rows` of the table, beginning with id `firstRow`. */
  readonly matrix: MatrixShape;
  readonly firstRow: number;
  /** Every element is multiplied by it; 1 for all but Gemma (sqrt of the hidden size). */
  readonly scale: number;
}

const threads = 64;

/** Slots: `step`, `tokens` uint32 [rows], `weights`, `scales`, `y` float32 [rows, columns]. */
export function embedSource({ matrix, firstRow, scale }: EmbedSpec): KernelSource<Slots> {
  checkMatrix(matrix);
  const { kind, rows, columns } = matrix;
  return {
    label: `embed ${kind} ${rows}x${columns}`,
    slots: {
      step: { access: 'uniform', type: 'Step' },
      tokens: { access: 'read', type: 'array<u32>' },
      ...weightSlots(kind, 'words'),
      y: { access: 'write', type: 'array<vec4<f32>>' },
    },
    code: /* wgsl */ `
${stepStruct}
${eightFunction(matrix)}
@compute @workgroup_size(${threads})
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
  let group = at.x;
  let row = at.y;
  if (group * 8u >= ${columns}u || row >= step.rows) { return; }
  let id = tokens[row] - ${firstRow}u;
  if (id >= ${rows}u) { return; }
  let values = eight(id, group);
  let out = row * ${columns / 4}u + group * 2u;
  y[out] = values[0] * ${scale};
  if (group * 8u + 4u < ${columns}u) { y[out + 1u] = values[1] * ${scale}; }
}
`,
  };
}

/** A thread for every eight elements; rows over y. */
export const embedWorkgroups = ({ matrix }: EmbedSpec, rows: number): Workgroups => [
  Math.ceil(matrix.columns / 8 / threads),
  rows,
  1,
];
