// Grouped-query attention over pages of keys and values, for one token or many: decoding, verification and prefill. All
// query heads of one key-value head, and all rows, go through a page together, so keys and values are read once. Called
// by the decoder once a layer, with ranges of heads and rows for each thread.
// Method: softmax computed as one goes along (Milakov and Gimelshein 2018; FlashAttention, Dao et al. 2022): per row
// a running maximum, a running sum and the output so far, which are brought to the new maximum page by page.
//
// A row's result does not depend on which rows are computed beside it: pages come in ascending order; within a page a
// score is four lanes' sums, (0 + 2) + (1 + 3); a token that a row does not see enters with weight 0. So what lies there
// must be a finite number: pages are zeroed when they are new and hold old text when they are not.
//
// Int8 pages are turned into floats in scratch, a head at a time, and then treated alike.
//
// Threads that share one token's attention by heads read a key-value head's pages more than once where heads are few;
// attention-apart.ts does the same sums in two steps, each of which divides finer.

import { pageAt } from './lanes';
import { exponential, exponentials, greatestOfLanes, sumOfLanes } from './exponential';
import { softCapped } from './gate';
import { kvDequantiseKeys, kvDequantiseValues } from './kv-int8';

export const NONE: f32 = reinterpret<f32>(0xff800000); // -Infinity

/** Four sums of lanes at once, each (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(i32x4.shuffle(a, b, 0, 4, 1, 5), i32x4.shuffle(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(i32x4.shuffle(c, d, 0, 4, 1, 5), i32x4.shuffle(c, d, 2, 6, 3, 7));
  return f32x4.add(i32x4.shuffle(ab, cd, 0, 1, 4, 5), i32x4.shuffle(ab, cd, 2, 3, 6, 7));
}

// @ts-ignore: decorator
@inline
function plusProduct(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/**
 * Scores of two queries with tokens from..to (multiples of four around them) of a page's keys.
 * @param nextKeys the next page's keys, and nextValues: brought near meanwhile, a cache line a step, by reading a byte of
 *     each and dropping it; 0: nothing is
 */
export function scoreTwo(
  s0: usize, s1: usize, q0: usize, q1: usize, keys: usize, headBytes: usize, from: i32, to: i32,
  nextKeys: usize, nextValues: usize,
): void {
  for (let t = <usize>from & ~3; t <= <usize>to; t += 4) {
    let k0 = keys + t * headBytes;
    let k1 = k0 + headBytes;
    let k2 = k1 + headBytes;
    let k3 = k2 + headBytes;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (let i: usize = 0; i < headBytes; i += 16) {
      const x = v128.load(q0 + i);
      const y = v128.load(q1 + i);
      const v0 = v128.load(k0 + i);
      const v1 = v128.load(k1 + i);
      const v2 = v128.load(k2 + i);
      const v3 = v128.load(k3 + i);
      a0 = plusProduct(a0, x, v0);
      a1 = plusProduct(a1, x, v1);
      a2 = plusProduct(a2, x, v2);
      a3 = plusProduct(a3, x, v3);
      b0 = plusProduct(b0, y, v0);
      b1 = plusProduct(b1, y, v1);
      b2 = plusProduct(b2, y, v2);
      b3 = plusProduct(b3, y, v3);
      if (nextKeys) {
        load<u8>(nextKeys + t * headBytes + (i << 2));
        load<u8>(nextValues + t * headBytes + (i << 2));
      }
    }
    v128.store(s0 + (t << 2), sums(a0, a1, a2, a3));
    v128.store(s1 + (t << 2), sums(b0, b1, b2, b3));
  }
}

/** As scoreTwo, for one query. */
export function scoreOne(
  s0: usize, q0: usize, keys: usize, headBytes: usize, from: i32, to: i32, nextKeys: usize, nextValues: usize,
): void {
  for (let t = <usize>from & ~3; t <= <usize>to; t += 4) {
    let k0 = keys + t * headBytes;
    let k1 = k0 + headBytes;
    let k2 = k1 + headBytes;
    let k3 = k2 + headBytes;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    for (let i: usize = 0; i < headBytes; i += 16) {
      const x = v128.load(q0 + i);
      a0 = plusProduct(a0, x, v128.load(k0 + i));
      a1 = plusProduct(a1, x, v128.load(k1 + i));
      a2 = plusProduct(a2, x, v128.load(k2 + i));
      a3 = plusProduct(a3, x, v128.load(k3 + i));
      if (nextKeys) {
        load<u8>(nextKeys + t * headBytes + (i << 2));
        load<u8>(nextValues + t * headBytes + (i << 2));
      }
    }
    v128.store(s0 + (t << 2), sums(a0, a1, a2, a3));
  }
}

