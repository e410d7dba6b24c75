// What WebGPU promises everywhere is enough: for the shapes of real models, every candidate spread and batch, and the tiles,
// keep to 16 KiB of workgroup memory, 256 invocations and 8 storage buffers. Read off the shader text, without a device.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Input } from './input.js';
import type { KernelSource, Slots } from './kernel.js';
import { kvAppend } from './kv-pages.js';
import { matmulSource } from './matmul.js';
import { matvecBatch, matvecSource, type MatvecSpec } from './matvec.js';
import { batchShapes, matvecShapes } from './matvec-shapes.js';
import type { Output } from './output.js';
import type { WeightKind } from './weight-format.js';

interface Model {
  readonly name: string;
  readonly hidden: number;
  readonly forward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly bias?: true;
  readonly headNorm?: true;
  readonly joined?: true;
}

const models: readonly Model[] = [
  { name: 'Llama-3.2-1B', hidden: 2048, forward: 8192, heads: 32, kvHeads: 8, headSize: 64 },
  { name: 'Qwen2.5-0.5B', hidden: 896, forward: 4864, heads: 14, kvHeads: 2, headSize: 64, bias: true },
  { name: 'Qwen3-0.6B', hidden: 1024, forward: 3072, heads: 16, kvHeads: 8, headSize: 128, headNorm: true },
  {
    name: 'Gemma-3-1B',
    hidden: 1152,
    forward: 6912,
    heads: 4,
    kvHeads: 1,
    headSize: 256,
    headNorm: true,
    joined: true,
  },
  { name: 'Phi-4-mini', hidden: 3072, forward: 8192, heads: 24, kvHeads: 8, headSize: 128 },
  { name: 'stories260K', hidden: 64, forward: 172, heads: 8, kvHeads: 4, headSize: 8 },
];

/** Bytes of a WGSL type as it occurs in `var<workgroup>`. */
function sizeOf(type: string): number {
  const array = /^array<(.+),\s*(\d+)>$/s.exec(type.trim());
  if (array) return sizeOf(array[1] as string) * Number(array[2]);
  const scalars: Record<string, number> = { f32: 4, u32: 4, 'vec2<f32>': 8, 'vec4<f32>': 16, 'vec4<u32>': 16 };
  const bytes = scalars[type.trim()];
  assert.ok(bytes !== undefined, `an unknown type of workgroup memory: ${type}`);
  return bytes;
}

let kernels = 0;

function check({ label, code, slots }: KernelSource<Slots>): void {
  const memory = [...code.matchAll(/var<workgroup>\s+\w+\s*:\s*([^;]+);/g)].map((match) => sizeOf(match[1] as string));
  const bytes = memory.reduce((sum, size) => sum + Math.ceil(size / 16) * 16, 0);
  assert.ok(bytes <= 16_384, `${label} takes ${bytes} bytes of workgroup memory`);
  kernels += 1;
  const storage = Object.values(slots).filter(({ access }) => access !== 'uniform').length;
  assert.ok(storage <= 8, `${label} binds ${storage} storage buffers`);
  assert.ok(Number(/@workgroup_size\((\d+)\)/.exec(code)?.[1]) <= 256, `${label} has too many invocations`);
}

/** The products of a layer, as a decoder would ask for them. */
function products(model: Model, kind: WeightKind): Pick<MatvecSpec, 'matrix' | 'input' | 'output'>[] {
  const { hidden, forward, heads, kvHeads, headSize } = model;
  const norm: Input = model.joined
    ? {
        kind: 'joined',
        epsilon: 1e-6,
        normAt: 0,
        postNormAt: hidden,
        hiddenAt: 0,
        pendingAt: 8 * hidden,
        nextAt: 16 * hidden,
      }
    : { kind: 'norm', epsilon: 1e-6, normAt: 0 };
  const after = 2 * hidden;
  const queries: Output = {
    kind: 'heads',
    heads,
    kvHeads,
    headSize,
    rotarySize: headSize,
    ...(model.bias && { biasAt: after }),
    ...(model.headNorm && { headNorm: { queryAt: after, keyAt: after + headSize, epsilon: 1e-6 } }),
    append: kvAppend({ kvHeads, headSize, layers: 4 }),
  };
  const add: Output = { kind: 'add', stride: hidden, at: 0 };
  const gated: Output = { kind: 'gated', activation: 'silu', stride: forward, at: 0 };
  return [
    { matrix: { kind, rows: (heads + 2 * kvHeads) * headSize, columns: hidden }, input: norm, output: queries },
    { matrix: { kind, rows: hidden, columns: heads * headSize }, input: { kind: 'plain' }, output: add },
    { matrix: { kind, rows: 2 * forward, columns: hidden }, input: norm, output: gated },
    { matrix: { kind, rows: hidden, columns: forward }, input: { kind: 'plain' }, output: add },
  ];
}

for (const model of models) {
  test(`${model.name} keeps to the limits that every device has`, () => {
    kernels = 0;
    for (const kind of (model.hidden === 64 ? ['f32'] : ['q4', 'q8', 'f32']) as WeightKind[]) {
      for (const product of products(model, kind)) {
        for (const subgroupMinSize of [1, 4, 8, 32]) {
          for (const software of [true, false]) {
            const traits = { subgroups: subgroupMinSize > 1, subgroupMinSize, packedDot: true, software };
            for (const one of matvecShapes(traits, product.output)) {
              for (const batch of [1, 3, 8]) {
                for (const shape of batchShapes(one, { batch, output: product.output }, traits)) {
                  check(matvecSource({ ...product, batch, shape }, traits));
                  if (!shape.staged || (kind !== 'q4' && kind !== 'q8')) continue;
                  const spec = { ...product, batch, shape, int8: true };
                  check(matvecSource({ ...spec, batch: matvecBatch(spec, traits) }, traits));
                }
              }
            }
          }
        }
        if (product.output.kind === 'heads' && product.output.headNorm) continue;
        for (const tileRows of [16, 32, 64] as const) {
          for (const tileColumns of [32, 64] as const)
            check(matmulSource({ ...product, shape: { tileRows, tileColumns } }));
        }
      }
    }
    assert.ok(kernels > 100);
  });
}
