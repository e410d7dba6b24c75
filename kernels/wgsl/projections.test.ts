// Everything that a projection of a transformer does around its product, against the plain reference: norms on the way in,
// Gemma's joined form, residual, gate, heads with biases, norms, (partial) rotary turns and appended keys and values. Each
// family of kernels (matrix-vector staged and direct, tiles) is held to the same.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { nmse, randomFloats, randomMatrix, uploadMatrix } from '../../test/support/projections.js';
import { openTestGpu, type TestGpu } from '../../test/support/test-gpu.js';
import { headsSource, headsWorkgroups } from './heads.js';
import type { Input } from './input.js';
import { createKernel, traitsOf, type KernelSource, type Slots, type Workgroups } from './kernel.js';
import { matmulSource, matmulWorkgroups } from './matmul.js';
import { matvecSource, matvecWorkgroups } from './matvec.js';
import type { HeadsSpec, KvAppend, Output } from './output.js';
import { finishHeads, gate, multiply, rmsNorm, weightKinds, type HostMatrix } from './projection.reference.js';
import { ropeTable } from './rope-table.js';
import type { MatrixShape } from './weight-format.js';

let gpu: TestGpu;
before(async () => {
  gpu = await openTestGpu();
});
after(() => gpu.destroy());
afterEach(() => gpu.free());

interface Family {
  readonly name: string;
  readonly headNorms: boolean;
  source(matrix: MatrixShape, input: Input, output: Output): KernelSource<Slots>;
  grid(matrix: MatrixShape, input: Input, output: Output, rows: number): Workgroups;
}

/** More rows than one batch or tile, so that blocks of rows and their ragged end are seen. */
const rows = 5;
const position = 300;
const epsilon = 1e-5;

const matvec = (name: string, threads: number, staged: boolean, subgroups: boolean, batch = 3): Family => {
  const spec = (matrix: MatrixShape, input: Input, output: Output) => {
    const shape = { workgroupSize: 8, threads, results: 1, staged };
    return { matrix, input, output, batch, shape };
  };
  return {
    name,
    headNorms: true,
    source: (...what) => matvecSource(spec(...what), traitsOf(gpu.device, subgroups)),
    grid: (matrix, input, output, count) => matvecWorkgroups(spec(matrix, input, output), Math.ceil(count / batch)),
  };
};

const families: readonly Family[] = [
  matvec('matrix-vector, staged, subgroups', 4, true, true),
  matvec('matrix-vector, staged, workgroup memory', 4, true, false),
  matvec('matrix-vector, direct, one thread a row', 1, false, true),
  matvec('matrix-vector, direct, subgroups', 4, false, true),
  {
    name: 'tiles',
    headNorms: false,
    source: (matrix, input, output) =>
      matmulSource({ matrix, input, output, shape: { tileRows: 16, tileColumns: 32 } }),
    grid: (matrix, input, output, count) =>
      matmulWorkgroups({ matrix, input, output, shape: { tileRows: 16, tileColumns: 32 } }, count),
  },
];

/** Keys and values one after the other: [position, key or value, head, D]. */
const plainAppend = (kvHeads: number, headSize: number): KvAppend => ({
  slots: { cache: { access: 'write', type: 'array<f32>' } },
  code: /* wgsl */ `
fn kv_append(row: u32, is_value: bool, kv_head: u32, element: u32, value: f32) {
  let at = (position_of(row) - ${position}u) * 2u + select(0u, 1u, is_value);
  cache[(at * ${kvHeads}u + kv_head) * ${headSize}u + element] = value;
}`,
});

/** Small vectors of a layer: norms and whatever else, [vectorCount], all near 1 or 0. */
const vectors = randomFloats(4096, 99).map((v) => 0.3 * v + 0.5);
const at = { norm: 0, postNorm: 1024, bias: 2048, query: 3072, key: 3328 };

interface Case {
  readonly kind: HostMatrix['kind'];
  readonly columns: number;
  readonly input: Input['kind'];
  readonly output: 'store' | 'add' | 'silu' | 'gelu' | 'heads' | 'biased heads' | 'normed heads';
  readonly seed: number;
}

const heads: Omit<HeadsSpec, 'append'> = { heads: 4, kvHeads: 2, headSize: 24, rotarySize: 24 };

