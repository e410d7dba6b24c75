// JSON's own forms as Expressions: strings, numbers, whole numbers between bounds, any value. Source: RFC 8259. Blanks
// between values are allowed but bounded (one blank, or a line end and its indentation), so that a model that likes
// blanks cannot write them for ever. Called by json-schema.ts.

import {
  bytes,
  characters,
  choice,
  inverted,
  literal,
  named,
  normalised,
  optional,
  repeat,
  sequence,
  type CodePointRange,
  type Expression,
} from './expression.js';

const quote = literal('"');
const digit = bytes(0x30, 0x39);
const upTo = (count: number): Expression => repeat(digit, 0, count);
const hexadecimal = characters([
  [0x30, 0x39],
  [0x41, 0x46],
  [0x61, 0x66],
]);

/** Deepest indentation that is followed. */
const indentation = 40;
export const blank: Expression = optional(
  choice(literal(' '), sequence(literal('\n'), repeat(choice(literal(' '), literal('\t')), 0, indentation))),
);

/** Characters that stand in a string as they are: no quote, no backslash, no control character. */
const plainRanges = inverted([
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
]);
const short: Readonly<Record<number, string>> = {
  0x22: '\\"',
  0x5c: '\\\\',
  0x08: '\\b',
  0x0c: '\\f',
  0x0a: '\\n',
  0x0d: '\\r',
  0x09: '\\t',
};

/** One character of a string's text out of `ranges`, plain or as its short escape; control characters as \u00XX. */
export function stringCharacter(ranges: readonly CodePointRange[]): Expression {
  const plain: CodePointRange[] = [];
  const options: Expression[] = [];
  for (const [low, high] of normalised(ranges)) {
    for (const [from, to] of plainRanges) {
      if (Math.max(low, from) <= Math.min(high, to)) plain.push([Math.max(low, from), Math.min(high, to)]);
    }
    for (let code = low; code <= Math.min(high, 0x5c); code++) {
      const escape = short[code];
      if (escape !== undefined) options.push(literal(escape));
      else if (code < 0x20) options.push(literal(`\\u${code.toString(16).padStart(4, '0')}`));
    }
  }
  return choice(characters(plain), ...options);
}

/** Any one character of a string, with the escapes that RFC 8259 knows. Surrogates only as pairs that mean something. */
const anyCharacter: Expression = choice(
  characters(plainRanges),
  sequence(
    literal('\\'),
    choice(
      characters([...'"\\/bfnrt'].map((text): CodePointRange => [text.charCodeAt(0), text.charCodeAt(0)])),
      sequence(literal('u'), choice(...basicPlane())),
      sequence(
        choice(literal('ud'), literal('uD')),
        characters([
          [0x38, 0x39],
          [0x41, 0x42],
          [0x61, 0x62],
        ]),
        hexadecimal,
        hexadecimal,
        choice(literal('\\ud'), literal('\\uD')),
        characters([
          [0x43, 0x46],
          [0x63, 0x66],
        ]),
        hexadecimal,
        hexadecimal,
      ),
    ),
  ),
);

/** Four hexadecimal digits that are no surrogate. */
function basicPlane(): Expression[] {
  const three = [hexadecimal, hexadecimal, hexadecimal];
  return [
    sequence(
      characters([
        [0x30, 0x39],
        [0x41, 0x43],
        [0x45, 0x46],
        [0x61, 0x63],
        [0x65, 0x66],
      ]),
      ...three,
    ),
    sequence(choice(literal('d'), literal('D')), bytes(0x30, 0x37), hexadecimal, hexadecimal),
  ];
}

/** A string of `min` to `max` characters. */
export const string = (min = 0, max = Infinity): Expression => sequence(quote, repeat(anyCharacter, min, max), quote);
export const quoted = (inside: Expression): Expression => sequence(quote, inside, quote);
/** Any characters of a string, for a pattern that is not bound to its ends. */
export const anyCharacters: Expression = repeat(anyCharacter, 0);

