// Rotary positions (Su et al. 2021) in half-split order: element i of a head turns with element i + rotarySize / 2; what
// lies beyond rotarySize stays. Called by the decoder on query and key, which may be rows of one buffer or of two.

/**
 * @param x f32 [rows, heads, headSize], turned in place
 * @param rotarySize even, at most headSize
 * @param cosines f32 [rows, rotarySize / 2], of each row's position
 * @param sines likewise
 */
export function rotary(
  x: usize, rows: i32, heads: i32, headSize: i32, rotarySize: i32, cosines: usize, sines: usize,
): void {
  const half = <usize>(rotarySize >> 1) << 2;
  const quads = half & ~15;
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      let i: usize = 0;
      for (; i < quads; i += 16) {
        const a = v128.load(x + i);
        const b = v128.load(x + half + i);
        const c = v128.load(cosines + i);
        const s = v128.load(sines + i);
        v128.store(x + i, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
        v128.store(x + half + i, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)));
      }
      for (; i < half; i += 4) {
        const a = load<f32>(x + i);
        const b = load<f32>(x + half + i);
        const c = load<f32>(cosines + i);
        const s = load<f32>(sines + i);
        store<f32>(x + i, a * c - b * s);
        store<f32>(x + half + i, b * c + a * s);
      }
      x += <usize>headSize << 2;
    }
    cosines += half;
    sines += half;
  }
}
