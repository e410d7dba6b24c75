// New keys and values into their float page. Called by the decoder once a layer, before attention reads them.
// A page's part of a layer: K f32 [kvHeads, 32, headSize], then V likewise (the caller's page layout). Pages are found
// through a table of addresses, u32 each, by position / 32.

import { pageAt } from './lanes';

/**
 * @param keys f32, row stride `stride` floats; each row [kvHeads, headSize]
 * @param values likewise, same stride
 * @param position of the first row
 * @param pages u32 by page: its address over 64, of the sequence's float pages
 * @param layerOffset bytes from a page's beginning to this layer's part
 * @param from first of the heads to append
 * @param to one past the last
 */
export function kvAppend(
  keys: usize, values: usize, stride: i32, rows: i32, position: i32, kvHeads: i32, headSize: i32,
  pages: usize, layerOffset: usize, from: i32, to: i32,
): void {
  const headBytes = <usize>headSize << 2;
  const half = (<usize>kvHeads * headBytes) << 5;
  for (let row = 0; row < rows; row++) {
    const at = position + row;
    let slot = pageAt(pages + (<usize>(at >> 5) << 2)) + layerOffset + <usize>(at & 31) * headBytes;
    slot += <usize>from * (headBytes << 5);
    for (let head = <usize>from; head < <usize>to; head++) {
      memory.copy(slot, keys + head * headBytes, headBytes);
      memory.copy(slot + half, values + head * headBytes, headBytes);
      slot += headBytes << 5;
    }
    keys += <usize>stride << 2;
    values += <usize>stride << 2;
  }
}
