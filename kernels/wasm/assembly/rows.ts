// One row of a matrix as f32: the embedding of a token from a table in repacked form (often the same bytes as the output
// head), or a whole matrix row by row for the float reference mode.

import { loadHalves } from './matmul-dense';

/** @returns the f16 scale of `row` in block `block` as f32 */
// @ts-ignore: decorator
@inline
function scaleOf(scales: usize, row: i32, blocks: usize, block: usize): f32 {
  const at = scales + (((<usize>(row >> 2) * blocks + block) * 4 + (row & 3)) << 1);
  const bits = (<i32>load<i16>(at) << 13) & 0x8fffe000;
  return reinterpret<f32>(bits) * reinterpret<f32>(239 << 23);
}

/**
 * @param quants the whole matrix, repacked (repackQ4)
 * @param out f32 [columns]: (nibble - 8) * scale
 */
export function rowQ4(quants: usize, scales: usize, row: i32, columns: i32, out: usize): void {
  const blocks = <usize>columns >> 5;
  let at = quants + <usize>(row >> 2) * (blocks << 6) + (<usize>(row & 3) << 2);
  for (let block: usize = 0; block < blocks; block++) {
    const scale = scaleOf(scales, row, blocks, block);
    for (let i: usize = 0; i < 16; i++) {
      const byte = <i32>load<u8>(at + ((i >> 2) << 4) + (i & 3));
      store<f32>(out + (i << 2), <f32>((byte & 15) - 8) * scale);
      store<f32>(out + (i << 2), <f32>((byte >> 4) - 8) * scale, 64);
    }
    at += 64;
    out += 128;
  }
}

/**
 * @param quants the whole matrix, repacked (repackQ8)
 * @param out f32 [columns]: (byte - 128) * scale
 */
export function rowQ8(quants: usize, scales: usize, row: i32, columns: i32, out: usize): void {
  const blocks = <usize>columns >> 5;
  let at = quants + <usize>(row >> 2) * (blocks << 7) + (<usize>(row & 3) << 2);
  for (let block: usize = 0; block < blocks; block++) {
    const scale = scaleOf(scales, row, blocks, block);
    for (let i: usize = 0; i < 32; i++) {
      const byte = <i32>load<u8>(at + ((i >> 2) << 4) + (i & 3));
      store<f32>(out + (i << 2), <f32>(byte - 128) * scale);
    }
    at += 128;
    out += 128;
  }
}

/** f16 [count] -> f32 [count]; count is a multiple of 4. A row of an f16 table, or norms and biases held as f16. */
export function widenF16(from: usize, count: i32, out: usize): void {
  for (let i = 0; i < count; i += 4) {
    v128.store(out, loadHalves(from));
    from += 8;
    out += 16;
  }
}