const exponent = sequence(
  choice(literal('e'), literal('E')),
  optional(choice(literal('+'), literal('-'))),
  digit,
  upTo(2),
);
const wholePart = choice(literal('0'), sequence(bytes(0x31, 0x39), upTo(15)));

/** Bounded in digits: no answer needs more, and a model that repeats itself ends. */
export const integer: Expression = sequence(optional(literal('-')), wholePart);
export const number: Expression = sequence(
  optional(literal('-')),
  wholePart,
  optional(sequence(literal('.'), digit, upTo(15))),
  optional(exponent),
);

/** Whole numbers in [low, high]; either may be infinite. */
export function integerBetween(low: number, high: number): Expression {
  const options: Expression[] = [];
  if (low < 0) {
    const bottom = low === -Infinity ? Infinity : -low;
    options.push(sequence(literal('-'), choice(...naturals(Math.max(1, high < 0 ? -high : 1), bottom))));
  }
  if (high >= 0) options.push(...naturals(Math.max(0, low), high));
  return choice(...options);
}

/** Digits of the whole numbers in [low, high], low >= 0, without leading zeros: one alternative for each length. */
function naturals(low: number, high: number): Expression[] {
  const options: Expression[] = [];
  const longest = high === Infinity ? Math.max(16, String(low).length) : String(high).length;
  for (let length = String(low).length; length <= longest; length++) {
    const least = length === 1 ? 0 : 10 ** (length - 1);
    // As digits: from 16 on they are beyond the whole numbers that are kept exactly.
    const to = String(high).length === length && high !== Infinity ? String(high) : '9'.repeat(length);
    options.push(digitsBetween(String(Math.max(low, least)), to));
  }
  return options;
}

/** @param low and `high` have as many digits */
function digitsBetween(low: string, high: string): Expression {
  const one = (from: number, to: number): Expression => bytes(0x30 + from, 0x30 + to);
  if (low === '') return sequence();
  const first = Number(low[0]);
  const last = Number(high[0]);
  const [restLow, restHigh] = [low.slice(1), high.slice(1)];
  if (first === last) return sequence(one(first, last), digitsBetween(restLow, restHigh));
  const options: Expression[] = [];
  const nines = '9'.repeat(restLow.length);
  const zeros = '0'.repeat(restLow.length);
  let from = first;
  let to = last;
  if (restLow !== zeros) options.push(sequence(one(from, from++), digitsBetween(restLow, nines)));
  if (restHigh !== nines) options.push(sequence(one(to, to--), digitsBetween(zeros, restHigh)));
  if (from <= to) options.push(sequence(one(from, to), repeat(digit, restLow.length, restLow.length)));
  return choice(...options);
}

export const constant = (value: unknown): Expression => literal(JSON.stringify(value));

/** Items between brackets with commas; blanks where JSON allows them. */
export const bracketed = (open: string, inside: Expression, close: string): Expression =>
  sequence(literal(open), blank, inside, blank, literal(close));
export const comma: Expression = sequence(blank, literal(','), blank);
export const colon: Expression = sequence(blank, literal(':'), blank);

/** Any JSON value. */
export const anyValue: Expression = named('any value', () =>
  choice(anyObject, list(anyValue, 0, Infinity), string(), number, literal('true'), literal('false'), literal('null')),
);

/** Any JSON object. */
export const anyObject: Expression = named('any object', () => {
  const member = sequence(string(), colon, anyValue);
  return choice(
    sequence(literal('{'), blank, literal('}')),
    bracketed('{', sequence(member, repeat(sequence(comma, member), 0)), '}'),
  );
});

/** An array of `min` to `max` of `item`. */
export function list(item: Expression, min: number, max: number): Expression {
  const empty = sequence(literal('['), blank, literal(']'));
  if (max === 0) return empty;
  const some = bracketed('[', sequence(item, repeat(sequence(comma, item), Math.max(0, min - 1), max - 1)), ']');
  return min === 0 ? choice(empty, some) : some;
}
