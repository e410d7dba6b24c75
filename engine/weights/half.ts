// IEEE 754 binary16 <-> binary32, since Float16Array is not everywhere yet (Node 20 and older browsers lack it).
// Called wherever f16 weights or scales are read or written. Rounds to nearest, ties to even.

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** @param value any number @returns the bits of the nearest binary16; beyond 65504 infinity */
export function toHalf(value: number): number {
  float[0] = value;
  const word = bits[0] as number;
  const sign = (word >>> 16) & 0x8000;
  const mantissa = word & 0x7fffff;
  const exponent = (word >>> 23) & 0xff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200);
  const rebased = exponent - 112; // bias 127 -> 15
  if (rebased >= 31) return sign | 0x7c00;
  if (rebased < -10) return sign;
  // A carry out of the mantissa runs into the exponent, which is just what rounding up means.
  if (rebased <= 0) return sign | shiftRounding(mantissa | 0x800000, 14 - rebased);
  return sign | ((rebased << 10) + shiftRounding(mantissa, 13));
}

function shiftRounding(value: number, by: number): number {
  const kept = value >>> by;
  const rest = value & ((1 << by) - 1);
  const half = 1 << (by - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

/** @param half bits of a binary16 @returns its value, exactly */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : Number.NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** Whether these bits are a number, and neither infinite nor NaN. */
export const isFiniteHalf = (half: number): boolean => (half & 0x7c00) !== 0x7c00;
