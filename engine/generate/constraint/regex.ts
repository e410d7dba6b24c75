// Reads a regular expression as JavaScript and JSON Schema write it (ECMA-262, "Patterns") into an Expression. What no
// automaton can follow - back references, looking ahead or behind - is refused by name, never ignored. `\b` too: nothing
// here knows what stood before. Called by constraint.ts for a whole answer and by json-schema.ts for `pattern`.

import { EngineError } from '../../protocol/errors.js';
import {
  characters,
  choice,
  inverted,
  nothing,
  repeat,
  sequence,
  type CodePointRange,
  type Expression,
} from './expression.js';

/** How one character out of these is written: plain, or as in a JSON string. */
export type WriteCharacters = (ranges: readonly CodePointRange[]) => Expression;

export interface RegexOptions {
  readonly ignoreCase?: boolean;
  /** `.` takes line ends, too. */
  readonly dotAll?: boolean;
  readonly write?: WriteCharacters;
}

export interface ReadRegex {
  readonly expression: Expression;
  /** It began with `^`, ended with `$`. */
  readonly fromStart: boolean;
  readonly toEnd: boolean;
}

/** Nested groups; deeper ones are no text that a person wrote. */
const deepest = 200;
const mostRepeats = 100_000;

const digits: readonly CodePointRange[] = [[0x30, 0x39]];
const wordCharacters: readonly CodePointRange[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const spaces: readonly CodePointRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const lineEnds: readonly CodePointRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const classes: Readonly<Record<string, readonly CodePointRange[]>> = {
  d: digits,
  D: inverted(digits),
  w: wordCharacters,
  W: inverted(wordCharacters),
  s: spaces,
  S: inverted(spaces),
};
const controls: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, '0': 0 };

/** @throws EngineError `invalid-request` saying where and what cannot be read */
export function readRegex(pattern: string, options: RegexOptions = {}): ReadRegex {
  return new RegexReader(pattern, options).read();
}

