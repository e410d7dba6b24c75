// Closing a page in plain TypeScript, and numbers of half precision: what kv-close.ts must equal bit for bit. For tests.
// The rounding rules are those of engine/kv/page-layout.ts.

import { int8Offsets, pageTokens, type KvPool } from './kv-pages.js';

/** The value of a half. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** The greatest half not above a finite number (at least -65504). */
export function halfBelow(value: number): number {
  if (value >= 0) {
    // Non-negative halves are ordered like their bits.
    let low = 0;
    let high = 0x7bff;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (fromHalf(middle) <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  }
  return 0x8000 | halfWith((half) => half >= -value);
}

/** The least non-negative half that satisfies a rising condition; 65504 when none does. */
function halfWith(enough: (half: number) => boolean): number {
  let low = 0;
  let high = 0x7bff;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (enough(fromHalf(middle))) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** How many n of 1 ... most have x >= (n - 0.5) * step; step is a half, so each product is exact. */
function steps(x: number, step: number, most: number): number {
  if (step === 0) return 0;
  let n = 0;
  while (n < most && x >= (n + 0.5) * step) n += 1;
  return n;
}

/**
 * One layer of an int8 page.
 * @param keys float32 [H, 32, D]
 * @param values float32 [H, 32, D]
 */
export function closeLayer(pool: KvPool, keys: Float32Array, values: Float32Array): Uint8Array {
  const { kvHeads, headSize } = pool;
  const { keyTable, keyQuants, valueScales, valueQuants, byteLength } = int8Offsets(pool);
  const out = new Uint8Array(byteLength);
  const view = new DataView(out.buffer);
  for (let head = 0; head < kvHeads; head++) {
    const at = (token: number, d: number): number => (head * pageTokens + token) * headSize + d;
    for (let d = 0; d < headSize; d++) {
      const column = Array.from({ length: pageTokens }, (_, token) => keys[at(token, d)] as number);
      const low = halfBelow(Math.min(...column));
      const range = Math.fround(Math.max(...column) - fromHalf(low));
      const step = halfWith((half) => 255 * half >= range);
      view.setUint32(keyTable + (head * headSize + d) * 4, low | (step << 16), true);
      column.forEach((k, token) => {
        out[keyQuants + at(token, d)] = steps(Math.fround(k - fromHalf(low)), fromHalf(step), 255);
      });
    }
    for (let token = 0; token < pageTokens; token++) {
      const row = values.subarray(at(token, 0), at(token, headSize));
      const most = row.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
      const scale = halfWith((half) => 127 * half >= most);
      view.setUint16(valueScales + (head * pageTokens + token) * 2, scale, true);
      row.forEach((v, d) => {
        const magnitude = steps(Math.abs(v), fromHalf(scale), 127);
        out[valueQuants + at(token, d)] = 128 + (v < 0 ? -magnitude : magnitude);
      });
    }
  }
  return out;
}

/** What readers see of a closed layer: float32 [H, 32, D] each. */
export function openLayer(pool: KvPool, layer: Uint8Array): { keys: Float32Array; values: Float32Array } {
  const { kvHeads, headSize } = pool;
  const { keyTable, keyQuants, valueScales, valueQuants } = int8Offsets(pool);
  const view = new DataView(layer.buffer, layer.byteOffset, layer.byteLength);
  const size = kvHeads * pageTokens * headSize;
  const keys = new Float32Array(size);
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const head = Math.floor(i / (pageTokens * headSize));
    const channel = keyTable + (head * headSize + (i % headSize)) * 4;
    const step = fromHalf(view.getUint16(channel + 2, true));
    keys[i] = fromHalf(view.getUint16(channel, true)) + (layer[keyQuants + i] as number) * step;
    const scale = fromHalf(view.getUint16(valueScales + Math.floor(i / headSize) * 2, true));
    values[i] = ((layer[valueQuants + i] as number) - 128) * scale;
  }
  return { keys, values };
}
