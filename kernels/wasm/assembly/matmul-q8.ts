// y = W x for 8-bit weights (quads, see repack.ts) and int8 activations (activations.ts). As matmul-q4.ts, whose header
// says what one output is and how tiles and passes go; only the integer dot product differs.
//
//   a quad's block, 128 bytes:     v0 .. v7, each 4 rows x 4 elements, vector p holding elements 4p .. 4p + 3
//
// Both builds work in 16-bit lanes, which give the even byte and then the odd one; products are summed in 32-bit lanes.
// The relaxed 8-bit dot product takes 7 bits of weight: with bytes taken apart into nibbles it was slower (24 GMAC/s
// against 25.5 where 4-bit weights reach 47). In the relaxed build a tile's activations are therefore widened first.

import { BLOCK, HEAD, WIDE_BLOCK, joinBlocks, loadScales, widenBlocks } from './activations';
import { opaque, rowsOfPass } from './lanes';
import { OCTET, OCTET_SUMS, multiplyOctets, widenQ8 } from './octets';
import { storeQuad } from './store-quad';

/** Products of vector `v`, number p of its block, with one token, in pairs of even and of odd elements. */
// @ts-ignore: decorator
@inline
function products(x: usize, p: usize, v: v128, mask: v128): v128 {
  const at = x + (p << 3);
  return i32x4.add(
    i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD), v128.and(v, mask)),
    i32x4.dot_i16x8_s(v128.load32_splat(at, HEAD + 4), i16x8.shr_u(v, 8)),
  );
}

/** The block's contribution to four outputs of one token. */
// @ts-ignore: decorator
@inline
function scaled(sums: v128, x: usize, scales: v128): v128 {
  const dot = i32x4.add(sums, i32x4.shl(v128.load32_splat(x, 4), 4)); // the zero point is 128 = 16 * 8
  return f32x4.mul(f32x4.convert_i32x4_s(dot), f32x4.mul(scales, v128.load32_splat(x)));
}