class RegexReader {
  readonly #text: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(
    pattern: string,
    private readonly options: RegexOptions,
  ) {
    this.#text = Array.from(pattern);
  }

  read(): ReadRegex {
    const fromStart = this.#take('^');
    const toEnd = this.#text.at(-1) === '$' && this.#text.at(-2) !== '\\';
    const end = this.#text.length - (toEnd ? 1 : 0);
    const expression = this.#alternatives(end);
    if (this.#at < end) this.#refuse('a “)” too many');
    // `^a|b$` anchors only its outer alternatives; people who write it mean both, and ECMAScript does not.
    if ((fromStart || toEnd) && expression.kind === 'choice') {
      this.#refuse('“^” or “$” beside “|” on the outermost level', 'Put the alternatives in brackets: ^(?:a|b)$');
    }
    return { expression, fromStart, toEnd };
  }

  #alternatives(end: number): Expression {
    const options: Expression[] = [];
    do {
      const items: Expression[] = [];
      while (this.#at < end && this.#text[this.#at] !== '|' && this.#text[this.#at] !== ')')
        items.push(this.#repeated(end));
      options.push(items.length === 1 && items[0] ? items[0] : sequence(...items));
    } while (this.#at < end && this.#take('|'));
    return options.length === 1 && options[0] ? options[0] : choice(...options);
  }

  #repeated(end: number): Expression {
    const item = this.#single(end);
    const bounds = this.#bounds();
    if (bounds === null) return item;
    this.#take('?'); // a lazy repetition takes the same texts
    if (this.#text[this.#at] === '+') this.#refuse('a possessive repetition');
    const [min, max] = bounds;
    if (max < min) this.#refuse(`a repetition from ${min} to ${max}`);
    return repeat(item, min, max);
  }

  #bounds(): [number, number] | null {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    const match = /^\{(\d{1,7})(,(\d{0,7}))?\}/.exec(this.#text.slice(this.#at, this.#at + 20).join(''));
    if (match === null) return null;
    this.#at += match[0].length;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === '' ? Infinity : Number(match[3]);
    if (min > mostRepeats || (max !== Infinity && max > mostRepeats))
      this.#refuse(`more than ${mostRepeats} repetitions`);
    return [min, max];
  }

  #single(end: number): Expression {
    const character = this.#next();
    if (character === '(') return this.#group(end);
    if (character === '[') return this.#write(this.#set());
    if (character === '.') return this.#write(this.options.dotAll === true ? inverted([]) : inverted(lineEnds));
    if (character === '\\') return this.#write(this.#escape(false));
    if (character === '^' || character === '$') this.#refuse(`“${character}” within the pattern`);
    if (character === '*' || character === '+' || character === '?')
      this.#refuse(`“${character}” with nothing before it`);
    return this.#write(this.#one(character));
  }

  #group(end: number): Expression {
    if (this.#take('?')) {
      const kind = this.#next();
      if (kind === '=' || kind === '!') this.#refuse('looking ahead');
      if (kind === '<') {
        if (this.#text[this.#at] === '=' || this.#text[this.#at] === '!') this.#refuse('looking behind');
        while (this.#at < end && this.#next() !== '>'); // a name is of no use without back references
      } else if (kind !== ':') this.#refuse(`a group “(?${kind}”`);
    }
    if (++this.#depth > deepest) this.#refuse(`more than ${deepest} groups within each other`);
    const inner = this.#alternatives(end);
    this.#depth--;
    if (this.#at >= end || !this.#take(')')) this.#refuse('a “(” without its “)”');
    return inner.kind === 'sequence' && inner.items.length === 0 ? nothing : inner;
  }

  /** Behind a "[". */
  #set(): readonly CodePointRange[] {
    const negated = this.#take('^');
    const ranges: CodePointRange[] = [];
    while (this.#text[this.#at] !== ']') {
      const low = this.#member();
      const first = low[0];
      const follows = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']';
      if (!follows || first === undefined || low.length > 1 || first[0] !== first[1]) {
        ranges.push(...low);
        continue;
      }
      this.#at++;
      const high = this.#member()[0];
      if (high === undefined || high[0] !== high[1] || high[1] < first[0]) this.#refuse('a range in “[]” out of order');
      ranges.push(...this.#cased([[first[0], high[1]]]));
    }
    this.#at++;
    const all = this.#cased(ranges);
    return negated ? inverted(all) : all;
  }

  #member(): readonly CodePointRange[] {
    const character = this.#next();
    return character === '\\' ? this.#escape(true) : [[codeOf(character), codeOf(character)]];
  }

  #escape(inSet: boolean): readonly CodePointRange[] {
    const character = this.#next();
    const named = classes[character];
    if (named !== undefined) return named;
    if (inSet && character === 'b') return [[8, 8]];
    const control = controls[character];
    if (control !== undefined) return [[control, control]];
    if (character === 'x') return this.#hexadecimal(2);
    if (character === 'u') return this.#take('{') ? this.#braced() : this.#hexadecimal(4);
    if (character === 'c') this.#refuse('“\\c”');
    if (/[1-9k]/.test(character)) this.#refuse('a back reference');
    if (/[bBpP]/.test(character)) this.#refuse(`“\\${character}”`);
    if (/[A-Za-z]/.test(character)) this.#refuse(`“\\${character}”`);
    return this.#one(character);
  }

  #hexadecimal(length: number): readonly CodePointRange[] {
    const digits = this.#text.slice(this.#at, this.#at + length).join('');
    if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length !== length) this.#refuse('an escape with too few digits');
    this.#at += length;
    const code = parseInt(digits, 16);
    const pair = /^\\u(d[c-f][0-9a-f]{2})/i.exec(this.#text.slice(this.#at, this.#at + 6).join(''));
    if (code < 0xd800 || code > 0xdbff || pair?.[1] === undefined) return [[code, code]];
    this.#at += 6;
    const whole = 0x10000 + ((code - 0xd800) << 10) + (parseInt(pair[1], 16) - 0xdc00);
    return [[whole, whole]];
  }

  #braced(): readonly CodePointRange[] {
    const digits = /^([0-9a-fA-F]{1,6})\}/.exec(this.#text.slice(this.#at, this.#at + 7).join(''))?.[1];
    const code = digits === undefined ? NaN : parseInt(digits, 16);
    if (digits === undefined || code > 0x10ffff) this.#refuse('an escape that names no character');
    this.#at += digits.length + 1;
    return [[code, code]];
  }

  #one(character: string): readonly CodePointRange[] {
    const code = codeOf(character);
    return this.#cased([[code, code]]);
  }

  /** With both cases of each letter where the pattern wants that; ranges beyond some size as they are. */
  #cased(ranges: readonly CodePointRange[]): readonly CodePointRange[] {
    if (this.options.ignoreCase !== true) return ranges;
    const all: CodePointRange[] = [...ranges];
    for (const [low, high] of ranges) {
      for (let code = low; code <= Math.min(high, low + 1_000); code++) {
        const text = String.fromCodePoint(code);
        for (const other of [text.toLowerCase(), text.toUpperCase()]) {
          if (Array.from(other).length === 1) all.push([codeOf(other), codeOf(other)]);
        }
      }
    }
    return all;
  }

  #write(ranges: readonly CodePointRange[]): Expression {
    return (this.options.write ?? characters)(ranges);
  }

  #next(): string {
    const character = this.#text[this.#at];
    if (character === undefined) this.#refuse('an end where more was to come');
    this.#at++;
    return character;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #refuse(what: string, hint = 'Write the pattern without it.'): never {
    throw new EngineError(
      'invalid-request',
      `The pattern for the answer cannot be followed: ${what}, at character ${this.#at}.`,
      { hint },
    );
  }
}

const codeOf = (character: string): number => character.codePointAt(0) ?? 0;