function outputOf({ output, seed }: Case): { output: Output; rows: number } {
  const append = plainAppend(heads.kvHeads, heads.headSize);
  const headRows = (heads.heads + 2 * heads.kvHeads) * heads.headSize;
  switch (output) {
    case 'store':
      return { output: { kind: 'store', stride: 50, at: 3, softCap: 20 }, rows: 41 };
    case 'add':
      return { output: { kind: 'add', stride: 50, at: 3 }, rows: 41 };
    case 'silu':
    case 'gelu':
      return { output: { kind: 'gated', activation: output, stride: 50, at: 3 }, rows: 2 * 35 };
    case 'heads':
      return { output: { kind: 'heads', ...heads, append }, rows: headRows };
    case 'biased heads':
      return { output: { kind: 'heads', ...heads, rotarySize: 16, biasAt: at.bias, append }, rows: headRows };
    case 'normed heads':
      return {
        output: {
          kind: 'heads',
          ...heads,
          ...(seed % 2 === 0 ? { biasAt: at.bias } : {}),
          headNorm: { queryAt: at.query, keyAt: at.key, epsilon },
          append,
        },
        rows: headRows,
      };
  }
}

const frequencies = (spec: Omit<HeadsSpec, 'append'>): Float64Array =>
  Float64Array.from({ length: spec.rotarySize / 2 }, (_, i) => 100 ** ((-2 * i) / spec.rotarySize));

/** Uploads what both sides need and returns what the kernel wrote beside what it should have written. */
async function both(family: Family, what: Case): Promise<{ actual: ArrayLike<number>; expected: ArrayLike<number> }[]> {
  const { output, rows: n } = outputOf(what);
  const { columns, seed } = what;
  const matrix = randomMatrix({ kind: what.kind, rows: n, columns }, seed);
  const block = 8 * columns; // rows rounded up to whole batches
  const state = randomFloats(3 * block, seed + 1);
  const hidden = state.slice(0, rows * columns);
  const input: Input =
    what.input === 'plain'
      ? { kind: 'plain' }
      : what.input === 'norm'
        ? { kind: 'norm', epsilon, normAt: at.norm }
        : {
            kind: 'joined',
            epsilon,
            normAt: at.norm,
            postNormAt: at.postNorm,
            hiddenAt: 0,
            pendingAt: block,
            nextAt: 2 * block,
          };
  // The reference.
  const checks: { actual: ArrayLike<number>; expected: ArrayLike<number> }[] = [];
  let x: ArrayLike<number> = hidden;
  if (input.kind === 'joined') {
    const pending = rmsNorm(
      state.subarray(block, block + rows * columns),
      vectors.subarray(at.postNorm, at.postNorm + columns),
      epsilon,
    );
    x = pending.map((value, i) => value + (hidden[i] ?? 0));
  }
  const next = x;
  if (input.kind !== 'plain') x = rmsNorm(x, vectors.subarray(at.norm, at.norm + columns), epsilon);
  const product = multiply(matrix, x, rows);

  const y = randomFloats(6 * 50, seed + 2);
  const spec = output.kind === 'heads' ? output : undefined;
  const buffers: Record<string, GPUBuffer> = {
    step: gpu.step({ position, rows, pageTable: 0, draw: 0 }),
    x: gpu.store(state.slice(0, block)),
    state: gpu.store(state),
    vectors: gpu.store(vectors),
    ...uploadMatrix(gpu, matrix),
    y: gpu.store(y),
    q: gpu.zeros(rows * heads.heads * heads.headSize * 4),
    cache: gpu.zeros(rows * 2 * heads.kvHeads * heads.headSize * 4),
    rope: gpu.store(ropeTable(frequencies(spec ?? heads), 1024)),
  };
  const source = family.source(matrix, input, output);
  const kernel = await createKernel(gpu.device, source);
  await gpu.run(kernel.dispatch(buffers as Record<string, GPUBuffer>, family.grid(matrix, input, output, rows)));
  if (input.kind === 'joined') {
    const written = await gpu.floats(buffers['state'] as GPUBuffer);
    checks.push({ actual: written.subarray(2 * block, 2 * block + rows * columns), expected: next });
  }
  if (spec !== undefined) {
    finishHeads(product, spec, vectors, frequencies(spec), position, rows);
    const all = n;
    const queries = heads.heads * heads.headSize;
    const rowsOf = (from: number, to: number): number[] =>
      Array.from({ length: rows }, (_, row) => [...product.subarray(row * all + from, row * all + to)]).flat();
    checks.push({ actual: await gpu.floats(buffers['q'] as GPUBuffer), expected: rowsOf(0, queries) });
    checks.push({ actual: await gpu.floats(buffers['cache'] as GPUBuffer), expected: rowsOf(queries, all) });
  } else {
    const expected = Float64Array.from(y);
    const values = output.kind === 'gated' ? gate(product, output.activation, rows) : product;
    const width = values.length / rows;
    for (let i = 0; i < values.length; i++) {
      const place = Math.floor(i / width) * 50 + 3 + (i % width);
      const value = values[i] ?? 0;
      if (output.kind === 'add') expected[place] = (expected[place] ?? 0) + value;
      else expected[place] = output.kind === 'store' ? 20 * Math.tanh(value / 20) : value;
    }
    checks.push({ actual: (await gpu.floats(buffers['y'] as GPUBuffer)).subarray(0, y.length), expected });
  }
  gpu.free();
  return checks;
}

