// f32 activations -> int8 with one scale a block of 32, symmetric, in the layout of activations.ts. Called once for
// each matrix input (several matrices share it). The rule, which the tests repeat in plain TypeScript, all in f32:
//   m = max|x|;  scale = m / 127;  q = roundToEven(x * (127 / m));  m < 2^-99: everything is 0.
// A NaN or an infinity makes the scale one, so that all outputs of its block are NaN: what a broken weight does to the
// hidden state must reach the logits, where it is found (there it would otherwise look like sound numbers).

import { BLOCK, HEAD, SCALE_UP, WIDE_BLOCK, WIDEST, interleaved } from './activations';
import { OCTET, OCTET_NEXT, octetScale, octetSteps } from './octets';

/** 2^-99: below it 127 / m would overflow. */
const SMALLEST: f32 = reinterpret<f32>(28 << 23);

// @ts-ignore: decorator
@inline
function magnitude(at: usize): v128 {
  return f32x4.abs(v128.load(at));
}

// @ts-ignore: decorator
@inline
function rounded(at: usize, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at), inverse)));
}

/** Greatest magnitude of 32 numbers; NaN where there is one, infinity before any number. */
// @ts-ignore: decorator
@inline
function largest(at: usize): f32 {
  // Magnitudes as integers: the same order, and a NaN is the greatest of all.
  const m0 = i32x4.max_s(magnitude(at), magnitude(at + 16));
  const m1 = i32x4.max_s(magnitude(at + 32), magnitude(at + 48));
  const m2 = i32x4.max_s(magnitude(at + 64), magnitude(at + 80));
  const m3 = i32x4.max_s(magnitude(at + 96), magnitude(at + 112));
  let m4 = i32x4.max_s(i32x4.max_s(m0, m1), i32x4.max_s(m2, m3));
  m4 = i32x4.max_s(m4, i32x4.shuffle(m4, m4, 2, 3, 0, 1));
  m4 = i32x4.max_s(m4, i32x4.shuffle(m4, m4, 1, 0, 3, 2));
  return f32x4.extract_lane(m4, 0);
}

// @ts-ignore: decorator
@inline
function sumOfLanes(sum: v128): i32 {
  sum = i32x4.add(sum, i32x4.shuffle(sum, sum, 2, 3, 0, 1));
  sum = i32x4.add(sum, i32x4.shuffle(sum, sum, 1, 0, 3, 2));
  return i32x4.extract_lane(sum, 0);
}

/**
 * @param x f32 [tokens, stride], of which the first `columns` of each row are read
 * @param stride floats from one row of x to the next
 * @param columns a multiple of 32
 * @param out tokens x (columns / 32) blocks, 4-byte aligned
 */
export function quantiseActivations(x: usize, stride: i32, tokens: i32, columns: i32, out: usize): void {
  for (let t = 0; t < tokens; t++) {
    let at = x + ((<usize>t * <usize>stride) << 2);
    const end = at + (<usize>columns << 2);
    while (at < end) {
      quantiseBlock(at, out);
      at += 128;
      out += BLOCK;
    }
  }
}

function quantiseBlock(at: usize, out: usize): void {
  const max = largest(at);
  const none = max < SMALLEST;
  const inverse = f32x4.splat(none ? 0 : <f32>127 / max);
  const scale: f32 = none ? 0 : max / <f32>127;

  const a = i16x8.narrow_i32x4_s(rounded(at, inverse), rounded(at + 16, inverse));
  const b = i16x8.narrow_i32x4_s(rounded(at + 32, inverse), rounded(at + 48, inverse));
  const c = i16x8.narrow_i32x4_s(rounded(at + 64, inverse), rounded(at + 80, inverse));
  const d = i16x8.narrow_i32x4_s(rounded(at + 96, inverse), rounded(at + 112, inverse));
  const pairs = i16x8.add(i16x8.add(a, b), i16x8.add(c, d));
  const sum = sumOfLanes(i32x4.extadd_pairwise_i16x8_s(pairs));

  store<f32>(out, scale * SCALE_UP);
  store<i32>(out, -8 * sum, 4);
  if (ASC_FEATURE_RELAXED_SIMD) {
    v128.store(out, i8x16.narrow_i16x8_s(a, b), HEAD);
    v128.store(out, i8x16.narrow_i16x8_s(c, d), HEAD + 16);
  } else {
    v128.store(out, interleaved(a), HEAD);
    v128.store(out, interleaved(b), HEAD + 16);
    v128.store(out, interleaved(c), HEAD + 32);
    v128.store(out, interleaved(d), HEAD + 48);
  }
}

