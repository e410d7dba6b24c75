// Prefill with wide activations: eight tokens at a time against four rows whose weights were widened to 16 bits before. Included
// by matmul-q4 and matmul-q8, which widen; laid out by quantise-activations; exports nothing to JavaScript.
//
// A lane of activations belongs to a token here and a weight is put into all four: of each weight and each activation one load
// serves eight and four products. Integers and the order of additions are those of the other tiles, so is each bit.
//
// Eight tokens' block, 544 bytes:  scales f32 [8], then 16 steps of 32 bytes: i16 pairs of 8 tokens
// Four rows' block, 272 bytes:     16 steps of 16 bytes: i16 pairs of 4 rows, zero point taken off; scales f32 [4]
// Steps 2g and 2g + 1 hold elements 4g, 4g + 2 and 4g + 1, 4g + 3.

import { WIDE_BLOCK, loadScales } from './activations';
import { storeQuad } from './store-quad';

/** Tokens that share a block. In place of eight wide ones, which take 576 bytes. */
export const OCTET: i32 = 8;
/** Bytes of scratch for a tile's sums, before those for its rows. */
export const OCTET_SUMS: usize = 128;
const OCTET_BLOCK: usize = 544;
const ROWS_BLOCK: usize = 272;
const ROWS_SCALES: usize = 256;

/** Where token `t` of an octet has its scale and its steps. */
// @ts-ignore: decorator
@inline
export function octetScale(block: usize, t: usize): usize {
  return block + (t << 2);
}

// @ts-ignore: decorator
@inline
export function octetSteps(block: usize, t: usize): usize {
  return block + 32 + (t << 2);
}

export const OCTET_NEXT: usize = OCTET_BLOCK;

/** Four rows of 4-bit weights. @param out blocks x 272 bytes */
export function widenQ4(w: usize, s: usize, blocks: i32, out: usize): void {
  const mask = i16x8.splat(15);
  const zero = i16x8.splat(8);
  for (; blocks > 0; blocks--) {
    for (let p: usize = 0; p < 4; p++) {
      const v = v128.load(w + (p << 4));
      const at = out + (p << 5);
      v128.store(at, i16x8.sub(v128.and(v, mask), zero));
      v128.store(at, i16x8.sub(v128.and(i16x8.shr_u(v, 8), mask), zero), 16);
      v128.store(at, i16x8.sub(v128.and(i16x8.shr_u(v, 4), mask), zero), 128);
      v128.store(at, i16x8.sub(i16x8.shr_u(v, 12), zero), 144);
    }
    v128.store(out, loadScales(s), ROWS_SCALES);
    w += 64;
    s += 8;
    out += ROWS_BLOCK;
  }
}

/** Four rows of 8-bit weights. */
export function widenQ8(w: usize, s: usize, blocks: i32, out: usize): void {
  const mask = i16x8.splat(255);
  const zero = i16x8.splat(128);
  for (; blocks > 0; blocks--) {
    for (let p: usize = 0; p < 8; p++) {
      const v = v128.load(w + (p << 4));
      v128.store(out + (p << 5), i16x8.sub(v128.and(v, mask), zero));
      v128.store(out + (p << 5), i16x8.sub(i16x8.shr_u(v, 8), zero), 16);
    }
    v128.store(out, loadScales(s), ROWS_SCALES);
    w += 128;
    s += 8;
    out += ROWS_BLOCK;
  }
}

/**
 * Four rows against all octets.
 * @param y of the first token and row
 * @param x octets, one after another
 * @param tokens a multiple of eight
 * @param w from widenQ4 or widenQ8
 * @param rows how many of the four there are
 * @param sums 128 bytes
 */
export function multiplyOctets(
  y: usize, yRow: usize, x: usize, tokens: i32, w: usize, blocks: i32, rows: i32, sums: usize,
): void {
  for (; tokens > 0; tokens -= OCTET) {
    tile(y, yRow, x, w, blocks, rows, sums);
    y += yRow << 3;
    x += <usize>blocks * (WIDE_BLOCK << 3);
  }
}

/** A block's contribution to one row's outputs of four tokens. */
// @ts-ignore: decorator
@inline
function add(sum: usize, dots: v128, weightScale: v128, scales: v128): void {
  const scaled = f32x4.mul(f32x4.convert_i32x4_s(dots), f32x4.mul(weightScale, scales));
  v128.store(sum, f32x4.add(v128.load(sum), scaled));
}

/** Sums lie in memory: registers hold what a block adds up. */
function tile(y: usize, yRow: usize, x: usize, w: usize, blocks: i32, rows: i32, sums: usize): void {
  memory.fill(sums, 0, 128);
  for (; blocks > 0; blocks--) {
    let a0 = i32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    let steps = x + 32;
    const end = w + ROWS_SCALES;
    for (; w < end; w += 16, steps += 32) {
      let p = v128.load(steps, 0);
      let q = v128.load(steps, 16);
      let k = v128.load32_splat(w, 0);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(p, k));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(q, k));
      k = v128.load32_splat(w, 4);
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(p, k));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(q, k));
      k = v128.load32_splat(w, 8);
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(p, k));
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(q, k));
      k = v128.load32_splat(w, 12);
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(p, k));
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(q, k));
    }
    const near = v128.load(x);
    const far = v128.load(x, 16);
    let scale = v128.load32_splat(w);
    add(sums, a0, scale, near);
    add(sums + 64, b0, scale, far);
    scale = v128.load32_splat(w, 4);
    add(sums + 16, a1, scale, near);
    add(sums + 80, b1, scale, far);
    scale = v128.load32_splat(w, 8);
    add(sums + 32, a2, scale, near);
    add(sums + 96, b2, scale, far);
    scale = v128.load32_splat(w, 12);
    add(sums + 48, a3, scale, near);
    add(sums + 112, b3, scale, far);
    w += 16;
    x += OCTET_BLOCK;
  }
  storeTokens(y, yRow, sums, rows);
  storeTokens(y + (yRow << 2), yRow, sums + 64, rows);
}

/** Four rows of four tokens -> four tokens' rows. */
function storeTokens(y: usize, yRow: usize, sums: usize, rows: i32): void {
  const a = v128.load(sums);
  const b = v128.load(sums, 16);
  const c = v128.load(sums, 32);
  const d = v128.load(sums, 48);
  const abLow = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const abHigh = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cdLow = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const cdHigh = i32x4.shuffle(c, d, 2, 6, 3, 7);
  storeQuad(y, i64x2.shuffle(abLow, cdLow, 0, 2), rows);
  storeQuad(y + yRow, i64x2.shuffle(abLow, cdLow, 1, 3), rows);
  storeQuad(y + 2 * yRow, i64x2.shuffle(abHigh, cdHigh, 0, 2), rows);
  storeQuad(y + 3 * yRow, i64x2.shuffle(abHigh, cdHigh, 1, 3), rows);
}
