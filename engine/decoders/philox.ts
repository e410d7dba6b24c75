// Philox4x32-10, a counter-based random generator: the draw for (seed, position) is computed, not stepped to, so
// every decoder, on any device, after any abort or resumption, draws the same number for the same place in a text.
// Called by `choose.ts`; a GPU decoder's shader implements the same ten rounds on u32.
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), section 3.3 and the
// known-answer vectors published with it (Random123, kat_vectors).
// Knows nothing of logits. Cannot fail: any seed in [0, 2^53) and any position in [0, 2^53) is accepted.

const multiplier0 = 0xd2511f53;
const multiplier1 = 0xcd9e8d57;
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;
const rounds = 10;

/** High 32 bits of the 64-bit product of two unsigned 32-bit numbers, which doubles alone cannot hold. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carried = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carried / 0x10000)) >>> 0;
}

/**
 * One block of four words.
 * @param counter four unsigned 32-bit words, least significant first
 * @param key two unsigned 32-bit words, least significant first
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < rounds; round++) {
    const high0 = multiplyHigh(multiplier0, c0);
    const low0 = Math.imul(multiplier0, c0) >>> 0;
    const high1 = multiplyHigh(multiplier1, c2);
    const low1 = Math.imul(multiplier1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + weyl0) >>> 0;
    k1 = (k1 + weyl1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * The draw of one position: uniform in [0, 1), a multiple of 2^-24, so that f32 on a GPU holds it exactly.
 * @param seed integer in [0, 2^53)
 * @param position index of the token to be chosen in its sequence
 */
export function uniformAt(seed: number, position: number): number {
  const word = philox4x32(
    [position >>> 0, Math.floor(position / 0x100000000) >>> 0, 0, 0],
    [seed >>> 0, Math.floor(seed / 0x100000000) >>> 0],
  )[0];
  return (word >>> 8) / 0x1000000;
}
