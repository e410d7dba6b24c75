// Norms, rotary turns, gates and choosing a token against plain TypeScript in float64, in every build that this browser runs.
// Attention: attention.test.ts; sums, gates and masks as properties over random shapes: elementwise.test.ts.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { bits, floats, loadBuilds, nmse, seeds, uniform } from './testing.js';

const builds = await loadBuilds();

for (const { build, kernels, arena } of builds) {
  describe(`small operations, ${build}`, () => {
    it('norms rows, in place too', () => {
      const shapes = fc.record({
        rows: fc.integer({ min: 1, max: 7 }),
        fours: fc.integer({ min: 1, max: 70 }),
        seed: seeds,
      });
      fc.assert(
        fc.property(shapes, ({ rows, fours, seed }) => {
          arena.reset();
          const next = uniform(seed);
          const columns = fours * 4;
          const [x, weight] = [floats(rows * columns, next, 3), floats(columns, next)];
          const [at, by] = [arena.put(x), arena.put(weight)];
          kernels.rmsNorm(at, at, rows, columns, by, 1e-5);
          const expected = Array.from(x, (value, i) => {
            const row = x.subarray(Math.floor(i / columns) * columns, (Math.floor(i / columns) + 1) * columns);
            const mean = row.reduce((sum, v) => sum + v * v, 0) / columns;
            return (value / Math.sqrt(mean + 1e-5)) * (weight[i % columns] ?? NaN);
          });
          expect(nmse(arena.floats(at, rows * columns), expected)).to.be.lessThan(1e-12);
        }),
        { numRuns: 60 },
      );
    });

    it('turns the first part of each head, halves with halves', () => {
      const shapes = fc.record({
        rows: fc.integer({ min: 1, max: 5 }),
        heads: fc.integer({ min: 1, max: 4 }),
        eights: fc.integer({ min: 1, max: 5 }),
        part: fc.double({ min: 0, max: 1, noNaN: true }),
        seed: seeds,
      });
      fc.assert(
        fc.property(shapes, ({ rows, heads, eights, part, seed }) => {
          arena.reset();
          const next = uniform(seed);
          const headSize = eights * 8;
          const turned = Math.max(2, 2 * Math.round((part * headSize) / 2));
          const stride = heads * headSize + 4;
          const x = floats(rows * stride, next);
          const angles = floats((rows * turned) / 2, next, 4);
          const at = arena.put(x);
          const [cos, sin] = [angles.map(Math.cos), angles.map(Math.sin)];
          kernels.rotary(at, stride, rows, heads, headSize, turned, arena.put(cos), arena.put(sin));
          const expected = Array.from(x, (value, i) => {
            const [row, column] = [Math.floor(i / stride), i % stride];
            const d = column % headSize;
            if (column >= heads * headSize || d >= turned) return value;
            const pair = d % (turned / 2);
            const [c, s] = [cos[(row * turned) / 2 + pair] ?? NaN, sin[(row * turned) / 2 + pair] ?? NaN];
            const other = x[i + (d < turned / 2 ? turned / 2 : -turned / 2)] ?? NaN;
            return d < turned / 2 ? value * c - other * s : value * c + other * s;
          });
          expect(nmse(arena.floats(at, x.length), expected)).to.be.lessThan(1e-13);
        }),
        { numRuns: 60 },
      );
    });

    it('gates, caps, adds and multiplies to a relative error below 1e-6', () => {
      arena.reset();
      // Every magnitude, and beyond where e^x ends on either side.
      const x = Float32Array.from(
        { length: 4000 },
        (_, i) => (i % 2 ? -1 : 1) * 2 ** (i / 120 - 26) * (1 + (i % 7) / 8),
      );
      const up = floats(x.length, uniform(5));
      const worst = (actual: Float32Array, expected: (value: number, i: number) => number, floor: number): number =>
        Math.max(
          ...actual.map((value, i) => {
            const wanted = expected(x[i] ?? NaN, i);
            return Math.abs(value - wanted) / Math.max(Math.abs(wanted), floor);
          }),
        );
      const run = (name: 'gateSilu' | 'gateGelu'): Float32Array => {
        const at = arena.put(x);
        kernels[name](at, arena.put(up), x.length);
        return arena.floats(at, x.length);
      };
      // Far on the negative side the logistic stays at 1e-38, which is nothing beside anything.
      const silu = (v: number, i: number): number => (v / (1 + Math.exp(-v))) * (up[i] ?? NaN);
      expect(worst(run('gateSilu'), silu, 1e-30)).to.be.lessThan(1e-6);
      const gelu = (v: number, i: number): number => {
        const inner = 2 * Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3);
        return (v / (1 + Math.exp(-inner))) * (up[i] ?? NaN);
      };
      // e^x's relative error grows with the error of its argument: at -40 that is 40 times an ulp.
      expect(worst(run('gateGelu'), gelu, 1e-12)).to.be.lessThan(1e-5);
      const capped = arena.put(x);
      kernels.softCap(capped, x.length, 30);
      expect(worst(arena.floats(capped, x.length), (v) => 30 * Math.tanh(v / 30), 1)).to.be.lessThan(1e-5);
      const at = arena.put(x);
      kernels.add(at, arena.put(up), x.length);
      kernels.multiply(at, x.length, 1.5);
      const sums = Float32Array.from(x, (v, i) => Math.fround(v + (up[i] ?? NaN)) * 1.5);
      expect(bits(arena.floats(at, x.length))).to.deep.equal(bits(sums));
      const rows = arena.put(x.subarray(0, 24));
      kernels.addBias(rows, 3, 8, arena.put(up.subarray(0, 8)));
      const biased = Float32Array.from(x.subarray(0, 24), (v, i) => v + (up[i % 8] ?? NaN));
      expect(bits(arena.floats(rows, 24))).to.deep.equal(bits(biased));
    });

    const logits = fc.record({
      values: fc.array(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constant(-Infinity)), {
        minLength: 1,
        maxLength: 90,
      }),
      k: fc.integer({ min: 1, max: 20 }),
    });

    it('finds the likeliest and the k likeliest, equals by ascending id', () => {
      fc.assert(
        fc.property(logits, ({ values, k }) => {
          arena.reset();
          const at = arena.put(Float32Array.from(values));
          const order = [...values.keys()].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b);
          const someFinite = values.some(Number.isFinite);
          expect(kernels.argmax(at, values.length)).to.equal(someFinite ? order[0] : -1);
          const [top, ids] = [arena.take(k * 4), arena.take(k * 4)];
          const found = kernels.topK(at, values.length, k, top, ids);
          expect(found).to.equal(Math.min(k, values.length));
          expect([...new Int32Array(arena.memory.buffer, ids, found)]).to.deep.equal(order.slice(0, k));
          expect([...arena.floats(top, found)]).to.deep.equal(order.slice(0, k).map((id) => values[id]));
        }),
        { numRuns: 150 },
      );
    });

    it('says so when a logit is not a number, wherever it stands', () => {
      for (const count of [1, 6, 37]) {
        for (let bad = 0; bad < count; bad++) {
          arena.reset();
          const values = Float32Array.from({ length: count }, (_, i) => (i === bad ? NaN : -i));
          const at = arena.put(values);
          expect(kernels.argmax(at, count)).to.equal(-1);
          expect(kernels.topK(at, count, Math.min(3, count), arena.take(64), arena.take(64))).to.equal(-1);
        }
      }
      const at = arena.put(Float32Array.of(1, Infinity, 2));
      expect(kernels.argmax(at, 3)).to.equal(-1);
    });

    it('forbids what the mask leaves out, and all beyond it', () => {
      arena.reset();
      const values = floats(100, uniform(9));
      const allowed = Uint32Array.of(0b1011, 0, 0x80000000);
      const at = arena.put(values);
      kernels.forbid(at, 100, arena.put(new Uint8Array(allowed.buffer)), allowed.length);
      const kept = [0, 1, 3, 95];
      const wanted = values.map((value, id) => (kept.includes(id) ? value : -Infinity));
      expect([...arena.floats(at, 100)]).to.deep.equal([...wanted]);
    });
  });
}
