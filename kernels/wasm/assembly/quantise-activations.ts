// f32 activations -> int8 with one scale a block of 32, symmetric, in the layout of activations.ts. Called once for
// each matrix input (several matrices share it). The rule, which the tests repeat in plain TypeScript, all in f32:
//   m = max|x|;  scale = m / 127;  q = roundToEven(x * (127 / m));  m < 2^-99: everything is 0.
// A NaN or an infinity makes the scale one, so that all outputs of its block are NaN: what a broken weight does to the
// hidden state must reach the logits, where it is found (there it would otherwise look like sound numbers).

import { BLOCK, HEAD, SCALE_DOWN, SCALE_UP, interleaved } from './activations';

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
  // Magnitudes as integers: the same order, and a NaN is the greatest of all.
  const m0 = i32x4.max_s(magnitude(at), magnitude(at + 16));
  const m1 = i32x4.max_s(magnitude(at + 32), magnitude(at + 48));
  const m2 = i32x4.max_s(magnitude(at + 64), magnitude(at + 80));
  const m3 = i32x4.max_s(magnitude(at + 96), magnitude(at + 112));
  let m4 = i32x4.max_s(i32x4.max_s(m0, m1), i32x4.max_s(m2, m3));
  m4 = i32x4.max_s(m4, i32x4.shuffle(m4, m4, 2, 3, 0, 1));
  m4 = i32x4.max_s(m4, i32x4.shuffle(m4, m4, 1, 0, 3, 2));
  const max = f32x4.extract_lane(m4, 0);
  const none = max < SMALLEST;
  const inverse = f32x4.splat(none ? 0 : <f32>127 / max);
  const scale: f32 = none ? 0 : max / <f32>127;

  const a = i16x8.narrow_i32x4_s(rounded(at, inverse), rounded(at + 16, inverse));
  const b = i16x8.narrow_i32x4_s(rounded(at + 32, inverse), rounded(at + 48, inverse));
  const c = i16x8.narrow_i32x4_s(rounded(at + 64, inverse), rounded(at + 80, inverse));
  const d = i16x8.narrow_i32x4_s(rounded(at + 96, inverse), rounded(at + 112, inverse));
  const pairs = i16x8.add(i16x8.add(a, b), i16x8.add(c, d));
  let sum = i32x4.extadd_pairwise_i16x8_s(pairs);
  sum = i32x4.add(sum, i32x4.shuffle(sum, sum, 2, 3, 0, 1));
  sum = i32x4.add(sum, i32x4.shuffle(sum, sum, 1, 0, 3, 2));

  store<f32>(out, scale * SCALE_UP);
  store<i32>(out, -8 * i32x4.extract_lane(sum, 0), 4);
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

/** Four integers as floats, times the scale, taken from four activations. */
// @ts-ignore: decorator
@inline
function leave(at: usize, integers: v128, scale: v128, rest: usize): void {
  v128.store(rest, f32x4.sub(v128.load(at), f32x4.mul(f32x4.convert_i32x4_s(integers), scale)));
}

// @ts-ignore: decorator
@inline
function leaveEight(at: usize, integers: v128, scale: v128, rest: usize): void {
  leave(at, i32x4.extend_low_i16x8_s(integers), scale, rest);
  leave(at + 16, i32x4.extend_high_i16x8_s(integers), scale, rest + 16);
}

/**
 * What quantiseActivations left out: rest = x - quantised, for quantising once more. The two together keep 15 bits.
 * @param x, stride, tokens, columns as there @param quantised what it wrote
 * @param rest f32 [tokens, columns], without gaps
 */
export function activationsRest(
  x: usize,
  stride: i32,
  tokens: i32,
  columns: i32,
  quantised: usize,
  rest: usize,
): void {
  for (let t = 0; t < tokens; t++) {
    let at = x + ((<usize>t * <usize>stride) << 2);
    const end = at + (<usize>columns << 2);
    for (; at < end; at += 128, rest += 128, quantised += BLOCK) {
      const scale = f32x4.splat(load<f32>(quantised) * SCALE_DOWN);
      for (let part: usize = 0; part < 4; part++) {
        const integers = ASC_FEATURE_RELAXED_SIMD
          ? v128.load8x8_s(quantised + HEAD + (part << 3))
          : interleaved(v128.load(quantised + HEAD + (part << 4)));
        leaveEight(at + (part << 5), integers, scale, rest + (part << 5));
      }
    }
  }
}
