// The WebAssembly kernels as TypeScript sees them: what this machine can run, how a module is loaded, what it exports.
// Called by engine/decoders/wasm and by tests; knows nothing of models, files or threads: bytes and memory are passed
// in. Pointers are byte addresses in the given memory, strides are in elements; README.md draws the layouts. The module
// allocates nothing and checks nothing: a pointer outside the memory traps (WebAssembly.RuntimeError).

import type { OperationKernels } from './operations.js';

/** `relaxed` needs relaxed SIMD (Chrome 114 and later), `simd` fixed-width SIMD (every engine since 2023). */
export type KernelBuild = 'relaxed' | 'simd';

/** What memory is like: shared between threads, and more than 4 GiB (Memory64). */
export interface MemoryKind {
  readonly shared: boolean;
  readonly large: boolean;
}

/** One compiled file: a build for memory of a kind. */
export type KernelFile = `${KernelBuild}${'' | '-large'}${'' | '-threads'}.wasm`;

/** Matrices and their activations. All exported functions return before another begins; none keeps state. */
export interface MatrixKernels {
  /** x f32 [tokens, xStride] -> `out`, tokens x activationRowBytes(build, columns); columns a multiple of 32. */
  quantiseActivations(x: number, xStride: number, tokens: number, columns: number, out: number): void;

  /** As quantiseActivations, in 16 bits; `out`: tokens x wideRowBytes(columns). Read with the same number of tokens. */
  quantiseWide(x: number, xStride: number, tokens: number, columns: number, out: number): void;

  /** Index of the first of `count` halves that is an infinity or NaN; -1 when all are finite. */
  notFinite(from: number, count: number): number;
  /** Pack's q4 bytes -> quads, in place. Room for a multiple of 4 rows; scratch 2 * columns bytes. */
  repackQ4(quants: number, scales: number, rows: number, columns: number, scratch: number): void;
  /** Pack's q8 bytes -> quads, in place. Room for a multiple of 4 rows; scratch 4 * columns bytes. */
  repackQ8(quants: number, scales: number, rows: number, columns: number, scratch: number): void;

  /**
   * y[t, r] = W[r, :] . x[t, :] for rowStart <= r < rowEnd, y f32 [tokens, yStride]; x from quantiseActivations.
   * rowStart is a multiple of 4, rowEnd too or else the matrix's number of rows. scratch: matmulScratchBytes(columns),
   * 16-byte aligned, one for each thread.
   */
  matmulQ4(
    y: number,
    yStride: number,
    x: number,
    tokens: number,
    quants: number,
    scales: number,
    columns: number,
    rowStart: number,
    rowEnd: number,
    scratch: number,
  ): void;
  /** As matmulQ4, 8-bit weights. */
  matmulQ8: MatrixKernels['matmulQ4'];
  /** As matmulQ4 and matmulQ8, x from quantiseWide. */
  matmulQ4Wide: MatrixKernels['matmulQ4'];
  matmulQ8Wide: MatrixKernels['matmulQ4'];

  /** Unquantised: x f32 [tokens, xStride], weights f32 [rows, columns] as in the pack; columns a multiple of 4. */
  matmulF32(
    y: number,
    yStride: number,
    x: number,
    xStride: number,
    tokens: number,
    weights: number,
    columns: number,
    rowStart: number,
    rowEnd: number,
  ): void;
  /** As matmulF32, weights f16. */
  matmulF16: MatrixKernels['matmulF32'];

  /** One row of a repacked q4 matrix -> f32 [columns]. */
  rowQ4(quants: number, scales: number, row: number, columns: number, out: number): void;
  /** One row of a repacked q8 matrix -> f32 [columns]. */
  rowQ8(quants: number, scales: number, row: number, columns: number, out: number): void;
  /** f16 [count] -> f32 [count], count a multiple of 4. */
  widenF16(from: number, count: number, out: number): void;
}

export type Kernels = MatrixKernels & OperationKernels;

/** Bytes of one token's quantised activations. The layout differs between the builds, the results never. */
export const activationRowBytes = (build: KernelBuild, columns: number): number =>
  (columns / 32) * (build === 'relaxed' ? 40 : 72);

/** Bytes of one token's activations in 16 bits, in both builds. */
export const wideRowBytes = (columns: number): number => (columns / 32) * 72;

/** Bytes of scratch that the quantised products want. */
export const matmulScratchBytes = (columns: number): number => columns * 9 + 128;

const module = (...body: number[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
    ...[1, 5, 1, 0x60, 0, 1, 0x7b], // type: () -> v128
    ...[3, 2, 1, 0], // one function of that type
    ...[10, body.length + 4, 1, body.length + 2, 0, ...body, 0x0b],
  ]);
const zeros = [0x41, 0, 0xfd, 0x0f]; // i32.const 0, i8x16.splat

/** The best build that this engine compiles, or `none` (no SIMD at all: the caller takes another decoder). */
export function supportedBuild(): KernelBuild | 'none' {
  // i16x8.relaxed_dot_i8x16_i7x16_s
  if (WebAssembly.validate(module(...zeros, ...zeros, 0xfd, 0x92, 0x02))) return 'relaxed';
  return WebAssembly.validate(module(...zeros)) ? 'simd' : 'none';
}

/** Whether memory can be shared with workers here: needs cross-origin isolation, and a worker that may start workers. */
export const threadsSupported = (): boolean =>
  typeof SharedArrayBuffer !== 'undefined' && globalThis.crossOriginIsolated !== false;

export const kernelFile = (build: KernelBuild, { shared, large }: MemoryKind): KernelFile =>
  `${build}${large ? '-large' : ''}${shared ? '-threads' : ''}.wasm`;

/** Whether this engine has memory with addresses of 64 bits (Chrome 133, Firefox 134). */
export const largeMemorySupported = (): boolean =>
  // A module with one memory of that kind.
  WebAssembly.validate(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 4, 0]));

/**
 * The kernels over `memory`. A compiled `WebAssembly.Module` can be posted to workers and instantiated there in no time.
 * @param source of the file that fits: kernelFile(build, what the memory is like)
 * @throws WebAssembly.CompileError, WebAssembly.LinkError (the wrong file for this memory)
 */
export async function loadKernels(
  source: BufferSource | WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Kernels> {
  const compiled = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source);
  const instance = await WebAssembly.instantiate(compiled, { env: { memory } });
  return instance.exports as unknown as Kernels;
}
