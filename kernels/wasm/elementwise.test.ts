// The kernels that go through rows of numbers (widening halves, sums, gates, caps, masks, weights of a draw) against plain
// TypeScript over random shapes, in every build that this browser runs. What lies behind a row must stay as it is.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { bits, half, loadBuilds, seeds, uniform } from './testing.js';

const builds = await loadBuilds();

const { fround } = Math;

/** Of every magnitude, both signs, some zero. */
function numbers(count: number, seed: number): Float32Array {
  const next = uniform(seed);
  return Float32Array.from({ length: count }, (_, i) => (i % 11 === 5 ? 0 : (next() - 0.5) * 2 ** (next() * 40 - 28)));
}

interface Bound {
  readonly relative: number;
  readonly absolute: number;
}

const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 6 }),
  fours: fc.integer({ min: 1, max: 40 }),
  seed: seeds,
});

for (const { build, kernels, arena } of builds) {
  describe(`kernels over rows of numbers, ${build}`, () => {
    /** Runs a kernel over a copy of `values`, and checks that it wrote there only. */
    const over = (values: Float32Array, run: (at: number) => void): Float32Array => {
      const at = arena.put(values);
      const end = at + values.byteLength;
      const behind = arena.bytes(end, 32);
      run(at);
      expect(arena.bytes(end, 32)).to.deep.equal(behind);
      return arena.floats(at, values.length);
    };

    it('every half becomes its f32, bit for bit, and nothing behind them is written', () => {
      arena.reset();
      const all = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
      const from = arena.put(all);
      const out = arena.take(all.length * 4);
      for (const count of [4, 8, 12, 1024, all.length]) {
        for (const first of count === all.length ? [0] : [0, 0x3bfc, 0x8000, 0xfbf0]) {
          new Uint8Array(arena.memory.buffer, out, count * 4 + 16).fill(0xa5);
          const wanted = Math.min(count, all.length - first);
          kernels.widenF16(from + first * 2, wanted, out);
          const found = arena.floats(out, wanted);
          for (let i = 0; i < wanted; i++) {
            const value = all[first + i] as number;
            if ((value & 0x7c00) === 0x7c00) continue; // infinities and NaNs are refused when a model is loaded
            if (!Object.is(found[i], half(value))) throw new Error(`0x${value.toString(16)} became ${found[i]}`);
          }
          expect([...arena.bytes(out + wanted * 4, 16)]).to.deep.equal(new Array<number>(16).fill(0xa5));
        }
      }
    });

    it('sums, biases and factors are those of f32, bit for bit', () => {
      fc.assert(
        fc.property(shapes, ({ rows, fours, seed }) => {
          arena.reset();
          const columns = fours * 4;
          const [y, x] = [numbers(rows * columns, seed), numbers(rows * columns, seed + 1)];
          const [other, bias] = [arena.put(x), arena.put(x.subarray(0, columns))];
          const at = (values: Float32Array, i: number): number => values[i] as number;
          expect(bits(over(y, (to) => kernels.add(to, other, y.length)))).to.deep.equal(
            bits(y.map((value, i) => value + at(x, i))),
          );
          expect(bits(over(y, (to) => kernels.addBias(to, rows, columns, bias)))).to.deep.equal(
            bits(y.map((value, i) => value + at(x, i % columns))),
          );
          const factor = fround(at(x, 0) + 1.7);
          expect(bits(over(y, (to) => kernels.multiply(to, y.length, factor)))).to.deep.equal(
            bits(y.map((value) => value * factor)),
          );
        }),
        { numRuns: 60 },
      );
    });

    it('gates and caps are what float64 says', () => {
      fc.assert(
        fc.property(shapes, fc.constantFrom(1, 7.5, 30, 50), ({ fours, seed }, cap) => {
          arena.reset();
          const [gate, up] = [numbers(fours * 4, seed), numbers(fours * 4, seed + 1)];
          const other = arena.put(up);
          const check = (actual: Float32Array, expected: (x: number, u: number) => number, bound: Bound): void => {
            for (const [i, value] of actual.entries()) {
              const wanted = expected(gate[i] as number, up[i] as number);
              if (!(Math.abs(value - wanted) <= bound.relative * Math.abs(wanted) + bound.absolute))
                throw new Error(`${gate[i]}, ${up[i]} became ${value}, not ${wanted}`);
            }
          };
          const run = (name: 'gateSilu' | 'gateGelu'): Float32Array =>
            over(gate, (to) => kernels[name](to, other, gate.length));
          // Far on the negative side the logistic stays at 1e-38, which is nothing beside anything.
          check(run('gateSilu'), (x, u) => (x / (1 + Math.exp(-x))) * u, { relative: 1e-6, absolute: 1e-28 });
          const inner = (x: number): number => 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
          // The relative error of e^x grows with that of its argument.
          check(run('gateGelu'), (x, u) => (x / (1 + Math.exp(-inner(x)))) * u, { relative: 1e-5, absolute: 1e-28 });
          const capped = over(gate, (to) => kernels.softCap(to, gate.length, cap));
          check(capped, (x) => cap * Math.tanh(x / cap), { relative: 0, absolute: 3e-7 * cap });
        }),
        { numRuns: 60 },
      );
    });

    const logits = fc.record({
      count: fc.integer({ min: 1, max: 200 }),
      temperature: fc.constantFrom(0.2, 0.7, 1, 2),
      forbidden: fc.integer({ min: 0, max: 5 }),
      seed: seeds,
    });

    it('sums the weights of a draw to a relative error below 1e-6, of forbidden tokens nothing', () => {
      fc.assert(
        fc.property(logits, ({ count, temperature, forbidden, seed }) => {
          arena.reset();
          const next = uniform(seed);
          const values = Float32Array.from({ length: count }, (_, i) =>
            forbidden > 0 && i % (forbidden + 1) === 1 ? -Infinity : (next() - 0.5) * 30,
          );
          const top = values.reduce((a, b) => Math.max(a, b));
          const wanted = values.reduce((sum, value) => sum + Math.exp((value - top) / temperature), 0);
          const found = kernels.sumOfWeights(arena.put(values), count, top, temperature);
          expect(Math.abs(found - wanted) / wanted).to.be.lessThan(1e-6);
        }),
        { numRuns: 100 },
      );
    });

    it('forbids exactly what a mask of any length leaves out', () => {
      fc.assert(
        fc.property(logits, fc.integer({ min: 0, max: 8 }), ({ count, seed }, words) => {
          arena.reset();
          const next = uniform(seed);
          const mask = Uint32Array.from({ length: words }, () => next() * 2 ** 32);
          const at = arena.put(new Uint8Array(mask.buffer), 4);
          const values = numbers(count, seed);
          const allowed = (id: number): boolean => (((mask[id >> 5] ?? 0) >>> (id & 31)) & 1) === 1;
          const found = over(values, (to) => kernels.forbid(to, count, at, words));
          expect(bits(found)).to.deep.equal(bits(values.map((value, id) => (allowed(id) ? value : -Infinity))));
        }),
        { numRuns: 100 },
      );
    });
  });
}
