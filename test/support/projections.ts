// Random weight matrices and shapes for tests of the GPU's weight kernels.

import fc from 'fast-check';
import type { MatvecShape } from '../../kernels/wgsl/matvec.js';
import type { HostMatrix } from '../../kernels/wgsl/projection.reference.js';
import { columnMultiple, hasScales, type MatrixShape, type WeightKind } from '../../kernels/wgsl/weight-format.js';
import type { TestGpu } from './test-gpu.js';

/** Mulberry32: reproducible numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Roughly normal numbers of unit variance. */
export function randomFloats(length: number, seed: number): Float32Array<ArrayBuffer> {
  const next = randomNumbers(seed);
  return Float32Array.from({ length }, () => (next() + next() + next() - 1.5) * 2);
}

/** Any bytes; scales and halves of both signs between 2^-9 and 2^-6. */
export function randomMatrix({ kind, rows, columns }: MatrixShape, seed: number): HostMatrix {
  const next = randomNumbers(seed);
  const half = (): number =>
    (next() < 0.5 ? 0x8000 : 0) | ((6 + Math.floor(next() * 3)) << 10) | Math.floor(next() * 1024);
  const elements = rows * columns;
  const shape = { kind, rows, columns };
  if (kind === 'f32') return { ...shape, weights: randomFloats(elements, seed) };
  if (kind === 'f16') return { ...shape, weights: Uint16Array.from({ length: elements }, half) };
  const weights = Uint8Array.from({ length: kind === 'q4' ? elements / 2 : elements }, () => Math.floor(next() * 256));
  return { ...shape, weights, scales: Uint16Array.from({ length: elements / 32 }, half) };
}

export function uploadMatrix(gpu: TestGpu, { kind, weights, scales }: HostMatrix): Record<string, GPUBuffer> {
  return {
    weights: gpu.store(weights),
    ...(hasScales(kind) ? { scales: gpu.store(scales ?? new Uint16Array()) } : {}),
  };
}

export interface RandomProjection {
  readonly kind: WeightKind;
  readonly rows: number;
  readonly columns: number;
  readonly batch: number;
  readonly shape: MatvecShape;
  readonly seed: number;
}

export const arbitraryShape: fc.Arbitrary<MatvecShape> = fc
  .record({
    size: fc.integer({ min: 0, max: 8 }),
    share: fc.integer({ min: 0, max: 6 }),
    results: fc.integer({ min: 1, max: 4 }),
    staged: fc.boolean(),
  })
  .map(({ size, share, ...rest }) => ({ ...rest, workgroupSize: 2 ** size, threads: 2 ** Math.min(size, share) }));

export const arbitraryProjection: fc.Arbitrary<RandomProjection> = fc
  .record({
    kind: fc.constantFrom<WeightKind>('q4', 'q8', 'f16', 'f32'),
    rows: fc.integer({ min: 1, max: 90 }),
    groups: fc.integer({ min: 1, max: 70 }),
    batch: fc.integer({ min: 1, max: 8 }),
    shape: arbitraryShape,
    seed: fc.nat(),
  })
  .map(({ groups, shape, ...rest }) => {
    // Software WebGPU takes seconds to compile many rows by many results.
    const results = Math.min(shape.results, Math.max(1, Math.floor(8 / rest.batch)));
    return { ...rest, shape: { ...shape, results }, columns: groups * columnMultiple[rest.kind] };
  });

/** Normalised mean squared error: sum (a - b)^2 / sum b^2. */
export function nmse(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} numbers, not ${expected.length}`);
  let error = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    error += ((actual[i] ?? NaN) - (expected[i] ?? NaN)) ** 2;
    norm += (expected[i] ?? NaN) ** 2;
  }
  return error / Math.max(norm, 1e-30);
}
