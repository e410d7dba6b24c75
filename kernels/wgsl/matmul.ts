// Matrix products for prefill: Y = X W^T for many rows of X at once, weights q4, q8, f16 or f32 as stored, f32 sums. Inputs
// and outputs are those of matvec.ts (normalised on the way in; added, gated, or turned into heads on the way out), except
// norms over heads, which need whole heads: `store` and then heads.ts. Called by decoders.
//
//   workgroup: a tile of `tileRows` rows of X by `tileColumns` rows of W; 16 x 16 threads
//   thread (tx, ty): rows ty, ty + 16, ... by columns tx, tx + 16, ...; of a pair of rows of W it has both
//   K step: 32 elements of both tiles go to workgroup memory (16 KiB at 64 x 64), then 8 steps of vec4 dot products
//
// Vector k of a tile's row r lies at k xor (r mod 8): neighbouring threads then hit different banks without padding.
// Weights are dequantised once a tile. A result's sum runs over K in order, whatever the tile.
// Method: the usual register-blocked tiles (Goto & van de Geijn 2008 for the blocking; CUTLASS for the GPU form).

import type { KernelSource, Slots, Workgroups } from './kernel.js';
import { inputSlots, type Input } from './input.js';
import { outputCode, type Output } from './output.js';
import { stepStruct } from './step.js';
import { checkMatrix, eightFunction, weightSlots, type MatrixShape } from './weight-format.js';

export interface MatmulShape {
  /** Rows of X in a tile: 16, 32 or 64. */
  readonly tileRows: 16 | 32 | 64;
  /** Rows of W in a tile: 32 or 64. */
  readonly tileColumns: 32 | 64;
}

export interface MatmulSpec {
  readonly matrix: MatrixShape;
  readonly input: Input;
  readonly output: Output;
  readonly shape: MatmulShape;
}

const side = 16;
const threads = side * side;
const kStep = 32;
const kVectors = kStep / 4;

/** Slots: as matvecSource. */
export function matmulSource(spec: MatmulSpec): KernelSource<Slots> {
  const { matrix, input, output, shape } = spec;
  checkMatrix(matrix);
  if (output.kind === 'heads' && output.headNorm) throw new RangeError('A tile sees no whole heads: use heads.ts');
  const { tileRows, tileColumns } = shape;
  const { kind, rows: n, columns } = matrix;
  const vectors = columns / 4;
  const out = outputCode(output, n);
  const pairs = out.rowsPerResult === 2;
  const resultsPerTile = tileColumns / out.rowsPerResult;
  const [perM, perN] = [tileRows / side, tileColumns / side];
  const each = (count: number, text: (i: number) => string, glue = '\n    '): string =>
    Array.from({ length: count }, (_, i) => text(i)).join(glue);
  // Rows of X that a thread loads: `tileRows * 8` vectors by 256 threads.
  const loads = Math.max(1, (tileRows * kVectors) / threads);
  const loader = (tileRows * kVectors) / threads < 1 ? `tid < ${tileRows * kVectors}u` : 'true';
  const loadRow = (i: number): string => `(tid / ${kVectors}u + ${(i * threads) / kVectors}u)`;
  return {
    label: `matmul ${input.kind} ${kind} ${n}x${columns} ${output.kind} ${tileRows}x${tileColumns}`,
    slots: {
      step: { access: 'uniform', type: 'Step' },
      ...inputSlots(input),
      ...weightSlots(kind, 'words'),
      ...out.slots,
    },
    code: /* wgsl */ `
${stepStruct}
${eightFunction(matrix)}
${out.code}
${out.rowCode}
var<workgroup> x_tile: array<vec4<f32>, ${tileRows * kVectors}>;
var<workgroup> w_tile: array<vec4<f32>, ${tileColumns * kVectors}>;

// Sums over the 8 threads of a row that they wrote to x_tile.
fn row_sum(row: u32) -> f32 {
  let at = row * ${kVectors}u;
  return ((x_tile[at].x + x_tile[at + 1u].x) + (x_tile[at + 2u].x + x_tile[at + 3u].x))
    + ((x_tile[at + 4u].x + x_tile[at + 5u].x) + (x_tile[at + 6u].x + x_tile[at + 7u].x));
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let first_row = group.y * ${tileRows}u;
  if (first_row >= step.rows) { return; }
  let first_result = group.x * ${resultsPerTile}u;
  let tx = tid % ${side}u;
  let ty = tid / ${side}u;
  let k_lane = tid % ${kVectors}u;
  let loads = ${loader};
  ${
    pairs
      ? `let result_of_load = first_result + (tid / 4u) % ${side}u + ${side}u * (tid / ${8 * side}u);
  let second_of_load = ((tid / ${4 * side}u) & 1u) == 1u;`
      : `let result_of_load = first_result + tid / 4u;
  let second_of_load = false;`
  }
  let w_row = matrix_row(min(result_of_load, ${out.results - 1}u), second_of_load);
  ${prepareCode(input, columns, loads, each, loadRow)}
  ${each(perM * perN, (i) => `var sum_${Math.floor(i / perN)}_${i % perN} = 0.0;`, ' ')}
  for (var k0 = 0u; k0 < ${vectors}u; k0 += ${kVectors}u) {
    workgroupBarrier();
    let column = k0 + k_lane;
    ${each(loads, (i) => {
      const local = loadRow(i);
      return /* wgsl */ `if (loads) {
      var value = vec4<f32>();
      let row = first_row + ${local};
      if (row < step.rows && column < ${vectors}u) {
        ${readCode(input, columns, i)}
      }
      x_tile[${local} * ${kVectors}u + (k_lane ^ (${local} & 7u))] = value;
    }`;
    })}
    if (tid < ${tileColumns * 4}u) {
      let values = eight(w_row, k0 / 2u + (tid & 3u));
      let w_local = tid / 4u;
      let k = (tid & 3u) * 2u;
      w_tile[w_local * ${kVectors}u + (k ^ (w_local & 7u))] = values[0];
      w_tile[w_local * ${kVectors}u + ((k + 1u) ^ (w_local & 7u))] = values[1];
    }
    workgroupBarrier();
    for (var k = 0u; k < ${kVectors}u; k++) {
      let kx = k ^ (ty & 7u);
      let kw = k ^ (tx & 7u);
      ${each(perM, (i) => `let x_${i} = x_tile[(ty + ${i * side}u) * ${kVectors}u + kx];`, ' ')}
      ${each(perN, (j) => `let w_${j} = w_tile[(tx + ${j * side}u) * ${kVectors}u + kw];`, ' ')}
      ${each(
        perM * perN,
        (at) => {
          const [i, j] = [Math.floor(at / perN), at % perN];
          return `sum_${i}_${j} += dot(x_${i}, w_${j});`;
        },
        ' ',
      )}
    }
  }
  ${inverseCode(input, columns, loads, each, loadRow, perM)}
  ${each(perM, (i) => {
    const stores = pairs
      ? each(perN / 2, (j) => storeCode(i, j, `vec2<f32>(sum_${i}_${2 * j}, sum_${i}_${2 * j + 1})`, out.results))
      : each(perN, (j) => storeCode(i, j, `vec2<f32>(sum_${i}_${j}, 0.0)`, out.results));
    return `if (first_row + ty + ${i * side}u < step.rows) {
    ${stores}
  }`;
  })}
}
`,
  };
}

