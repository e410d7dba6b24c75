// The matrix kernels against plain TypeScript, bit for bit, over random shapes and extreme values, in every build that
// this browser runs; and one output's sameness whatever the number of tokens or the range of rows.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { activationRowBytes, matmulScratchBytes, wideRowBytes } from './kernels.js';
import {
  type LoadedBuild,
  type QuantisedMatrix,
  denseOutput,
  half,
  loadBuilds,
  quantisedOutput,
  quantiseRow,
  weightAt,
} from './testing.js';

const builds = await loadBuilds();

/** Random bytes from a seed: fast-check shrinks shapes, not ten thousand bytes one by one. */
function generator(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

type Kind = 'q4' | 'q8';
type Manner = 'random' | 'lowest' | 'highest';

function randomMatrix(kind: Kind, rows: number, columns: number, seed: number, manner: Manner): QuantisedMatrix {
  const next = generator(seed);
  const quants = Uint8Array.from({ length: (rows * columns) / (kind === 'q4' ? 2 : 1) }, () =>
    manner === 'lowest' ? 0 : manner === 'highest' ? 255 : next() & 255,
  );
  // Any finite f16: both signs, zero and subnormals among them.
  const scales = Uint16Array.from({ length: (rows * columns) / 32 }, () => {
    const bits = next() & 0xffff;
    return (bits & 0x7c00) === 0x7c00 ? bits & 0x83ff : bits;
  });
  return { kind, rows, columns, quants, scales };
}

function randomActivations(tokens: number, columns: number, seed: number, manner: Manner): Float32Array {
  const next = generator(seed);
  const magnitudes = [0, 1e-30, 1e-3, 1, 1, 50, 3e4];
  return Float32Array.from({ length: tokens * columns }, (_, i) => {
    if (manner !== 'random') return manner === 'lowest' ? -1 : 1;
    const size = magnitudes[((i >> 5) + seed) % magnitudes.length] ?? 1;
    return ((next() / 2 ** 31 - 1) * size) as number;
  });
}

interface Placed {
  readonly quants: number;
  readonly scales: number;
}

function place({ kernels, arena }: LoadedBuild, matrix: QuantisedMatrix): Placed {
  const padded = Math.ceil(matrix.rows / 4) * 4;
  const room = padded / matrix.rows;
  const quants = arena.put(matrix.quants, matrix.quants.length * room);
  const scales = arena.put(matrix.scales, matrix.scales.byteLength * room);
  const scratch = arena.take(matrix.columns * 4);
  const repack = matrix.kind === 'q4' ? kernels.repackQ4 : kernels.repackQ8;
  repack(quants, scales, matrix.rows, matrix.columns, scratch);
  return { quants, scales };
}

type Width = 'int8' | 'int16';

const rowBytes = ({ build }: LoadedBuild, width: Width, columns: number): number =>
  width === 'int8' ? activationRowBytes(build, columns) : wideRowBytes(columns);

/** Activations in memory. */
interface Quantised {
  readonly width: Width;
  readonly at: number;
}

function quantise(loaded: LoadedBuild, x: Float32Array, tokens: number, columns: number, width: Width): Quantised {
  const { kernels, arena } = loaded;
  const at = arena.take(tokens * rowBytes(loaded, width, columns));
  const run = width === 'int8' ? kernels.quantiseActivations : kernels.quantiseWide;
  run(arena.put(x), columns, tokens, columns, at);
  return { width, at };
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly tokens: number;
}

/** Outputs [tokens, rows] of one call; what it must not write stays poisoned and is checked. */
function multiply(loaded: LoadedBuild, matrix: QuantisedMatrix, at: Placed, x: Quantised, range: Range): Float32Array {
  const { kernels, arena } = loaded;
  const stride = matrix.rows + 3;
  const y = arena.take(range.tokens * stride * 4);
  const poison = arena.bytes(y, range.tokens * stride * 4 + 16);
  const { matmulQ4, matmulQ8, matmulQ4Wide, matmulQ8Wide } = kernels;
  const [q4, q8] = x.width === 'int8' ? [matmulQ4, matmulQ8] : [matmulQ4Wide, matmulQ8Wide];
  const run = matrix.kind === 'q4' ? q4 : q8;
  const scratch = arena.take(matmulScratchBytes(matrix.columns));
  run(y, stride, x.at, range.tokens, at.quants, at.scales, matrix.columns, range.start, range.end, scratch);
  const after = arena.bytes(y, range.tokens * stride * 4 + 16);
  for (let i = 0; i < after.length; i++) {
    const column = (i >> 2) % stride;
    const written = column >= range.start && column < range.end && i < range.tokens * stride * 4;
    if (!written && after[i] !== poison[i]) throw new Error(`wrote outside its rows, at byte ${i}`);
  }
  const all = arena.floats(y, range.tokens * stride);
  return Float32Array.from({ length: range.tokens * matrix.rows }, (_, i) => {
    const [token, row] = [Math.floor(i / matrix.rows), i % matrix.rows];
    return row >= range.start && row < range.end ? (all[token * stride + row] ?? NaN) : 0;
  });
}

const bits = (values: ArrayLike<number>): number[] => [...new Uint32Array(Float32Array.from(values).buffer)];

const shapes = fc.record({
  kind: fc.constantFrom<Kind>('q4', 'q8'),
  width: fc.constantFrom<Width>('int8', 'int16'),
  rows: fc.integer({ min: 1, max: 37 }),
  blocks: fc.integer({ min: 1, max: 7 }),
  tokens: fc.integer({ min: 1, max: 21 }),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  manner: fc.constantFrom<Manner>('random', 'random', 'random', 'lowest', 'highest'),
});

for (const loaded of builds) {
  const { build, kernels, arena } = loaded;
  describe(`matrix kernels, ${build}`, () => {
    it('quantised products are the reference to the last bit', () => {
      fc.assert(
        fc.property(shapes, fc.constantFrom<Manner>('random', 'random', 'lowest', 'highest'), (shape, sign) => {
          const { kind, rows, tokens, seed, manner, width } = shape;
          const columns = shape.blocks * 32;
          arena.reset();
          const matrix = randomMatrix(kind, rows, columns, seed, manner);
          const x = randomActivations(tokens, columns, seed, sign);
          const at = place(loaded, matrix);
          const got = multiply(loaded, matrix, at, quantise(loaded, x, tokens, columns, width), {
            start: 0,
            end: rows,
            tokens,
          });
          const expected = new Float32Array(tokens * rows);
          for (let t = 0; t < tokens; t++) {
            const row = quantiseRow(x.subarray(t * columns, (t + 1) * columns), width);
            for (let r = 0; r < rows; r++) expected[t * rows + r] = quantisedOutput(matrix, r, row);
          }
          expect(bits(got)).to.deep.equal(bits(expected));
        }),
        { numRuns: 250 },
      );
    });

    it('an output is the same in every batch and in every range of rows', () => {
      fc.assert(
        fc.property(shapes, fc.nat(), (shape, cut) => {
          const { kind, rows, tokens, seed, width } = shape;
          const columns = shape.blocks * 32;
          arena.reset();
          const matrix = randomMatrix(kind, rows, columns, seed, 'random');
          const at = place(loaded, matrix);
          const given = randomActivations(tokens, columns, seed, 'random');
          const x = quantise(loaded, given, tokens, columns, width);
          const whole = multiply(loaded, matrix, at, x, { start: 0, end: rows, tokens });
          const middle = Math.min(rows, Math.floor(((cut % 101) / 101) * rows) & ~3);
          const first = multiply(loaded, matrix, at, x, { start: 0, end: middle, tokens });
          const second = multiply(loaded, matrix, at, x, { start: middle, end: rows, tokens });
          expect(bits(first.map((value, i) => value + (second[i] ?? NaN)))).to.deep.equal(
            bits(whole.map((v) => v + 0)),
          );
          for (let t = 0; t < tokens; t++) {
            // Quantised alone, too: eight tokens together lie in another order.
            const one = quantise(loaded, given.subarray(t * columns, (t + 1) * columns), 1, columns, width);
            const alone = multiply(loaded, matrix, at, one, { start: 0, end: rows, tokens: 1 });
            expect(bits(alone)).to.deep.equal(bits(whole.subarray(t * rows, (t + 1) * rows)));
          }
        }),
        { numRuns: 60 },
      );
    });

    it('matrices larger than one pass are whole', () => {
      for (const [kind, width] of (['q4', 'q8'] as const).flatMap((each) =>
        (['int8', 'int16'] as const).map((width) => [each, width] as const),
      )) {
        arena.reset();
        const [rows, columns, tokens] = [41, 4096, 15];
        const matrix = randomMatrix(kind, rows, columns, 5, 'random');
        const x = randomActivations(tokens, columns, 9, 'random');
        const at = place(loaded, matrix);
        const got = multiply(loaded, matrix, at, quantise(loaded, x, tokens, columns, width), {
          start: 0,
          end: rows,
          tokens,
        });
        const quantised = Array.from({ length: tokens }, (_, t) =>
          quantiseRow(x.subarray(t * columns, (t + 1) * columns), width),
        );
        const expected = quantised.flatMap((row) =>
          Array.from({ length: rows }, (_, r) => quantisedOutput(matrix, r, row)),
        );
        expect(bits(got)).to.deep.equal(bits(expected));
      }
    });

    for (const width of ['int8', 'int16'] as const)
      it(`${width} activations that are not finite spoil all outputs, tiny ones are zero`, () => {
        arena.reset();
        const matrix = randomMatrix('q4', 4, 64, 7, 'random');
        matrix.scales.fill(0x3c00);
        const at = place(loaded, matrix);
        const answer = (x: Float32Array): Float32Array =>
          multiply(loaded, matrix, at, quantise(loaded, x, 1, 64, width), { start: 0, end: 4, tokens: 1 });
        const x = new Float32Array(64).fill(1);
        expect([...answer(x)].every(Number.isFinite)).to.equal(true);
        expect([...answer(new Float32Array(64).fill(1e-38))]).to.deep.equal([0, 0, 0, 0]);
        for (const [column, bad] of [Infinity, -Infinity, NaN].flatMap((bad) =>
          [0, 3, 63].map((column) => [column, bad]),
        )) {
          const spoilt = Float32Array.from(x);
          spoilt[column as number] = bad as number;
          expect([...answer(spoilt)].some(Number.isFinite), `${bad} at ${column}`).to.equal(false);
        }
      });

    it('rows of a repacked matrix come back as they were', () => {
      fc.assert(
        fc.property(shapes, ({ kind, rows, blocks, seed }) => {
          const columns = blocks * 32;
          arena.reset();
          const matrix = randomMatrix(kind, rows, columns, seed, 'random');
          const at = place(loaded, matrix);
          const out = arena.take(columns * 4);
          const read = kind === 'q4' ? kernels.rowQ4 : kernels.rowQ8;
          for (let r = 0; r < rows; r++) {
            read(at.quants, at.scales, r, columns, out);
            const expected = Float32Array.from({ length: columns }, (_, i) =>
              Math.fround(weightAt(matrix, r, i) * half(matrix.scales[r * blocks + (i >> 5)] ?? 0)),
            );
            // Both zeros are one: adding 0 turns -0 into 0.
            expect(bits(arena.floats(out, columns).map((v) => v + 0))).to.deep.equal(bits(expected.map((v) => v + 0)));
          }
        }),
        { numRuns: 40 },
      );
    });

    it('the first half that is no finite number is found, wherever it is', () => {
      const wrong = fc.constantFrom(0x7c00, 0xfc00, 0x7c01, 0xffff);
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 70 }), fc.array(fc.tuple(fc.nat(69), wrong)), (count, faults) => {
          arena.reset(); // beyond the end: something else
          const halves = Uint16Array.from(
            { length: count },
            (_, i) => (i * 40_503) & 0xfbff & ~(i % 7 === 0 ? 0 : 0x400),
          );
          for (const [at, bits] of faults) if (at < count) halves[at] = bits;
          const at = arena.put(new Uint16Array([...halves, 0x7c00]));
          expect(kernels.notFinite(at, count)).to.equal(halves.findIndex((bits) => (bits & 0x7c00) === 0x7c00));
        }),
      );
    });

    it('dense products are the reference to the last bit, in every batch', () => {
      const dense = fc.record({
        rows: fc.integer({ min: 1, max: 19 }),
        fours: fc.integer({ min: 1, max: 41 }),
        tokens: fc.integer({ min: 1, max: 9 }),
        seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
        half: fc.boolean(),
      });
      fc.assert(
        fc.property(dense, (shape) => {
          const { rows, tokens, seed } = shape;
          const columns = shape.fours * 4;
          arena.reset();
          const next = generator(seed);
          const f16 = Uint16Array.from({ length: rows * columns }, () => next() & 0xbbff);
          const weights = Float32Array.from(f16, half);
          const x = randomActivations(tokens, columns, seed, 'random');
          const y = arena.take(tokens * rows * 4);
          const run = shape.half ? kernels.matmulF16 : kernels.matmulF32;
          const from = arena.put(shape.half ? f16 : weights);
          run(y, rows, arena.put(x), columns, tokens, from, columns, 0, rows);
          const expected = Float32Array.from({ length: tokens * rows }, (_, i) => {
            const [t, r] = [Math.floor(i / rows), i % rows];
            return denseOutput(
              weights.subarray(r * columns, (r + 1) * columns),
              x.subarray(t * columns, (t + 1) * columns),
            );
          });
          expect(bits(arena.floats(y, tokens * rows).map((v) => v + 0))).to.deep.equal(
            bits(expected.map((v) => v + 0)),
          );
        }),
        { numRuns: 60 },
      );
    });
  });
}
