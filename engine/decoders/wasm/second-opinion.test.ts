// A second opinion on the WebAssembly kernels: ONNX Runtime's own GroupQueryAttention and MatMulNBits over random shapes, on the
// same numbers. Float pages only, and activations rounded before both, because those operators round nothing.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { activationRowBytes, matmulScratchBytes } from '../../../kernels/wasm/kernels.js';
import { attentionScratchBytes } from '../../../kernels/wasm/operations.js';
import { half, loadBuilds, quantiseRow, type LoadedBuild } from '../../../kernels/wasm/testing.js';
import {
  openOrt,
  ortAttention,
  ortProduct,
  type OrtAttention,
  type OrtProduct,
} from '../../../test/support/ort-operators.js';
import type { OrtRuntime } from '../onnx/ort-runtime.js';

const builds = await loadBuilds(256);

/** Numbers in [-1, 1) from a seed: fast-check shrinks shapes, not thousands of numbers. */
function randomFloats(count: number, seed: number): Float32Array {
  let state = seed | 1;
  return Float32Array.from({ length: count }, () => {
    state = Math.imul(state, 0x2c1b3c6d) ^ (state >>> 15);
    state = Math.imul(state, 0x297a2d39) + 0x9e3779b9;
    return (state >>> 0) / 2 ** 31 - 1;
  });
}

function nmse(actual: Float32Array, expected: Float32Array): number {
  let [error, size] = [0, 1e-30];
  expected.forEach((value, i) => {
    error += ((actual[i] ?? NaN) - value) ** 2;
    size += value ** 2;
  });
  return error / size;
}

function attend({ kernels, arena }: LoadedBuild, text: OrtAttention): Float32Array {
  const { heads, kvHeads, headSize, position, rows, window, scale, softCap = 0 } = text;
  const group = heads / kvHeads;
  const width = kvHeads * headSize;
  arena.reset();
  const pages = Uint32Array.from({ length: Math.ceil((position + rows) / 32) }, () => {
    const at = arena.take(width * 32 * 8);
    new Uint8Array(arena.memory.buffer, at, width * 32 * 8).fill(0); // as the decoder hands them out
    return at / 64; // as page tables hold them
  });
  const table = arena.put(new Uint8Array(pages.buffer));
  const [keys, values] = [arena.put(text.keys), arena.put(text.values)];
  kernels.kvAppend(keys, values, width, position + rows, 0, kvHeads, headSize, table, 0, 0, kvHeads);
  const query = arena.put(text.query);
  const out = arena.take(rows * heads * headSize * 4);
  const scratch = arena.take(attentionScratchBytes(headSize, rows, group));
  const stride = heads * headSize;
  const shape = [rows, position, kvHeads, group, headSize, 0, kvHeads] as const;
  kernels.attention(
    out,
    stride,
    query,
    stride,
    ...shape,
    table,
    0,
    table,
    0,
    0,
    0,
    0,
    0,
    window,
    scale,
    softCap,
    scratch,
  );
  return arena.floats(out, rows * stride);
}

function multiply(
  { kernels, arena, build }: LoadedBuild,
  matrix: OrtProduct,
  bits: Uint16Array,
  x: Float32Array,
): Float32Array {
  const { kind, rows, columns } = matrix;
  const tokens = x.length / columns;
  arena.reset();
  const room = Math.ceil(rows / 4) * 4;
  const quants = arena.put(matrix.quants, (matrix.quants.length / rows) * room);
  const scales = arena.put(bits, (bits.byteLength / rows) * room);
  const repack = kind === 'q4' ? kernels.repackQ4 : kernels.repackQ8;
  repack(quants, scales, rows, columns, arena.take(columns * 4));
  const activations = arena.take(tokens * activationRowBytes(build, columns));
  kernels.quantiseActivations(arena.put(x), columns, tokens, columns, activations);
  const y = arena.take(tokens * rows * 4);
  const scratch = arena.take(matmulScratchBytes(columns));
  const run = kind === 'q4' ? kernels.matmulQ4 : kernels.matmulQ8;
  run(y, rows, activations, tokens, quants, scales, columns, 0, rows, scratch);
  return arena.floats(y, tokens * rows);
}

describe("ONNX Runtime's operators", () => {
  let ort: OrtRuntime;
  before(async () => {
    ort = await openOrt();
  });

  for (const loaded of builds) {
    it(`GroupQueryAttention agrees over random shapes, lengths, windows and caps (${loaded.build})`, async () => {
      const shapes = fc.record({
        kvHeads: fc.integer({ min: 1, max: 3 }),
        group: fc.integer({ min: 1, max: 4 }),
        eights: fc.integer({ min: 1, max: 16 }),
        position: fc.integer({ min: 0, max: 150 }),
        rows: fc.integer({ min: 1, max: 20 }),
        window: fc.constantFrom(0, 0, 1, 7, 40),
        cap: fc.constantFrom(0, 0, 3, 30),
        seed: fc.nat(),
      });
      await fc.assert(
        fc.asyncProperty(shapes, async ({ kvHeads, group, eights, position, rows, window, cap, seed }) => {
          const headSize = eights * 8;
          const heads = kvHeads * group;
          const text: OrtAttention = {
            ...{ heads, kvHeads, headSize, position, rows, window, scale: 2 / Math.sqrt(headSize) },
            ...(cap === 0 ? {} : { softCap: cap }),
            query: randomFloats(rows * heads * headSize, seed).map((value) => value * 3),
            keys: randomFloats((position + rows) * kvHeads * headSize, seed + 1).map((value) => value * 2),
            values: randomFloats((position + rows) * kvHeads * headSize, seed + 2),
          };
          expect(nmse(attend(loaded, text), await ortAttention(ort, text))).to.be.lessThan(1e-11);
        }),
        { numRuns: 40 },
      );
    });

    it(`MatMulNBits agrees over random shapes, on the activations as we round them (${loaded.build})`, async () => {
      const shapes = fc.record({
        kind: fc.constantFrom('q4', 'q8'),
        rows: fc.integer({ min: 1, max: 70 }),
        blocks: fc.integer({ min: 1, max: 12 }),
        tokens: fc.integer({ min: 1, max: 20 }),
        seed: fc.nat(),
      });
      await fc.assert(
        fc.asyncProperty(shapes, async ({ kind, rows, blocks, tokens, seed }) => {
          const columns = blocks * 32;
          const quants = Uint8Array.from(
            randomFloats((rows * columns) / (kind === 'q4' ? 2 : 1), seed),
            (value) => (value + 1) * 128,
          );
          // f16 numbers between 2^-7 and 2^-5, either sign.
          const bits = Uint16Array.from(randomFloats(rows * blocks, seed + 1), (value) =>
            Math.floor(0x2000 + Math.abs(value) * 0x7ff + (value < 0 ? 0x8000 : 0)),
          );
          const matrix = { kind, rows, columns, quants, scales: Float32Array.from(bits, half) };
          const x = randomFloats(tokens * columns, seed + 2);
          const rounded = Float32Array.from({ length: tokens }, (_, t) => t).reduce((all, t) => {
            const { values, scales } = quantiseRow(x.subarray(t * columns, (t + 1) * columns));
            values.forEach((value, i) => (all[t * columns + i] = value * (scales[i >> 5] ?? NaN)));
            return all;
          }, new Float32Array(x.length));
          const actual = multiply(loaded, matrix, bits, x);
          expect(nmse(actual, await ortProduct(ort, matrix, rounded))).to.be.lessThan(1e-11);
        }),
        { numRuns: 40 },
      );
    });
  }
});
