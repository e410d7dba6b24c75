// Attention over float and int8 pages against plain TypeScript in float64, over random shapes, in every build that this browser
// runs; its sameness for a row whatever is computed beside it; and what int8 pages hold, by the page layout's rule written out.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { attentionMixUnits, attentionScratchBytes } from './operations.js';
import { bits, floats, half, type LoadedBuild, loadBuilds, nmse, seeds, uniform } from './testing.js';

const builds = await loadBuilds(256);

interface Attention {
  readonly kvHeads: number;
  readonly group: number;
  readonly headSize: number;
  readonly position: number;
  readonly rows: number;
  readonly window: number;
  readonly cap: number;
  /** Pages before this one are int8. */
  readonly firstFloat: number;
  readonly seed: number;
}

const attentions = fc
  .record({
    kvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 4 }),
    eights: fc.integer({ min: 1, max: 10 }),
    position: fc.integer({ min: 0, max: 150 }),
    rows: fc.integer({ min: 1, max: 9 }),
    window: fc.constantFrom(0, 0, 1, 5, 40),
    cap: fc.constantFrom(0, 0, 3),
    closed: fc.integer({ min: 0, max: 3 }),
    seed: seeds,
  })
  .map(({ eights, closed, ...shape }): Attention => {
    const firstFloat = Math.min(closed, Math.floor(shape.position / 32));
    return { ...shape, headSize: eights * 8, firstFloat };
  });

/** Keys, values and queries of a text, and where they lie. */
class Text {
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly query: Float32Array;
  readonly floatTable: number;
  readonly int8Table: number;
  readonly queryAt: number;
  readonly scratch: number;
  readonly scale: number;
  readonly layerOffset = 192;

  constructor(
    readonly loaded: LoadedBuild,
    readonly shape: Attention,
  ) {
    const { arena, kernels } = loaded;
    const { kvHeads, group, headSize, position, rows, firstFloat, seed } = shape;
    arena.reset();
    const next = uniform(seed);
    const total = position + rows;
    const width = kvHeads * headSize;
    // Some columns and rows are all alike, some tiny; many lie on a coarse grid, where ties are.
    const size = [2, 2, 0.001, 1e-7, 300][seed % 5] ?? 1;
    const coarse = (value: number): number => Math.round(value * 64) / 64;
    this.keys = floats(total * width, next, size).map((v, i) => (i % width === 3 ? size : i % 5 === 0 ? coarse(v) : v));
    this.values = floats(total * width, next, size).map((v, i) => (i % 7 === 0 ? coarse(v) : v));
    this.query = floats(rows * group * width, next);
    this.scale = 0.6 / Math.max(size, 1);
    const pages = Math.ceil(total / 32);
    const int8Bytes = this.int8Bytes();
    const floatPages = Uint32Array.from({ length: pages }, () => arena.take(this.layerOffset + width * 32 * 8));
    const int8Pages = Uint32Array.from({ length: pages }, () => arena.take(this.layerOffset + int8Bytes));
    const table = (pages: Uint32Array): number =>
      arena.put(new Uint8Array(pages.map((address) => address / 64).buffer));
    this.floatTable = table(floatPages);
    this.int8Table = table(int8Pages);
    const keysAt = arena.put(this.keys);
    const valuesAt = arena.put(this.values);
    // In two parts, as threads do it.
    for (const [from, to] of [
      [kvHeads >> 1, kvHeads],
      [0, kvHeads >> 1],
    ] as const) {
      const { floatTable, layerOffset } = this;
      kernels.kvAppend(keysAt, valuesAt, width, total, 0, kvHeads, headSize, floatTable, layerOffset, from, to);
    }
    for (let page = 0; page < firstFloat; page++) {
      const floatPage = (floatPages[page] ?? 0) + this.layerOffset;
      const offset = this.layerOffset;
      kernels.kvQuantise(this.floatTable, offset, this.int8Table, offset, page, ...this.parts(), kvHeads, headSize);
      new Uint8Array(arena.memory.buffer, floatPage, width * 32 * 8).fill(0xff); // NaN: must not be read
    }
    this.queryAt = arena.put(this.query);
    this.scratch = arena.take(attentionScratchBytes(headSize, rows, group));
    this.round();
  }

  parts(): [number, number, number] {
    const { kvHeads, headSize } = this.shape;
    const quants = kvHeads * headSize * 4;
    const scales = quants + kvHeads * headSize * 32;
    return [quants, scales, scales + kvHeads * 64];
  }

  private int8Bytes(): number {
    return this.parts()[2] + this.shape.kvHeads * this.shape.headSize * 32;
  }

