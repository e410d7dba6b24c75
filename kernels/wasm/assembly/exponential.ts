// e^x of four floats, and the logistic function made of it. Included by gate.ts and attention.ts; exports nothing to
// JavaScript. AssemblyScript, not TypeScript (see ../README.md).
// Method: Cody and Waite's range reduction (x = n ln 2 + r, ln 2 in two parts), Cephes' polynomial of degree 6 for e^r
// on |r| <= ln(2) / 2, then n is added to the exponent's bits. Relative error below 2e-7 (2 ulp) where the result is a
// normal float; the test holds it to that.
// Below -87.3 the result stays at 1.2e-38, above 88.3 at 2.2e38.

import { opaque } from './lanes';

/** 1.5 * 2^23: a small number added to it is rounded to an integer, which then stands in the lowest bits. */
const SHIFTER: f32 = 12582912;

/** e^x; NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function exponential(x: v128): v128 {
  // pmin and pmax are one instruction on x86, min and max are eight.
  x = f32x4.pmax(f32x4.pmin(x, f32x4.splat(88.3)), f32x4.splat(-87.3));
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(1.44269504)), f32x4.splat(SHIFTER));
  const n = f32x4.sub(shifted, f32x4.splat(SHIFTER));
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(shifted, i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

// @ts-ignore: decorator
@inline
function held(value: f32): v128 {
  return f32x4.splat(reinterpret<f32>(opaque(reinterpret<i32>(value))));
}

/** Numbers from `at` on, `bytes` of them (a multiple of 16): x becomes exponential(x - less), the same to the last bit. */
export function exponentials(at: usize, bytes: usize, less: f32): void {
  const by = f32x4.splat(less);
  const most = held(88.3);
  const least = held(-87.3);
  const perLn2 = held(1.44269504);
  const shifter = held(SHIFTER);
  const ln2 = held(0.693359375);
  const ln2Rest = held(-2.12194440e-4);
  const p6 = held(1.9875691500e-4);
  const p5 = held(1.3981999507e-3);
  const p4 = held(8.3334519073e-3);
  const p3 = held(4.1665795894e-2);
  const p2 = held(1.6666665459e-1);
  const p1 = held(5.0000001201e-1);
  const one = held(1);
  const bias = i32x4.splat(opaque(127));
  for (const end = at + bytes; at < end; at += 16) {
    const x = f32x4.pmax(f32x4.pmin(f32x4.sub(v128.load(at), by), most), least);
    const shifted = f32x4.add(f32x4.mul(x, perLn2), shifter);
    const n = f32x4.sub(shifted, shifter);
    const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, ln2)), f32x4.mul(n, ln2Rest));
    let p = f32x4.add(f32x4.mul(p6, r), p5);
    p = f32x4.add(f32x4.mul(p, r), p4);
    p = f32x4.add(f32x4.mul(p, r), p3);
    p = f32x4.add(f32x4.mul(p, r), p2);
    p = f32x4.add(f32x4.mul(p, r), p1);
    p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), one);
    v128.store(at, f32x4.mul(p, i32x4.shl(i32x4.add(shifted, bias), 23)));
  }
}

/** 1 / (1 + e^-x) */
// @ts-ignore: decorator
@inline
export function logistic(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exponential(f32x4.neg(x))));
}

/** The sum of four lanes: (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline
export function sumOfLanes(v: v128): f32 {
  v = f32x4.add(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1);
}

/** The greatest of four lanes, none of them NaN. */
// @ts-ignore: decorator
@inline
export function greatestOfLanes(v: v128): f32 {
  v = f32x4.pmax(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  v = f32x4.pmax(v, i32x4.shuffle(v, v, 1, 0, 3, 2));
  return f32x4.extract_lane(v, 0);
}
