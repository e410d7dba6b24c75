// ggml's block types -> float32, exactly as ggml does it (ggml-quants.c, dequantize_row_*). Called by convert.ts for types
// that our layout cannot hold as they are. Block layouts (ggml-common.h), little-endian, `d` and `m` binary16:
//
//   Q4_1  32: d, m, 16 bytes of nibbles (j low, j + 16 high)                     value = d q + m
//   Q5_0  32: d, 4 bytes of fifth bits, 16 bytes of nibbles                      value = d (q - 16)
//   Q5_1  32: d, m, 4 bytes of fifth bits, 16 bytes of nibbles                   value = d q + m
//   Q4_K 256: d, dmin, 12 bytes (eight 6-bit scales and minima), 128 of nibbles  value = d sc q - dmin mn
//   Q5_K 256: d, dmin, 12 bytes, 32 bytes of fifth bits, 128 of nibbles          value = d sc q - dmin mn
//   Q6_K 256: 128 bytes of low nibbles, 64 of upper pairs, 16 int8 scales, d     value = d sc (q - 32)
//   BF16   1: the upper half of a binary32
//
// It knows nothing of files, tensors or what becomes of the numbers. Fixtures: test/fixtures/ggml-blocks.json.

import { fromHalf } from '../half.js';

/** Unfolds one block at `at` into `out` from `to` on. */
type Unfold = (bytes: Uint8Array, at: number, out: Float32Array, to: number) => void;

const half = (bytes: Uint8Array, at: number): number =>
  fromHalf((bytes[at] as number) | ((bytes[at + 1] as number) << 8));

const q4of1: Unfold = (bytes, at, out, to) => {
  const d = half(bytes, at);
  const m = half(bytes, at + 2);
  for (let j = 0; j < 16; j++) {
    const byte = bytes[at + 4 + j] as number;
    out[to + j] = (byte & 15) * d + m;
    out[to + j + 16] = (byte >>> 4) * d + m;
  }
};

/** Nibble and fifth bit of element j (low half) and j + 16. */
const fifth = (bits: number, j: number): number => ((bits >>> j) & 1) << 4;
const bitsAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) |
  ((bytes[at + 1] as number) << 8) |
  ((bytes[at + 2] as number) << 16) |
  ((bytes[at + 3] as number) << 24);

const q5of0: Unfold = (bytes, at, out, to) => {
  const d = half(bytes, at);
  const bits = bitsAt(bytes, at + 2);
  for (let j = 0; j < 16; j++) {
    const byte = bytes[at + 6 + j] as number;
    out[to + j] = (((byte & 15) | fifth(bits, j)) - 16) * d;
    out[to + j + 16] = (((byte >>> 4) | fifth(bits, j + 16)) - 16) * d;
  }
};

const q5of1: Unfold = (bytes, at, out, to) => {
  const d = half(bytes, at);
  const m = half(bytes, at + 2);
  const bits = bitsAt(bytes, at + 4);
  for (let j = 0; j < 16; j++) {
    const byte = bytes[at + 8 + j] as number;
    out[to + j] = ((byte & 15) | fifth(bits, j)) * d + m;
    out[to + j + 16] = ((byte >>> 4) | fifth(bits, j + 16)) * d + m;
  }
};

/** Sub-block j's 6-bit scale, packed as ggml's get_scale_min_k4 says; `q` is where the 12 bytes begin. */
const scaleOf = (bytes: Uint8Array, q: number, j: number): number =>
  j < 4
    ? (bytes[q + j] as number) & 63
    : ((bytes[q + j + 4] as number) & 15) | (((bytes[q + j - 4] as number) >>> 6) << 4);
const minimumOf = (bytes: Uint8Array, q: number, j: number): number =>
  j < 4
    ? (bytes[q + j + 4] as number) & 63
    : ((bytes[q + j + 4] as number) >>> 4) | (((bytes[q + j] as number) >>> 6) << 4);

