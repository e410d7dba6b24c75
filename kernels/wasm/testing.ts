// What the tests and benches of the WebAssembly kernels share: a bump allocator over a memory, the builds this engine
// runs, and plain TypeScript that says what each matrix kernel must answer, bit for bit. Slow on purpose: every rounding
// is written out. Not part of the kit.

import fc from 'fast-check';
import { type KernelBuild, type Kernels, kernelFile, loadKernels, supportedBuild } from './kernels.js';
import { kernelAssets } from './kernel-assets.js';

/** Memory with a pointer that only goes forward; `reset` starts again and poisons everything. */
export class Arena {
  readonly memory: WebAssembly.Memory;
  #next = 1024;

  constructor(pages = 64) {
    this.memory = new WebAssembly.Memory({ initial: pages });
  }

  reset(): void {
    new Uint8Array(this.memory.buffer).fill(0xa5);
    this.#next = 1024;
  }

  /** @returns a 64-byte aligned address */
  take(bytes: number): number {
    const at = this.#next;
    this.#next = (at + bytes + 127) & ~63; // a gap of at least 64 bytes of poison behind each
    if (this.#next > this.memory.buffer.byteLength) throw new Error('test memory is too small');
    return at;
  }

  put(values: Uint8Array | Uint16Array | Float32Array, room = values.byteLength): number {
    const at = this.take(Math.max(room, values.byteLength));
    new Uint8Array(this.memory.buffer).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    return at;
  }

  floats(at: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, count).slice();
  }

  bytes(at: number, count: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, count).slice();
  }
}

export interface LoadedBuild {
  readonly build: KernelBuild;
  readonly kernels: Kernels;
  readonly arena: Arena;
}

/** In the test server's pages: every build that this browser compiles, each with a memory of its own. */
export async function loadBuilds(pages?: number): Promise<LoadedBuild[]> {
  const best = supportedBuild();
  if (best === 'none') throw new Error('this engine has no WebAssembly SIMD');
  const builds: KernelBuild[] = best === 'relaxed' ? ['relaxed', 'simd'] : ['simd'];
  return Promise.all(
    builds.map(async (build) => {
      const arena = new Arena(pages);
      const response = await fetch(`/${kernelAssets[kernelFile(build, { shared: false, large: false })]}`);
      if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
      return { build, arena, kernels: await loadKernels(await response.arrayBuffer(), arena.memory) };
    }),
  );
}

/** Uniform in [0, 1), from a seed: fast-check shrinks shapes, not thousands of numbers one by one. */
export function uniform(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });

/** In [-size, size). */
export const floats = (count: number, next: () => number, size = 1): Float32Array =>
  Float32Array.from({ length: count }, () => (next() * 2 - 1) * size);

/** Sum of squared differences over sum of squares. */
export function nmse(actual: Float32Array, expected: ArrayLike<number>): number {
  let [error, size] = [0, 1e-30];
  for (let i = 0; i < actual.length; i++) {
    error += ((actual[i] ?? NaN) - (expected[i] ?? NaN)) ** 2;
    size += (expected[i] ?? NaN) ** 2;
  }
  return error / size;
}

/** Numbers as bits: NaN is NaN, and both zeros differ. */
export const bits = (values: ArrayLike<number>): number[] => [...new Uint32Array(Float32Array.from(values).buffer)];

const f = Math.fround;

/** Value of f16 bits, finite ones. */
export function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

export interface QuantisedRow {
  readonly values: Int8Array | Int16Array;
  readonly scales: Float32Array;
}

const roundToEven = (value: number): number => {
  const down = Math.floor(value);
  const rest = value - down;
  if (rest !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
};

/** Greatest integers of activations. */
const greatest = { int8: 127, int16: 32_639 } as const;

/** quantise-activations.ts for one row, as its header states the rule. */
export function quantiseRow(x: Float32Array, width: keyof typeof greatest = 'int8'): QuantisedRow {
  const most = greatest[width];
  const values = new (width === 'int8' ? Int8Array : Int16Array)(x.length);
  const scales = new Float32Array(x.length / 32);
  for (let b = 0; b < scales.length; b++) {
    const block = x.subarray(b * 32, b * 32 + 32);
    const max = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (max < 2 ** -99) continue;
    const inverse = f(most / max);
    scales[b] = max / most;
    block.forEach((value, i) => (values[b * 32 + i] = roundToEven(f(value * inverse))));
  }
  return { values, scales };
}

export interface QuantisedMatrix {
  readonly kind: 'q4' | 'q8';
  readonly rows: number;
  readonly columns: number;
  /** The pack's bytes. */
  readonly quants: Uint8Array;
  /** f16 bits [rows, columns / 32]. */
  readonly scales: Uint16Array;
}

/** Integer weight (zero point taken off) of a matrix in the pack's layout. */
export function weightAt({ kind, columns, quants }: QuantisedMatrix, row: number, column: number): number {
  const index = row * columns + column;
  if (kind === 'q8') return (quants[index] ?? 0) - 128;
  const byte = quants[index >> 1] ?? 0;
  return (index & 1 ? byte >> 4 : byte & 15) - 8;
}

/** matmulQ4 and matmulQ8 for one output: exact integers, then f32 with every rounding written out. */
export function quantisedOutput(matrix: QuantisedMatrix, row: number, x: QuantisedRow): number {
  const blocks = matrix.columns / 32;
  let sum = 0;
  for (let b = 0; b < blocks; b++) {
    let dot = 0;
    for (let i = b * 32; i < b * 32 + 32; i++) dot += weightAt(matrix, row, i) * (x.values[i] ?? 0);
    const scale = f(half(matrix.scales[row * blocks + b] ?? 0) * (x.scales[b] ?? 0));
    sum = f(sum + f(f(dot) * scale));
  }
  return sum;
}

/** matmulF32 and matmulF16 for one output, in the order that matmul-dense.ts states. */
export function denseOutput(weights: Float32Array, x: Float32Array): number {
  const lanes = new Float32Array(16);
  for (let i = 0; i < x.length; i++) lanes[i % 16] = f((lanes[i % 16] ?? 0) + f((weights[i] ?? 0) * (x[i] ?? 0)));
  const at = (i: number): number => lanes[i] ?? 0;
  const folded = [0, 1, 2, 3].map((l) => f(f(at(l) + at(4 + l)) + f(at(8 + l) + at(12 + l)))) as [
    number,
    number,
    number,
    number,
  ];
  return f(f(folded[0] + folded[2]) + f(folded[1] + folded[3]));
}
