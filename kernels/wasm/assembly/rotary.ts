// Rotary positions (Su et al. 2021) in half-split order: element i of a head turns with element i + rotarySize / 2; what
// lies beyond rotarySize stays. Called by the decoder on query and key, which lie in one buffer.

/**
 * @param x f32 [rows, stride], of which the first heads * headSize of each row are turned in place
 * @param stride floats from one row to the next
 * @param rotarySize even, at most headSize
 * @param cosines f32 [rows, rotarySize / 2], of each row's position
 * @param sines likewise
 */
export function rotary(
  x: usize, stride: i32, rows: i32, heads: i32, headSize: i32, rotarySize: i32, cosines: usize, sines: usize,
): void {
  const half = <usize>(rotarySize >> 1) << 2;
  const quads = half & ~15;
  for (let row = 0; row < rows; row++) {
    let at = x;
    for (let head = 0; head < heads; head++) {
      let i: usize = 0;
      for (; i < quads; i += 16) {
        const a = v128.load(at + i);
        const b = v128.load(at + half + i);
        const c = v128.load(cosines + i);
        const s = v128.load(sines + i);
        v128.store(at + i, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
        v128.store(at + half + i, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)));
      }
      for (; i < half; i += 4) {
        const a = load<f32>(at + i);
        const b = load<f32>(at + half + i);
        const c = load<f32>(cosines + i);
        const s = load<f32>(sines + i);
        store<f32>(at + i, a * c - b * s);
        store<f32>(at + half + i, b * c + a * s);
      }
      at += <usize>headSize << 2;
    }
    x += <usize>stride << 2;
    cosines += half;
    sines += half;
  }
}
