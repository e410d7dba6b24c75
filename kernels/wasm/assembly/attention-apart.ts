// One token's attention in two steps between which threads meet: first all scores, divided by pages; then what the values
// weigh together, divided by elements of heads. So every key and value is read by one thread, and nearly evenly by
// all, however few key-value heads there are (with three, two threads had two heads' pages to read each). Called by the
// decoder for long texts; attention.ts is for everything else. No sum is divided: the bits are those of attention.ts, whose
// functions these are.

import { mixRest, mixTwo, NONE, scoreOne, scoreTwo, weigh } from './attention';
import { kvDequantiseKeys, kvDequantiseValues } from './kv-int8';
import { pageAt } from './lanes';

/** Bytes of a head's elements that are not divided. */
const BLOCK: usize = 64;

/**
 * Scores of one token's queries with the keys of some pages: query . key, not scaled yet.
 * @param scores f32 [kvHeads * group, scoreStride], by token
 * @param query f32 [kvHeads * group, headSize], turned already
 * @param position of the token, whose own key lies in its page
 * @param start units from, `end`: one past the last; a unit is a page that the token sees, of one key-value head after the
 *     other
 * Pages and offsets as in `attention`; scratch 32 x headSize floats.
 */
export function attentionScores(
  scores: usize, scoreStride: i32, query: usize, position: i32, group: i32, headSize: i32, start: i32, end: i32,
  kvHeads: i32, floatPages: usize, floatOffset: usize, int8Pages: usize, int8Offset: usize, keyQuants: usize,
  firstFloatPage: i32, window: i32, scratch: usize,
): void {
  const headBytes = <usize>headSize << 2;
  const tile = headBytes << 5;
  const first = window > 0 ? max(0, position - window + 1) : 0;
  const firstPage = first >> 5;
  const pages = (position >> 5) - firstPage + 1;
  for (let unit = start; unit < end; unit++) {
    const head = unit / pages;
    const page = firstPage + unit - head * pages;
    const keyHead = floatOffset + <usize>head * tile;
    const toValues = tile * <usize>kvHeads;
    let keys = scratch;
    // Meanwhile these values are brought near, and the keys of the page after it.
    let values: usize = 0;
    let nextKeys: usize = 0;
    if (page >= firstFloatPage) {
      keys = pageAt(floatPages + (<usize>page << 2)) + keyHead;
      values = keys + toValues;
      nextKeys = page < firstPage + pages - 1 ? pageAt(floatPages + (<usize>(page + 1) << 2)) + keyHead : keys;
    } else {
      const closed = pageAt(int8Pages + (<usize>page << 2)) + int8Offset;
      kvDequantiseKeys(keys, closed + <usize>head * headBytes, closed + keyQuants + <usize>head * (tile >> 2), headSize);
    }
    const from = max(0, first - (page << 5));
    const to = min(31, position - (page << 5));
    const rowBytes = <usize>scoreStride << 2;
    let s = scores + <usize>(head * group) * rowBytes + (<usize>page << 7);
    let q = query + <usize>(head * group) * headBytes;
    let left = group;
    while (left >= 2) {
      scoreTwo(s, s + rowBytes, q, q + headBytes, keys, headBytes, from, to, nextKeys, values);
      nextKeys = 0;
      s += rowBytes << 1;
      q += headBytes << 1;
      left -= 2;
    }
    if (left > 0) scoreOne(s, q, keys, headBytes, from, to, nextKeys, values);
  }
}

/**
 * out = softmax(scale x scores) values, for some elements of heads.
 * @param out f32 [kvHeads * group, headSize]
 * @param start units from, `end`: one past the last; a unit is 16 elements (or what is left of a head) of all query heads
 *     of a key-value head, one key-value head after the other
 * Everything else as in `attention`; scratch 32 x headSize + 64 + 2 x group floats.
 */
