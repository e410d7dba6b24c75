// Closing a page (float to int8) and reopening it (int8 to float). Called by decoders: a page is closed when its last token
// is in (before a query two pages on looks at it), and reopened when a text is truncated so far back that its floats are
// gone. Knows pages and nothing of texts; both copies' slots stand in the page table.
// Format and rounding: engine/kv/page-layout.ts (KIVI, Liu et al. 2024). All comparisons that decide a rounding are between
// exact products, so that every device and the reference write the same bytes; halves are made from bits, since WGSL leaves
// their rounding open. Subnormal floats may count as 0. Keys or values that are not numbers close to garbage.
//
// One workgroup: one key-value head, one page, one layer; thread = 4 channels of the keys, then two tokens'
// values. No thread waits for another: on WebGPU on the processor a barrier makes compiling ten times as long.

import { checkPool, floatIndexCode, int8Offsets, layerStruct, pageTokens, type KvPool } from './kv-pages.js';
import type { KernelSource, Slots, Workgroups } from './kernel.js';

const threads = 64;

export const closeTaskBytes = 16;

/**
 * Slot `task`: u32 first page-table entry (absolute), three spare ones. Layer z of a dispatch is layer.index + z: with
 * layer 0 bound and all layers dispatched, a decode step closes a page at once; a prefill chunk closes its pages layer
 * by layer, between the layer's append and its attention.
 */
export const taskStruct = /* wgsl */ `
struct Task {
  entry: u32,
  spare0: u32,
  spare1: u32,
  spare2: u32,
}
`;

/** @param pageCount pages from the task's entry on */
export const closeWorkgroups = ({ kvHeads }: KvPool, pageCount: number, layers: number): Workgroups => [
  kvHeads,
  pageCount,
  layers,
];

const slotsOf = (floats: 'read' | 'write', quants: 'read' | 'write'): Slots => ({
  layer: { access: 'uniform', type: 'Layer' },
  task: { access: 'uniform', type: 'Task' },
  pages: { access: 'read', type: 'array<vec2<u32>>' },
  floats: { access: floats, type: 'array<f32>' },
  quants: { access: quants, type: 'array<u32>' },
});

const common = (pool: KvPool): string => /* wgsl */ `
${layerStruct}
${taskStruct}
${floatIndexCode(pool)}
fn half_value(half: u32) -> f32 {
  let magnitude = half & 0x7fffu;
  var value = bitcast<f32>((magnitude << 13u) + (112u << 23u));
  if (magnitude < 0x400u) { value = f32(magnitude) * ${2 ** -24}; }
  return select(value, -value, (half & 0x8000u) != 0u);
}
`;

