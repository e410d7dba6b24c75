// y = x / sqrt(mean(x^2) + epsilon) * weight, row by row (Zhang and Sennrich 2019). Called by the decoder before every
// block of a layer, before the head, and over each head of query and key (rows = tokens x heads) where a model asks for it.
// A row's sum is taken in the same order whatever the number of rows: four sums of four lanes, then lanes.

import { sumOfLanes } from './exponential';

/**
 * @param y f32 [rows, columns]; may be x
 * @param x f32 [rows, columns]
 * @param weight f32 [columns]
 * @param columns a multiple of 4
 */
export function rmsNorm(y: usize, x: usize, rows: i32, columns: i32, weight: usize, epsilon: f32): void {
  const rowBytes = <usize>columns << 2;
  for (let row = 0; row < rows; row++) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let at = x;
    const end = x + rowBytes;
    for (; at + 64 <= end; at += 64) {
      const v0 = v128.load(at);
      const v1 = v128.load(at, 16);
      const v2 = v128.load(at, 32);
      const v3 = v128.load(at, 48);
      a = f32x4.add(a, f32x4.mul(v0, v0));
      b = f32x4.add(b, f32x4.mul(v1, v1));
      c = f32x4.add(c, f32x4.mul(v2, v2));
      d = f32x4.add(d, f32x4.mul(v3, v3));
    }
    for (; at < end; at += 16) {
      const v = v128.load(at);
      a = f32x4.add(a, f32x4.mul(v, v));
    }
    const sum = sumOfLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
    const factor = f32x4.splat(<f32>1 / Mathf.sqrt(sum / <f32>columns + epsilon));
    for (let i: usize = 0; i < rowBytes; i += 16) {
      v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), factor), v128.load(weight + i)));
    }
    x += rowBytes;
    y += rowBytes;
  }
}
