// y = W x for 4-bit weights (quads, see repack.ts) and int8 activations (activations.ts): one token or many, decoding,
// verification and prefill. Called by the decoder, with a range of rows for each thread.
//
// One output is, whatever the number of tokens, the tile it fell into and the build:
//   y = 2^12 * sum over blocks in ascending order of  f32(integer dot) * (weight scale * activation scale)
// with f32 rounding after each operation, so results are the same bit for bit. A lane holds a row: no lane is ever
// added to another, and four rows share each load of an activation.
//
//   a quad's block, 64 bytes:      v0 v1 v2 v3, each 4 rows x 4 bytes; low nibbles: elements 0..15, high: 16..31
//   relaxed SIMD: 8-bit pairs are multiplied and added into 16-bit lanes (15 * 127 * 16 < 2^15), widened once a block
//   SIMD128:      16-bit lanes give four nibbles one after another, pairs are multiplied and added into 32-bit lanes

import { BLOCK, HEAD, loadScales } from './activations';
import { storeQuad } from './store-quad';

// @ts-ignore: decorator
@inline
function low(v: v128): v128 {
  return v128.and(v, i8x16.splat(15));
}

// @ts-ignore: decorator
@inline
function high(v: v128): v128 {
  return v128.and(i16x8.shr_u(v, 4), i8x16.splat(15));
}

/** Adds `v`'s elements (quad of columns p of the low half and of the high half) times one token's. */
// @ts-ignore: decorator
@inline
function relaxedStep(x: usize, p: usize, lo: v128, hi: v128): v128 {
  return i16x8.add(
    i16x8.relaxed_dot_i8x16_i7x16_s(v128.load32_splat(x + (p << 2), HEAD), lo),
    i16x8.relaxed_dot_i8x16_i7x16_s(v128.load32_splat(x + (p << 2), HEAD + 16), hi),
  );
}

/** f32(dot) * scales for one block of one token. */
// @ts-ignore: decorator
@inline
function scaled(x: usize, dot: v128, scales: v128): v128 {
  const whole = i32x4.add(dot, v128.load32_splat(x, 4));
  return f32x4.mul(f32x4.convert_i32x4_s(whole), f32x4.mul(scales, v128.load32_splat(x)));
}

// @ts-ignore: decorator
@inline
function widened(dot: v128): v128 {
  return i32x4.dot_i16x8_s(dot, i16x8.splat(1));
}

// @ts-ignore: decorator
@inline
function dotQuad(w: usize, x: usize): v128 {
  const v0 = v128.load(w);
  const v1 = v128.load(w, 16);
  const v2 = v128.load(w, 32);
  const v3 = v128.load(w, 48);
  if (ASC_FEATURE_RELAXED_SIMD) {
    return widened(
      i16x8.add(
        i16x8.add(relaxedStep(x, 0, low(v0), high(v0)), relaxedStep(x, 1, low(v1), high(v1))),
        i16x8.add(relaxedStep(x, 2, low(v2), high(v2)), relaxedStep(x, 3, low(v3), high(v3))),
      ),
    );
  } else {
    return i32x4.add(
      i32x4.add(plainStep(x, 0, v0), plainStep(x, 1, v1)),
      i32x4.add(plainStep(x, 2, v2), plainStep(x, 3, v3)),
    );
  }
}

// @ts-ignore: decorator
@inline
function plainStep(x: usize, p: usize, v: v128): v128 {
  const mask = i16x8.splat(15);
  const at = x + (p << 3);
  const a = i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD), v128.and(v, mask));
  const b = i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD + 4), v128.and(i16x8.shr_u(v, 8), mask));
  const c = i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD + 32), v128.and(i16x8.shr_u(v, 4), mask));
  const d = i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD + 36), i16x8.shr_u(v, 12));
  return i32x4.add(i32x4.add(a, b), i32x4.add(c, d));
}

/** One quad, one token. */
function quadOne(y: usize, x: usize, w: usize, s: usize, blocks: i32, rows: i32): void {
  let sum = f32x4.splat(0);
  for (let b = blocks; b > 0; b--) {
    sum = f32x4.add(sum, scaled(x, dotQuad(w, x), loadScales(s)));
    w += 64;
    s += 8;
    x += BLOCK;
  }
  storeQuad(y, sum, rows);
}

/**
 * @param y f32 [tokens, yStride]; outputs rowStart .. rowEnd of each token are written at their own places
 * @param x quantised activations of `tokens` rows
 * @param quants the whole matrix, repacked
 * @param scales the whole matrix's, repacked
 * @param columns a multiple of 32
 * @param rowStart a multiple of 4
 * @param rowEnd a multiple of 4, or the number of rows
 * @param scratch see matmulScratchBytes (kernels.ts)
 */
export function matmulQ4(
  y: usize, yStride: i32, x: usize, tokens: i32, quants: usize, scales: usize,
  columns: i32, rowStart: i32, rowEnd: i32, scratch: usize,
): void {
  const blocks = columns >> 5;
  const xRow = <usize>blocks * BLOCK;
  for (let row = rowStart; row < rowEnd; row += 4) {
    const w = quants + <usize>row * (<usize>columns >> 1);
    const s = scales + <usize>row * (<usize>blocks << 1);
    for (let t = 0; t < tokens; t++) {
      quadOne(y + ((<usize>t * yStride + row) << 2), x + <usize>t * xRow, w, s, blocks, rowEnd - row);
    }
  }
}
