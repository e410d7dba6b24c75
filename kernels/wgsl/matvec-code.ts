// The inner parts of matvec.ts as text: what a thread does with one 16-byte unit of weights, and how the threads of a
// group join their sums. Loops over rows are written out, because arrays of accumulators leave the registers on some
// compilers. Called by matvec.ts alone.

import { tileStride } from './input.js';
import type { DirectInput } from './input-direct.js';
import { blockOfUnit, hasScales, unitElements, unitVector, type WeightKind } from './weight-format.js';

/** One accumulator for each row of the matrix that a thread works on. */
export interface Entry {
  readonly name: string;
  /** Which of the group's results. */
  readonly r: number;
  /** Of a pair, the second. */
  readonly second: boolean;
}

const sumName = (m: number, entry: string): string => `sum_${m}_${entry}`;

export const sumNames = (batch: number, entries: readonly Entry[]): string[] =>
  Array.from({ length: batch }, (_, m) => entries.map(({ name }) => sumName(m, name))).flat();

export interface UnitPlan {
  readonly kind: WeightKind;
  readonly columns: number;
  readonly batch: number;
  readonly entries: readonly Entry[];
  readonly tile: number;
  /** Absent: x was staged. */
  readonly direct: DirectInput | undefined;
}

/**
 * Unit `unit` (of the row) of every row of the thread: loaded once, dequantised once, multiplied with all M rows of x.
 * A block's products are summed before its scale multiplies them.
 */
export function unitCode({ kind, columns, batch, entries, tile, direct }: UnitPlan): string {
  const vectors = unitElements[kind] / 4;
  const perRow = columns / unitElements[kind];
  const stride = tileStride(tile);
  const scaled = hasScales(kind);
  const rows = Array.from({ length: batch }, (_, m) => m);
  const lines: string[] = direct
    ? [`let at = unit * ${vectors}u;`]
    : [`let local = (unit - begin) * ${vectors}u;`, 'let at = local + (local >> 3u);'];
  for (const { name } of entries) {
    lines.push(`let w_${name} = weights[row_${name} * ${perRow}u + unit];`);
    if (!scaled) continue;
    const block = `row_${name} * ${columns / 32}u + ${blockOfUnit(kind, 'unit')}`;
    lines.push(`let scale_${name} = scale_at(${block});`, ...rows.map((m) => `var block_${m}_${name} = 0.0;`));
  }
  for (let j = 0; j < vectors; j++) {
    const inputs = rows.map((m) => {
      if (direct?.quads) return `let x_${m} = quadBroadcast(mine_${m}, ${j % 4}u);`;
      return direct ? direct.read(m, `(at + ${j}u)`) : `let x_${m} = staged[at + ${m * stride + j}u];`;
    });
    if (direct?.quads && j % 4 === 0) {
      const read = rows.map(
        (m) => `var mine_${m}: vec4<f32>; { ${direct.read(m, `(at + ${j}u + lane)`)} mine_${m} = x_${m}; }`,
      );
      lines.push('{', ...read);
    }
    const products = entries.map(({ name }) => {
      const adds = rows.map((m) => `${scaled ? `block_${m}_${name}` : sumName(m, name)} += dot(v_${name}, x_${m});`);
      return `let v_${name} = ${unitVector(kind, `w_${name}`, j)}; ${adds.join(' ')}`;
    });
    lines.push(`{ ${inputs.join(' ')}`, ...products, '}');
    if (direct?.quads && j % 4 === 3) lines.push('}');
  }
  if (scaled) {
    for (const { name } of entries) {
      for (const m of rows) lines.push(`${sumName(m, name)} += block_${m}_${name} * scale_${name};`);
    }
  }
  return lines.join('\n        ');
}

export interface JoinPlan {
  readonly batch: number;
  readonly entries: readonly Entry[];
  readonly rowsPerResult: 1 | 2;
  readonly shape: { readonly workgroupSize: number; readonly threads: number; readonly results: number };
  readonly subgroups: boolean;
  /** (row of x, result)s that go through workgroup memory at once. */
  readonly joined: number;
  /** WGSL of the first result of a group. */
  readonly firstOf: (group: string) => string;
  readonly direct: DirectInput | undefined;
}