export function attentionMix(
  out: usize, scores: usize, scoreStride: i32, position: i32, group: i32, headSize: i32, start: i32, end: i32,
  kvHeads: i32, floatPages: usize, floatOffset: usize, int8Pages: usize, int8Offset: usize, valueScales: usize,
  valueQuants: usize, firstFloatPage: i32, window: i32, scale: f32, cap: f32, scratch: usize,
): void {
  const headBytes = <usize>headSize << 2;
  const blocks = <i32>((headBytes + BLOCK - 1) / BLOCK);
  for (let unit = start; unit < end;) {
    const head = unit / blocks;
    const firstBlock = unit - head * blocks;
    const lastBlock = min(blocks, firstBlock + end - unit);
    const begin = <usize>firstBlock * BLOCK;
    const bytes = min(<usize>lastBlock * BLOCK, headBytes) - begin;
    mixHead(
      out, scores, scoreStride, position, group, headSize, head, begin, bytes, kvHeads, floatPages, floatOffset,
      int8Pages, int8Offset, valueScales, valueQuants, firstFloatPage, window, scale, cap, scratch,
    );
    unit += lastBlock - firstBlock;
  }
}

/** Of a page. `memory.copy` would leave WebAssembly for so few. */
// @ts-ignore: decorator
@inline
function copyScores(to: usize, from: usize): void {
  for (let i: usize = 0; i < 128; i += 16) v128.store(to + i, v128.load(from + i));
}

/** Of one key-value head: bytes begin to begin + bytes of its query heads' outputs. */
function mixHead(
  out: usize, scores: usize, scoreStride: i32, position: i32, group: i32, headSize: i32, head: i32, begin: usize,
  bytes: usize, kvHeads: i32, floatPages: usize, floatOffset: usize, int8Pages: usize, int8Offset: usize,
  valueScales: usize, valueQuants: usize, firstFloatPage: i32, window: i32, scale: f32, cap: f32, scratch: usize,
): void {
  const headBytes = <usize>headSize << 2;
  const tile = headBytes << 5;
  const rowBytes = <usize>scoreStride << 2;
  const weights = scratch + tile;
  const states = weights + 256;
  const first = window > 0 ? max(0, position - window + 1) : 0;
  const headOut = out + <usize>(head * group) * headBytes + begin;
  const headScores = scores + <usize>(head * group) * rowBytes;
  for (let g: usize = 0; g < <usize>group; g++) {
    memory.fill(headOut + g * headBytes, 0, bytes);
    store<f32>(states + (g << 3), NONE);
    store<f32>(states + (g << 3), 0, 4);
  }
  for (let page = first >> 5; page <= position >> 5; page++) {
    let values = scratch;
    if (page >= firstFloatPage) {
      values = pageAt(floatPages + (<usize>page << 2)) + floatOffset + <usize>(kvHeads + head) * tile;
    } else {
      const closed = pageAt(int8Pages + (<usize>page << 2)) + int8Offset;
      const quants = closed + valueQuants + <usize>head * (tile >> 2);
      kvDequantiseValues(values, closed + valueScales + (<usize>head << 6), quants, headSize);
    }
    values += begin;
    const from = max(0, first - (page << 5));
    const to = min(31, position - (page << 5));
    const at = headScores + (<usize>page << 7);
    for (let g: usize = 0; g < <usize>group; g += 2) {
      const o = headOut + g * headBytes;
      const state = states + (g << 3);
      // Other threads weigh the same scores, so weights are made in a copy.
      copyScores(weights, at + g * rowBytes);
      const f0 = weigh(weights, state, from, to, scale, cap);
      if (g + 1 < <usize>group) {
        copyScores(weights + 128, at + (g + 1) * rowBytes);
        const f1 = weigh(weights + 128, state + 8, from, to, scale, cap);
        mixTwo(o, o + headBytes, f0, f1, weights, weights + 128, values, bytes, headBytes, from, to);
      } else {
        mixRest(o, f0, weights, values, bytes, headBytes, 0, from, to);
      }
    }
  }
  for (let g: usize = 0; g < <usize>group; g++) {
    const by = f32x4.splat(<f32>1 / load<f32>(states + (g << 3), 4));
    const at = headOut + g * headBytes;
    for (let i: usize = 0; i < bytes; i += 16) v128.store(at + i, f32x4.mul(v128.load(at + i), by));
  }
}
