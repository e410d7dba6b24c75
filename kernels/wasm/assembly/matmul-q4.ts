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
//
//   wide activations: as SIMD128, whose lanes hold them anyway; in relaxed SIMD high and low parts go through 8-bit products of
//                     their own and meet once a block (22 GMAC/s for one token where 16-bit lanes make 20); eight tokens and
//                     more go through octets.ts
//
// A tile is one quad and 4, 2 or 1 tokens: nibbles are taken apart once for all its tokens (the optimiser sees that
// `low(v)` is the same in each), and its sums stay in registers. Tokens run inside a pass of rows whose weights the
// second-level cache holds, so that a matrix is read from memory once.

import { BLOCK, HEAD, WIDE_BLOCK, loadScales } from './activations';
import { opaque, rowsOfPass } from './lanes';
import { OCTET, OCTET_SUMS, multiplyOctets, widenQ4 } from './octets';
import { storeQuad } from './store-quad';

/** Low nibbles' mask in the lanes that the build works in. */
// @ts-ignore: decorator
@inline
function nibbles(): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.splat(<i8>opaque(15)) : i16x8.splat(<i16>opaque(15));
}

/** Products of vector `v`, number p of its block, with one token: 16-bit sums of four, or 32-bit sums of eight. */
// @ts-ignore: decorator
@inline
function products(x: usize, p: usize, v: v128, mask: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const at = x + (p << 2);
    const low = v128.and(v, mask);
    const high = v128.and(i16x8.shr_u(v, 4), mask);
    return i16x8.add(
      i16x8.relaxed_dot_i8x16_i7x16_s(v128.load32_splat(at, HEAD), low),
      i16x8.relaxed_dot_i8x16_i7x16_s(v128.load32_splat(at, HEAD + 16), high),
    );
  } else {
    const at = x + (p << 3);
    const a = i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD), v128.and(v, mask));
    const b = i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD + 4), v128.and(i16x8.shr_u(v, 8), mask));
    const c = i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD + 32), v128.and(i16x8.shr_u(v, 4), mask));
    const d = i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD + 36), i16x8.shr_u(v, 12));
    return i32x4.add(i32x4.add(a, b), i32x4.add(c, d));
  }
}

// @ts-ignore: decorator
@inline
function plus(a: v128, b: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i16x8.add(a, b) : i32x4.add(a, b);
}

/** The block's contribution to four outputs of one token. */
// @ts-ignore: decorator
@inline
function scaled(sums: v128, x: usize, scales: v128, ones: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) sums = i32x4.dot_i16x8_s(sums, ones);
  const dot = i32x4.add(sums, v128.load32_splat(x, 4));
  return f32x4.mul(f32x4.convert_i32x4_s(dot), f32x4.mul(scales, v128.load32_splat(x)));
}

function tileOfFour(y: usize, yRow: usize, x: usize, xRow: usize, w: usize, s: usize, blocks: i32, rows: i32): void {
  const mask = nibbles();
  const ones = i16x8.splat(<i16>opaque(1));
  const zero = f32x4.splat(0);
  let sum0 = zero;
  let sum1 = zero;
  let sum2 = zero;
  let sum3 = zero;
  let x1 = x + xRow;
  let x2 = x1 + xRow;
  let x3 = x2 + xRow;
  for (; blocks > 0; blocks--) {
    let v = v128.load(w);
    let a = products(x, 0, v, mask);
    let b = products(x1, 0, v, mask);
    let c = products(x2, 0, v, mask);
    let d = products(x3, 0, v, mask);
    v = v128.load(w, 16);
    a = plus(a, products(x, 1, v, mask));
    b = plus(b, products(x1, 1, v, mask));
    c = plus(c, products(x2, 1, v, mask));
    d = plus(d, products(x3, 1, v, mask));
    v = v128.load(w, 32);
    a = plus(a, products(x, 2, v, mask));
    b = plus(b, products(x1, 2, v, mask));
    c = plus(c, products(x2, 2, v, mask));
    d = plus(d, products(x3, 2, v, mask));
    v = v128.load(w, 48);
    a = plus(a, products(x, 3, v, mask));
    b = plus(b, products(x1, 3, v, mask));
    c = plus(c, products(x2, 3, v, mask));
    d = plus(d, products(x3, 3, v, mask));
    const scales = loadScales(s);
    sum0 = f32x4.add(sum0, scaled(a, x, scales, ones));
    sum1 = f32x4.add(sum1, scaled(b, x1, scales, ones));
    sum2 = f32x4.add(sum2, scaled(c, x2, scales, ones));
    sum3 = f32x4.add(sum3, scaled(d, x3, scales, ones));
    w += 64;
    s += 8;
    x += BLOCK;
    x1 += BLOCK;
    x2 += BLOCK;
    x3 += BLOCK;
  }
  storeQuad(y, sum0, rows);
  storeQuad(y + yRow, sum1, rows);
  storeQuad(y + 2 * yRow, sum2, rows);
  storeQuad(y + 3 * yRow, sum3, rows);
}

