// Products of matrices and activations: picks the kernel for a matrix's kind, quantises activations once for all matrices
// over one input, gives each thread its rows. Called by forward.ts. Knows nothing of layers.
// In the float reference mode a quantised matrix is dequantised row by row and multiplied as floats.

import type { Kernels } from '../../../kernels/wasm/kernels.js';
import type { ForwardPlan } from './forward.js';
import type { MatrixPlace, StackPlace } from './plan.js';
import type { ThreadScratch } from './scratch.js';
import { share, splitRows, type Team } from './sharing.js';

export class Products {
  private readonly own: ThreadScratch;

  constructor(
    private readonly plan: ForwardPlan,
    private readonly kernels: Kernels,
    private readonly team: Team,
  ) {
    this.own = plan.scratch.threads[team.index] as ThreadScratch;
  }

  /**
   * y[row, r] = stack . x[row], this thread's share of r.
   * @param period what the shares repeat with: gate and up are shared alike, so that a thread has both of an output
   */
  multiply(
    stack: StackPlace,
    x: number,
    xStride: number,
    rows: number,
    y: number,
    yStride: number,
    period = stack.rows,
  ): void {
    const { kernels, own } = this;
    const { columns, matrices } = stack;
    const { activations } = this.plan;
    const isWide = activations === 'int16' && stack !== this.plan.weights.head;
    if (activations !== 'f32' && matrices.some(({ kind }) => kind === 'q4' || kind === 'q8')) {
      const quantise = isWide ? kernels.quantiseWide : kernels.quantiseActivations;
      quantise(x, xStride, rows, columns, own.quantised);
    }
    const [matmulQ4, matmulQ8] = isWide
      ? [kernels.matmulQ4Wide, kernels.matmulQ8Wide]
      : [kernels.matmulQ4, kernels.matmulQ8];
    const [shareFrom, shareTo] = share(this.team, period, splitRows);
    for (const matrix of matrices) {
      for (let first = 0; first < stack.rows; first += period) {
        const from = Math.max(first + shareFrom - matrix.firstRow, 0);
        const to = Math.min(first + shareTo - matrix.firstRow, matrix.rows);
        if (from >= to) continue;
        const out = y + matrix.firstRow * 4;
        const { kind, data, scales } = matrix;
        if (kind === 'f32') kernels.matmulF32(out, yStride, x, xStride, rows, data, columns, from, to);
        else if (kind === 'f16') kernels.matmulF16(out, yStride, x, xStride, rows, data, columns, from, to);
        else if (activations === 'f32') this.multiplyExactly(matrix, x, xStride, rows, out, yStride, from, to);
        else {
          const matmul = kind === 'q4' ? matmulQ4 : matmulQ8;
          matmul(out, yStride, own.quantised, rows, data, scales, columns, from, to, own.matmul);
        }
      }
    }
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
