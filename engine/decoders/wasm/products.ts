// Products of matrices and activations: picks the kernel for a matrix's kind, quantises activations once for all matrices
// over one input, divides rows among the threads. Called by forward.ts. Knows nothing of layers.
// In the float reference mode a quantised matrix is dequantised row by row and multiplied as floats.

import type { Kernels } from '../../../kernels/wasm/kernels.js';
import type { ForwardPlan } from './forward.js';
import type { MatrixPlace, StackPlace } from './plan.js';
import type { ThreadScratch } from './scratch.js';
import { inParts, splitRows, type Team } from './sharing.js';

export class Products {
  private readonly own: ThreadScratch;

  constructor(
    private readonly plan: ForwardPlan,
    private readonly kernels: Kernels,
    private readonly team: Team,
  ) {
    this.own = plan.scratch.threads[team.index] as ThreadScratch;
  }

  /** y[row, r] = stack . x[row], every r, divided among the threads. */
  multiply(stack: StackPlace, x: number, xStride: number, rows: number, y: number, yStride: number): void {
    this.prepare(stack, x, xStride, rows);
    inParts(this.team, stack.rows, stack.columns * rows, splitRows, (from, to) =>
      this.multiplyRows(stack, x, xStride, rows, y, yStride, from, to),
    );
  }

  /** Before `multiplyRows` over the same x: quantises it, for this thread. */
  prepare(stack: StackPlace, x: number, xStride: number, rows: number): void {
    const { kernels, own } = this;
    if (this.plan.activations === 'f32' || !stack.matrices.some(({ kind }) => kind === 'q4' || kind === 'q8')) return;
    const quantise = this.isWide(stack) ? kernels.quantiseWide : kernels.quantiseActivations;
    quantise(x, xStride, rows, stack.columns, own.quantised);
  }

  /** y[row, r] for the stack's rows from <= r < to: multiples of four, or the ends of matrices. */
  multiplyRows(
    stack: StackPlace,
    x: number,
    xStride: number,
    rows: number,
    y: number,
    yStride: number,
    from: number,
    to: number,
  ): void {
    const { kernels, own } = this;
    const { columns, matrices } = stack;
    const isWide = this.isWide(stack);
    for (const matrix of matrices) {
      const first = Math.max(from - matrix.firstRow, 0);
      const end = Math.min(to - matrix.firstRow, matrix.rows);
      if (first >= end) continue;
      const out = y + matrix.firstRow * 4;
      const { kind, data, scales } = matrix;
      if (kind === 'f32') kernels.matmulF32(out, yStride, x, xStride, rows, data, columns, first, end);
      else if (kind === 'f16') kernels.matmulF16(out, yStride, x, xStride, rows, data, columns, first, end);
      else if (this.plan.activations === 'f32')
        this.multiplyExactly(matrix, x, xStride, rows, out, yStride, first, end);
      else {
        const matmul =
          kind === 'q4'
            ? isWide
              ? kernels.matmulQ4Wide
              : kernels.matmulQ4
            : isWide
              ? kernels.matmulQ8Wide
              : kernels.matmulQ8;
        matmul(out, yStride, own.quantised, rows, data, scales, columns, first, end, own.matmul);
      }
    }
  }

  private isWide(stack: StackPlace): boolean {
    return this.plan.activations === 'int16' && stack !== this.plan.weights.head;
  }

  /** The float reference mode: each row of the matrix as floats, then as any float matrix. */
  private multiplyExactly(
    matrix: MatrixPlace,
    x: number,
    xStride: number,
    rows: number,
    y: number,
    yStride: number,
    from: number,
    to: number,
  ): void {
    for (let row = from; row < to; row++) {
      this.rowOf(matrix, row, this.own.row);
      this.kernels.matmulF32(y + row * 4, yStride, x, xStride, rows, this.own.row, matrix.columns, 0, 1);
    }
  }

  rowOf({ kind, data, scales, columns }: MatrixPlace, row: number, out: number): void {
    if (kind === 'q4') this.kernels.rowQ4(data, scales, row, columns, out);
    else this.kernels.rowQ8(data, scales, row, columns, out);
  }
}