/** WGSL that leaves the sum over the group's threads in `name` of each of them. */
export function shuffled(name: string, threads: number): string {
  const masks: number[] = [];
  for (let mask = 1; mask < threads; mask *= 2) masks.push(mask);
  return masks.map((mask) => `${name} += subgroupShuffleXor(${name}, ${mask}u);`).join(' ');
}

/** The same over the four threads of a quad. */
export const quadJoined = (name: string): string => `${name} += quadSwapX(${name}); ${name} += quadSwapY(${name});`;

/** Adds the threads' sums and completes each result in one thread. */
export function joinCode(plan: JoinPlan): string {
  const { batch, shape, rowsPerResult, subgroups, direct } = plan;
  const { threads, results } = shape;
  const items = Array.from({ length: batch * results }, (_, i) => ({ m: Math.floor(i / results), r: i % results }));
  const values = (m: number, r: number): string =>
    rowsPerResult === 1
      ? `vec2<f32>(${sumName(m, `${r}a`)}, 0.0)`
      : `vec2<f32>(${sumName(m, `${r}a`)}, ${sumName(m, `${r}b`)})`;
  const complete = ({ m, r }: { m: number; r: number }): string =>
    `complete(first_row, ${m}u, first + ${r}u, ${values(m, r)}, ${direct ? direct.inverse(m) : `inverse_rms(${m}u)`});`;
  if (threads === 1) {
    const squares = direct?.quads ? direct.squares(batch).map(quadJoined) : [];
    return [...squares, ...items.map(complete)].join('\n    ');
  }
  if (subgroups) {
    const names = [...sumNames(batch, plan.entries), ...(direct?.squares(batch) ?? [])];
    const shuffles = names.map((name) => shuffled(name, threads));
    const writes = items.map((item, i) => `if (thread == ${i % threads}u) { ${complete(item)} }`);
    return [...shuffles, ...writes].join('\n    ');
  }
  return throughMemory(plan, items);
}

/** Sums of (at most) `joined` results at a time in workgroup memory; one thread then adds up each result's. */
function throughMemory(plan: JoinPlan, items: readonly { m: number; r: number }[]): string {
  const { rowsPerResult, shape, joined, firstOf } = plan;
  const { workgroupSize, threads, results } = shape;
  const groups = workgroupSize / threads;
  const plane = workgroupSize + groups; // a group's sums are padded by one against bank conflicts
  const tree = (base: string, from = 0, count = threads): string =>
    count === 1
      ? `partial[${base} + ${from}u]`
      : `(${tree(base, from, count / 2)} + ${tree(base, from + count / 2, count / 2)})`;
  const second = rowsPerResult === 2 ? tree(`(base + ${plane}u)`) : '0.0';
  const parts: string[] = [];
  for (let start = 0; start < items.length; start += joined) {
    const now = items.slice(start, start + joined);
    const writes = now.flatMap(({ m, r }, i) =>
      ['a', 'b'].slice(0, rowsPerResult).map((which, p) => {
        const at = (i * rowsPerResult + p) * plane;
        return `partial[${at}u + group * ${threads + 1}u + thread] = ${sumName(m, `${r}${which}`)};`;
      }),
    );
    parts.push(/* wgsl */ `workgroupBarrier();
    ${writes.join('\n    ')}
    workgroupBarrier();
    for (var task = tid; task < ${groups * now.length}u; task += ${workgroupSize}u) {
      let its_group = task % ${groups}u;
      let item = task / ${groups}u;
      let base = item * ${rowsPerResult * plane}u + its_group * ${threads + 1}u;
      let m = (item + ${start}u) / ${results}u;
      let result = ${firstOf('its_group')} + (item + ${start}u) % ${results}u;
      complete(first_row, m, result, vec2<f32>(${tree('base')}, ${second}), inverse_rms(m));
    }`);
  }
  return parts.join('\n    ');
}