  /** What closed pages hold, in place of the floats: the page layout's rule, written out. */
  private round(): void {
    const { kvHeads, headSize, firstFloat } = this.shape;
    const width = kvHeads * headSize;
    const { fround } = Math;
    /** The least f16 of which `times` reach `value`. */
    const least = (value: number, times: number): number => {
      let [from, to] = [0, halves.length - 1];
      while (from < to) {
        const middle = (from + to) >> 1;
        if (times * (halves[middle] ?? NaN) >= value) to = middle;
        else from = middle + 1;
      }
      return halves[from] ?? NaN;
    };
    const below = (value: number): number => {
      if (value < 0) return -least(-value, 1);
      const next = least(value, 1);
      return next === value ? value : (halves[halves.indexOf(next) - 1] ?? NaN);
    };
    const count = (distance: number, step: number, most: number): number => {
      let n = 0;
      while (step > 0 && n < most && distance >= (n + 0.5) * step) n += 1;
      return n;
    };
    for (let page = 0; page < firstFloat; page++) {
      const tokens = Array.from({ length: 32 }, (_, t) => page * 32 + t);
      for (let channel = 0; channel < width; channel++) {
        const column = tokens.map((t) => this.keys[t * width + channel] ?? NaN);
        const [low, high] = [Math.min(...column), Math.max(...column)];
        const min = below(low);
        const step = low === high ? 0 : least(fround(high - min), 255);
        for (const [i, t] of tokens.entries()) {
          const quant = count(fround((column[i] ?? NaN) - min), step, 255);
          this.keys[t * width + channel] = fround(min + fround(quant * step));
        }
      }
      for (const t of tokens) {
        for (let head = 0; head < kvHeads; head++) {
          const row = this.values.subarray(t * width + head * headSize, t * width + (head + 1) * headSize);
          const scale = least(
            row.reduce((max, value) => Math.max(max, Math.abs(value)), 0),
            127,
          );
          row.forEach((value, i) => (row[i] = fround(Math.sign(value) * count(Math.abs(value), scale, 127) * scale)));
        }
      }
    }
  }

  /** Rows `from` and the `count - 1` after it, in one call, heads in one range or each alone. */
  attend(from: number, count: number, heads: 'together' | 'apart' = 'together'): Float32Array {
    const { kernels, arena } = this.loaded;
    const { kvHeads, group, headSize, position, window, cap, firstFloat } = this.shape;
    const width = kvHeads * group * headSize;
    const out = arena.take(count * width * 4);
    const ranges = heads === 'together' ? [[0, kvHeads]] : Array.from({ length: kvHeads }, (_, h) => [h, h + 1]);
    for (const [start = 0, end = 0] of ranges) {
      kernels.attention(
        out,
        width,
        this.queryAt + from * width * 4,
        width,
        count,
        position + from,
        kvHeads,
        group,
        headSize,
        start,
        end,
        this.floatTable,
        this.layerOffset,
        this.int8Table,
        this.layerOffset,
        ...this.parts(),
        firstFloat,
        window,
        this.scale,
        cap,
        this.scratch,
      );
    }
    return arena.floats(out, count * width);
  }

  /** One row in two steps, each by some threads, who come in any order. */
  attendApart(row: number, threads: number): Float32Array {
    const { kernels, arena } = this.loaded;
    const { kvHeads, group, headSize, window, cap, firstFloat } = this.shape;
    const position = this.shape.position + row;
    const width = kvHeads * group * headSize;
    const out = arena.take(width * 4);
    const stride = (Math.floor(position / 32) + 1) * 32;
    const scores = arena.take(kvHeads * group * stride * 4);
    new Uint8Array(arena.memory.buffer, scores, kvHeads * group * stride * 4).fill(0xff); // NaN: must not be read
    const [quants, scales, values] = this.parts();
    const scratch = Array.from({ length: threads }, () => arena.take(attentionScratchBytes(headSize, 1, group)));
    const pages =
      Math.floor(position / 32) - Math.floor((window > 0 ? Math.max(0, position - window + 1) : 0) / 32) + 1;
    const inShares = (units: number, work: (start: number, end: number, scratch: number) => void): void => {
      for (let thread = threads - 1; thread >= 0; thread--) {
        const bound = (i: number): number => Math.floor((units * i * i) / (threads * threads)); // no two alike
        work(bound(thread), bound(thread + 1), scratch[thread] as number);
      }
    };
    const places = [kvHeads, this.floatTable, this.layerOffset, this.int8Table, this.layerOffset] as const;
    inShares(kvHeads * pages, (start, end, own) => {
      const query = this.queryAt + row * width * 4;
      kernels.attentionScores(
        ...([scores, stride, query, position, group, headSize, start, end] as const),
        ...places,
        ...([quants, firstFloat, window, own] as const),
      );
    });
    inShares(kvHeads * attentionMixUnits(headSize), (start, end, own) => {
      kernels.attentionMix(
        ...([out, scores, stride, position, group, headSize, start, end] as const),
        ...places,
        ...([scales, values, firstFloat, window, this.scale, cap, own] as const),
      );
    });
    return arena.floats(out, width);
  }