function tileOfTwo(y: usize, yRow: usize, x: usize, xRow: usize, w: usize, s: usize, blocks: i32, rows: i32): void {
  const mask = nibbles();
  const ones = i16x8.splat(<i16>opaque(1));
  const zero = f32x4.splat(0);
  let sum0 = zero;
  let sum1 = zero;
  let x1 = x + xRow;
  for (; blocks > 0; blocks--) {
    let v = v128.load(w);
    let a = products(x, 0, v, mask);
    let b = products(x1, 0, v, mask);
    v = v128.load(w, 16);
    a = plus(a, products(x, 1, v, mask));
    b = plus(b, products(x1, 1, v, mask));
    v = v128.load(w, 32);
    a = plus(a, products(x, 2, v, mask));
    b = plus(b, products(x1, 2, v, mask));
    v = v128.load(w, 48);
    a = plus(a, products(x, 3, v, mask));
    b = plus(b, products(x1, 3, v, mask));
    const scales = loadScales(s);
    sum0 = f32x4.add(sum0, scaled(a, x, scales, ones));
    sum1 = f32x4.add(sum1, scaled(b, x1, scales, ones));
    w += 64;
    s += 8;
    x += BLOCK;
    x1 += BLOCK;
  }
  storeQuad(y, sum0, rows);
  storeQuad(y + yRow, sum1, rows);
}

function tileOfOne(y: usize, x: usize, w: usize, s: usize, blocks: i32, rows: i32): void {
  const mask = nibbles();
  const ones = i16x8.splat(<i16>opaque(1));
  let sum = f32x4.splat(0);
  for (; blocks > 0; blocks--) {
    const a = plus(products(x, 0, v128.load(w), mask), products(x, 1, v128.load(w, 16), mask));
    const b = plus(products(x, 2, v128.load(w, 32), mask), products(x, 3, v128.load(w, 48), mask));
    sum = f32x4.add(sum, scaled(plus(a, b), x, loadScales(s), ones));
    w += 64;
    s += 8;
    x += BLOCK;
  }
  storeQuad(y, sum, rows);
}

/** `p` of a wide block: its high and low parts go through the same products. */
// @ts-ignore: decorator
@inline
function halves(x: usize, p: usize, v: v128, mask: v128): v128 {
  const at = x + (p << 2);
  const low = v128.and(v, mask);
  const high = v128.and(i16x8.shr_u(v, 4), mask);
  return i16x8.add(
    i16x8.relaxed_dot_i8x16_i7x16_s(v128.load32_splat(at, HEAD), low),
    i16x8.relaxed_dot_i8x16_i7x16_s(v128.load32_splat(at, HEAD + 16), high),
  );
}

/** The wide block's contribution: sums of high parts count 256 times. */
// @ts-ignore: decorator
@inline
function scaledWide(high: v128, low: v128, x: usize, scales: v128, pairs: v128, ones: v128): v128 {
  const both = i32x4.add(i32x4.dot_i16x8_s(high, pairs), i32x4.dot_i16x8_s(low, ones));
  const dot = i32x4.add(both, v128.load32_splat(x, 4));
  return f32x4.mul(f32x4.convert_i32x4_s(dot), f32x4.mul(scales, v128.load32_splat(x)));
}

