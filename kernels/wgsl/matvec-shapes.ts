// Which spreads of a matrix-vector product are worth measuring on a device, and which of them may stand beside a chosen one
// for other numbers of rows. Called by a decoder's autotuner and by bench/kernels-wgsl.bench.mjs. Knows no device by name.
//
// The order of a row's sums hangs on `threads` and `staged` alone (matvec.ts), so these two are chosen once for a matrix, on
// one row, and kept for every batch; workgroup size and results may differ from batch to batch.
// The list is what wins in the field's engines ({1, 2, 4} results, 64 to 256 threads, 8 to 32 threads a row, one unit a load)
// plus the barrier-free shapes that processors like.

import type { DeviceTraits } from './kernel.js';
import type { MatvecShape, MatvecSpec } from './matvec.js';

const shape = (workgroupSize: number, threads: number, results: number, staged = true): MatvecShape => ({
  workgroupSize,
  threads,
  results,
  staged,
});

/** No barrier, no workgroup memory: for software WebGPU, where these cost more than the product. Best guess first. */
const processorShapes = [
  shape(16, 1, 4, false),
  shape(16, 1, 8, false),
  shape(16, 1, 2, false),
  shape(64, 1, 1, false),
];

/** For graphics chips. Best guess first. */
const chipShapes = [
  shape(128, 16, 2),
  shape(128, 32, 2),
  shape(64, 16, 2),
  shape(64, 8, 2),
  shape(256, 32, 1),
  shape(256, 16, 1),
  shape(128, 8, 4),
  shape(64, 32, 4),
  shape(128, 16, 4),
  shape(64, 32, 1, false),
  shape(64, 16, 4, false),
  shape(32, 1, 1, false),
];

/** Accumulators that a thread keeps in registers on any device: rows of x times rows of W. */
const mostAccumulators = 16;

/**
 * Whether a kernel of this shape can be made for the projection: heads in whole passes, accumulators within bounds, direct
 * reading only where the threads of a row can be joined without workgroup memory.
 */
export function shapeFits(
  { batch, output }: Pick<MatvecSpec, 'batch' | 'output'>,
  { workgroupSize, threads, results, staged }: MatvecShape,
  traits: Pick<DeviceTraits, 'subgroups' | 'subgroupMinSize'>,
): boolean {
  const headNorms = output.kind === 'heads' && output.headNorm !== undefined;
  const paired = output.kind === 'gated' || (output.kind === 'heads' && !headNorms);
  if (results * batch * (paired ? 2 : 1) > Math.max(mostAccumulators, batch * (paired ? 2 : 1))) return false;
  if (!staged && threads > 1 && !(traits.subgroups && threads <= traits.subgroupMinSize)) return false;
  if (!headNorms) return true;
  const atOnce = (workgroupSize / threads) * results;
  return output.headSize % atOnce === 0;
}

/** Shapes for one row, best guess first; never empty. */
export function matvecShapes(
  traits: Pick<DeviceTraits, 'subgroups' | 'subgroupMinSize' | 'software'>,
  output: MatvecSpec['output'],
): readonly MatvecShape[] {
  const all = traits.software ? processorShapes : chipShapes;
  const fitting = all.filter((candidate) => shapeFits({ batch: 1, output }, candidate, traits));
  if (fitting.length > 0) return fitting;
  // Heads of an unusual size: passes of as many rows as divide it.
  const headSize = output.kind === 'heads' ? output.headSize : 8;
  const groups = [16, 8, 4, 2, 1].find((count) => headSize % count === 0) ?? 1;
  return traits.software ? [shape(groups, 1, 1, false)] : [shape(groups * 8, 8, 1)];
}

/** Shapes for more rows that keep the bits of the one chosen for one row; best guess first, never empty. */
export function batchShapes(
  chosen: MatvecShape,
  spec: Pick<MatvecSpec, 'batch' | 'output'>,
  traits: Pick<DeviceTraits, 'subgroups' | 'subgroupMinSize'>,
): readonly MatvecShape[] {
  const shapes = [chosen.results, 4, 2, 1]
    .filter((results, i, list) => results <= chosen.results && list.indexOf(results) === i)
    .map((results) => ({ ...chosen, results }))
    .filter((candidate) => shapeFits(spec, candidate, traits));
  return shapes.length > 0 ? shapes : [chosen];
}
