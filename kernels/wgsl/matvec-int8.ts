// The optional integer path of matvec.ts: activations rounded to int8 in blocks of 32 on their way through workgroup memory,
// multiplied with 4-bit or 8-bit codes by packed dot products (WGSL's dot4I8Packed), four at an instruction. Off unless asked
// for: it rounds (normalised squared error near 3e-5 of a product), gains on some GPUs and loses on others (published: +10-13 %
// on V100, a loss on Apple's). Called by matvec.ts alone.
// Method: ggml's Q8_0 activations (scale = largest magnitude / 127, a block of 32).
//
// q4 codes lie two a byte, even elements low: x is packed as 16 even elements, then 16 odd ones, so that a masked word of
// weights meets a word of x. The zero point comes off by the sum of a block's codes. q8: x in order, signs by one xor.

import { tileStride } from './input.js';
import type { Entry, UnitPlan } from './matvec-code.js';

/** Workgroup memory beside the staged floats, relative to them: 32 codes, a scale and a sum for 144 bytes of a block. */
export const packedShare = 40 / 144;

export interface PackPlan {
  readonly kind: 'q4' | 'q8';
  readonly batch: number;
  readonly tile: number;
  readonly workgroupSize: number;
}

/** WGSL: `pack(tid)` after a tile was staged and a barrier; a barrier after it is the caller's. */
export function packCode({ kind, batch, tile, workgroupSize }: PackPlan): string {
  const blocks = tile / 32;
  const stride = tileStride(tile);
  const [a, b] =
    kind === 'q4'
      ? ['vec4<i32>(low.x, low.z, high.x, high.z)', 'vec4<i32>(low.y, low.w, high.y, high.w)']
      : ['low', 'high'];
  // q4: evens of eight elements to vector 0, odds to vector 1; q8: the two halves of a block.
  const [first, second] =
    kind === 'q4' ? ['0u][i]', '1u][i]'] : ['(i >> 1u)][(i & 1u) * 2u]', '(i >> 1u)][(i & 1u) * 2u + 1u]'];
  return /* wgsl */ `
var<workgroup> packed: array<array<vec4<u32>, 2>, ${batch * blocks}>;
var<workgroup> packed_scales: array<vec2<f32>, ${batch * blocks}>;
fn pack(tid: u32) {
  for (var task = tid; task < ${batch * blocks}u; task += ${workgroupSize}u) {
    let at = (task / ${blocks}u) * ${stride}u + (task % ${blocks}u) * 9u;
    var largest = 0.0;
    for (var j = 0u; j < 8u; j++) {
      let values = abs(staged[at + j]);
      largest = max(largest, max(max(values.x, values.y), max(values.z, values.w)));
    }
    let inverse = select(0.0, 127.0 / largest, largest > 0.0);
    var sum = 0;
    var words: array<vec4<u32>, 2>;
    for (var i = 0u; i < 4u; i++) {
      let low = vec4<i32>(round(staged[at + 2u * i] * inverse));
      let high = vec4<i32>(round(staged[at + 2u * i + 1u] * inverse));
      let total = low + high;
      sum += (total.x + total.y) + (total.z + total.w);
      words[${first} = pack4xI8(${a});
      words[${second} = pack4xI8(${b});
    }
    packed[task] = words;
    packed_scales[task] = vec2<f32>(largest / 127.0, f32(sum));
  }
}
`;
}

/** As unitCode of matvec-code.ts, in integers. */
export function int8UnitCode({ kind, columns, batch, entries, tile }: UnitPlan): string {
  const q4 = kind === 'q4';
  const perRow = columns / (q4 ? 32 : 16);
  const blocks = tile / 32;
  const rows = Array.from({ length: batch }, (_, m) => m);
  const lines: string[] = [
    `let block = ${q4 ? 'unit' : '(unit >> 1u)'};`,
    `let local = block - begin ${q4 ? '' : '/ 2u'};`,
  ];
  for (const m of rows) {
    lines.push(`let scale_x_${m} = packed_scales[${m * blocks}u + local];`);
    if (q4)
      lines.push(
        `let even_${m} = packed[${m * blocks}u + local][0]; let odd_${m} = packed[${m * blocks}u + local][1];`,
      );
    else lines.push(`let x_${m} = packed[${m * blocks}u + local][unit & 1u];`);
  }
  const dots = (a: string, b: string): string =>
    [...'xyzw'].map((part) => `dot4I8Packed(${a}.${part}, ${b}.${part})`).join(' + ');
  const product = ({ name }: Entry, m: number): string =>
    q4
      ? `(f32(${dots(`low_${name}`, `even_${m}`)} + ${dots(`high_${name}`, `odd_${m}`)}) - 8.0 * scale_x_${m}.y)`
      : `f32(${dots(`w_${name}`, `x_${m}`)})`;
  for (const entry of entries) {
    const { name } = entry;
    const load = `weights[row_${name} * ${perRow}u + unit]`;
    if (q4) {
      lines.push(
        `let w_${name} = ${load};`,
        `let low_${name} = w_${name} & vec4<u32>(0x0f0f0f0fu); let high_${name} = (w_${name} >> vec4<u32>(4u)) & vec4<u32>(0x0f0f0f0fu);`,
      );
    } else {
      lines.push(`let w_${name} = ${load} ^ vec4<u32>(0x80808080u);`);
    }
    lines.push(`let scale_${name} = scale_at(row_${name} * ${columns / 32}u + block);`);
    for (const m of rows) {
      lines.push(`sum_${m}_${name} += ${product(entry, m)} * (scale_${name} * scale_x_${m}.x);`);
    }
  }
  return lines.join('\n        ');
}
