// What the weight kernels should compute, in plain TypeScript and double precision. Used by tests alone.

import type { HeadsSpec, Output } from './output.js';
import type { MatrixShape, WeightKind } from './weight-format.js';

export interface HostMatrix extends MatrixShape {
  readonly weights: Uint8Array | Uint16Array | Float32Array;
  /** f16 bits. */
  readonly scales?: Uint16Array;
}

/** f16 bits to a number (normal numbers, subnormals and zero: scales and weights are nothing else). */
export function halfToNumber(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const magnitude = exponent === 0 ? (bits & 1023) * 2 ** -24 : (1024 + (bits & 1023)) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

export function element({ kind, columns, weights, scales }: HostMatrix, row: number, column: number): number {
  const at = row * columns + column;
  const scale = halfToNumber(scales?.[Math.floor(at / 32)] ?? 0);
  switch (kind) {
    case 'q4': {
      const byte = weights[at >> 1] ?? 0;
      return (((at & 1) === 0 ? byte & 15 : byte >> 4) - 8) * scale;
    }
    case 'q8':
      return ((weights[at] ?? 0) - 128) * scale;
    case 'f16':
      return halfToNumber(weights[at] ?? 0);
    case 'f32':
      return weights[at] ?? 0;
  }
}

/** y = W x for each row. @returns float64 [rows of x, N] */
export function multiply(matrix: HostMatrix, x: ArrayLike<number>, rows: number): Float64Array {
  const { rows: n, columns: k } = matrix;
  const out = new Float64Array(rows * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < k; j++) {
      const weight = element(matrix, i, j);
      for (let row = 0; row < rows; row++) out[row * n + i] = (out[row * n + i] ?? 0) + weight * (x[row * k + j] ?? 0);
    }
  }
  return out;
}

export function rmsNorm(x: ArrayLike<number>, weight: ArrayLike<number>, epsilon: number): Float64Array {
  const k = weight.length;
  const out = new Float64Array(x.length);
  for (let row = 0; row < x.length / k; row++) {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += (x[row * k + j] ?? 0) ** 2;
    const inverse = 1 / Math.sqrt(sum / k + epsilon);
    for (let j = 0; j < k; j++) out[row * k + j] = (x[row * k + j] ?? 0) * inverse * (weight[j] ?? 0);
  }
  return out;
}

const gelu = (v: number): number => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
const silu = (v: number): number => v / (1 + Math.exp(-v));

/** The `gated` output. @param y [rows, 2 F] */
export function gate(y: Float64Array, activation: 'silu' | 'gelu', rows: number): Float64Array {
  const f = y.length / rows / 2;
  const act = activation === 'silu' ? silu : gelu;
  return Float64Array.from({ length: rows * f }, (_, i) => {
    const at = Math.floor(i / f) * 2 * f + (i % f);
    return act(y[at] ?? 0) * (y[at + f] ?? 0);
  });
}

/**
 * The `heads` output: biases, norms over heads, the turn. @param y [rows, (heads + 2 kvHeads) * D], changed in place
 * @param frequencies angle per position of each pair
 */
export function finishHeads(
  y: Float64Array,
  spec: Omit<HeadsSpec, 'append'>,
  vectors: ArrayLike<number>,
  frequencies: ArrayLike<number>,
  position: number,
  rows: number,
): void {
  const { heads, kvHeads, headSize, rotarySize, biasAt, headNorm } = spec;
  const all = (heads + 2 * kvHeads) * headSize;
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads + 2 * kvHeads; head++) {
      const part = y.subarray(row * all + head * headSize, row * all + (head + 1) * headSize);
      if (biasAt !== undefined) {
        for (let e = 0; e < headSize; e++) part[e] = (part[e] ?? 0) + (vectors[biasAt + head * headSize + e] ?? 0);
      }
      if (head >= heads + kvHeads) continue;
      if (headNorm !== undefined) {
        const at = head < heads ? headNorm.queryAt : headNorm.keyAt;
        const weight = Array.from({ length: headSize }, (_, e) => vectors[at + e] ?? 0);
        part.set(rmsNorm(part, weight, headNorm.epsilon));
      }
      const half = rotarySize / 2;
      for (let i = 0; i < half; i++) {
        const angle = (position + row) * (frequencies[i] ?? 0);
        const [a, b] = [part[i] ?? 0, part[i + half] ?? 0];
        part[i] = a * Math.cos(angle) - b * Math.sin(angle);
        part[i + half] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
  }
}

export type OutputKind = Output['kind'];
export const weightKinds: readonly WeightKind[] = ['q4', 'q8', 'f16', 'f32'];
