// IEEE binary32 <-> binary16, with the roundings that int8 pages want. Included by kv-int8.ts; exports nothing to JavaScript.

/** The greatest finite one. */
const MOST: u32 = 0x7bff;

/** To nearest, ties to even. */
function toHalf(value: f32): u32 {
  const word = reinterpret<u32>(value);
  const sign = (word >> 16) & 0x8000;
  const mantissa = word & 0x7fffff;
  const exponent = (word >> 23) & 0xff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200);
  const rebased = <i32>exponent - 112; // bias 127 -> 15
  if (rebased >= 31) return sign | 0x7c00;
  if (rebased < -10) return sign;
  // A carry out of the mantissa runs into the exponent, which is just what rounding up means.
  if (rebased <= 0) return sign | shiftRounding(mantissa | 0x800000, 14 - rebased);
  return sign | ((<u32>rebased << 10) + shiftRounding(mantissa, 13));
}

function shiftRounding(value: u32, by: i32): u32 {
  const kept = value >> by;
  const rest = value & ((1 << by) - 1);
  const middle: u32 = 1 << (by - 1);
  return rest > middle || (rest === middle && (kept & 1) === 1) ? kept + 1 : kept;
}

// @ts-ignore: decorator
@inline
function fromHalf(bits: u32): f32 {
  const shifted = ((bits & 0x7fff) << 13) | ((bits & 0x8000) << 16);
  return reinterpret<f32>(shifted) * reinterpret<f32>(239 << 23); // 2^112
}

/** The greatest f16 that is at most `value`; -65504 for less than that. */
export function halfBelow(value: f32): u32 {
  if (value <= -65504) return 0x8000 | MOST;
  if (value >= 65504) return MOST;
  const near = toHalf(value);
  if (fromHalf(near) <= value) return near;
  return near & 0x8000 ? near + 1 : near === 0 ? 0x8001 : near - 1;
}

/** The least f16 of which `times` (below 2^13, so that the product is exact) are at least `value` >= 0; 65504 at most. */
export function halfOf(value: f32, times: f32): u32 {
  let near = min(toHalf(value / times), MOST);
  if (near > 0 && fromHalf(near - 1) * times >= value) near -= 1;
  if (near < MOST && fromHalf(near) * times < value) near += 1;
  return near;
}

/** Four f16, each in the low half of a lane, as f32. Exact for finite ones. */
// @ts-ignore: decorator
@inline
export function fromHalves(bits: v128): v128 {
  const magnitude = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  return f32x4.mul(v128.or(magnitude, sign), f32x4.splat(reinterpret<f32>(239 << 23))); // 2^112
}
