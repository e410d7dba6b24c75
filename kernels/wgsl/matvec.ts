// Matrix-vector products for decoding: y[m] = W x[m] for M = 1..8 rows at once, weights q4, q8, f16 or f32 as stored,
// f32 sums. One family for every projection of a transformer: what is multiplied (as is, or normalised) is input.ts's
// affair, what becomes of a result output.ts's. Called by decoders for one token, a few verified ones, and (with blocks of
// rows over z) for prefill on devices where tiles do not pay.
//
//   workgroup:  | group 0 | group 1 | ... |      a group is `threads` threads that share the K axis (split K)
//   group g:    results g * R ... g * R + R - 1  R = `results`; a result is one row of W, or a pair (output.ts)
//   thread t:   units t, t + threads, ...        of its rows; a unit is one 16-byte load (weight-format.ts)
//
// Then the threads' sums are joined in one fixed balanced tree, by subgroup shuffles or through workgroup memory: same
// order, same bits. **For a given `threads`, a row's bits depend on nothing but x and W**: not on M, R, workgroup size, nor
// on how x was tiled. Verification of M drafted tokens therefore equals M single steps bit for bit.
//
// Shapes known to win elsewhere: 128-256 threads, 4-8 rows a workgroup's group, a unit a load (llama.cpp's and ONNX Runtime's
// WebGPU kernels); one thread a row suits software WebGPU. Which is best where is measured (matvec-shapes.ts).
// Shuffles assume that consecutive threads are consecutive lanes, as every known implementation has it; a decoder that
// mistrusts its driver compares a product with the variant without subgroups.
// What goes wrong: shapes that cannot be are a RangeError before any shader is written.

import type { DeviceTraits, KernelSource, Slots, Workgroups } from './kernel.js';
import { spread } from './kernel.js';
import { inputCode, inputSlots, inputSumBytes, tileFor, type Input } from './input.js';
import { directInput, type DirectInput } from './input-direct.js';
import { headsParts, outputCode, type Output } from './output.js';
import { stepStruct } from './step.js';
import { int8UnitCode, packCode, packedShare } from './matvec-int8.js';
import {
  checkMatrix,
  hasScales,
  unitElements,
  weightFunctions,
  weightSlots,
  type MatrixShape,
} from './weight-format.js';
import { headNormBytes, headNormCode, headNormMemory } from './head-norm.js';
import { joinCode, quadJoined, shuffled, sumNames, unitCode, type Entry } from './matvec-code.js';

/** How the work of one matrix is spread; the autotuner's choice. */
export interface MatvecShape {
  /** Threads of a workgroup, a power of two up to 256. */
  readonly workgroupSize: number;
  /** Threads that share a row, a power of two up to `workgroupSize` and 64. Decides the order of sums. */
  readonly threads: number;
  /** Results of one group of threads. */
  readonly results: number;
  /** Rows of x go through workgroup memory; otherwise each thread reads them (few threads a row, no subgroups: staged). */
  readonly staged: boolean;
}

export interface MatvecSpec {
  readonly matrix: MatrixShape;
  /** M: rows of activations of one workgroup, 1..8. */
  readonly batch: number;
  readonly input: Input;
  readonly output: Output;
  readonly shape: MatvecShape;
  /** Round activations to int8 and multiply in integers (matvec-int8.ts); q4 and q8, staged, where `traits.packedDot`. */
  readonly int8?: boolean;
}

const workgroupBytes = 16_384;
export const maxBatch = 8;

const powerOfTwo = (n: number): boolean => Number.isInteger(n) && n > 0 && (n & (n - 1)) === 0;

function check({ matrix, batch, shape, int8 }: MatvecSpec): void {
  checkMatrix(matrix);
  const { workgroupSize, threads, results } = shape;
  const good =
    powerOfTwo(workgroupSize) && workgroupSize <= 256 && powerOfTwo(threads) && threads <= Math.min(workgroupSize, 64);
  if (!good || !Number.isInteger(results) || results < 1 || results > 8) {
    throw new RangeError(`No matrix-vector kernel of shape ${JSON.stringify(shape)}`);
  }
  if (int8 && (!hasScales(matrix.kind) || !shape.staged)) throw new RangeError('int8 needs staged q4 or q8');
  if (!Number.isInteger(batch) || batch < 1 || batch > maxBatch) throw new RangeError(`No batch of ${batch} rows`);
}