  expected(): Float64Array {
    const { kvHeads, group, headSize, position, rows, window, cap } = this.shape;
    const width = kvHeads * headSize;
    const out = new Float64Array(rows * group * width);
    for (let row = 0; row < rows; row++) {
      for (let head = 0; head < kvHeads * group; head++) {
        const q = (row * kvHeads * group + head) * headSize;
        const kv = Math.floor(head / group) * headSize;
        const first = window === 0 ? 0 : Math.max(0, position + row - window + 1);
        const tokens = Array.from({ length: position + row - first + 1 }, (_, i) => first + i);
        const weights = tokens.map((t) => {
          let dot = 0;
          for (let i = 0; i < headSize; i++) dot += (this.query[q + i] ?? NaN) * (this.keys[t * width + kv + i] ?? NaN);
          const score = dot * this.scale;
          return cap === 0 ? score : cap * Math.tanh(score / cap);
        });
        const top = Math.max(...weights);
        const exps = weights.map((weight) => Math.exp(weight - top));
        const sum = exps.reduce((a, b) => a + b, 0);
        for (const [i, t] of tokens.entries()) {
          for (let d = 0; d < headSize; d++) {
            out[q + d] = (out[q + d] ?? 0) + ((exps[i] ?? NaN) / sum) * (this.values[t * width + kv + d] ?? NaN);
          }
        }
      }
    }
    return out;
  }
}

/** Every finite f16 that is not negative, ascending. */
const halves = Array.from({ length: 0x7c00 }, (_, bits) => half(bits));

for (const loaded of builds) {
  const { build, kernels, arena } = loaded;
  describe(`attention, ${build}`, () => {
    it('attention is what float64 says, over float and int8 pages, windows and caps', () => {
      fc.assert(
        fc.property(attentions, (shape) => {
          const text = new Text(loaded, shape);
          expect(nmse(text.attend(0, shape.rows), text.expected())).to.be.lessThan(1e-11);
        }),
        { numRuns: 80 },
      );
    });

    it('a row of attention has the same bits, whatever rows and heads are computed beside it', () => {
      fc.assert(
        fc.property(attentions, (shape) => {
          const text = new Text(loaded, shape);
          const whole = text.attend(0, shape.rows);
          const width = whole.length / shape.rows;
          for (let row = 0; row < shape.rows; row++) {
            const alone = text.attend(row, 1, 'apart');
            expect(bits(alone.map((v) => v + 0))).to.deep.equal(
              bits(whole.subarray(row * width, (row + 1) * width).map((v) => v + 0)),
            );
          }
        }),
        { numRuns: 60 },
      );
    });

    it('attention in two steps has the bits of attention in one, however threads share them', () => {
      fc.assert(
        fc.property(attentions, fc.integer({ min: 1, max: 4 }), (shape, threads) => {
          const text = new Text(loaded, shape);
          for (const row of [0, shape.rows - 1]) {
            expect(bits(text.attendApart(row, threads))).to.deep.equal(bits(text.attend(row, 1)));
          }
        }),
        { numRuns: 80 },
      );
    });

    it('int8 pages come back as the page layout says', () => {
      fc.assert(
        fc.property(attentions, (shape) => {
          fc.pre(shape.firstFloat > 0);
          const text = new Text(loaded, shape);
          const { headSize, kvHeads } = shape;
          const closed = (new Uint32Array(arena.memory.buffer, text.int8Table, 1)[0] ?? 0) * 64 + text.layerOffset;
          const [quants, scales, values] = text.parts();
          const out = arena.take(32 * headSize * 4);
          for (let head = 0; head < kvHeads; head++) {
            const wanted = (all: Float32Array): Float32Array =>
              Float32Array.from(
                { length: 32 * headSize },
                (_, i) => all[Math.floor(i / headSize) * kvHeads * headSize + head * headSize + (i % headSize)] ?? NaN,
              );
            const at = head * headSize * 32;
            kernels.kvDequantiseKeys(out, closed + head * headSize * 4, closed + quants + at, headSize);
            expect(arena.floats(out, 32 * headSize)).to.deep.equal(wanted(text.keys));
            kernels.kvDequantiseValues(out, closed + scales + head * 64, closed + values + at, headSize);
            expect(arena.floats(out, 32 * headSize).map((v) => v + 0)).to.deep.equal(
              wanted(text.values).map((v) => v + 0),
            );
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}
