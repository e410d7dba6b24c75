// Turns the pack's matrices (MatMulNBits bytes) into the order in which the kernels stream them, in place and once, when
// a model is loaded. Four rows of a matrix make a "quad"; the quad's bytes stay where the four rows lay, so rows may be
// repacked as they arrive, quad by quad, and nothing but `scratch` (four rows) is needed beside them. Called by the
// decoder's loader. What is in each block of a quad is drawn in ../README.md, "Weights".

/**
 * @param quants uint8 [rows, columns / 32, 16], with room for a multiple of four rows
 * @param scales f16 [rows, columns / 32], likewise
 * @param rows rows present; a last quad that is not full is filled with rows of scale 0
 * @param scratch 2 x columns bytes
 */
export function repackQ4(quants: usize, scales: usize, rows: i32, columns: i32, scratch: usize): void {
  const rowBytes = <usize>columns >> 1;
  const blocks = <usize>columns >> 5;
  for (let row = 0; row < rows; row += 4) {
    const at = quants + <usize>row * rowBytes;
    memory.copy(scratch, at, rowBytes << 2);
    for (let block: usize = 0; block < blocks; block++) {
      for (let r: usize = 0; r < 4; r++) {
        const from = scratch + r * rowBytes + (block << 4);
        const to = at + (block << 6) + (r << 2);
        for (let i: usize = 0; i < 16; i += 2) {
          const one = load<u8>(from + (i >> 1)); // elements i, i + 1
          const two = load<u8>(from + 8 + (i >> 1)); // elements 16 + i, 17 + i
          const target = to + ((i >> 2) << 4) + (i & 3);
          store<u8>(target, (one & 15) | (two << 4));
          store<u8>(target, (one >> 4) | (two & 0xf0), 1);
        }
      }
    }
    repackScales(scales + ((<usize>row * blocks) << 1), min(rows - row, 4), blocks, scratch);
  }
}

/**
 * @param quants uint8 [rows, columns / 32, 32], with room for a multiple of four rows
 * @param scales f16 [rows, columns / 32], likewise
 * @param rows rows present; a last quad that is not full is filled with rows of scale 0
 * @param scratch 4 x columns bytes
 */
export function repackQ8(quants: usize, scales: usize, rows: i32, columns: i32, scratch: usize): void {
  const rowBytes = <usize>columns;
  const blocks = <usize>columns >> 5;
  for (let row = 0; row < rows; row += 4) {
    const at = quants + <usize>row * rowBytes;
    memory.copy(scratch, at, rowBytes << 2);
    for (let block: usize = 0; block < blocks; block++) {
      for (let r: usize = 0; r < 4; r++) {
        const from = scratch + r * rowBytes + (block << 5);
        const to = at + (block << 7) + (r << 2);
        for (let four: usize = 0; four < 8; four++) store<u32>(to + (four << 4), load<u32>(from + (four << 2)));
      }
    }
    repackScales(scales + ((<usize>row * blocks) << 1), min(rows - row, 4), blocks, scratch);
  }
}

/** f16 [4, blocks] -> [blocks, 4]. `scratch` holds the four rows meanwhile (8 x blocks bytes). */
function repackScales(at: usize, present: i32, blocks: usize, scratch: usize): void {
  memory.copy(scratch, at, blocks << 3);
  for (let block: usize = 0; block < blocks; block++) {
    for (let r: usize = 0; r < 4; r++) {
      const bits = <i32>r < present ? load<u16>(scratch + ((r * blocks + block) << 1)) : 0;
      store<u16>(at + (((block << 2) + r) << 1), bits);
    }
  }
}