const wholeHeads = ({ output }: MatvecSpec): boolean => output.kind === 'heads' && output.headNorm !== undefined;

/**
 * Slots: `step`; x or `state`, `vectors` as the input and the output need them; `weights`, `scales`; then the output's.
 */
export function matvecSource(
  spec: MatvecSpec,
  traits: Pick<DeviceTraits, 'subgroups' | 'subgroupMinSize' | 'packedDot'>,
): KernelSource<Slots> {
  check(spec);
  if (spec.int8 && !traits.packedDot) throw new RangeError('This device has no packed integer dot products');
  const { matrix, batch, input, output, shape } = spec;
  const { workgroupSize, threads } = shape;
  const { columns, kind } = matrix;
  const plan = planOf(spec, traits);
  const { tile, entries, direct, rounds } = plan;
  const out = plan.heads ?? outputCode(output, matrix.rows);
  const groups = workgroupSize / threads;
  // The first result of a group.
  const firstOf = (group: string): string =>
    plan.heads
      ? `workgroup * ${plan.heads.headSize}u + (round * ${groups}u + ${group}) * ${shape.results}u`
      : `(workgroup * ${groups}u + ${group}) * ${shape.results}u`;
  const rowOf = ({ name, r, second }: Entry): string =>
    `let row_${name} = matrix_row(min(first + ${r}u, ${out.results - 1}u), ${second});`;
  return {
    label: labelOf(spec, plan),
    enables: plan.subgroups || direct?.quads ? ['subgroups'] : [],
    slots: {
      step: { access: 'uniform', type: 'Step' },
      ...inputSlots(input),
      ...weightSlots(kind),
      ...out.slots,
    },
    code: /* wgsl */ `
${stepStruct}
${weightFunctions(kind)}
${direct ? '' : inputCode({ input, columns, batch, workgroupSize, tile })}
${plan.int8 ? packCode({ kind: plan.int8, batch, tile, workgroupSize }) : ''}
${out.code}
${out.rowCode}
${plan.partials === 0 ? '' : `var<workgroup> partial: array<f32, ${plan.partials}>;`}

fn complete(first_row: u32, m: u32, result: u32, values: vec2<f32>, inverse: f32) {
  if (result < ${out.results}u && first_row + m < step.rows) {
    finish(${plan.heads ? 'm' : 'first_row + m'}, result, values * inverse);
  }
}

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) at: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) tid: u32,
  ${direct?.quads ? '@builtin(subgroup_invocation_id) subgroup_lane: u32,' : ''}
) {
  let workgroup = at.x + at.y * grid.x;
  let first_row = at.z * ${batch}u;
  if (workgroup * ${rounds * groups * shape.results}u >= ${out.results}u) { return; }
  let thread = ${threads === 1 ? '0u' : `tid & ${threads - 1}u`};
  ${direct?.quads ? 'let lane = subgroup_lane & 3u;' : ''}
  let group = tid / ${threads}u;
  let keeps = workgroup == 0u${direct ? ` && group < ${direct.quads ? 4 : 1}u` : ''};
  ${direct ? '' : 'prepare(tid, first_row, keeps);\n  workgroupBarrier();'}
  for (var round = 0u; round < ${rounds}u; round++) {
    let first = ${firstOf('group')};
    ${entries.map(rowOf).join('\n    ')}
    ${sumNames(batch, entries)
      .map((name) => `var ${name} = 0.0;`)
      .join(' ')}
    ${direct ? directLoop(spec, plan, direct) : stagedLoop(spec, plan)}
    ${joinCode({ ...plan, batch, shape, firstOf })}
  }
  ${plan.heads ? headNormCode({ batch, workgroupSize, heads: plan.heads.spec }) : ''}
}
`,
  };
}

