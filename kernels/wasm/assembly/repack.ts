// Turns the pack's matrices (MatMulNBits bytes) into the order in which the kernels stream them, in place and once, when
// a model is loaded. Four rows of a matrix make a "quad"; the quad's bytes stay where the four rows lay, so rows may be
// repacked as they arrive, quad by quad, and nothing but `scratch` (four rows) is needed beside them. Called by the
// decoder's loader. What is in each block of a quad is drawn in ../README.md, "Weights".

/** Sixteen bytes of the pack (elements 2i low, 2i + 1 high) -> byte i: element i low, element 16 + i high. */
// @ts-ignore: decorator
@inline
function halvesTogether(v: v128): v128 {
  const even = v128.and(v, i8x16.splat(15));
  const odd = i8x16.shr_u(v, 4);
  const first = i8x16.shuffle(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const last = i8x16.shuffle(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return v128.or(first, i8x16.shl(last, 4));
}

/** Stores vector p = fours p of a, b, c, d. */
// @ts-ignore: decorator
@inline
function storeTransposed(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  v128.store(to, i64x2.shuffle(ab, cd, 0, 2));
  v128.store(to, i64x2.shuffle(ab, cd, 1, 3), 16);
  const ab2 = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cd2 = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(ab2, cd2, 0, 2), 32);
  v128.store(to, i64x2.shuffle(ab2, cd2, 1, 3), 48);
}

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
    let to = quants + <usize>row * rowBytes;
    memory.copy(scratch, to, rowBytes << 2);
    for (let from = scratch; from < scratch + rowBytes; from += 16) {
      const a = halvesTogether(v128.load(from));
      const b = halvesTogether(v128.load(from + rowBytes));
      const c = halvesTogether(v128.load(from + 2 * rowBytes));
      const d = halvesTogether(v128.load(from + 3 * rowBytes));
      storeTransposed(to, a, b, c, d);
      to += 64;
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
    let to = quants + <usize>row * rowBytes;
    memory.copy(scratch, to, rowBytes << 2);
    for (let from = scratch; from < scratch + rowBytes; from += 16) {
      const b = v128.load(from + rowBytes);
      storeTransposed(to, v128.load(from), b, v128.load(from + 2 * rowBytes), v128.load(from + 3 * rowBytes));
      to += 64;
    }
    repackScales(scales + ((<usize>row * blocks) << 1), min(rows - row, 4), blocks, scratch);
  }
}

/** f16 [4, blocks] -> [blocks, 4]. `scratch` holds the four rows meanwhile (8 x blocks bytes). */
function repackScales(at: usize, present: i32, blocks: usize, scratch: usize): void {
  memory.copy(scratch, at, blocks << 3);
  const rowBytes = blocks << 1;
  if (present < 4) memory.fill(scratch + <usize>present * rowBytes, 0, <usize>(4 - present) * rowBytes);
  for (let from = scratch; from < scratch + rowBytes; from += 2) {
    const ab = <u64>load<u16>(from) | (<u64>load<u16>(from + rowBytes) << 16);
    const cd = <u64>load<u16>(from + 2 * rowBytes) | (<u64>load<u16>(from + 3 * rowBytes) << 16);
    store<u64>(at, ab | (cd << 32));
    at += 8;
  }
}
