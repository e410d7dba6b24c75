// What a constrained answer may be, as a tree over bytes of UTF-8: the common form that JSON schemas (json-schema.ts) and
// regular expressions (regex.ts) are turned into and that grammar.ts compiles. Pure data and its makers; knows nothing of
// tokens or models. Source of the UTF-8 ranges: Unicode Standard, table 3-7 (well-formed byte sequences).

import { setBit } from './bits.js';

export type Expression =
  /** One byte out of a set: 256 bits. */
  | { readonly kind: 'byte'; readonly set: Uint32Array }
  | { readonly kind: 'sequence'; readonly items: readonly Expression[] }
  | { readonly kind: 'choice'; readonly options: readonly Expression[] }
  /** @param max Infinity for no limit */
  | { readonly kind: 'repeat'; readonly item: Expression; readonly min: number; readonly max: number }
  /** Something that may contain itself; made when it is first needed, once for each `key`. */
  | { readonly kind: 'named'; readonly key: string; readonly make: () => Expression };

/** An inclusive range of code points. */
export type CodePointRange = readonly [low: number, high: number];

export const lastCodePoint = 0x10ffff;
const encoder = new TextEncoder();

export const sequence = (...items: readonly Expression[]): Expression => ({ kind: 'sequence', items });
export const choice = (...options: readonly Expression[]): Expression => ({ kind: 'choice', options });
export const repeat = (item: Expression, min: number, max = Infinity): Expression => ({
  kind: 'repeat',
  item,
  min,
  max,
});
export const optional = (item: Expression): Expression => repeat(item, 0, 1);
export const named = (key: string, make: () => Expression): Expression => ({ kind: 'named', key, make });
export const nothing: Expression = sequence();

/** The bytes of `text`, just as they are. */
export const literal = (text: string): Expression => ({
  kind: 'sequence', // no `sequence(...)`: a long text has more bytes than a call may have arguments
  items: Array.from(encoder.encode(text), (byte) => bytes(byte, byte)),
});

/** One byte in [low, high]. */
export function bytes(low: number, high: number): Expression {
  const set = new Uint32Array(8);
  for (let byte = low; byte <= high; byte++) setBit(set, byte);
  return { kind: 'byte', set };
}

/** One character out of `ranges`, as its bytes. Surrogates are no characters and are left out. */
export function characters(ranges: readonly CodePointRange[]): Expression {
  const ascii = new Uint32Array(8);
  let hasAscii = false;
  const options: Expression[] = [];
  for (const [low, high] of normalised(ranges)) {
    for (let code = low; code <= Math.min(high, 0x7f); code++) {
      setBit(ascii, code);
      hasAscii = true;
    }
    for (const [from, to, length] of lengths) {
      const start = Math.max(low, from);
      const end = Math.min(high, to);
      if (start <= end) options.push(...byteRanges(utf8(start, length), utf8(end, length)));
    }
  }
  if (hasAscii) options.unshift({ kind: 'byte', set: ascii });
  return options.length === 1 && options[0] !== undefined ? options[0] : choice(...options);
}

/** Code points by the length of their UTF-8 beyond ASCII, without the surrogates. */
const lengths: readonly (readonly [number, number, number])[] = [
  [0x80, 0x7ff, 2],
  [0x800, 0xd7ff, 3],
  [0xe000, 0xffff, 3],
  [0x10000, lastCodePoint, 4],
];

function utf8(code: number, length: number): number[] {
  const tail = (shift: number): number => 0x80 | ((code >> shift) & 0x3f);
  if (length === 2) return [0xc0 | (code >> 6), tail(0)];
  if (length === 3) return [0xe0 | (code >> 12), tail(6), tail(0)];
  return [0xf0 | (code >> 18), tail(12), tail(6), tail(0)];
}

/** Byte sequences from `low` to `high`, both of one length, as few alternatives (the method of RE2's UTF-8 ranges). */
function byteRanges(low: readonly number[], high: readonly number[]): Expression[] {
  const [first = 0, ...restLow] = low;
  const [last = 0, ...restHigh] = high;
  if (restLow.length === 0) return [bytes(first, last)];
  if (first === last) return byteRanges(restLow, restHigh).map((rest) => sequence(bytes(first, first), rest));
  const lowest = restLow.every((byte) => byte === 0x80);
  const highest = restHigh.every((byte) => byte === 0xbf);
  const whole = restLow.map(() => bytes(0x80, 0xbf));
  const options: Expression[] = [];
  const from = lowest ? first : first + 1;
  const to = highest ? last : last - 1;
  if (!lowest) {
    const top = restLow.map(() => 0xbf);
    options.push(...byteRanges(restLow, top).map((rest) => sequence(bytes(first, first), rest)));
  }
  if (from <= to) options.push(sequence(bytes(from, to), ...whole));
  if (!highest) {
    const bottom = restHigh.map(() => 0x80);
    options.push(...byteRanges(bottom, restHigh).map((rest) => sequence(bytes(last, last), rest)));
  }
  return options;
}

/** Sorted, joined where they touch or overlap. */
export function normalised(ranges: readonly CodePointRange[]): CodePointRange[] {
  const joined: [number, number][] = [];
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (low > high) continue;
    const last = joined.at(-1);
    if (last && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else joined.push([low, high]);
  }
  return joined;
}

/** Every code point that is not in `ranges`. */
export function inverted(ranges: readonly CodePointRange[]): CodePointRange[] {
  const gaps: CodePointRange[] = [];
  let next = 0;
  for (const [low, high] of normalised(ranges)) {
    if (low > next) gaps.push([next, low - 1]);
    next = high + 1;
  }
  if (next <= lastCodePoint) gaps.push([next, lastCodePoint]);
  return gaps;
}
