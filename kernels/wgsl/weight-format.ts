// How kernels read weight matrices: the four kinds that models hold, the buffers each is bound as, and the WGSL that turns
// 16 loaded bytes into vectors of four floats. Called by every kernel that multiplies weights, and by embed.ts.
//
// A matrix is [rows N, columns K], row-major; its bytes are the pack's, unchanged (ONNX Runtime's MatMulNBits layout,
// block 32 along K, docs/ContribOperators.md, "com.microsoft.MatMulNBits"):
//   q4: quants uint8 [N, K/32, 16], element e of a block in nibble e of its little-endian words, value (nibble - 8) * scale
//   q8: quants uint8 [N, K/32, 32], value (byte - 128) * scale;  scales: f16 [N, K/32] (an odd count is padded to 4 bytes)
//   f16 [N, K] (K a multiple of 8), f32 [N, K] (K a multiple of 4)
// A *unit* is what one 16-byte load brings: 32, 16, 8 or 4 elements of one row. f16 needs no `shader-f16`.
//
// Nibbles and bytes become floats without an integer conversion (which has a quarter of the rate of other instructions on
// many GPUs): a code at bit p below the mantissa's top, under the exponent of 2^(23 - p), reads as 2^(23 - p) + code, and
// subtracting 2^(23 - p) + zero point is exact. (Known from Marlin, Frantar et al. 2024, there for f16.)

import type { Slots } from './kernel.js';

export type WeightKind = 'q4' | 'q8' | 'f16' | 'f32';

export interface MatrixShape {
  readonly kind: WeightKind;
  /** N: outputs. */
  readonly rows: number;
  /** K: inputs. */
  readonly columns: number;
}

/** Elements of one 16-byte load. */
export const unitElements: Readonly<Record<WeightKind, number>> = { q4: 32, q8: 16, f16: 8, f32: 4 };

/** What K must be a multiple of. */
export const columnMultiple: Readonly<Record<WeightKind, number>> = { q4: 32, q8: 32, f16: 8, f32: 4 };

export const hasScales = (kind: WeightKind): boolean => kind === 'q4' || kind === 'q8';

/** @throws RangeError for columns that this kind cannot have */
export function checkMatrix({ kind, rows, columns }: MatrixShape): void {
  const multiple = columnMultiple[kind];
  if (rows < 1 || columns < multiple || columns % multiple !== 0) {
    throw new RangeError(`A ${kind} matrix of ${rows} x ${columns}: columns must be a multiple of ${multiple}`);
  }
}

/** Bytes of the buffers of a matrix; `scales` is 0 where there are none. */
export function matrixBytes({ kind, rows, columns }: MatrixShape): { weights: number; scales: number } {
  const elements = rows * columns;
  const bits = { q4: 4, q8: 8, f16: 16, f32: 32 }[kind];
  return {
    weights: (elements * bits) / 8,
    scales: hasScales(kind) ? Math.ceil(((elements / 32) * 2) / 4) * 4 : 0,
  };
}

export type WeightSlots = Readonly<{ weights: Slots[string]; scales?: Slots[string] }>;

/** The slots of a matrix bound in 16-byte units (matrix-vector kernels) or in words (tiles). */
export function weightSlots(kind: WeightKind, as: 'units' | 'words' = 'units'): Slots {
  const scalar = kind === 'f32' ? 'f32' : 'u32';
  const type = as === 'units' || kind === 'f32' ? `array<vec4<${scalar}>>` : `array<${scalar}>`;
  return {
    weights: { access: 'read', type },
    ...(hasScales(kind) ? { scales: { access: 'read', type: 'array<u32>' } as const } : {}),
  };
}

/** Bits of 2^(23 - p) as f32, and the constant to subtract for a code at bit p. */
const exponent = (p: number): string => `0x${((127 + 23 - p) << 23).toString(16)}u`;
const offset = (p: number, zero: number): string => `${2 ** (23 - p) + zero}.0`;

