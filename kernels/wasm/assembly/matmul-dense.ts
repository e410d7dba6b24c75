// y = W x for matrices that are not quantised, f32 activations: f32 weights as they are, f16 weights converted where
// they are read (half the memory). Called by the decoder for unquantised models and in its float reference mode.
//
// One output is, whatever the number of tokens: four lanes l of four sums j each, products of elements 16i + 4j + l
// added in ascending i (a last part of 4, 8 or 12 elements goes to sums 0, 1, 2), then (0 + 1) + (2 + 3), then the lanes
// (0 + 2) + (1 + 3). No fused multiply-add: results are the same on every machine.
//
// A tile is one row and 2 tokens or 1, weights are loaded (and converted) once for both. Tokens run inside a pass of rows
// that the second-level cache holds.

import { opaque, rowsOfPass } from './lanes';

/** Four f16 as f32. */
// @ts-ignore: decorator
@inline
export function loadHalves(at: usize): v128 {
  return halves(at, 0, i32x4.splat(0x8fffe000), f32x4.splat(reinterpret<f32>(239 << 23)));
}

/** As loadHalves; `bits` is 0x8fffe000 and `up` 2^112 in each lane. */
// @ts-ignore: decorator
@inline
function halves(at: usize, offset: usize, bits: v128, up: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(v128.load16x4_s(at + offset), 13), bits), up);
}

/** Four weights, number `index` x 4 of a row: T is f32, or u16 for f16 bits. */
// @ts-ignore: decorator
@inline
function weights<T>(w: usize, index: usize, bits: v128, up: v128): v128 {
  return isFloat<T>() ? v128.load(w + (index << 4)) : halves(w, index << 3, bits, up);
}

// @ts-ignore: decorator
@inline
function total(a: v128, b: v128, c: v128, d: v128): f32 {
  let v = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  v = f32x4.add(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1);
}

function tileOfOne<T>(y: usize, x0: usize, w: usize, columns: i32): void {
  const bits = i32x4.splat(opaque(0x8fffe000));
  const up = f32x4.splat(reinterpret<f32>(opaque(239 << 23)));
  let a0 = f32x4.splat(0);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  let left = columns;
  for (; left >= 16; left -= 16) {
    let v = weights<T>(w, 0, bits, up);
    a0 = f32x4.add(a0, f32x4.mul(v, v128.load(x0)));
    v = weights<T>(w, 1, bits, up);
    b0 = f32x4.add(b0, f32x4.mul(v, v128.load(x0, 16)));
    v = weights<T>(w, 2, bits, up);
    c0 = f32x4.add(c0, f32x4.mul(v, v128.load(x0, 32)));
    v = weights<T>(w, 3, bits, up);
    d0 = f32x4.add(d0, f32x4.mul(v, v128.load(x0, 48)));
    w += sizeof<T>() << 4;
    x0 += 64;
  }
  if (left >= 4) {
    const v = weights<T>(w, 0, bits, up);
    a0 = f32x4.add(a0, f32x4.mul(v, v128.load(x0)));
  }
  if (left >= 8) {
    const v = weights<T>(w, 1, bits, up);
    b0 = f32x4.add(b0, f32x4.mul(v, v128.load(x0, 16)));
  }
  if (left >= 12) {
    const v = weights<T>(w, 2, bits, up);
    c0 = f32x4.add(c0, f32x4.mul(v, v128.load(x0, 32)));
  }
  store<f32>(y, total(a0, b0, c0, d0));
}

