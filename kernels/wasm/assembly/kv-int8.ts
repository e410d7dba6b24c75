// A page of keys and values as int8 and back. Per layer (the caller's page layout; offsets are handed in):
//   K table [kvHeads, headSize] pairs of f16 (min, step), K quants uint8 [kvHeads, 32, headSize]: k = min + quant * step
//   V scales f16 [kvHeads, 32], V quants uint8 [kvHeads, 32, headSize]: v = (quant - 128) * scale
// K by channel over the page's 32 tokens, asymmetric; V by token and head, symmetric (KIVI, Liu et al. 2024). The rounding is
// the page layout's, exactly: steps are rounded up, and a quant counts the halves of steps that are reached, by comparing
// with products that f32 holds exactly.
// kvQuantise is called by the decoder for a page that queries no longer see as floats; kvDequantiseKeys and -Values by
// attention.ts, and by the decoder when a text is cut back so far that a page must be floats again.

import { pageAt } from './lanes';
import { fromHalves, halfBelow, halfOf } from './half';
import { greatestOfLanes } from './exponential';

/** Four quants in 0..255 as bytes, at `to`. */
// @ts-ignore: decorator
@inline
function storeQuants(to: usize, quants: v128): void {
  const words = i16x8.narrow_i32x4_u(quants, quants);
  v128.store32_lane(to, i8x16.narrow_i16x8_u(words, words), 0);
}

/**
 * One layer of a page.
 * @param floatPages u32 by page: its address over 64, of the sequence's float pages
 * @param floatOffset bytes to this layer's part of a float page
 * @param int8Pages likewise
 * @param int8Offset bytes to this layer's part of an int8 page; then the offsets of its parts after the table
 */
export function kvQuantise(
  floatPages: usize, floatOffset: usize, int8Pages: usize, int8Offset: usize, page: i32,
  keyQuants: usize, valueScales: usize, valueQuants: usize, kvHeads: i32, headSize: i32,
): void {
  const from = pageAt(floatPages + (<usize>page << 2)) + floatOffset;
  const out = pageAt(int8Pages + (<usize>page << 2)) + int8Offset;
  const headBytes = <usize>headSize << 2;
  const tile = headBytes << 5;
  const values = from + tile * <usize>kvHeads;
  for (let head: usize = 0; head < <usize>kvHeads; head++) {
    const quants = head * <usize>headSize * 32;
    quantiseKeys(from + head * tile, out + head * headBytes, out + keyQuants + quants, headSize);
    quantiseValues(values + head * tile, out + valueScales + (head << 6), out + valueQuants + quants, headSize);
  }
}

/** How many n of 1 ... 255 (at least) have distance >= (n - 0.5) * step; a step of 0 has none. */
// @ts-ignore: decorator
@inline
function count(distance: v128, step: v128): v128 {
  const half = f32x4.splat(0.5);
  const near = f32x4.nearest(f32x4.div(distance, step)); // right, or off by one
  const tooMany = f32x4.lt(distance, f32x4.mul(f32x4.sub(near, half), step));
  const tooFew = f32x4.ge(distance, f32x4.mul(f32x4.add(near, half), step));
  const one = f32x4.splat(1);
  const exact = f32x4.add(f32x4.sub(near, v128.and(tooMany, one)), v128.and(tooFew, one));
  return v128.and(exact, f32x4.gt(step, f32x4.splat(0)));
}

