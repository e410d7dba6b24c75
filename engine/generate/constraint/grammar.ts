// Compiles an Expression into rules of alternatives of elements, flat arrays that matcher.ts walks. Repetitions become
// rules that end in themselves, so that a text of any length needs no deeper stack. What no text ends is taken out, so
// that an answer never runs into it. Called by constraint.ts.
// What goes wrong: an expression that would become too large (nested bounded repetitions) is refused before it fills
// memory.

import { EngineError } from '../../protocol/errors.js';
import { choice, named, nothing, sequence, type Expression } from './expression.js';

/** Elements that a grammar may have: a schema that people write has a few thousand. */
const largest = 400_000;

/** Kinds of elements: the end of an alternative, one byte out of a set, a rule. */
export const endElement = 0;
export const byteElement = 1;
export const ruleElement = 2;

export interface Grammar {
  /** By position; an alternative is a run of elements up to the next end. */
  readonly kinds: Uint8Array;
  /** Of a byte the index of its set, of a rule its number. */
  readonly values: Int32Array;
  readonly sets: readonly Uint32Array[];
  /** Positions where each alternative of each rule begins. */
  readonly rules: readonly (readonly number[])[];
  readonly root: number;
}

type Element = { readonly kind: typeof byteElement | typeof ruleElement; readonly value: number };

/** @throws EngineError `invalid-request` when it is too large */
export function compileGrammar(root: Expression): Grammar {
  const compiler = new Compiler();
  return withoutEndless(compiler.finish(compiler.rule([[root]])));
}

const tooLarge = (): EngineError =>
  new EngineError('invalid-request', 'The form that the answer should have is too large.', {
    hint: 'Ask for fewer alternatives or shorter lists; bounds like maxLength of many thousands cost most.',
  });

class Compiler {
  readonly #kinds: number[] = [];
  readonly #values: number[] = [];
  readonly #sets: Uint32Array[] = [];
  readonly #setIndex = new Map<string, number>();
  readonly #rules: number[][] = [];
  readonly #ruleOf = new Map<Expression, number>();
  readonly #named = new Map<string, number>();
  /** Alternatives still to be written: a loop and not a recursion, so that depth costs no stack. */
  readonly #open: { readonly rule: number; readonly alternatives: readonly (readonly Expression[])[] }[] = [];

  /** A new rule with these alternatives, each a run of expressions. */
  rule(alternatives: readonly (readonly Expression[])[]): number {
    const rule = this.#rules.push([]) - 1;
    this.#open.push({ rule, alternatives });
    return rule;
  }

  finish(root: number): Grammar {
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) {
      for (const alternative of next.alternatives) {
        const elements = this.#elements(alternative);
        this.#rules[next.rule]?.push(this.#kinds.length);
        for (const { kind, value } of elements) this.#write(kind, value);
        this.#write(endElement, 0);
      }
    }
    return {
      kinds: Uint8Array.from(this.#kinds),
      values: Int32Array.from(this.#values),
      sets: this.#sets,
      rules: this.#rules,
      root,
    };
  }

  #write(kind: number, value: number): void {
    this.#kinds.push(kind);
    this.#values.push(value);
  }

  /** A run as its elements: a loop and not a recursion, counted as it grows, because runs may be deep and long. */
  #elements(run: readonly Expression[]): Element[] {
    const elements: Element[] = [];
    const open = [...run].reverse();
    let visits = 0;
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.kind === 'sequence') {
        for (let i = next.items.length - 1; i >= 0; i--) open.push(next.items[i] ?? nothing);
      } else if (next.kind === 'byte') elements.push({ kind: byteElement, value: this.#set(next.set) });
      else elements.push({ kind: ruleElement, value: this.#reference(next) });
      if (this.#kinds.length + elements.length > largest || ++visits > largest * 4) throw tooLarge();
    }
    return elements;
  }

  #reference(expression: Exclude<Expression, { kind: 'byte' | 'sequence' }>): number {
    if (expression.kind === 'named') {
      const known = this.#named.get(expression.key);
      if (known !== undefined) return known;
      const rule = this.#rules.push([]) - 1;
      this.#named.set(expression.key, rule); // before it is made, because it may contain itself
      this.#open.push({ rule, alternatives: [[expression.make()]] });
      return rule;
    }
    const known = this.#ruleOf.get(expression);
    if (known !== undefined) return known;
    const rule =
      expression.kind === 'choice'
        ? this.rule(expression.options.map((option) => [option]))
        : this.#repetition(expression.item, expression.min, expression.max);
    this.#ruleOf.set(expression, rule);
    return rule;
  }

  /** x{min,max}: from the end forwards, each step either one more x or, once there are enough, nothing more. */
  #repetition(item: Expression, min: number, max: number): number {
    if (Math.max(min, max === Infinity ? 0 : max) > largest / 4) {
      throw new EngineError('invalid-request', 'The form that the answer should have repeats something too often.', {
        hint: `A repetition may be bounded up to ${largest / 4}; leave the bound out for more.`,
      });
    }
    // Counted before anything is made: many repetitions with large bounds would fill memory in the making.
    this.#repeated += max === Infinity ? min : min + (max - min) * 4;
    if (this.#repeated > largest) throw tooLarge();
    let rest: Expression;
    if (max === Infinity) {
      const again: Expression = named(this.#fresh(), () => choice(sequence(item, again), nothing));
      rest = again;
    } else {
      rest = nothing;
      for (let count = max; count > min; count--) {
        const after = rest;
        rest = choice(sequence(item, after), nothing);
      }
    }
    // The bounded chain nests as deep as it is long, and each link is a rule of its own: no recursion is needed for it.
    return this.rule([[...Array.from({ length: min }, () => item), rest]]);
  }

  #repeated = 0;
  #names = 0;
  #fresh(): string {
    return `\u0000repeat ${this.#names++}`;
  }

  #set(set: Uint32Array): number {
    const key = set.join();
    let index = this.#setIndex.get(key);
    if (index === undefined) {
      index = this.#sets.push(set) - 1;
      this.#setIndex.set(key, index);
    }
    return index;
  }
}

/** Without alternatives that no text ends: they lead into a rule that only contains itself, or ask for a byte of none. */
function withoutEndless(grammar: Grammar): Grammar {
  const { kinds, values, sets, rules } = grammar;
  const empty = sets.map((set) => set.every((word) => word === 0));
  /** Of each alternative, how many of its rules are not known to end yet. */
  const missing = new Map<number, number>();
  const users: { readonly rule: number; readonly alternative: number }[][] = rules.map(() => []);
  const ending: number[] = [];
  const known = new Uint8Array(rules.length);
  const ends = (rule: number): void => {
    if (known[rule] === 1) return;
    known[rule] = 1;
    ending.push(rule);
  };
  rules.forEach((alternatives, rule) => {
    for (const alternative of alternatives) {
      let count = 0;
      for (let at = alternative; kinds[at] !== endElement; at++) {
        const value = values[at] ?? 0;
        if (kinds[at] === ruleElement) {
          count++;
          users[value]?.push({ rule, alternative });
        } else if (empty[value] === true) count = Infinity;
      }
      missing.set(alternative, count);
      if (count === 0) ends(rule);
    }
  });
  for (let rule = ending.pop(); rule !== undefined; rule = ending.pop()) {
    for (const user of users[rule] ?? []) {
      const left = (missing.get(user.alternative) ?? 0) - 1;
      missing.set(user.alternative, left);
      if (left === 0) ends(user.rule);
    }
  }
  return { ...grammar, rules: rules.map((alternatives) => alternatives.filter((at) => missing.get(at) === 0)) };
}