/**
 * Scores of a row -> weights, 0 for tokens outside from..to; updates the row's maximum and sum.
 * @param state f32 pair: maximum, sum
 * @returns what the row's output so far is multiplied by
 */
export function weigh(s: usize, state: usize, from: i32, to: i32, scale: f32, cap: f32): f32 {
  if (from > to) {
    for (let i: usize = 0; i < 128; i += 16) v128.store(s + i, f32x4.splat(0));
    return 1;
  }
  const first = i32x4.splat(from);
  const last = i32x4.splat(to);
  const by = f32x4.splat(scale);
  let most = f32x4.splat(NONE);
  let lanes = i32x4(0, 1, 2, 3);
  for (let i: usize = 0; i < 128; i += 16) {
    const seen = v128.and(i32x4.ge_s(lanes, first), i32x4.le_s(lanes, last));
    let v = f32x4.mul(v128.load(s + i), by);
    if (cap > 0) v = softCapped(v, f32x4.splat(cap));
    v = v128.bitselect(v, f32x4.splat(NONE), seen);
    v128.store(s + i, v);
    most = f32x4.pmax(most, v); // leaves NaN out; it spoils the sum below all the same
    lanes = i32x4.add(lanes, i32x4.splat(4));
  }
  const before = load<f32>(state);
  const top = max(before, greatestOfLanes(most));
  exponentials(s, 128, top);
  let sum = f32x4.splat(0);
  lanes = i32x4(0, 1, 2, 3);
  for (let i: usize = 0; i < 128; i += 16) {
    const seen = v128.and(i32x4.ge_s(lanes, first), i32x4.le_s(lanes, last));
    const w = v128.and(v128.load(s + i), seen);
    v128.store(s + i, w);
    sum = f32x4.add(sum, w);
    lanes = i32x4.add(lanes, i32x4.splat(4));
  }
  const factor = f32x4.extract_lane(exponential(f32x4.splat(before - top)), 0);
  store<f32>(state, top);
  store<f32>(state, load<f32>(state, 4) * factor + sumOfLanes(sum), 4);
  return factor;
}

/**
 * Two rows' outputs = themselves x factor + weights x values, tokens in ascending order.
 * @param bytes of each output, from o0 and o1 on: a head, or some of its elements
 * @param headBytes from a token's values to the next one's
 */
export function mixTwo(
  o0: usize, o1: usize, f0: f32, f1: f32, w0: usize, w1: usize, values: usize, bytes: usize, headBytes: usize,
  from: i32, to: i32,
): void {
  const end = <usize>(to + 1) << 2;
  const start = <usize>from << 2;
  const left = f32x4.splat(f0);
  const right = f32x4.splat(f1);
  let i: usize = 0;
  for (; i + 64 <= bytes; i += 64) {
    let a0 = f32x4.mul(v128.load(o0 + i), left);
    let a1 = f32x4.mul(v128.load(o0 + i, 16), left);
    let a2 = f32x4.mul(v128.load(o0 + i, 32), left);
    let a3 = f32x4.mul(v128.load(o0 + i, 48), left);
    let b0 = f32x4.mul(v128.load(o1 + i), right);
    let b1 = f32x4.mul(v128.load(o1 + i, 16), right);
    let b2 = f32x4.mul(v128.load(o1 + i, 32), right);
    let b3 = f32x4.mul(v128.load(o1 + i, 48), right);
    let at = values + i + <usize>from * headBytes;
    for (let t = start; t < end; t += 4) {
      const v0 = v128.load(at);
      const v1 = v128.load(at, 16);
      const v2 = v128.load(at, 32);
      const v3 = v128.load(at, 48);
      const x = v128.load32_splat(w0 + t);
      const y = v128.load32_splat(w1 + t);
      a0 = plusProduct(a0, x, v0);
      a1 = plusProduct(a1, x, v1);
      a2 = plusProduct(a2, x, v2);
      a3 = plusProduct(a3, x, v3);
      b0 = plusProduct(b0, y, v0);
      b1 = plusProduct(b1, y, v1);
      b2 = plusProduct(b2, y, v2);
      b3 = plusProduct(b3, y, v3);
      at += headBytes;
    }
    v128.store(o0 + i, a0);
    v128.store(o0 + i, a1, 16);
    v128.store(o0 + i, a2, 32);
    v128.store(o0 + i, a3, 48);
    v128.store(o1 + i, b0);
    v128.store(o1 + i, b1, 16);
    v128.store(o1 + i, b2, 32);
    v128.store(o1 + i, b3, 48);
  }
  if (i < bytes) {
    mixRest(o0, f0, w0, values, bytes, headBytes, i, from, to);
    mixRest(o1, f1, w1, values, bytes, headBytes, i, from, to);
  }
}