const q4ofK: Unfold = (bytes, at, out, to) => {
  const d = half(bytes, at);
  const dmin = half(bytes, at + 2);
  for (let pair = 0; pair < 4; pair++) {
    const low = 2 * pair;
    const d1 = Math.fround(d * scaleOf(bytes, at + 4, low));
    const m1 = Math.fround(dmin * minimumOf(bytes, at + 4, low));
    const d2 = Math.fround(d * scaleOf(bytes, at + 4, low + 1));
    const m2 = Math.fround(dmin * minimumOf(bytes, at + 4, low + 1));
    const from = at + 16 + 32 * pair;
    const start = to + 64 * pair;
    for (let l = 0; l < 32; l++) {
      const byte = bytes[from + l] as number;
      out[start + l] = Math.fround(d1 * (byte & 15)) - m1;
      out[start + 32 + l] = Math.fround(d2 * (byte >>> 4)) - m2;
    }
  }
};

const q5ofK: Unfold = (bytes, at, out, to) => {
  const d = half(bytes, at);
  const dmin = half(bytes, at + 2);
  const upper = at + 16;
  for (let pair = 0; pair < 4; pair++) {
    const low = 2 * pair;
    const d1 = Math.fround(d * scaleOf(bytes, at + 4, low));
    const m1 = Math.fround(dmin * minimumOf(bytes, at + 4, low));
    const d2 = Math.fround(d * scaleOf(bytes, at + 4, low + 1));
    const m2 = Math.fround(dmin * minimumOf(bytes, at + 4, low + 1));
    const from = at + 48 + 32 * pair;
    const start = to + 64 * pair;
    for (let l = 0; l < 32; l++) {
      const byte = bytes[from + l] as number;
      const bits = (bytes[upper + l] as number) >>> low;
      out[start + l] = Math.fround(d1 * ((byte & 15) + ((bits & 1) << 4))) - m1;
      out[start + 32 + l] = Math.fround(d2 * ((byte >>> 4) + ((bits & 2) << 3))) - m2;
    }
  }
};

const q6ofK: Unfold = (bytes, at, out, to) => {
  const d = half(bytes, at + 208);
  for (let part = 0; part < 2; part++) {
    const low = at + 64 * part;
    const high = at + 128 + 32 * part;
    const scales = at + 192 + 8 * part;
    const start = to + 128 * part;
    for (let l = 0; l < 32; l++) {
      const group = scales + (l >> 4);
      const a = bytes[low + l] as number;
      const b = bytes[low + l + 32] as number;
      const h = bytes[high + l] as number;
      out[start + l] = d * int8(bytes, group) * (((a & 15) | ((h & 3) << 4)) - 32);
      out[start + l + 32] = d * int8(bytes, group + 2) * (((b & 15) | (((h >>> 2) & 3) << 4)) - 32);
      out[start + l + 64] = d * int8(bytes, group + 4) * (((a >>> 4) | (((h >>> 4) & 3) << 4)) - 32);
      out[start + l + 96] = d * int8(bytes, group + 6) * (((b >>> 4) | ((h >>> 6) << 4)) - 32);
    }
  }
};
const int8 = (bytes: Uint8Array, at: number): number => ((bytes[at] as number) << 24) >> 24;

const bf16Word = new Uint32Array(1);
const bf16Float = new Float32Array(bf16Word.buffer);
const bf16: Unfold = (bytes, at, out, to) => {
  bf16Word[0] = (((bytes[at + 1] as number) << 24) | ((bytes[at] as number) << 16)) >>> 0;
  out[to] = bf16Float[0] as number;
};

const unfolds = new Map<string, Unfold>([
  ['Q4_1', q4of1],
  ['Q5_0', q5of0],
  ['Q5_1', q5of1],
  ['Q4_K', q4ofK],
  ['Q5_K', q5ofK],
  ['Q6_K', q6ofK],
  ['BF16', bf16],
]);

/** @param type one of those above; `bytes` holds whole blocks of it @returns their values */
export function unfoldBlocks(
  {
    name,
    blockElements,
    blockBytes,
  }: { readonly name: string; readonly blockElements: number; readonly blockBytes: number },
  bytes: Uint8Array,
): Float32Array<ArrayBuffer> {
  const unfold = unfolds.get(name);
  if (unfold === undefined) throw new RangeError(`no way to unfold ${name}`);
  const blocks = bytes.length / blockBytes;
  const out = new Float32Array(blocks * blockElements);
  for (let block = 0; block < blocks; block++) unfold(bytes, block * blockBytes, out, block * blockElements);
  return out;
}
