// y = W x for matrices that are not quantised, f32 activations: f32 weights as they are, f16 weights converted where
// they are read (half the memory). Called by the decoder for unquantised models and in its float reference mode.
//
// One output is, whatever the number of tokens: four lanes l of four sums j each, products of elements 16i + 4j + l
// added in ascending i (a last part of 4, 8 or 12 elements goes to sums 0, 1, 2), then (0 + 1) + (2 + 3), then the lanes
// (0 + 2) + (1 + 3). No fused multiply-add: results are the same on every machine.

/** Four f16 as f32. */
// @ts-ignore: decorator
@inline
export function loadHalves(at: usize): v128 {
  const bits = v128.and(i32x4.shl(v128.load16x4_s(at), 13), i32x4.splat(0x8fffe000));
  return f32x4.mul(bits, f32x4.splat(reinterpret<f32>(239 << 23))); // 2^112
}

// @ts-ignore: decorator
@inline
function total(a: v128, b: v128, c: v128, d: v128): f32 {
  let v = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  v = f32x4.add(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1);
}

function dotF32(w: usize, x: usize, columns: i32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let left = columns;
  for (; left >= 16; left -= 16) {
    a = f32x4.add(a, f32x4.mul(v128.load(w), v128.load(x)));
    b = f32x4.add(b, f32x4.mul(v128.load(w, 16), v128.load(x, 16)));
    c = f32x4.add(c, f32x4.mul(v128.load(w, 32), v128.load(x, 32)));
    d = f32x4.add(d, f32x4.mul(v128.load(w, 48), v128.load(x, 48)));
    w += 64;
    x += 64;
  }
  if (left >= 4) a = f32x4.add(a, f32x4.mul(v128.load(w), v128.load(x)));
  if (left >= 8) b = f32x4.add(b, f32x4.mul(v128.load(w, 16), v128.load(x, 16)));
  if (left >= 12) c = f32x4.add(c, f32x4.mul(v128.load(w, 32), v128.load(x, 32)));
  return total(a, b, c, d);
}

function dotF16(w: usize, x: usize, columns: i32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let left = columns;
  for (; left >= 16; left -= 16) {
    a = f32x4.add(a, f32x4.mul(loadHalves(w), v128.load(x)));
    b = f32x4.add(b, f32x4.mul(loadHalves(w + 8), v128.load(x, 16)));
    c = f32x4.add(c, f32x4.mul(loadHalves(w + 16), v128.load(x, 32)));
    d = f32x4.add(d, f32x4.mul(loadHalves(w + 24), v128.load(x, 48)));
    w += 32;
    x += 64;
  }
  if (left >= 4) a = f32x4.add(a, f32x4.mul(loadHalves(w), v128.load(x)));
  if (left >= 8) b = f32x4.add(b, f32x4.mul(loadHalves(w + 8), v128.load(x, 16)));
  if (left >= 12) c = f32x4.add(c, f32x4.mul(loadHalves(w + 16), v128.load(x, 32)));
  return total(a, b, c, d);
}

/**
 * @param y f32 [tokens, yStride]
 * @param x f32 [tokens, xStride]
 * @param weights f32 [rows, columns], row-major as in the pack
 * @param columns a multiple of 4
 */
export function matmulF32(
  y: usize, yStride: i32, x: usize, xStride: i32, tokens: i32, weights: usize,
  columns: i32, rowStart: i32, rowEnd: i32,
): void {
  for (let row = rowStart; row < rowEnd; row++) {
    const w = weights + ((<usize>row * columns) << 2);
    for (let t = 0; t < tokens; t++)
      store<f32>(y + ((<usize>t * yStride + row) << 2), dotF32(w, x + ((<usize>t * xStride) << 2), columns));
  }
}

/** As matmulF32 with `weights` f16 [rows, columns]. */
export function matmulF16(
  y: usize, yStride: i32, x: usize, xStride: i32, tokens: i32, weights: usize,
  columns: i32, rowStart: i32, rowEnd: i32,
): void {
  for (let row = rowStart; row < rowEnd; row++) {
    const w = weights + ((<usize>row * columns) << 1);
    for (let t = 0; t < tokens; t++)
      store<f32>(y + ((<usize>t * yStride + row) << 2), dotF16(w, x + ((<usize>t * xStride) << 2), columns));
  }
}