/** WGSL functions that the expressions below call. */
export function weightFunctions(kind: WeightKind): string {
  const scale = /* wgsl */ `
fn scale_at(block: u32) -> f32 {
  let pair = unpack2x16float(scales[block >> 1u]);
  return select(pair.x, pair.y, (block & 1u) == 1u);
}`;
  switch (kind) {
    case 'q4':
      return /* wgsl */ `${scale}
// The four nibbles of the low half of a word, zero point taken off.
fn nibbles(word: u32) -> vec4<f32> {
  let codes = (vec4<u32>(word) & vec4<u32>(0xfu, 0xf0u, 0xf00u, 0xf000u))
    | vec4<u32>(${[0, 4, 8, 12].map(exponent).join(', ')});
  return bitcast<vec4<f32>>(codes) - vec4<f32>(${[0, 4, 8, 12].map((p) => offset(p, 8)).join(', ')});
}`;
    case 'q8':
      return /* wgsl */ `${scale}
// The four bytes of a word, zero point taken off.
fn bytes(word: u32) -> vec4<f32> {
  let high = word >> 16u;
  let codes = (vec4<u32>(word, word, high, high) & vec4<u32>(0xffu, 0xff00u, 0xffu, 0xff00u))
    | vec4<u32>(${[0, 8, 0, 8].map(exponent).join(', ')});
  return bitcast<vec4<f32>>(codes) - vec4<f32>(${[0, 8, 0, 8].map((p) => offset(p, 128)).join(', ')});
}`;
    case 'f16':
    case 'f32':
      return '';
  }
}

/** WGSL expression of vector `j` (four elements) of a loaded unit. */
export function unitVector(kind: WeightKind, unit: string, j: number): string {
  const word = (index: number): string => `${unit}.${'xyzw'[index] ?? ''}`;
  switch (kind) {
    case 'q4':
      return j % 2 === 0 ? `nibbles(${word(j >> 1)})` : `nibbles(${word(j >> 1)} >> 16u)`;
    case 'q8':
      return `bytes(${word(j)})`;
    case 'f16':
      return `vec4<f32>(unpack2x16float(${word(2 * j)}), unpack2x16float(${word(2 * j + 1)}))`;
    case 'f32':
      return unit;
  }
}

/** WGSL expression of the block that unit `unit` of a row belongs to. */
export const blockOfUnit = (kind: WeightKind, unit: string): string => (kind === 'q4' ? unit : `(${unit} >> 1u)`);

/**
 * WGSL `fn eight(row: u32, group: u32) -> array<vec4<f32>, 2>`: elements 8 * group ... + 7 of a row, scaled, zeros beyond
 * the row's end. For matrices bound as words.
 */
export function eightFunction({ kind, columns }: MatrixShape): string {
  const words = (columns * { q4: 4, q8: 8, f16: 16, f32: 32 }[kind]) / 32;
  const blocks = columns / 32;
  const body = {
    q4: /* wgsl */ `
  let word = weights[row * ${words}u + group];
  let scale = scale_at(row * ${blocks}u + (group >> 2u));
  return array(nibbles(word) * scale, nibbles(word >> 16u) * scale);`,
    q8: /* wgsl */ `
  let at = row * ${words}u + group * 2u;
  let scale = scale_at(row * ${blocks}u + (group >> 2u));
  return array(bytes(weights[at]) * scale, bytes(weights[at + 1u]) * scale);`,
    f16: /* wgsl */ `
  let at = row * ${words}u + group * 4u;
  return array(
    vec4<f32>(unpack2x16float(weights[at]), unpack2x16float(weights[at + 1u])),
    vec4<f32>(unpack2x16float(weights[at + 2u]), unpack2x16float(weights[at + 3u])));`,
    f32: /* wgsl */ `
  let at = row * ${words / 4}u + group * 2u;
  var second = vec4<f32>();
  if (group * 8u + 4u < ${columns}u) { second = weights[at + 1u]; }
  return array(weights[at], second);`,
  }[kind];
  return /* wgsl */ `${weightFunctions(kind)}
fn eight(row: u32, group: u32) -> array<vec4<f32>, 2> {
  if (group * 8u >= ${columns}u) { return array(vec4<f32>(), vec4<f32>()); }${body}
}`;
}
