// A page of keys and values as int8 and back. Per layer (the caller's page layout; offsets are handed in):
//   K table [kvHeads, headSize] pairs of f16 (min, step), K quants uint8 [kvHeads, 32, headSize]: k = min + quant * step
//   V scales f16 [kvHeads, 32], V quants uint8 [kvHeads, 32, headSize]: v = (quant - 128) * scale
// K by channel over the page's 32 tokens, asymmetric; V by token and head, symmetric (KIVI, Liu et al. 2024).
// kvQuantise is called by the decoder for a page that queries no longer see as floats; kvDequantiseKeys and -Values by
// attention.ts, and by the decoder when a text is cut back so far that a page must be floats again.

import { fromHalves, toHalf } from './half';
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
 * @param floatPages u32 addresses of the sequence's float pages
 * @param floatOffset bytes to this layer's part of a float page
 * @param int8Pages likewise
 * @param int8Offset bytes to this layer's part of an int8 page; then the offsets of its parts after the table
 */
export function kvQuantise(
  floatPages: usize, floatOffset: usize, int8Pages: usize, int8Offset: usize, page: i32,
  keyQuants: usize, valueScales: usize, valueQuants: usize, kvHeads: i32, headSize: i32,
): void {
  const from = <usize>load<u32>(floatPages + (<usize>page << 2)) + floatOffset;
  const out = <usize>load<u32>(int8Pages + (<usize>page << 2)) + int8Offset;
  const headBytes = <usize>headSize << 2;
  const tile = headBytes << 5;
  const values = from + tile * <usize>kvHeads;
  for (let head: usize = 0; head < <usize>kvHeads; head++) {
    const quants = head * <usize>headSize * 32;
    quantiseKeys(from + head * tile, out + head * headBytes, out + keyQuants + quants, headSize);
    quantiseValues(values + head * tile, out + valueScales + (head << 6), out + valueQuants + quants, headSize);
  }
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
    const step = f32x4.div(f32x4.sub(high, low), f32x4.splat(255));
    storePair(table + (i << 2), f32x4.extract_lane(low, 0), f32x4.extract_lane(step, 0));
    storePair(table + (i << 2) + 4, f32x4.extract_lane(low, 1), f32x4.extract_lane(step, 1));
    storePair(table + (i << 2) + 8, f32x4.extract_lane(low, 2), f32x4.extract_lane(step, 2));
    storePair(table + (i << 2) + 12, f32x4.extract_lane(low, 3), f32x4.extract_lane(step, 3));
    // Rounded with the table's own values; a step that vanished in f16 leaves 0 everywhere.
    const pairs = v128.load(table + (i << 2));
    const min16 = fromHalves(pairs);
    const step16 = fromHalves(i32x4.shr_u(pairs, 16));
    const some = f32x4.gt(step16, f32x4.splat(0));
    at = keys + (i << 2);
    for (let t: usize = 0; t < 32; t++) {
      const q = f32x4.nearest(f32x4.div(f32x4.sub(v128.load(at), min16), step16));
      storeQuants(quants + t * <usize>headSize + i, i32x4.trunc_sat_f32x4_s(v128.and(q, some)));
      at += headBytes;
    }
  }
}

function storePair(at: usize, min: f32, step: f32): void {
  store<u32>(at, toHalf(min) | (toHalf(step) << 16));
}

function quantiseValues(values: usize, scales: usize, quants: usize, headSize: i32): void {
  for (let t: usize = 0; t < 32; t++) {
    let most = f32x4.splat(0);
    for (let i: usize = 0; i < <usize>headSize; i += 4) most = f32x4.max(most, f32x4.abs(v128.load(values + (i << 2))));
    const half = toHalf(greatestOfLanes(most) / 127);
    store<u16>(scales + (t << 1), <u16>half);
    const scale = fromHalves(i32x4.splat(half));
    const some = f32x4.gt(scale, f32x4.splat(0));
    for (let i: usize = 0; i < <usize>headSize; i += 4) {
      let q = v128.and(f32x4.nearest(f32x4.div(v128.load(values + (i << 2)), scale)), some);
      q = f32x4.add(f32x4.max(f32x4.min(q, f32x4.splat(127)), f32x4.splat(-127)), f32x4.splat(128));
      storeQuants(quants + i, i32x4.trunc_sat_f32x4_s(q));
    }
    values += <usize>headSize << 2;
    quants += headSize;
  }
}

/** Four bytes as floats. */
// @ts-ignore: decorator
@inline
function floats(quants: usize): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(quants))));
}

/** One head's keys of a page: f32 [32, headSize] from its table and quants. */
export function kvDequantiseKeys(out: usize, table: usize, quants: usize, headSize: i32): void {
  for (let i: usize = 0; i < <usize>headSize; i += 4) {
    const pairs = v128.load(table + (i << 2));
    const min = fromHalves(pairs);
    const step = fromHalves(i32x4.shr_u(pairs, 16));
    let from = quants + i;
    let to = out + (i << 2);
    for (let t = 0; t < 32; t++) {
      v128.store(to, f32x4.add(min, f32x4.mul(floats(from), step)));
      from += headSize;
      to += <usize>headSize << 2;
    }
  }
}

/** One head's values of a page: f32 [32, headSize] from its scales and quants. */
export function kvDequantiseValues(out: usize, scales: usize, quants: usize, headSize: i32): void {
  for (let t = 0; t < 32; t++) {
    const scale = fromHalves(i32x4.splat(load<u16>(scales)));
    for (let i: usize = 0; i < <usize>headSize; i += 4) {
      v128.store(out + (i << 2), f32x4.mul(f32x4.sub(floats(quants + i), f32x4.splat(128)), scale));
    }
    scales += 2;
    quants += headSize;
    out += <usize>headSize << 2;
  }
}