function wideTileOfFour(
  y: usize, yRow: usize, x: usize, xRow: usize, w: usize, s: usize, blocks: i32, rows: i32,
): void {
  const mask = nibbles();
  const ones = i16x8.splat(<i16>opaque(1));
  const pairs = i16x8.splat(<i16>opaque(256));
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let sum2 = f32x4.splat(0);
  let sum3 = f32x4.splat(0);
  let x1 = x + xRow;
  let x2 = x1 + xRow;
  let x3 = x2 + xRow;
  for (; blocks > 0; blocks--) {
    let v = v128.load(w);
    let h0 = halves(x, 0, v, mask);
    let l0 = halves(x + 32, 0, v, mask);
    let h1 = halves(x1, 0, v, mask);
    let l1 = halves(x1 + 32, 0, v, mask);
    let h2 = halves(x2, 0, v, mask);
    let l2 = halves(x2 + 32, 0, v, mask);
    let h3 = halves(x3, 0, v, mask);
    let l3 = halves(x3 + 32, 0, v, mask);
    v = v128.load(w, 16);
    h0 = i16x8.add(h0, halves(x, 1, v, mask));
    l0 = i16x8.add(l0, halves(x + 32, 1, v, mask));
    h1 = i16x8.add(h1, halves(x1, 1, v, mask));
    l1 = i16x8.add(l1, halves(x1 + 32, 1, v, mask));
    h2 = i16x8.add(h2, halves(x2, 1, v, mask));
    l2 = i16x8.add(l2, halves(x2 + 32, 1, v, mask));
    h3 = i16x8.add(h3, halves(x3, 1, v, mask));
    l3 = i16x8.add(l3, halves(x3 + 32, 1, v, mask));
    v = v128.load(w, 32);
    h0 = i16x8.add(h0, halves(x, 2, v, mask));
    l0 = i16x8.add(l0, halves(x + 32, 2, v, mask));
    h1 = i16x8.add(h1, halves(x1, 2, v, mask));
    l1 = i16x8.add(l1, halves(x1 + 32, 2, v, mask));
    h2 = i16x8.add(h2, halves(x2, 2, v, mask));
    l2 = i16x8.add(l2, halves(x2 + 32, 2, v, mask));
    h3 = i16x8.add(h3, halves(x3, 2, v, mask));
    l3 = i16x8.add(l3, halves(x3 + 32, 2, v, mask));
    v = v128.load(w, 48);
    h0 = i16x8.add(h0, halves(x, 3, v, mask));
    l0 = i16x8.add(l0, halves(x + 32, 3, v, mask));
    h1 = i16x8.add(h1, halves(x1, 3, v, mask));
    l1 = i16x8.add(l1, halves(x1 + 32, 3, v, mask));
    h2 = i16x8.add(h2, halves(x2, 3, v, mask));
    l2 = i16x8.add(l2, halves(x2 + 32, 3, v, mask));
    h3 = i16x8.add(h3, halves(x3, 3, v, mask));
    l3 = i16x8.add(l3, halves(x3 + 32, 3, v, mask));
    const scales = loadScales(s);
    sum0 = f32x4.add(sum0, scaledWide(h0, l0, x, scales, pairs, ones));
    sum1 = f32x4.add(sum1, scaledWide(h1, l1, x1, scales, pairs, ones));
    sum2 = f32x4.add(sum2, scaledWide(h2, l2, x2, scales, pairs, ones));
    sum3 = f32x4.add(sum3, scaledWide(h3, l3, x3, scales, pairs, ones));
    w += 64;
    s += 8;
    x += WIDE_BLOCK;
    x1 += WIDE_BLOCK;
    x2 += WIDE_BLOCK;
    x3 += WIDE_BLOCK;
  }
  storeQuad(y, sum0, rows);
  storeQuad(y + yRow, sum1, rows);
  storeQuad(y + 2 * yRow, sum2, rows);
  storeQuad(y + 3 * yRow, sum3, rows);
}

function wideTileOfTwo(
  y: usize, yRow: usize, x: usize, xRow: usize, w: usize, s: usize, blocks: i32, rows: i32,
): void {
  const mask = nibbles();
  const ones = i16x8.splat(<i16>opaque(1));
  const pairs = i16x8.splat(<i16>opaque(256));
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let x1 = x + xRow;
  for (; blocks > 0; blocks--) {
    let v = v128.load(w);
    let h0 = halves(x, 0, v, mask);
    let l0 = halves(x + 32, 0, v, mask);
    let h1 = halves(x1, 0, v, mask);
    let l1 = halves(x1 + 32, 0, v, mask);
    v = v128.load(w, 16);
    h0 = i16x8.add(h0, halves(x, 1, v, mask));
    l0 = i16x8.add(l0, halves(x + 32, 1, v, mask));
    h1 = i16x8.add(h1, halves(x1, 1, v, mask));
    l1 = i16x8.add(l1, halves(x1 + 32, 1, v, mask));
    v = v128.load(w, 32);
    h0 = i16x8.add(h0, halves(x, 2, v, mask));
    l0 = i16x8.add(l0, halves(x + 32, 2, v, mask));
    h1 = i16x8.add(h1, halves(x1, 2, v, mask));
    l1 = i16x8.add(l1, halves(x1 + 32, 2, v, mask));
    v = v128.load(w, 48);
    h0 = i16x8.add(h0, halves(x, 3, v, mask));
    l0 = i16x8.add(l0, halves(x + 32, 3, v, mask));
    h1 = i16x8.add(h1, halves(x1, 3, v, mask));
    l1 = i16x8.add(l1, halves(x1 + 32, 3, v, mask));
    const scales = loadScales(s);
    sum0 = f32x4.add(sum0, scaledWide(h0, l0, x, scales, pairs, ones));
    sum1 = f32x4.add(sum1, scaledWide(h1, l1, x1, scales, pairs, ones));
    w += 64;
    s += 8;
    x += WIDE_BLOCK;
    x1 += WIDE_BLOCK;
  }
  storeQuad(y, sum0, rows);
  storeQuad(y + yRow, sum1, rows);
}