const storeCode = (i: number, j: number, values: string, results: number): string =>
  `if (first_result + tx + ${j * side}u < ${results}u) {
      finish(first_row + ty + ${i * side}u, first_result + tx + ${j * side}u, ${values} * inverse_${i});
    }`;

type Each = (count: number, text: (i: number) => string, glue?: string) => string;

/** Before the loop: sums of squares start; with \`joined\` the pending result's are complete. */
function prepareCode(input: Input, columns: number, loads: number, each: Each, loadRow: (i: number) => string): string {
  if (input.kind === 'plain') return '';
  const squares = each(loads, (i) => `var square_${i} = 0.0;`);
  if (input.kind === 'norm') return squares;
  const vectors = columns / 4;
  return /* wgsl */ `${squares}
  ${each(
    loads,
    (i) => /* wgsl */ `var pending_${i} = 0.0;
  if (loads && first_row + ${loadRow(i)} < step.rows) {
    for (var j = k_lane; j < ${vectors}u; j += ${kVectors}u) {
      let value = state[${input.pendingAt / 4}u + (first_row + ${loadRow(i)}) * ${vectors}u + j];
      pending_${i} += dot(value, value);
    }
  }
  if (loads) { x_tile[${loadRow(i)} * ${kVectors}u + k_lane].x = pending_${i}; }`,
  )}
  workgroupBarrier();
  ${each(loads, (i) => `pending_${i} = inverseSqrt(row_sum(${loadRow(i)}) * ${1 / columns} + ${input.epsilon});`)}`;
}

/** One vector of X into \`value\`, its square into the row's sum. */
function readCode(input: Input, columns: number, i: number): string {
  const vectors = columns / 4;
  switch (input.kind) {
    case 'plain':
      return `value = x[row * ${vectors}u + column];`;
    case 'norm':
      return /* wgsl */ `let hidden = x[row * ${vectors}u + column];
        square_${i} += dot(hidden, hidden);
        value = hidden * vectors[${input.normAt / 4}u + column];`;
    case 'joined':
      return /* wgsl */ `let at = row * ${vectors}u + column;
        let hidden = state[${input.hiddenAt / 4}u + at]
          + state[${input.pendingAt / 4}u + at] * pending_${i} * vectors[${input.postNormAt / 4}u + column];
        ${input.nextAt === undefined ? '' : `if (group.x == 0u) { state[${input.nextAt / 4}u + at] = hidden; }`}
        square_${i} += dot(hidden, hidden);
        value = hidden * vectors[${input.normAt / 4}u + column];`;
  }
}

/** After the loop: \`inverse_i\` of the thread's rows. */
function inverseCode(
  input: Input,
  columns: number,
  loads: number,
  each: Each,
  loadRow: (i: number) => string,
  perM: number,
): string {
  if (input.kind === 'plain') return each(perM, (i) => `let inverse_${i} = 1.0;`);
  return /* wgsl */ `workgroupBarrier();
  ${each(loads, (i) => `if (loads) { x_tile[${loadRow(i)} * ${kVectors}u + k_lane].x = square_${i}; }`)}
  workgroupBarrier();
  ${each(perM, (i) => `let inverse_${i} = inverseSqrt(row_sum(ty + ${i * side}u) * ${1 / columns} + ${input.epsilon});`)}`;
}

/** The grid: tiles of results over x, tiles of rows over y. */
export function matmulWorkgroups(spec: MatmulSpec, rows: number): Workgroups {
  const { matrix, shape } = spec;
  return [Math.ceil(matrix.rows / shape.tileColumns), Math.ceil(rows / shape.tileRows), 1];
}
