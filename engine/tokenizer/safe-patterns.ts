// Refuses tokenizer files whose regular expressions could hold the engine for ever: JavaScript's matcher backtracks, nothing can
// stop it in the middle of a match, and the file is untrusted. Called by create-tokenizer.ts before the library compiles
// any. Method: the rules of thumb of safe-regex and its kin (star height; Weideman et al. 2016 on ambiguity): what can match
// in exponentially many ways has a repeated group with a choice inside, what takes a cubic time or worse has three repetitions
// in a row. Patterns of published models have neither; two in a row, which they have, cost at most the square of a text's length.
// Syntax read here: Oniguruma's as tokenizers write it. What goes wrong: `model-unsupported`, with the pattern.

import { EngineError } from '../protocol/errors.js';

const longestPattern = 5_000;
const mostPatterns = 200;
const deepestNesting = 50;
/** Repetitions without a small bound that may stand one after the other. */
const mostInARow = 2;
/** A repetition up to this is no loop. */
const smallBound = 16;

/** @param tokenizer tokenizer.json, parsed @throws EngineError `model-unsupported` */
export function checkPatterns(tokenizer: unknown): void {
  const { normalizer, pre_tokenizer, decoder, post_processor } = (tokenizer ?? {}) as Record<string, unknown>;
  const patterns: string[] = [];
  for (const part of [normalizer, pre_tokenizer, decoder, post_processor]) collect(part, patterns, 0);
  for (const pattern of patterns) {
    const fault = faultOf(pattern);
    if (fault !== null) throw refusal(`the regular expression ${pattern.slice(0, 80)} ${fault}`);
  }
}

function collect(value: unknown, into: string[], depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > deepestNesting) throw refusal('its parts are nested too deeply');
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'Regex' && typeof inner === 'string') into.push(inner);
    else collect(inner, into, depth + 1);
    if (into.length > mostPatterns) throw refusal(`it has more than ${mostPatterns} regular expressions`);
  }
}

/** What of a pattern or a part of it decides how often it can be tried. */
interface Shape {
  /** The most repetitions without a small bound along one way through it. */
  readonly loops: number;
  /** It can match one text in several lengths or ways. */
  readonly varies: boolean;
}

/** @returns what is wrong with the pattern, null when nothing is */
export function faultOf(pattern: string): string | null {
  if (pattern.length > longestPattern) return `has more than ${longestPattern} characters`;
  try {
    const reader = new Reader(pattern);
    const { loops } = reader.alternatives(0);
    return loops > mostInARow ? `has ${loops} repetitions in a row` : null;
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.message;
    throw thrown;
  }
}

class Fault extends Error {}

class Reader {
  #at = 0;

  constructor(private readonly pattern: string) {}

  alternatives(depth: number): Shape {
    if (depth > deepestNesting) throw new Fault('is nested too deeply');
    let loops = 0;
    let branches = 0;
    let varies = false;
    do {
      const branch = this.#sequence(depth);
      branches++;
      loops = Math.max(loops, branch.loops);
      varies ||= branch.varies;
    } while (this.#take('|'));
    if (depth === 0 && this.#at < this.pattern.length) throw new Fault('closes a group that is not open');
    return { loops, varies: varies || branches > 1 };
  }

  #sequence(depth: number): Shape {
    let loops = 0;
    let varies = false;
    while (this.#at < this.pattern.length && !this.#sees('|') && !this.#sees(')')) {
      const { shape, group } = this.#atom(depth);
      const repeat = this.#repeat();
      loops += shape.loops;
      varies ||= shape.varies;
      if (repeat === null) continue;
      if (group && shape.varies && repeat.most > 1) throw new Fault('repeats a group that can match in several ways');
      if (repeat.most > smallBound) loops++;
      if (repeat.least !== repeat.most) varies = true;
    }
    return { loops, varies };
  }

  #atom(depth: number): { readonly shape: Shape; readonly group: boolean } {
    const plain = { shape: { loops: 0, varies: false }, group: false };
    if (this.#take('(')) {
      const opening = /^\?(?:<?[=!]|[a-z-]*:|>|<[A-Za-z_]\w*>|[a-z-]+\))/.exec(this.pattern.slice(this.#at))?.[0] ?? '';
      this.#at += opening.length;
      if (opening.endsWith(')')) return plain; // flags for the rest
      if (opening === '' && this.#sees('?')) throw new Fault('has a group of an unknown kind');
      const shape = this.alternatives(depth + 1);
      if (!this.#take(')')) throw new Fault('has a group that does not end');
      return { shape, group: true };
    }
    if (this.#take('[')) this.#set(0);
    else if (this.#take('\\')) {
      const next = this.pattern[this.#at] ?? '';
      if (/[1-9kg]/.test(next)) throw new Fault('refers back to what it matched');
      this.#at++;
      if (/[pPxu]/.test(next) && this.#take('{')) while (this.#at < this.pattern.length && !this.#take('}')) this.#at++;
    } else this.#at++;
    return plain;
  }

  /** A character class; Oniguruma's may hold others. */
  #set(depth: number): void {
    if (depth > deepestNesting) throw new Fault('is nested too deeply');
    this.#take('^');
    this.#take(']'); // first of all it stands for itself
    while (!this.#take(']')) {
      if (this.#at >= this.pattern.length) throw new Fault('has a class that does not end');
      if (this.#take('\\')) this.#at++;
      else if (this.pattern.startsWith('[:', this.#at)) this.#at = this.#past(':]');
      else if (this.#nested()) this.#set(depth + 1);
      else this.#at++;
    }
  }

  /** A bracket in a class is one more class, if one ends behind it; otherwise it stands for itself. */
  #nested(): boolean {
    if (!this.#sees('[')) return false;
    this.#at++;
    const rest = this.pattern.slice(this.#at);
    return (rest.match(/(?<!\\)\]/g)?.length ?? 0) > 1;
  }

  #past(end: string): number {
    const found = this.pattern.indexOf(end, this.#at);
    return found < 0 ? this.pattern.length : found + end.length;
  }

  #repeat(): { readonly least: number; readonly most: number } | null {
    const match = /^(?:([*+?])|\{(\d{0,9})(,?)(\d{0,9})\})[?+]?/.exec(this.pattern.slice(this.#at));
    if (match === null) return null;
    const [text, sign, least = '', comma, most = ''] = match;
    if (sign === undefined && least === '' && most === '') return null; // a brace that stands for itself
    this.#at += text.length;
    if (sign !== undefined) return { least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Infinity };
    const from = Number(least);
    return { least: from, most: comma === '' ? from : most === '' ? Infinity : Number(most) };
  }

  #sees(character: string): boolean {
    return this.pattern[this.#at] === character;
  }

  #take(character: string): boolean {
    if (!this.#sees(character)) return false;
    this.#at++;
    return true;
  }
}

const refusal = (what: string): EngineError =>
  new EngineError('model-unsupported', `The model's tokenizer cannot be used: ${what}.`, {
    hint: 'It could hold the page for ever. Choose another model, or a copy of it from its makers.',
  });