function quantiseKeys(keys: usize, table: usize, quants: usize, headSize: i32): void {
  const headBytes = <usize>headSize << 2;
  for (let i: usize = 0; i < <usize>headSize; i += 4) {
    let at = keys + (i << 2);
    let low = v128.load(at);
    let high = low;
    for (let t = 1; t < 32; t++) {
      at += headBytes;
      low = f32x4.min(low, v128.load(at));
      high = f32x4.max(high, v128.load(at));
    }
    storePair(table + (i << 2), f32x4.extract_lane(low, 0), f32x4.extract_lane(high, 0));
    storePair(table + (i << 2) + 4, f32x4.extract_lane(low, 1), f32x4.extract_lane(high, 1));
    storePair(table + (i << 2) + 8, f32x4.extract_lane(low, 2), f32x4.extract_lane(high, 2));
    storePair(table + (i << 2) + 12, f32x4.extract_lane(low, 3), f32x4.extract_lane(high, 3));
    const pairs = v128.load(table + (i << 2));
    const least = fromHalves(pairs);
    const step = fromHalves(i32x4.shr_u(pairs, 16));
    at = keys + (i << 2);
    for (let t: usize = 0; t < 32; t++) {
      const q = f32x4.pmin(count(f32x4.sub(v128.load(at), least), step), f32x4.splat(255));
      storeQuants(quants + t * <usize>headSize + i, i32x4.trunc_sat_f32x4_s(f32x4.pmax(q, f32x4.splat(0))));
      at += headBytes;
    }
  }
}

function storePair(at: usize, low: f32, high: f32): void {
  const least = halfBelow(low);
  const from = f32x4.extract_lane(fromHalves(i32x4.splat(least)), 0);
  store<u32>(at, least | (low === high ? 0 : halfOf(high - from, 255) << 16));
}

function quantiseValues(values: usize, scales: usize, quants: usize, headSize: i32): void {
  for (let t: usize = 0; t < 32; t++) {
    let most = f32x4.splat(0);
    for (let i: usize = 0; i < <usize>headSize; i += 4) most = f32x4.max(most, f32x4.abs(v128.load(values + (i << 2))));
    const half = halfOf(greatestOfLanes(most), 127);
    store<u16>(scales + (t << 1), <u16>half);
    const scale = fromHalves(i32x4.splat(half));
    for (let i: usize = 0; i < <usize>headSize; i += 4) {
      const v = v128.load(values + (i << 2));
      const size = f32x4.pmin(count(f32x4.abs(v), scale), f32x4.splat(127));
      const q = f32x4.add(v128.or(size, v128.and(v, f32x4.splat(-0.0))), f32x4.splat(128));
      storeQuants(quants + i, i32x4.trunc_sat_f32x4_s(q));
    }
    values += <usize>headSize << 2;
    quants += headSize;
  }
}

/** One head's keys of a page: f32 [32, headSize] from its table and quants. */
export function kvDequantiseKeys(out: usize, table: usize, quants: usize, headSize: i32): void {
  for (let i: usize = 0; i < <usize>headSize; i += 8) {
    const left = v128.load(table + (i << 2));
    const right = v128.load(table + (i << 2), 16);
    const leftMin = fromHalves(left);
    const leftStep = fromHalves(i32x4.shr_u(left, 16));
    const rightMin = fromHalves(right);
    const rightStep = fromHalves(i32x4.shr_u(right, 16));
    let from = quants + i;
    let to = out + (i << 2);
    for (let t = 0; t < 32; t++) {
      const eight = v128.load8x8_u(from);
      const a = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(eight));
      const b = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(eight));
      v128.store(to, f32x4.add(leftMin, f32x4.mul(a, leftStep)));
      v128.store(to, f32x4.add(rightMin, f32x4.mul(b, rightStep)), 16);
      from += headSize;
      to += <usize>headSize << 2;
    }
  }
}

/** One head's values of a page: f32 [32, headSize] from its scales and quants. */
export function kvDequantiseValues(out: usize, scales: usize, quants: usize, headSize: i32): void {
  const middle = i16x8.splat(128);
  for (let t = 0; t < 32; t++) {
    const scale = fromHalves(i32x4.splat(load<u16>(scales)));
    const end = quants + headSize;
    for (; quants < end; quants += 8, out += 32) {
      const eight = i16x8.sub(v128.load8x8_u(quants), middle);
      v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(eight)), scale));
      v128.store(out, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(eight)), scale), 16);
    }
    scales += 2;
  }
}