/** As mixTwo for one row, elements from byte `i` on. */
export function mixRest(
  o: usize, factor: f32, w: usize, values: usize, bytes: usize, headBytes: usize, i: usize, from: i32, to: i32,
): void {
  const end = <usize>(to + 1) << 2;
  const start = <usize>from << 2;
  const by = f32x4.splat(factor);
  for (; i + 64 <= bytes; i += 64) {
    let a0 = f32x4.mul(v128.load(o + i), by);
    let a1 = f32x4.mul(v128.load(o + i, 16), by);
    let a2 = f32x4.mul(v128.load(o + i, 32), by);
    let a3 = f32x4.mul(v128.load(o + i, 48), by);
    let at = values + i + <usize>from * headBytes;
    for (let t = start; t < end; t += 4) {
      const x = v128.load32_splat(w + t);
      a0 = plusProduct(a0, x, v128.load(at));
      a1 = plusProduct(a1, x, v128.load(at, 16));
      a2 = plusProduct(a2, x, v128.load(at, 32));
      a3 = plusProduct(a3, x, v128.load(at, 48));
      at += headBytes;
    }
    v128.store(o + i, a0);
    v128.store(o + i, a1, 16);
    v128.store(o + i, a2, 32);
    v128.store(o + i, a3, 48);
  }
  for (; i < bytes; i += 16) {
    let a = f32x4.mul(v128.load(o + i), by);
    let at = values + i + <usize>from * headBytes;
    for (let t = start; t < end; t += 4) {
      a = plusProduct(a, v128.load32_splat(w + t), v128.load(at));
      at += headBytes;
    }
    v128.store(o + i, a);
  }
}

/** Where queries, keys and values of one page meet: rows x group queries of one key-value head. */
function attendPage(
  out: usize, outStride: usize, query: usize, queryStride: usize, rows: i32, position: i32, group: i32,
  headBytes: usize, keys: usize, values: usize, nextKeys: usize, nextValues: usize, pageStart: i32, window: i32, scale: f32, cap: f32,
  weights: usize, states: usize,
): void {
  const count = rows * group;
  let index = 0;
  while (index < count) {
    const row0 = index / group;
    const head0 = <usize>(index - row0 * group) * headBytes;
    const q0 = query + <usize>row0 * queryStride + head0;
    const o0 = out + <usize>row0 * outStride + head0;
    const from0 = window > 0 ? max(0, position + row0 - window + 1 - pageStart) : 0;
    const to0 = min(31, position + row0 - pageStart);
    const state0 = states + (<usize>index << 3);
    if (index + 1 < count) {
      const row1 = (index + 1) / group;
      const head1 = <usize>(index + 1 - row1 * group) * headBytes;
      const q1 = query + <usize>row1 * queryStride + head1;
      const o1 = out + <usize>row1 * outStride + head1;
      const from1 = window > 0 ? max(0, position + row1 - window + 1 - pageStart) : 0;
      const to1 = min(31, position + row1 - pageStart);
      const from = min(from0, from1);
      const to = max(to0, to1);
      if (from <= to) {
        scoreTwo(weights, weights + 128, q0, q1, keys, headBytes, from, to, nextKeys, nextValues);
        nextKeys = 0;
        const f0 = weigh(weights, state0, from0, to0, scale, cap);
        const f1 = weigh(weights + 128, state0 + 8, from1, to1, scale, cap);
        mixTwo(o0, o1, f0, f1, weights, weights + 128, values, headBytes, headBytes, from, to);
      }
      index += 2;
    } else {
      if (from0 <= to0) {
        scoreOne(weights, q0, keys, headBytes, from0, to0, nextKeys, nextValues);
        nextKeys = 0;
        const f0 = weigh(weights, state0, from0, to0, scale, cap);
        mixRest(o0, f0, weights, values, headBytes, headBytes, 0, from0, to0);
      }
      index += 1;
    }
  }
}