function tileOfFour(y: usize, yRow: usize, x: usize, xRow: usize, w: usize, s: usize, blocks: i32, rows: i32): void {
  const mask = i16x8.splat(<i16>opaque(255));
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  let sum2 = sum0;
  let sum3 = sum0;
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
    a = i32x4.add(a, products(x, 1, v, mask));
    b = i32x4.add(b, products(x1, 1, v, mask));
    c = i32x4.add(c, products(x2, 1, v, mask));
    d = i32x4.add(d, products(x3, 1, v, mask));
    v = v128.load(w, 32);
    a = i32x4.add(a, products(x, 2, v, mask));
    b = i32x4.add(b, products(x1, 2, v, mask));
    c = i32x4.add(c, products(x2, 2, v, mask));
    d = i32x4.add(d, products(x3, 2, v, mask));
    v = v128.load(w, 48);
    a = i32x4.add(a, products(x, 3, v, mask));
    b = i32x4.add(b, products(x1, 3, v, mask));
    c = i32x4.add(c, products(x2, 3, v, mask));
    d = i32x4.add(d, products(x3, 3, v, mask));
    v = v128.load(w, 64);
    a = i32x4.add(a, products(x, 4, v, mask));
    b = i32x4.add(b, products(x1, 4, v, mask));
    c = i32x4.add(c, products(x2, 4, v, mask));
    d = i32x4.add(d, products(x3, 4, v, mask));
    v = v128.load(w, 80);
    a = i32x4.add(a, products(x, 5, v, mask));
    b = i32x4.add(b, products(x1, 5, v, mask));
    c = i32x4.add(c, products(x2, 5, v, mask));
    d = i32x4.add(d, products(x3, 5, v, mask));
    v = v128.load(w, 96);
    a = i32x4.add(a, products(x, 6, v, mask));
    b = i32x4.add(b, products(x1, 6, v, mask));
    c = i32x4.add(c, products(x2, 6, v, mask));
    d = i32x4.add(d, products(x3, 6, v, mask));
    v = v128.load(w, 112);
    a = i32x4.add(a, products(x, 7, v, mask));
    b = i32x4.add(b, products(x1, 7, v, mask));
    c = i32x4.add(c, products(x2, 7, v, mask));
    d = i32x4.add(d, products(x3, 7, v, mask));
    const scales = loadScales(s);
    sum0 = f32x4.add(sum0, scaled(a, x, scales));
    sum1 = f32x4.add(sum1, scaled(b, x1, scales));
    sum2 = f32x4.add(sum2, scaled(c, x2, scales));
    sum3 = f32x4.add(sum3, scaled(d, x3, scales));
    w += 128;
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

function tileOfTwo(y: usize, yRow: usize, x: usize, xRow: usize, w: usize, s: usize, blocks: i32, rows: i32): void {
  const mask = i16x8.splat(<i16>opaque(255));
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  let x1 = x + xRow;
  for (; blocks > 0; blocks--) {
    let v = v128.load(w);
    let a = products(x, 0, v, mask);
    let b = products(x1, 0, v, mask);
    v = v128.load(w, 16);
    a = i32x4.add(a, products(x, 1, v, mask));
    b = i32x4.add(b, products(x1, 1, v, mask));
    v = v128.load(w, 32);
    a = i32x4.add(a, products(x, 2, v, mask));
    b = i32x4.add(b, products(x1, 2, v, mask));
    v = v128.load(w, 48);
    a = i32x4.add(a, products(x, 3, v, mask));
    b = i32x4.add(b, products(x1, 3, v, mask));
    v = v128.load(w, 64);
    a = i32x4.add(a, products(x, 4, v, mask));
    b = i32x4.add(b, products(x1, 4, v, mask));
    v = v128.load(w, 80);
    a = i32x4.add(a, products(x, 5, v, mask));
    b = i32x4.add(b, products(x1, 5, v, mask));
    v = v128.load(w, 96);
    a = i32x4.add(a, products(x, 6, v, mask));
    b = i32x4.add(b, products(x1, 6, v, mask));
    v = v128.load(w, 112);
    a = i32x4.add(a, products(x, 7, v, mask));
    b = i32x4.add(b, products(x1, 7, v, mask));
    const scales = loadScales(s);
    sum0 = f32x4.add(sum0, scaled(a, x, scales));
    sum1 = f32x4.add(sum1, scaled(b, x1, scales));
    w += 128;
    s += 8;
    x += WIDE_BLOCK;
    x1 += WIDE_BLOCK;
  }
  storeQuad(y, sum0, rows);
  storeQuad(y + yRow, sum1, rows);
}

function tileOfOne(y: usize, x: usize, w: usize, s: usize, blocks: i32, rows: i32): void {
  const mask = i16x8.splat(<i16>opaque(255));
  let sum0 = f32x4.splat(0);
  for (; blocks > 0; blocks--) {
    let v = v128.load(w);
    let a = products(x, 0, v, mask);
    v = v128.load(w, 16);
    a = i32x4.add(a, products(x, 1, v, mask));
    v = v128.load(w, 32);
    a = i32x4.add(a, products(x, 2, v, mask));
    v = v128.load(w, 48);
    a = i32x4.add(a, products(x, 3, v, mask));
    v = v128.load(w, 64);
    a = i32x4.add(a, products(x, 4, v, mask));
    v = v128.load(w, 80);
    a = i32x4.add(a, products(x, 5, v, mask));
    v = v128.load(w, 96);
    a = i32x4.add(a, products(x, 6, v, mask));
    v = v128.load(w, 112);
    a = i32x4.add(a, products(x, 7, v, mask));
    const scales = loadScales(s);
    sum0 = f32x4.add(sum0, scaled(a, x, scales));
    w += 128;
    s += 8;
    x += WIDE_BLOCK;
  }
  storeQuad(y, sum0, rows);
}

/** A tile's activations in 16-bit lanes: as they are, or brought there in `scratch`. */
// @ts-ignore: decorator
@inline
function inLanes(x: usize, blocks: i32, isWide: bool, scratch: usize): usize {
  if (!ASC_FEATURE_RELAXED_SIMD) return x;
  if (isWide) joinBlocks(x, blocks, scratch);
  else widenBlocks(x, blocks, scratch);
  return scratch;
}

/** Parameters as matmulQ4. */
export function matmulQ8(
  y: usize, yStride: i32, x: usize, tokens: i32, quants: usize, scales: usize,
  columns: i32, rowStart: i32, rowEnd: i32, scratch: usize,
): void {
  multiply(y, yStride, x, tokens, quants, scales, columns, rowStart, rowEnd, scratch, false);
}

/** As matmulQ8, over wide activations (quantiseWide). */
export function matmulQ8Wide(
  y: usize, yStride: i32, x: usize, tokens: i32, quants: usize, scales: usize,
  columns: i32, rowStart: i32, rowEnd: i32, scratch: usize,
): void {
  const together = tokens & -OCTET;
  if (together > 0) {
    const blocks = columns >> 5;
    const yRow = <usize>yStride << 2;
    for (let row = rowStart; row < rowEnd; row += 4) {
      const at = <usize>row;
      widenQ8(quants + at * <usize>columns, scales + at * (<usize>blocks << 1), blocks, scratch + OCTET_SUMS);
      multiplyOctets(y + (at << 2), yRow, x, together, scratch + OCTET_SUMS, blocks, rowEnd - row, scratch);
    }
    x += <usize>together * <usize>blocks * WIDE_BLOCK;
    y += <usize>together * yRow;
    tokens -= together;
  }
  if (tokens > 0) multiply(y, yStride, x, tokens, quants, scales, columns, rowStart, rowEnd, scratch, true);
}

function multiply(
  y: usize, yStride: i32, x: usize, tokens: i32, quants: usize, scales: usize,
  columns: i32, rowStart: i32, rowEnd: i32, scratch: usize, isWide: bool,
): void {
  const blocks = columns >> 5;
  const xRow = <usize>blocks * (isWide ? WIDE_BLOCK : BLOCK);
  const wideRow = <usize>blocks * WIDE_BLOCK;
  const yRow = <usize>yStride << 2;
  const wRow = <usize>columns;
  const sRow = <usize>blocks << 1;
  const pass = tokens == 1 ? rowEnd - rowStart : rowsOfPass(columns);
  for (let start = rowStart; start < rowEnd; start += pass) {
    const end = min(start + pass, rowEnd);
    let t = 0;
    for (; t + 4 <= tokens; t += 4) {
      const xt = inLanes(x + <usize>t * xRow, blocks * 4, isWide, scratch);
      const yt = y + <usize>t * yRow;
      for (let row = start; row < end; row += 4) {
        const at = <usize>row;
        tileOfFour(yt + (at << 2), yRow, xt, wideRow, quants + at * wRow, scales + at * sRow, blocks, end - row);
      }
    }
    if (t + 2 <= tokens) {
      const xt = inLanes(x + <usize>t * xRow, blocks * 2, isWide, scratch);
      const yt = y + <usize>t * yRow;
      for (let row = start; row < end; row += 4) {
        const at = <usize>row;
        tileOfTwo(yt + (at << 2), yRow, xt, wideRow, quants + at * wRow, scales + at * sRow, blocks, end - row);
      }
      t += 2;
    }
    if (t < tokens) {
      const xt = inLanes(x + <usize>t * xRow, blocks, isWide, scratch);
      const yt = y + <usize>t * yRow;
      for (let row = start; row < end; row += 4) {
        const at = <usize>row;
        tileOfOne(yt + (at << 2), xt, quants + at * wRow, scales + at * sRow, blocks, end - row);
      }
    }
  }
}
