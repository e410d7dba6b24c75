// Where keys and values lie on the GPU: the indices that all kernels of attention share, as numbers and as WGSL, and the
// piece of shader that appends a row. Called by the kernels that write or read pages (output.ts's `heads`, kv-append.ts,
// kv-close.ts, attention*.ts). The format is that of engine/kv/page-layout.ts, which describes it and which the tests
// hold this file against; here it is only restated, since kernels import nothing of engine/.
// Knows nothing of sequences: a page table says which slot of a pool a page lies in, the caller keeps it right.
//
// A *pool* is one buffer of page slots, `layers` layers each. Where a pool of all layers would exceed the device's
// `maxStorageBufferBindingSize`, the caller makes several pools of equally many layers instead (buffer b holds layers
// [b n, (b + 1) n), with the same slots), so that a kernel never sees more than one float pool and one int8 pool:
// splitting by layers costs no branch in a shader, splitting by slots would cost one at each page.

import type { Slots } from './kernel.js';
import type { KvAppend } from './output.js';

/** Tokens of a page. */
export const pageTokens = 32;

/** Of a page-table entry: the page has no copy of this kind. */
export const noSlot = 0xffffffff;

/** The shape of one pool's buffer. */
export interface KvPool {
  readonly kvHeads: number;
  /** D, a multiple of 8. */
  readonly headSize: number;
  /** Layers in this buffer. */
  readonly layers: number;
}

/** Floats of one layer of a float page: K [H, 32, D], then V [H, 32, D]. */
export const floatLayerSize = ({ kvHeads, headSize }: KvPool): number => kvHeads * pageTokens * headSize * 2;

/** Bytes within one layer of an int8 page. */
export function int8Offsets({ kvHeads, headSize }: KvPool): {
  keyTable: number;
  keyQuants: number;
  valueScales: number;
  valueQuants: number;
  byteLength: number;
} {
  const keyQuants = kvHeads * headSize * 4;
  const valueScales = keyQuants + kvHeads * pageTokens * headSize;
  const valueQuants = valueScales + kvHeads * pageTokens * 2;
  return {
    keyTable: 0,
    keyQuants,
    valueScales,
    valueQuants,
    byteLength: valueQuants + kvHeads * pageTokens * headSize,
  };
}

export const layerBytes = 16;

/** WGSL of the uniform `layer`: `index` counts within the pool's buffer; `window` 0 sees everything. */
export const layerStruct = /* wgsl */ `
struct Layer {
  index: u32,
  window: u32,
  spare: vec2<u32>,
}
`;

/** Slots that every kernel of this family has. `pages[table_of(row) + p]` is (float slot, int8 slot) of page p. */
export const pageSlots = {
  layer: { access: 'uniform', type: 'Layer' },
  pages: { access: 'read', type: 'array<vec2<u32>>' },
} as const satisfies Slots;

/** WGSL: first float of a token's key (or value) of one head in a float slot, in floats. */
export function floatIndexCode(pool: KvPool): string {
  const { headSize, layers } = pool;
  const layerSize = floatLayerSize(pool);
  return /* wgsl */ `
fn float_index(slot: u32, layer_index: u32, is_value: bool, kv_head: u32, token: u32) -> u32 {
  return (slot * ${layers}u + layer_index) * ${layerSize}u + select(0u, ${layerSize / 2}u, is_value)
    + (kv_head * ${pageTokens}u + token) * ${headSize}u;
}
`;
}

/** @throws RangeError when the shape is one that pages cannot have */
export function checkPool({ kvHeads, headSize, layers }: KvPool): void {
  if (headSize % 8 !== 0 || headSize < 8 || headSize > 256) {
    throw new RangeError(`Heads of ${headSize} elements: a multiple of 8 up to 256 was expected`);
  }
  if (!(kvHeads >= 1 && layers >= 1)) throw new RangeError(`A pool of ${layers} layers and ${kvHeads} heads`);
}

/**
 * Stores single elements of a row's keys and values in the float page that the row's position falls into. Needs `step`.
 * Positions past the page table's end are the caller's mistake; rows past `step.rows` must not be handed in.
 */
export function kvAppend(pool: KvPool): KvAppend {
  checkPool(pool);
  return {
    slots: { ...pageSlots, floats: { access: 'write', type: 'array<f32>' } },
    code: /* wgsl */ `
${layerStruct}
${floatIndexCode(pool)}
fn kv_append(row: u32, is_value: bool, kv_head: u32, element: u32, value: f32) {
  let position = position_of(row);
  let slot = pages[table_of(row) + position / ${pageTokens}u].x;
  if (slot == ${noSlot}u) { return; }
  floats[float_index(slot, layer.index, is_value, kv_head, position % ${pageTokens}u) + element] = value;
}
`,
  };
}