const arbitraryCase = (headNorms: boolean): fc.Arbitrary<Case> =>
  fc.record({
    kind: fc.constantFrom(...weightKinds),
    columns: fc.integer({ min: 1, max: 10 }).map((n) => n * 32),
    input: fc.constantFrom<Input['kind']>('plain', 'norm', 'joined'),
    output: fc.constantFrom<Case['output']>(
      ...(['store', 'add', 'silu', 'gelu', 'heads', 'biased heads'] as const),
      ...(headNorms ? (['normed heads'] as const) : []),
    ),
    seed: fc.nat(),
  });

describe('projections', () => {
  for (const family of families) {
    it(`agree with the reference: ${family.name}`, async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryCase(family.headNorms), async (what) => {
          for (const { actual, expected } of await both(family, what)) {
            expect(nmse([...Array.from(actual)].slice(0, expected.length), expected)).to.be.lessThan(1e-10);
          }
        }),
        { numRuns: 5 },
      );
    }).timeout(180_000);
  }

  it('give a row the same bits in every batch, norms, gates and heads included', async () => {
    for (const [threads, staged] of [
      [4, true],
      [1, false],
    ] as const) {
      for (const [input, output] of [
        ['norm', 'normed heads'],
        ['joined', 'silu'],
      ] as const) {
        const what: Case = { kind: 'q4', columns: 608, input, output, seed: 12 };
        const written: number[][] = [];
        for (const batch of staged ? [1, 8] : [1, 2, 5]) {
          const checks = await both(matvec('', threads, staged, true, batch), what);
          written.push(checks.flatMap(({ actual, expected }) => Array.from(actual).slice(0, expected.length)));
        }
        for (const together of written) expect(together).to.deep.equal(written[0]);
      }
    }
  }).timeout(120_000);

  it('agree in large tiles, over several of them', async () => {
    const [columns, count] = [96, 70];
    for (const [tileRows, tileColumns, kind] of [
      [64, 64, 'q4'],
      [32, 64, 'q8'],
    ] as const) {
      const matrix = randomMatrix({ kind, rows: 2 * 75, columns }, 21);
      const x = randomFloats(count * columns, 22);
      const input: Input = { kind: 'norm', epsilon, normAt: at.norm };
      const output: Output = { kind: 'gated', activation: 'silu', stride: 75, at: 0 };
      const spec = { matrix, input, output, shape: { tileRows, tileColumns } };
      const kernel = await createKernel(gpu.device, matmulSource(spec));
      const y = gpu.zeros(count * 75 * 4);
      const step = gpu.step({ position, rows: count, pageTable: 0, draw: 0 });
      const buffers = { step, x: gpu.store(x), vectors: gpu.store(vectors), ...uploadMatrix(gpu, matrix), y };
      await gpu.run(kernel.dispatch(buffers, matmulWorkgroups(spec, count)));
      const normed = rmsNorm(x, vectors.subarray(at.norm, at.norm + columns), epsilon);
      const expected = gate(multiply(matrix, normed, count), 'silu', count);
      expect(nmse((await gpu.floats(y)).slice(0, expected.length), expected)).to.be.lessThan(1e-11);
    }
  }).timeout(60_000);

  it('of whole heads agree when the product was stored first', async () => {
    for (const output of ['heads', 'biased heads', 'normed heads'] as const) {
      const { output: spec, rows: n } = outputOf({ kind: 'f32', columns: 32, input: 'plain', output, seed: 2 });
      if (spec.kind !== 'heads') throw new Error('heads were expected');
      const x = randomFloats(rows * n, 8);
      const kernel = await createKernel(gpu.device, headsSource(spec));
      const q = gpu.zeros(rows * heads.heads * heads.headSize * 4);
      const buffers = {
        step: gpu.step({ position, rows, pageTable: 0, draw: 0 }),
        x: gpu.store(x),
        vectors: gpu.store(vectors),
        rope: gpu.store(ropeTable(frequencies(spec), 1024)),
        q,
        cache: gpu.zeros(rows * 2 * heads.kvHeads * heads.headSize * 4),
      };
      await gpu.run(kernel.dispatch(buffers, headsWorkgroups(spec, rows)));
      const expected = Float64Array.from(x);
      finishHeads(expected, spec, vectors, frequencies(spec), position, rows);
      const queries = heads.heads * heads.headSize;
      const wanted = Array.from({ length: rows }, (_, row) => [
        ...expected.subarray(row * n, row * n + queries),
      ]).flat();
      expect(nmse((await gpu.floats(q)).subarray(0, wanted.length), wanted)).to.be.lessThan(1e-12);
    }
  });
});
