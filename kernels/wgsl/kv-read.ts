// How kernels of attention read pages: WGSL functions over a float pool bound as `floats: array<vec4<f32>>` and an int8 pool
// bound as `quants: array<vec2<u32>>` (its parts begin at multiples of 8 bytes since D is a multiple of 8). Called by
// attention.ts and attention-tiled.ts; the code needs the slots `layer` and those two. Knows nothing of attention.
// Halves are unpacked by the device: it may take a subnormal table entry (below 6e-5) for 0.

import type { DeviceTraits } from './kernel.js';
import { floatLayerSize, int8Offsets, pageTokens, type KvPool } from './kv-pages.js';

/** WGSL: reading an int8 pool bound as `quants: array<vec2<u32>>`. */
export function quantFunctions(pool: KvPool, { packedDot }: Pick<DeviceTraits, 'packedDot'>): string {
  const { headSize, layers } = pool;
  const { keyQuants, valueScales, valueQuants, byteLength } = int8Offsets(pool);
  return /* wgsl */ `
fn bytes(word: u32) -> vec4<f32> {
  ${
    packedDot
      ? 'return vec4<f32>(unpack4xU8(word));'
      : 'return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));'
  }
}
// The layer's first vec2 in a slot of the int8 pool.
fn quant_base(slot: u32) -> u32 { return (slot * ${layers}u + layer.index) * ${byteLength / 8}u; }
// Four channels of the key table from channel 4 c: minima or steps.
fn key_minima(base: u32, kv_head: u32, c: u32) -> vec4<f32> {
  let a = quants[base + kv_head * ${headSize / 2}u + 2u * c];
  let b = quants[base + kv_head * ${headSize / 2}u + 2u * c + 1u];
  return vec4<f32>(unpack2x16float(a.x).x, unpack2x16float(a.y).x, unpack2x16float(b.x).x, unpack2x16float(b.y).x);
}
fn key_steps(base: u32, kv_head: u32, c: u32) -> vec4<f32> {
  let a = quants[base + kv_head * ${headSize / 2}u + 2u * c];
  let b = quants[base + kv_head * ${headSize / 2}u + 2u * c + 1u];
  return vec4<f32>(unpack2x16float(a.x).y, unpack2x16float(a.y).y, unpack2x16float(b.x).y, unpack2x16float(b.y).y);
}
// Elements 8 c ... of a token's key.
fn key_quants(base: u32, kv_head: u32, token: u32, c: u32) -> vec2<u32> {
  return quants[base + ${keyQuants / 8}u + (kv_head * ${pageTokens}u + token) * ${headSize / 8}u + c];
}
fn value_scale(base: u32, kv_head: u32, token: u32) -> f32 {
  let pair = quants[base + ${valueScales / 8}u + kv_head * ${pageTokens / 4}u + token / 4u];
  let scales = unpack2x16float(select(pair.x, pair.y, (token & 2u) != 0u));
  return select(scales.x, scales.y, (token & 1u) != 0u);
}
// Elements 4 c ... of a token's value, without the token's scale.
fn value_quants(base: u32, kv_head: u32, token: u32, c: u32) -> vec4<f32> {
  let pair = quants[base + ${valueQuants / 8}u + (kv_head * ${pageTokens}u + token) * ${headSize / 8}u + c / 2u];
  return bytes(select(pair.x, pair.y, (c & 1u) != 0u)) - 128.0;
}
`;
}

/** WGSL: reading a float pool bound as `floats: array<vec4<f32>>`, in vec4s. */
export function floatFunctions(pool: KvPool): string {
  const { headSize, layers } = pool;
  const layerSize = floatLayerSize(pool);
  return /* wgsl */ `
fn float_base(slot: u32, is_value: bool, kv_head: u32) -> u32 {
  return (slot * ${layers}u + layer.index) * ${layerSize / 4}u + select(0u, ${layerSize / 8}u, is_value)
    + kv_head * ${(pageTokens * headSize) / 4}u;
}
`;
}

/** WGSL: the first page that a query at this position sees as floats. */
export const firstFloatPageCode = (int8: boolean): string => /* wgsl */ `
fn first_float_page(position: u32) -> u32 {
  ${int8 ? `return max(position / ${pageTokens}u, 1u) - 1u;` : 'return 0u;'}
}
`;