function tileOfTwo<T>(y: usize, yRow: usize, x0: usize, xRow: usize, w: usize, columns: i32): void {
  const bits = i32x4.splat(opaque(0x8fffe000));
  const up = f32x4.splat(reinterpret<f32>(opaque(239 << 23)));
  let x1 = x0 + xRow;
  let a0 = f32x4.splat(0);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  let a1 = a0;
  let b1 = a0;
  let c1 = a0;
  let d1 = a0;
  let left = columns;
  for (; left >= 16; left -= 16) {
    let v = weights<T>(w, 0, bits, up);
    a0 = f32x4.add(a0, f32x4.mul(v, v128.load(x0)));
    a1 = f32x4.add(a1, f32x4.mul(v, v128.load(x1)));
    v = weights<T>(w, 1, bits, up);
    b0 = f32x4.add(b0, f32x4.mul(v, v128.load(x0, 16)));
    b1 = f32x4.add(b1, f32x4.mul(v, v128.load(x1, 16)));
    v = weights<T>(w, 2, bits, up);
    c0 = f32x4.add(c0, f32x4.mul(v, v128.load(x0, 32)));
    c1 = f32x4.add(c1, f32x4.mul(v, v128.load(x1, 32)));
    v = weights<T>(w, 3, bits, up);
    d0 = f32x4.add(d0, f32x4.mul(v, v128.load(x0, 48)));
    d1 = f32x4.add(d1, f32x4.mul(v, v128.load(x1, 48)));
    w += sizeof<T>() << 4;
    x0 += 64;
    x1 += 64;
  }
  if (left >= 4) {
    const v = weights<T>(w, 0, bits, up);
    a0 = f32x4.add(a0, f32x4.mul(v, v128.load(x0)));
    a1 = f32x4.add(a1, f32x4.mul(v, v128.load(x1)));
  }
  if (left >= 8) {
    const v = weights<T>(w, 1, bits, up);
    b0 = f32x4.add(b0, f32x4.mul(v, v128.load(x0, 16)));
    b1 = f32x4.add(b1, f32x4.mul(v, v128.load(x1, 16)));
  }
  if (left >= 12) {
    const v = weights<T>(w, 2, bits, up);
    c0 = f32x4.add(c0, f32x4.mul(v, v128.load(x0, 32)));
    c1 = f32x4.add(c1, f32x4.mul(v, v128.load(x1, 32)));
  }
  store<f32>(y, total(a0, b0, c0, d0));
  store<f32>(y + yRow, total(a1, b1, c1, d1));
}

// @ts-ignore: decorator
@inline
function matmul<T>(
  y: usize, yStride: i32, x: usize, xStride: i32, tokens: i32, matrix: usize,
  columns: i32, rowStart: i32, rowEnd: i32,
): void {
  const yRow = <usize>yStride << 2;
  const xRow = <usize>xStride << 2;
  const wRow = <usize>columns * sizeof<T>();
  const pass = rowsOfPass(<i32>wRow);
  for (let start = rowStart; start < rowEnd; start += pass) {
    const end = min(start + pass, rowEnd);
    let t = 0;
    for (; t + 2 <= tokens; t += 2) {
      const xt = x + <usize>t * xRow;
      const yt = y + <usize>t * yRow;
      for (let row = start; row < end; row++)
        tileOfTwo<T>(yt + (<usize>row << 2), yRow, xt, xRow, matrix + <usize>row * wRow, columns);
    }
    if (t == tokens) continue;
    const xt = x + <usize>t * xRow;
    const yt = y + <usize>t * yRow;
    for (let row = start; row < end; row++)
      tileOfOne<T>(yt + (<usize>row << 2), xt, matrix + <usize>row * wRow, columns);
  }
}

/**
 * @param y f32 [tokens, yStride]
 * @param x f32 [tokens, xStride]
 * @param weights f32 [rows, columns], row-major as in the pack
 * @param columns a multiple of 4
 */
export function matmulF32(
  y: usize, yStride: i32, x: usize, xStride: i32, tokens: i32, weights: usize,
  columns: i32, rowStart: i32, rowEnd: i32,
): void {
  matmul<f32>(y, yStride, x, xStride, tokens, weights, columns, rowStart, rowEnd);
}

/** As matmulF32 with `weights` f16 [rows, columns]. */
export function matmulF16(
  y: usize, yStride: i32, x: usize, xStride: i32, tokens: i32, weights: usize,
  columns: i32, rowStart: i32, rowEnd: i32,
): void {
  matmul<u16>(y, yStride, x, xStride, tokens, weights, columns, rowStart, rowEnd);
}