/** Every thread reads x itself: no barrier. */
function directLoop({ matrix, batch, shape }: MatvecSpec, { entries, tile }: Plan, direct: DirectInput): string {
  const { kind, columns } = matrix;
  const loop = `for (var unit = thread; unit < ${columns / unitElements[kind]}u; unit += ${shape.threads}u)`;
  const vectors = unitElements[kind] / 4;
  const join = direct.quads ? quadJoined : (name: string): string => shuffled(name, shape.threads);
  return /* wgsl */ `${direct.begin({ batch, loop, vectors, join })}
    ${loop} {
        ${unitCode({ kind, columns, batch, entries, tile, direct })}
    }`;
}

/** x in workgroup memory, tile by tile; what is staged whole stays for the rounds over a head. */
function stagedLoop(spec: MatvecSpec, { entries, tile, tiles, rounds, int8 }: Plan): string {
  const { matrix, batch, input, shape } = spec;
  const { kind, columns } = matrix;
  const tileUnits = tile / unitElements[kind];
  const firstRound = (text: string): string => (rounds > 1 ? `if (round == 0u) { ${text} }` : text);
  const stage = /* wgsl */ `${tiles > 1 ? 'workgroupBarrier();' : ''}
      stage(tid, first_row, tile, keeps && round == 0u);
      workgroupBarrier();${int8 ? '\n      pack(tid);\n      workgroupBarrier();' : ''}`;
  const unit = { kind, columns, batch, entries, tile, direct: undefined };
  return /* wgsl */ `
    for (var tile = 0u; tile < ${tiles}u; tile++) {
      ${tiles > 1 ? stage : firstRound(stage)}
      let begin = tile * ${tileUnits}u;
      let end = min(begin + ${tileUnits}u, ${columns / unitElements[kind]}u);
      for (var unit = begin + ((thread - begin) & ${shape.threads - 1}u); unit < end; unit += ${shape.threads}u) {
        ${int8 ? int8UnitCode(unit) : unitCode(unit)}
      }
    }
    ${input.kind === 'plain' ? '' : firstRound('settle(tid); workgroupBarrier();')}`;
}

/** The grid: one workgroup for each `results` results of each group, `rowBlocks` of M rows over z. */
export function matvecWorkgroups(spec: MatvecSpec, rowBlocks = 1): Workgroups {
  const { matrix, output, shape } = spec;
  if (output.kind === 'heads' && output.headNorm) return [output.heads + 2 * output.kvHeads, 1, rowBlocks];
  const results = output.kind === 'gated' || output.kind === 'heads' ? matrix.rows / 2 : matrix.rows;
  const [x, y] = spread(Math.ceil(results / ((shape.workgroupSize / shape.threads) * shape.results)));
  return [x, y, rowBlocks];
}

/**
 * The most rows, up to `batch`, that one workgroup should take: a workgroup that goes over x several times (whole heads)
 * should have it staged at once. More rows go in blocks over z; their bits don't change.
 */
export function matvecBatch(spec: MatvecSpec, traits: Pick<DeviceTraits, 'subgroups' | 'subgroupMinSize'>): number {
  let { batch } = spec;
  const tiled = (rows: number): boolean => planOf({ ...spec, batch: rows }, traits).tiles > 1;
  while (wholeHeads(spec) && batch > 1 && tiled(batch)) batch >>= 1;
  return batch;
}

interface Plan {
  readonly subgroups: boolean;
  readonly entries: readonly Entry[];
  readonly rowsPerResult: 1 | 2;
  readonly tile: number;
  readonly tiles: number;
  /** (m, result)s that are joined at once through workgroup memory, and the floats this takes. */
  readonly joined: number;
  readonly partials: number;
  readonly heads: ReturnType<typeof wholeHeadsCode> | undefined;
  /** How often a workgroup goes over its x: once, or for each part of a head. */
  readonly rounds: number;
  readonly direct: DirectInput | undefined;
  readonly int8: 'q4' | 'q8' | undefined;
}