/**
 * As quantiseActivations, in 16 bits:  scale = m / 32639;  q = roundToEven(x * (32639 / m)). Each eight tokens share blocks
 * (octets.ts); what is left of them have wide blocks of their own.
 * @param out tokens x (columns / 32) wide blocks, 4-byte aligned
 */
export function quantiseWide(x: usize, stride: i32, tokens: i32, columns: i32, out: usize): void {
  const row = <usize>(columns >> 5) * WIDE_BLOCK;
  const xRow = <usize>stride << 2;
  let t = 0;
  for (; t + OCTET <= tokens; t += OCTET) {
    for (let token: usize = 0; token < <usize>OCTET; token++) {
      let block = out;
      const end = x + (<usize>columns << 2);
      for (let at = x; at < end; at += 128) {
        quantiseInOctet(at, octetScale(block, token), octetSteps(block, token));
        block += OCTET_NEXT;
      }
      x += xRow;
    }
    out += row << 3;
  }
  for (; t < tokens; t++) {
    const end = x + (<usize>columns << 2);
    for (let at = x; at < end; at += 128) {
      quantiseWideBlock(at, out);
      out += WIDE_BLOCK;
    }
    x += xRow;
  }
}

/** Four steps of one token. */
// @ts-ignore: decorator
@inline
function storeSteps(steps: usize, v: v128): void {
  const pairs = interleaved(v);
  v128.store32_lane(steps, pairs, 0);
  v128.store32_lane(steps, pairs, 1, 32);
  v128.store32_lane(steps, pairs, 2, 64);
  v128.store32_lane(steps, pairs, 3, 96);
}

function quantiseInOctet(at: usize, scaleAt: usize, steps: usize): void {
  const max = largest(at);
  const none = max < SMALLEST;
  const inverse = f32x4.splat(none ? 0 : WIDEST / max);
  const scale: f32 = none ? 0 : max / WIDEST;
  store<f32>(scaleAt, scale * SCALE_UP);
  storeSteps(steps, i16x8.narrow_i32x4_s(rounded(at, inverse), rounded(at + 16, inverse)));
  storeSteps(steps + 128, i16x8.narrow_i32x4_s(rounded(at + 32, inverse), rounded(at + 48, inverse)));
  storeSteps(steps + 256, i16x8.narrow_i32x4_s(rounded(at + 64, inverse), rounded(at + 80, inverse)));
  storeSteps(steps + 384, i16x8.narrow_i32x4_s(rounded(at + 96, inverse), rounded(at + 112, inverse)));
}

/** Eight integers into their two parts. */
// @ts-ignore: decorator
@inline
function high(q: v128): v128 {
  return i16x8.shr_s(i16x8.add(q, i16x8.splat(128)), 8);
}

// @ts-ignore: decorator
@inline
function low(q: v128): v128 {
  return i16x8.shr_s(i16x8.shl(q, 8), 8);
}

function quantiseWideBlock(at: usize, out: usize): void {
  const max = largest(at);
  const none = max < SMALLEST;
  const inverse = f32x4.splat(none ? 0 : WIDEST / max);
  const scale: f32 = none ? 0 : max / WIDEST;

  const a = i16x8.narrow_i32x4_s(rounded(at, inverse), rounded(at + 16, inverse));
  const b = i16x8.narrow_i32x4_s(rounded(at + 32, inverse), rounded(at + 48, inverse));
  const c = i16x8.narrow_i32x4_s(rounded(at + 64, inverse), rounded(at + 80, inverse));
  const d = i16x8.narrow_i32x4_s(rounded(at + 96, inverse), rounded(at + 112, inverse));
  const ab = i32x4.add(i32x4.extadd_pairwise_i16x8_s(a), i32x4.extadd_pairwise_i16x8_s(b));
  const cd = i32x4.add(i32x4.extadd_pairwise_i16x8_s(c), i32x4.extadd_pairwise_i16x8_s(d));

  store<f32>(out, scale * SCALE_UP);
  store<i32>(out, -8 * sumOfLanes(i32x4.add(ab, cd)), 4);
  if (ASC_FEATURE_RELAXED_SIMD) {
    v128.store(out, i8x16.narrow_i16x8_s(high(a), high(b)), HEAD);
    v128.store(out, i8x16.narrow_i16x8_s(high(c), high(d)), HEAD + 16);
    v128.store(out, i8x16.narrow_i16x8_s(low(a), low(b)), HEAD + 32);
    v128.store(out, i8x16.narrow_i16x8_s(low(c), low(d)), HEAD + 48);
  } else {
    v128.store(out, interleaved(a), HEAD);
    v128.store(out, interleaved(b), HEAD + 16);
    v128.store(out, interleaved(c), HEAD + 32);
    v128.store(out, interleaved(d), HEAD + 48);
  }
}