export function closeSource(pool: KvPool): KernelSource<Slots> {
  checkPool(pool);
  const { headSize, kvHeads, layers } = pool;
  const { keyQuants, valueScales, valueQuants, byteLength } = int8Offsets(pool);
  const columns = headSize / 4;
  return {
    label: `close page ${kvHeads}x${headSize}`,
    slots: slotsOf('read', 'write'),
    code: /* wgsl */ `
${common(pool)}
// The half next to a finite magnitude, below or above; never infinity.
fn half_beside(magnitude: f32, above: bool) -> u32 {
  let bits = bitcast<u32>(magnitude) & 0x7fffffffu;
  if (bits >= 0x477fe000u) { return 0x7bffu; }
  let exponent = bits >> 23u;
  var half = 0u;
  var rest = bits;
  if (exponent >= 113u) {
    half = (bits - (112u << 23u)) >> 13u;
    rest = bits & 0x1fffu;
  } else if (exponent >= 102u) {
    let mantissa = (bits & 0x7fffffu) | 0x800000u;
    half = mantissa >> (126u - exponent);
    rest = mantissa & ((1u << (126u - exponent)) - 1u);
  }
  return half + select(0u, 1u, above && rest != 0u);
}
// The least half whose \`times\`-fold reaches x; x >= 0.
fn step_for(x: f32, times: f32) -> u32 {
  var half = half_beside(x / times, true);
  while (half < 0x7bffu && half_value(half) * times < x) { half++; }
  while (half > 0u && half_value(half - 1u) * times >= x) { half--; }
  return half;
}
// How many n of 1 ... most have x >= (n - 0.5) * step.
fn steps_in(x: f32, step: f32, most: f32) -> u32 {
  if (step == 0.0) { return 0u; }
  var n = clamp(floor(x / step + 0.5), 0.0, most);
  if (n < most && x >= (n + 0.5) * step) { n += 1.0; } else if (n > 0.0 && x < (n - 0.5) * step) { n -= 1.0; }
  return u32(n);
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let head = group.x;
  let layer_index = layer.index + group.z;
  let slots = pages[task.entry + group.y];
  let keys = float_index(slots.x, layer_index, false, head, 0u);
  let values = float_index(slots.x, layer_index, true, head, 0u);
  let out = (slots.y * ${layers}u + layer_index) * ${byteLength / 4}u;

  for (var c = tid; c < ${columns}u; c += ${threads}u) {
    var low: vec4<f32>;
    var steps: vec4<f32>;
    for (var i = 0u; i < 4u; i++) {
      let channel = 4u * c + i;
      var least = floats[keys + channel];
      var greatest = least;
      for (var t = 1u; t < ${pageTokens}u; t++) {
        let k = floats[keys + t * ${headSize}u + channel];
        least = min(least, k);
        greatest = max(greatest, k);
      }
      let low_half = select(half_beside(least, false), 0x8000u | half_beside(least, true), least < 0.0);
      low[i] = half_value(low_half);
      let step_half = step_for(greatest - low[i], 255.0);
      steps[i] = half_value(step_half);
      quants[out + head * ${headSize}u + channel] = low_half | (step_half << 16u);
    }
    for (var t = 0u; t < ${pageTokens}u; t++) {
      var word = 0u;
      for (var i = 0u; i < 4u; i++) {
        word |= steps_in(floats[keys + t * ${headSize}u + 4u * c + i] - low[i], steps[i], 255.0) << (8u * i);
      }
      quants[out + ${keyQuants / 4}u + (head * ${pageTokens}u + t) * ${columns}u + c] = word;
    }
  }

  // Two tokens, whose scales share a word.
  if (tid >= ${pageTokens / 2}u) { return; }
  var scales = 0u;
  for (var t = 2u * tid; t < 2u * tid + 2u; t++) {
    var most = 0.0;
    for (var d = 0u; d < ${headSize}u; d++) { most = max(most, abs(floats[values + t * ${headSize}u + d])); }
    let scale_half = step_for(most, 127.0);
    scales |= scale_half << (16u * (t & 1u));
    let scale = half_value(scale_half);
    for (var c = 0u; c < ${columns}u; c++) {
      var word = 0u;
      for (var i = 0u; i < 4u; i++) {
        let v = floats[values + t * ${headSize}u + 4u * c + i];
        let magnitude = steps_in(abs(v), scale, 127.0);
        word |= select(128u + magnitude, 128u - magnitude, v < 0.0) << (8u * i);
      }
      quants[out + ${valueQuants / 4}u + (head * ${pageTokens}u + t) * ${columns}u + c] = word;
    }
  }
  quants[out + ${valueScales / 4}u + head * ${pageTokens / 2}u + tid] = scales;
}
`,
  };
}

/** The way back: floats that equal what readers of the int8 page see, to the bit. */
export function reopenSource(pool: KvPool): KernelSource<Slots> {
  checkPool(pool);
  const { headSize, kvHeads, layers } = pool;
  const { keyQuants, valueScales, valueQuants, byteLength } = int8Offsets(pool);
  return {
    label: `reopen page ${kvHeads}x${headSize}`,
    slots: slotsOf('write', 'read'),
    code: /* wgsl */ `
${common(pool)}
fn byte_at(first_word: u32, i: u32) -> u32 { return (quants[first_word + i / 4u] >> (8u * (i % 4u))) & 255u; }

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) tid: u32) {
  let head = group.x;
  let layer_index = layer.index + group.z;
  let slots = pages[task.entry + group.y];
  let keys = float_index(slots.x, layer_index, false, head, 0u);
  let values = float_index(slots.x, layer_index, true, head, 0u);
  let base = (slots.y * ${layers}u + layer_index) * ${byteLength / 4}u;
  let first = head * ${pageTokens * headSize}u;
  for (var i = tid; i < ${pageTokens * headSize}u; i += ${threads}u) {
    let channel = quants[base + head * ${headSize}u + i % ${headSize}u];
    // 8 bits times 11 bits is exact: one rounding, fused or not.
    floats[keys + i] = half_value(channel & 0xffffu)
      + f32(byte_at(base + ${keyQuants / 4}u, first + i)) * half_value(channel >> 16u);
    let token = head * ${pageTokens}u + i / ${headSize}u;
    let scale = half_value((quants[base + ${valueScales / 4}u + token / 2u] >> (16u * (token % 2u))) & 0xffffu);
    floats[values + i] = (f32(byte_at(base + ${valueQuants / 4}u, first + i)) - 128.0) * scale;
  }
}
`,
  };
}