/**
 * out = softmax(scale x query . keys) values, for key-value heads headStart .. headEnd.
 * @param out f32, row stride outStride floats; each row [kvHeads * group, headSize]
 * @param query likewise, row stride queryStride floats, turned already
 * @param position of the first row; rows are consecutive. Its own key and value, and all before, lie in their pages
 * @param group query heads to a key-value head
 * @param floatPages u32 by page: its address over 64; those below firstFloatPage are not read
 * @param floatOffset bytes to this layer's part of a float page
 * @param int8Pages likewise; only those below firstFloatPage are read. Offsets of its parts as in kv-int8.ts
 * @param firstFloatPage pages from this one on are read as floats; the same for all rows of a call
 * @param window tokens a row sees, itself included; 0: all
 * @param cap scores become cap * tanh(score / cap); 0: as they are
 * @param scratch 64 x headSize + 64 + 2 x rows x group floats
 */
export function attention(
  out: usize, outStride: i32, query: usize, queryStride: i32, rows: i32, position: i32,
  kvHeads: i32, group: i32, headSize: i32, headStart: i32, headEnd: i32,
  floatPages: usize, floatOffset: usize,
  int8Pages: usize, int8Offset: usize, keyQuants: usize, valueScales: usize, valueQuants: usize,
  firstFloatPage: i32, window: i32, scale: f32, cap: f32, scratch: usize,
): void {
  const headBytes = <usize>headSize << 2;
  const tile = headBytes << 5;
  const weights = scratch + tile * 2;
  const states = weights + 256;
  const outBytes = <usize>outStride << 2;
  const queryBytes = <usize>queryStride << 2;
  const groupBytes = <usize>group * headBytes;
  const firstPage = window > 0 ? max(0, position - window + 1) >> 5 : 0;
  const lastPage = (position + rows - 1) >> 5;
  for (let head = headStart; head < headEnd; head++) {
    const headOut = out + <usize>head * groupBytes;
    const headQuery = query + <usize>head * groupBytes;
    for (let row = 0; row < rows; row++) memory.fill(headOut + <usize>row * outBytes, 0, groupBytes);
    for (let i = 0; i < rows * group; i++) {
      store<f32>(states + (<usize>i << 3), NONE);
      store<f32>(states + (<usize>i << 3), 0, 4);
    }
    for (let page = firstPage; page <= lastPage; page++) {
      let keys = scratch;
      let values = scratch + tile;
      if (page >= firstFloatPage) {
        keys = pageAt(floatPages + (<usize>page << 2)) + floatOffset + <usize>head * tile;
        values = keys + tile * <usize>kvHeads;
      } else {
        const closed = pageAt(int8Pages + (<usize>page << 2)) + int8Offset;
        const quants = <usize>head * (tile >> 2);
        kvDequantiseKeys(keys, closed + <usize>head * headBytes, closed + keyQuants + quants, headSize);
        kvDequantiseValues(values, closed + valueScales + (<usize>head << 6), closed + valueQuants + quants, headSize);
      }
      // A token at a time, memory is what is waited for; with many rows it is not. After the last page comes the next head.
      let nextKeys: usize = 0;
      if (rows * group <= 16 && page >= firstFloatPage && (page < lastPage || head + 1 < headEnd)) {
        const next = page < lastPage ? page + 1 : max(firstPage, firstFloatPage);
        const nextHead = <usize>(page < lastPage ? head : head + 1);
        nextKeys = pageAt(floatPages + (<usize>next << 2)) + floatOffset + nextHead * tile;
      }
      attendPage(
        headOut, outBytes, headQuery, queryBytes, rows, position, group, headBytes, keys, values, nextKeys,
        nextKeys + tile * <usize>kvHeads, page << 5, window,
        scale, cap, weights, states,
      );
    }
    for (let row = 0; row < rows; row++) {
      for (let g = 0; g < group; g++) {
        const by = f32x4.splat(<f32>1 / load<f32>(states + (<usize>(row * group + g) << 3), 4));
        const at = headOut + <usize>row * outBytes + <usize>g * headBytes;
        for (let i: usize = 0; i < headBytes; i += 16) v128.store(at + i, f32x4.mul(v128.load(at + i), by));
      }
    }
  }
}
