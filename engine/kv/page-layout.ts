// How keys and values lie in a page: the one description that kernels, decoders and (later) the cold store share.
// Called by decoders/webgpu and decoders/wasm; the kernels are handed the numbers, not this file. Pure arithmetic.
//
// A page is 32 tokens, all layers, one contiguous record. Per layer, with H key-value heads of D elements, T = 32:
//   float page:  K f32 [H, T, D], V f32 [H, T, D]
//   int8 page:   K table  [H, D] pairs of f16 (min, step), one u32 each: min in the low half
//                K quants uint8 [H, T, D]: k = min + quant * step
//                V scales f16 [H, T]
//                V quants uint8 [H, T, D]: v = (quant - 128) * scale
// K is quantised per channel over the page's tokens, asymmetrically; V per token and head, symmetrically. (KIVI, Liu et al.
// 2024, for the axes; K's min and range are at once Quest's page summary, Tang et al. 2024.) Exactly, so that every device
// writes the same bytes and none is clamped:
//   K: min = the greatest f16 <= min k; step = the least f16 with 255 * step >= f32(max k - min), 0 when all are equal;
//      quant = how many n of 1 ... 255 have f32(k - min) >= (n - 0.5) * step (none when step is 0)
//   V: scale = the least f16 with 127 * scale >= max |v|; quant = 128 + sign(v) * how many n of 1 ... 127 have
//      |v| >= (n - 0.5) * scale (none when scale is 0)
// f16 values are finite: 65504 stands for what is greater. The products are exact in f32; subnormal f32 may count as 0.
// All parts begin at multiples of 4 bytes when D is a multiple of 8, which decoders ask for.
//
// **Which pages are seen as int8 depends on the query's position alone**: the query at position t sees page p quantised
// when p <= floor(t / 32) - 2, and as floats otherwise. So a page's floats are kept until the text is a page past it,
// truncating by up to a page stays exact, and prefill chunks, single steps and verified drafts compute the same numbers.

export const pageTokens = 32;

/** How closed pages are kept. `f32`: pages never close; exact. */
export type KvPrecision = 'f32' | 'int8';

export interface KvShape {
  readonly layers: number;
  readonly kvHeads: number;
  /** A multiple of 8. */
  readonly headSize: number;
}

/** Offsets in bytes within a layer's part of an int8 page. */
export interface Int8LayerLayout {
  readonly keyTable: number;
  readonly keyQuants: number;
  readonly valueScales: number;
  readonly valueQuants: number;
  /** Bytes of a layer's part; layer L begins at L * byteLength. */
  readonly byteLength: number;
}

export function int8LayerLayout({ kvHeads, headSize }: KvShape): Int8LayerLayout {
  const elements = kvHeads * pageTokens * headSize;
  const keyQuants = kvHeads * headSize * 4;
  const valueScales = keyQuants + elements;
  const valueQuants = valueScales + kvHeads * pageTokens * 2;
  return { keyTable: 0, keyQuants, valueScales, valueQuants, byteLength: valueQuants + elements };
}

/** Bytes of a layer's part of a float page; its values begin in the middle. */
export const floatLayerBytes = ({ kvHeads, headSize }: KvShape): number => kvHeads * pageTokens * headSize * 4 * 2;

/** Bytes of a page. */
export const pageBytes = (shape: KvShape, closed: boolean): number =>
  shape.layers * (closed ? int8LayerLayout(shape).byteLength : floatLayerBytes(shape));

/** Of the pages that a query at this position sees, the first that it sees as floats; those before it are int8. */
export const firstFloatPage = (position: number): number => Math.max(0, Math.floor(position / pageTokens) - 1);