function wideTileOfOne(y: usize, x: usize, w: usize, s: usize, blocks: i32, rows: i32): void {
  const mask = nibbles();
  const ones = i16x8.splat(<i16>opaque(1));
  const pairs = i16x8.splat(<i16>opaque(256));
  let sum0 = f32x4.splat(0);
  for (; blocks > 0; blocks--) {
    let v = v128.load(w);
    let h0 = halves(x, 0, v, mask);
    let l0 = halves(x + 32, 0, v, mask);
    v = v128.load(w, 16);
    h0 = i16x8.add(h0, halves(x, 1, v, mask));
    l0 = i16x8.add(l0, halves(x + 32, 1, v, mask));
    v = v128.load(w, 32);
    h0 = i16x8.add(h0, halves(x, 2, v, mask));
    l0 = i16x8.add(l0, halves(x + 32, 2, v, mask));
    v = v128.load(w, 48);
    h0 = i16x8.add(h0, halves(x, 3, v, mask));
    l0 = i16x8.add(l0, halves(x + 32, 3, v, mask));
    const scales = loadScales(s);
    sum0 = f32x4.add(sum0, scaledWide(h0, l0, x, scales, pairs, ones));
    w += 64;
    s += 8;
    x += WIDE_BLOCK;
  }
  storeQuad(y, sum0, rows);
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
  const yRow = <usize>yStride << 2;
  const wRow = <usize>columns >> 1;
  const sRow = <usize>blocks << 1;
  const pass = rowsOfPass(columns >> 1);
  for (let start = rowStart; start < rowEnd; start += pass) {
    const end = min(start + pass, rowEnd);
    let t = 0;
    for (; t + 4 <= tokens; t += 4) {
      const xt = x + <usize>t * xRow;
      const yt = y + <usize>t * yRow;
      for (let row = start; row < end; row += 4) {
        const at = <usize>row;
        tileOfFour(yt + (at << 2), yRow, xt, xRow, quants + at * wRow, scales + at * sRow, blocks, end - row);
      }
    }
    if (t + 2 <= tokens) {
      const xt = x + <usize>t * xRow;
      const yt = y + <usize>t * yRow;
      for (let row = start; row < end; row += 4) {
        const at = <usize>row;
        tileOfTwo(yt + (at << 2), yRow, xt, xRow, quants + at * wRow, scales + at * sRow, blocks, end - row);
      }
      t += 2;
    }
    if (t < tokens) {
      const xt = x + <usize>t * xRow;
      const yt = y + <usize>t * yRow;
      for (let row = start; row < end; row += 4) {
        const at = <usize>row;
        tileOfOne(yt + (at << 2), xt, quants + at * wRow, scales + at * sRow, blocks, end - row);
      }
    }
  }
}

/** As matmulQ4, over wide activations (quantiseWide). */
export function matmulQ4Wide(
  y: usize, yStride: i32, x: usize, tokens: i32, quants: usize, scales: usize,
  columns: i32, rowStart: i32, rowEnd: i32, scratch: usize,
): void {
  const blocks = columns >> 5;
  const xRow = <usize>blocks * WIDE_BLOCK;
  const yRow = <usize>yStride << 2;
  const wRow = <usize>columns >> 1;
  const sRow = <usize>blocks << 1;
  const together = tokens & -OCTET;
  if (together > 0) {
    for (let row = rowStart; row < rowEnd; row += 4) {
      const at = <usize>row;
      widenQ4(quants + at * wRow, scales + at * sRow, blocks, scratch + OCTET_SUMS);
      multiplyOctets(y + (at << 2), yRow, x, together, scratch + OCTET_SUMS, blocks, rowEnd - row, scratch);
    }
    x += <usize>together * xRow;
    y += <usize>together * yRow;
    tokens -= together;
  }
  if (!ASC_FEATURE_RELAXED_SIMD) {
    matmulQ4(y, yStride, x, tokens, quants, scales, columns, rowStart, rowEnd, scratch);
    return;
  }
  const pass = rowsOfPass(columns >> 1);
  for (let start = rowStart; start < rowEnd; start += pass) {
    const end = min(start + pass, rowEnd);
    let t = 0;
    while (t < tokens) {
      const xt = x + <usize>t * xRow;
      const yt = y + <usize>t * yRow;
      const tile = tokens - t >= 4 ? 4 : tokens - t >= 2 ? 2 : 1;
      for (let row = start; row < end; row += 4) {
        const at = <usize>row;
        const yr = yt + (at << 2);
        const w = quants + at * wRow;
        const sc = scales + at * sRow;
        if (tile === 4) wideTileOfFour(yr, yRow, xt, xRow, w, sc, blocks, end - row);
        else if (tile === 2) wideTileOfTwo(yr, yRow, xt, xRow, w, sc, blocks, end - row);
        else wideTileOfOne(yr, xt, w, sc, blocks, end - row);
      }
      t += tile;
    }
  }
}
