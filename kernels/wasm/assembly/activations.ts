// Activations as the quantised kernels read them, and what their inner loops share. Included by quantise-activations,
// matmul-q4 and matmul-q8; exports nothing to JavaScript. AssemblyScript, not TypeScript (see ../README.md).
//
// One token's row is `columns / 32` blocks, each:
//   +0  f32  scale (max|x| / 127), times 2^100: f16 weight scales enter the product as their bits shifted into place,
//            which is their value times 2^-112; the remaining 2^-12 is put right once, when an output is stored.
//   +4  i32  -8 x the sum of the 32 integers: the start of the dot product, which takes the zero point out of the loop.
//   +8  the 32 integers: i8 in their order (relaxed SIMD: 40 bytes a block), or i16 with each four as 0, 2, 1, 3
//       (SIMD128: 72 bytes), because there a 16-bit lane of weights holds two neighbours and gives up the even one first.
//
// Wide activations have 16-bit integers q instead (scale max|x| / 32639), 72 bytes a block in both builds: i16 in SIMD128's order,
// or (relaxed SIMD) first 32 high parts and then 32 low ones, both i8, with q = 256 * high + low.

/** Bytes of a block's head. */
export const HEAD: usize = 8;
/** Bytes of a block in 16-bit lanes. */
export const WIDE_BLOCK: usize = 72;
/** Bytes of a block as quantiseActivations leaves it. */
export const BLOCK: usize = ASC_FEATURE_RELAXED_SIMD ? 40 : WIDE_BLOCK;

/** Greatest wide integer: its high part is 127 and so is its low one, and nothing rounds beyond. */
export const WIDEST: f32 = 32639;

/** 2^100, see above. */
export const SCALE_UP: f32 = reinterpret<f32>(227 << 23);
/** 2^-100, the way back. */
export const SCALE_DOWN: f32 = reinterpret<f32>(27 << 23);
/** 2^12, see above. */
export const SCALE_BACK: f32 = 4096;

/** Scales of four rows (f16 bits, four in a run) as f32 times 2^-112; exact for every finite f16. */
// @ts-ignore: decorator
@inline
export function loadScales(at: usize): v128 {
  return v128.and(i32x4.shl(v128.load16x4_s(at), 13), i32x4.splat(0x8fffe000));
}

/** Sixteen 16-bit integers, each four in the order 0, 2, 1, 3. */
// @ts-ignore: decorator
@inline
export function interleaved(v: v128): v128 {
  return i16x8.shuffle(v, v, 0, 2, 1, 3, 4, 6, 5, 7);
}

/** Wide blocks of the relaxed build -> blocks in 16-bit lanes. */
export function joinBlocks(x: usize, blocks: i32, out: usize): void {
  for (; blocks > 0; blocks--) {
    store<u64>(out, load<u64>(x));
    for (let i: usize = 0; i < 4; i++) {
      const high = i16x8.shl(v128.load8x8_s(x + (i << 3), HEAD), 8);
      const low = v128.load8x8_s(x + (i << 3), HEAD + 32);
      v128.store(out + (i << 4), interleaved(i16x8.add(high, low)), HEAD);
    }
    x += WIDE_BLOCK;
    out += WIDE_BLOCK;
  }
}

/** Blocks of the relaxed build -> blocks in 16-bit lanes. */
export function widenBlocks(x: usize, blocks: i32, out: usize): void {
  for (; blocks > 0; blocks--) {
    store<u64>(out, load<u64>(x));
    v128.store(out, interleaved(v128.load8x8_s(x, HEAD)), HEAD);
    v128.store(out, interleaved(v128.load8x8_s(x, HEAD + 8)), HEAD + 16);
    v128.store(out, interleaved(v128.load8x8_s(x, HEAD + 16)), HEAD + 32);
    v128.store(out, interleaved(v128.load8x8_s(x, HEAD + 24)), HEAD + 48);
    x += BLOCK;
    out += WIDE_BLOCK;
  }
}
