// Cosines and sines of rotary positions for kernels, in two small tables instead of one row a position: WGSL promises its
// own sin and cos to 2^-11 only, and a row for each of 131,072 positions would take tens of megabytes.
// Position p = 256 h + l; the angle-sum formulas join row h of the high table and row l of the low one in f32 (error near
// 1e-7 whatever the position). Called by decoders at load; `ropeFunction` is pasted into kernels.
// Rotary positions: Su et al. 2021. Knows nothing of frequencies' origin (theta, scaling): they are handed in.

const lowRows = 256;

/** Rows of the table: 256 low ones, then one for each 256 positions of the context. */
export const ropeRows = (contextLength: number): number => lowRows + Math.ceil(contextLength / lowRows);

/**
 * @param frequencies angle per position of each turning pair, [rotarySize / 2]
 * @param amplitude cosines and sines are multiplied by it (YaRN's attention factor)
 * @returns float32 [ropeRows, rotarySize / 2, 2]: cosine, sine
 */
export function ropeTable(frequencies: Float64Array, contextLength: number, amplitude = 1): Float32Array<ArrayBuffer> {
  const half = frequencies.length;
  const rows = ropeRows(contextLength);
  const table = new Float32Array(rows * half * 2);
  for (let row = 0; row < rows; row++) {
    const [position, factor] = row < lowRows ? [row, amplitude] : [(row - lowRows) * lowRows, 1];
    for (let i = 0; i < half; i++) {
      const angle = position * (frequencies[i] ?? 0);
      table[(row * half + i) * 2] = Math.cos(angle) * factor;
      table[(row * half + i) * 2 + 1] = Math.sin(angle) * factor;
    }
  }
  return table;
}

/** WGSL: slot `rope: array<vec2<f32>>`, read; `fn turn(position, pair) -> vec2<f32>` (cosine, sine). */
export const ropeSlot = { access: 'read', type: 'array<vec2<f32>>' } as const;

export const ropeFunction = (rotarySize: number): string => /* wgsl */ `
fn turn(position: u32, pair: u32) -> vec2<f32> {
  let low = rope[(position & ${lowRows - 1}u) * ${rotarySize / 2}u + pair];
  let high = rope[(${lowRows}u + position / ${lowRows}u) * ${rotarySize / 2}u + pair];
  return vec2<f32>(low.x * high.x - low.y * high.y, low.y * high.x + low.x * high.y);
}
`;