function planOf(spec: MatvecSpec, traits: Pick<DeviceTraits, 'subgroups' | 'subgroupMinSize'>): Plan {
  const { matrix, batch, input, output, shape } = spec;
  const { workgroupSize, threads, results } = shape;
  const subgroups = traits.subgroups && threads <= traits.subgroupMinSize;
  // One thread a row: all threads want the same x, a quad reads it together.
  const quads =
    threads === 1 && hasScales(matrix.kind) && traits.subgroups && traits.subgroupMinSize >= 4 && workgroupSize >= 4;
  const heads = wholeHeads(spec) && output.kind === 'heads' ? wholeHeadsCode(spec, output) : undefined;
  const rowsPerResult = heads ? 1 : output.kind === 'gated' || output.kind === 'heads' ? 2 : 1;
  const entries: Entry[] = [];
  for (let r = 0; r < results; r++) {
    for (let p = 0; p < rowsPerResult; p++) entries.push({ name: `${r}${p === 0 ? 'a' : 'b'}`, r, second: p === 1 });
  }
  const direct = !shape.staged && (subgroups || threads === 1) ? directInput(input, matrix.columns, quads) : undefined;
  const headBytes = heads ? headNormBytes(batch, heads.headSize) : 0;
  const int8 = spec.int8 && (matrix.kind === 'q4' || matrix.kind === 'q8') ? matrix.kind : undefined;
  // Many rows of large heads leave little: then fewer results are joined at once, and x is staged in smaller tiles.
  const most = Math.min(batch * results, rowsPerResult === 1 ? 4 : 2);
  const joined = batch * (heads?.headSize ?? 0) > 1024 ? 1 : most;
  const partials = subgroups || threads === 1 ? 0 : joined * rowsPerResult * (workgroupSize + workgroupSize / threads);
  const bytes = workgroupBytes - inputSumBytes(input, batch) - partials * 4 - headBytes;
  const tile = direct ? matrix.columns : tileFor(matrix.columns, batch, int8 ? bytes / (1 + packedShare) : bytes);
  const tiles = Math.ceil(matrix.columns / tile);
  const rounds = heads?.rounds ?? 1;
  return {
    subgroups: subgroups && threads > 1,
    entries,
    rowsPerResult,
    tile,
    tiles,
    joined,
    partials,
    heads,
    rounds,
    direct,
    int8,
  };
}

/** With norms over heads a workgroup computes one head, in passes over its rows, into workgroup memory first. */
function wholeHeadsCode({ shape, matrix, batch }: MatvecSpec, output: Extract<Output, { kind: 'heads' }>) {
  const { headSize, heads, kvHeads } = output;
  const atOnce = (shape.workgroupSize / shape.threads) * shape.results;
  if (headSize % atOnce !== 0) throw new RangeError(`A head of ${headSize} is not passes of ${atOnce} rows`);
  if (matrix.rows !== (heads + 2 * kvHeads) * headSize) throw new RangeError(`${matrix.rows} rows are not whole heads`);
  const { slots, code } = headsParts(output);
  return {
    spec: output,
    headSize,
    rounds: headSize / atOnce,
    slots,
    code: /* wgsl */ `${code}${headNormMemory(batch, headSize)}
fn finish(m: u32, result: u32, values: vec2<f32>) {
  head_values[m * ${headSize}u + result % ${headSize}u] = values.x${output.biasAt === undefined ? '' : ` + vector_at(${output.biasAt}u + result)`};
}`,
    rowCode: 'fn matrix_row(result: u32, second: bool) -> u32 { return result; }',
    results: matrix.rows,
  };
}

function labelOf({ matrix, batch, input, output, shape }: MatvecSpec, { subgroups, direct, int8 }: Plan): string {
  const { kind, rows, columns } = matrix;
  const how = [
    `${shape.workgroupSize}/${shape.threads}/${shape.results}`,
    subgroups ? 'subgroups' : '',
    direct ? (direct.quads ? 'direct quads' : 'direct') : '',
    int8 ? 'int8' : '',
  ];
  return `matvec ${input.kind} ${kind} ${rows}x${columns} x${batch} ${output.kind} ${how.join(' ')}`.trim();
}
