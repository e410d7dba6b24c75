// The end of every quantised product: four rows' outputs of one token are put back to scale and stored.

import { SCALE_BACK } from './activations';

/** `rows`: how many of the four there are; the last quad of a matrix may have fewer. */
// @ts-ignore: decorator
@inline
export function storeQuad(y: usize, sums: v128, rows: i32): void {
  const v = f32x4.mul(sums, f32x4.splat(SCALE_BACK));
  if (rows >= 4) v128.store(y, v);
  else storePart(y, v, rows);
}

function storePart(y: usize, v: v128, rows: i32): void {
  v128.store32_lane(y, v, 0);
  if (rows > 1) v128.store32_lane(y, v, 1, 4);
  if (rows > 2) v128.store32_lane(y, v, 2, 8);
}
