// What choosing a token needs of a row of logits, so that JavaScript need not walk the vocabulary: the likeliest id, the
// k likeliest, the sum of all weights, a mask. Called by the decoder. Order everywhere: greater logit first, equal ones by ascending id.

import { exponential } from './exponential';

const NONE: f32 = reinterpret<f32>(0xff800000); // -Infinity

/** @returns id of the greatest of f32 [count], the lowest such id; -1 when one is NaN or none is finite */
export function argmax(logits: usize, count: i32): i32 {
  let best = f32x4.splat(NONE);
  let bestIds = i32x4.splat(-1);
  let ids = i32x4(0, 1, 2, 3);
  let bad = i32x4.splat(0);
  const whole = count & ~3;
  for (let i = 0; i < whole; i += 4) {
    const v = v128.load(logits + (<usize>i << 2));
    const greater = f32x4.gt(v, best);
    best = v128.bitselect(v, best, greater);
    bestIds = v128.bitselect(ids, bestIds, greater);
    bad = v128.or(bad, f32x4.ne(v, v));
    ids = i32x4.add(ids, i32x4.splat(4));
  }
  let top = NONE;
  let id = -1;
  for (let lane = 0; lane < 4; lane++) {
    const value = lane < 2 ? (lane === 0 ? f32x4.extract_lane(best, 0) : f32x4.extract_lane(best, 1))
      : lane === 2 ? f32x4.extract_lane(best, 2) : f32x4.extract_lane(best, 3);
    const at = lane < 2 ? (lane === 0 ? i32x4.extract_lane(bestIds, 0) : i32x4.extract_lane(bestIds, 1))
      : lane === 2 ? i32x4.extract_lane(bestIds, 2) : i32x4.extract_lane(bestIds, 3);
    if (at >= 0 && (value > top || (value === top && at < id))) {
      top = value;
      id = at;
    }
  }
  let spoilt = v128.any_true(bad);
  for (let i = whole; i < count; i++) {
    const value = load<f32>(logits + (<usize>i << 2));
    if (value > top) {
      top = value;
      id = i;
    }
    if (value !== value) spoilt = true;
  }
  return spoilt || top === -NONE ? -1 : id;
}

/**
 * The k likeliest, in order.
 * @param values f32 [k], their logits
 * @param ids i32 [k]
 * @returns how many there are (count, when that is less than k), or -1 when a logit is NaN
 */
export function topK(logits: usize, count: i32, k: i32, values: usize, ids: usize): i32 {
  let held = 0;
  let least = NONE; // of those held, once k are
  let bad = i32x4.splat(0);
  let i = 0;
  while (i < count) {
    // Whole quads of which none would enter are passed over together.
    if (held === k && i + 4 <= count) {
      const v = v128.load(logits + (<usize>i << 2));
      bad = v128.or(bad, f32x4.ne(v, v));
      if (!v128.any_true(f32x4.gt(v, f32x4.splat(least)))) {
        i += 4;
        continue;
      }
    }
    const end = min(i + 4, count);
    for (; i < end; i++) {
      const value = load<f32>(logits + (<usize>i << 2));
      if (value !== value) return -1;
      if (held === k && value <= least) continue;
      let at = held < k ? held++ : k - 1;
      while (at > 0 && load<f32>(values + (<usize>(at - 1) << 2)) < value) {
        store<f32>(values + (<usize>at << 2), load<f32>(values + (<usize>(at - 1) << 2)));
        store<i32>(ids + (<usize>at << 2), load<i32>(ids + (<usize>(at - 1) << 2)));
        at--;
      }
      store<f32>(values + (<usize>at << 2), value);
      store<i32>(ids + (<usize>at << 2), i);
      if (held === k) least = load<f32>(values + (<usize>(k - 1) << 2));
    }
  }
  return v128.any_true(bad) ? -1 : held;
}

/**
 * Sum of e^((logit - top) / temperature), relative error below 1e-6: terms in f32, added in f64.
 * @param top the greatest logit
 */
export function sumOfWeights(logits: usize, count: i32, top: f32, temperature: f32): f64 {
  const tops = f32x4.splat(top);
  const by = f32x4.splat(1 / temperature);
  let low = f64x2.splat(0);
  let high = low;
  const whole = count & ~3;
  for (let i = 0; i < whole; i += 4) {
    const w = exponential(f32x4.mul(f32x4.sub(v128.load(logits + (<usize>i << 2)), tops), by));
    low = f64x2.add(low, f64x2.promote_low_f32x4(w));
    high = f64x2.add(high, f64x2.promote_low_f32x4(i32x4.shuffle(w, w, 2, 3, 0, 1)));
  }
  low = f64x2.add(low, high);
  let sum = f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1);
  for (let i = whole; i < count; i++) {
    const x = (load<f32>(logits + (<usize>i << 2)) - top) * (1 / temperature);
    sum += <f64>f32x4.extract_lane(exponential(f32x4.splat(x)), 0);
  }
  return sum;
}

/** Logits of ids whose bit is not set in `allowed` (u32 words, bit id % 32 of word id / 32) become -Infinity. */
export function forbid(logits: usize, count: i32, allowed: usize, words: i32): void {
  for (let id = 0; id < count; id++) {
    const word = id >> 5;
    const bits = word < words ? load<u32>(allowed + (<usize>word << 2)) : 0;
    if (((bits >> (id & 31)) & 1) === 0) store<f32>(logits + (<usize>id << 2), NONE);
  }
}
