// y = W x for 8-bit weights (quads, see repack.ts) and int8 activations (activations.ts). As matmul-q4.ts, whose header
// says what one output is; only the integer dot product differs.
//
//   a quad's block, 128 bytes:     v0 .. v7, each 4 rows x 4 elements, vector p holding elements 4p .. 4p + 3
//   relaxed SIMD: the instruction takes 7 bits of weight, so a byte goes in as its low and its high nibble, summed apart
//                 in 16-bit lanes: dot = 16 * (high - 8) + low
//   SIMD128:      16-bit lanes give the even byte and the odd byte, products are summed in 32-bit lanes

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

// @ts-ignore: decorator
@inline
function plainStep(w: usize, x: usize, p: usize): v128 {
  const v = v128.load(w + (p << 4));
  const at = x + (p << 3);
  return i32x4.add(
    i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD), v128.and(v, i16x8.splat(255))),
    i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD + 4), i16x8.shr_u(v, 8)),
  );
}

/** The exact integer dot products of a quad's block with one token's block, zero point taken out. */
// @ts-ignore: decorator
@inline
function dotQuad(w: usize, x: usize): v128 {
  const start = v128.load32_splat(x, 4);
  if (ASC_FEATURE_RELAXED_SIMD) {
    let lows = i16x8.splat(0);
    let highs = i16x8.splat(0);
    for (let p: usize = 0; p < 8; p++) {
      const v = v128.load(w + (p << 4));
      const a = v128.load32_splat(x + (p << 2), HEAD);
      lows = i16x8.add(lows, i16x8.relaxed_dot_i8x16_i7x16_s(a, low(v)));
      highs = i16x8.add(highs, i16x8.relaxed_dot_i8x16_i7x16_s(a, high(v)));
    }
    const ones = i16x8.splat(1);
    const sixteens = i32x4.shl(i32x4.add(i32x4.dot_i16x8_s(highs, ones), start), 4);
    return i32x4.add(sixteens, i32x4.dot_i16x8_s(lows, ones));
  } else {
    let dot = i32x4.shl(start, 4);
    for (let p: usize = 0; p < 8; p++) dot = i32x4.add(dot, plainStep(w, x, p));
    return dot;
  }
}

/** One quad, one token. */
function quadOne(y: usize, x: usize, w: usize, s: usize, blocks: i32, rows: i32): void {
  let sum = f32x4.splat(0);
  for (let b = blocks; b > 0; b--) {
    const scales = f32x4.mul(loadScales(s), v128.load32_splat(x));
    sum = f32x4.add(sum, f32x4.mul(f32x4.convert_i32x4_s(dotQuad(w, x)), scales));
    w += 128;
    s += 8;
    x += BLOCK;
  }
  storeQuad(y, sum, rows);
}

/** Parameters as matmulQ4. */
export function matmulQ8(
  y: usize, yStride: i32, x: usize, tokens: i32, quants: usize, scales: usize,
  columns: i32, rowStart: i32, rowEnd: i32, scratch: usize,
): void {
  const blocks = columns >> 5;
  const xRow = <usize>blocks * BLOCK;
  for (let row = rowStart; row < rowEnd; row += 4) {
    const w = quants + <usize>row * <usize>columns;
    const s = scales + <usize>row * (<usize>blocks << 1);
    for (let t = 0; t < tokens; t++) {
      quadOne(y + ((<usize>t * yStride + row) << 2), x + <usize>t * xRow, w, s, blocks, rowEnd - row);
    }
  }
}
