// Follows a grammar byte by byte: which bytes may come next, and whether the text may end here. A pushdown automaton
// whose stacks are shared lists (the method of llama.cpp's GBNF); a set of stacks is one state, states and the steps
// between them are remembered, so that a text walks through a table after the first time. Called by constraint.ts.
// Knows nothing of tokens. What goes wrong: a byte that cannot come leads to `dead`; a form that fits a text in a great
// many ways at once (optional repetitions within each other) is an `invalid-request` when the work for one token is used up.

import { EngineError } from '../../protocol/errors.js';
import { hasBit } from './bits.js';
import { byteElement, endElement, type Grammar } from './grammar.js';

/** No text of the grammar goes on like this. */
export const dead = -1;

const unknown = -2;
/** States kept at most; then the table is begun anew from the state in use. */
const mostStates = 20_000;
/** Stacks looked at for one token; a schema that people write takes some ten thousands. Under a second. */
const mostWork = 500_000;
/** A new state's share of that work, for the memory of its table. */
const stateWork = 16;
/** Stacks kept; above that, those that no state needs are forgotten with the next token. */
const mostStacks = 400_000;
/** The stack that has nothing left to match. */
const finished = 0;

interface State {
  /** Stacks whose top is a byte, ascending; `finished` first when the text may end here. */
  readonly stacks: readonly number[];
  readonly next: Int32Array;
}

export class Matcher {
  /** Of each stack: the position on top and the stack below. Number 0 is the empty one. */
  #tops: number[] = [0];
  #below: number[] = [0];
  #stackOf = new Map<number, number>();
  /** Left for this token. */
  #work = mostWork;
  #states: State[] = [];
  #stateOf = new Map<string, number>();
  /** Grows when state numbers were given out anew: what others remember by them is void. */
  generation = 0;
  readonly start: number;

  constructor(private readonly grammar: Grammar) {
    const stacks = new Set<number>();
    const seen = new Set<number>();
    for (const alternative of grammar.rules[grammar.root] ?? []) this.#expand(alternative, finished, stacks, seen);
    this.start = this.#state(stacks);
  }

  /** @returns the state after `byte`, or `dead` */
  step(state: number, byte: number): number {
    const from = this.#states[state];
    if (from === undefined) return dead;
    const known = from.next[byte] ?? dead;
    if (known !== unknown) return known;
    const stacks = new Set<number>();
    const seen = new Set<number>();
    const { values, sets } = this.grammar;
    for (const stack of from.stacks) {
      if (stack === finished) continue;
      const top = this.#tops[stack] ?? 0;
      const set = sets[values[top] ?? 0];
      if (set === undefined || !hasBit(set, byte)) continue;
      this.#expand(top + 1, this.#below[stack] ?? 0, stacks, seen);
    }
    const to = stacks.size === 0 ? dead : this.#state(stacks);
    from.next[byte] = to;
    return to;
  }

  /** The text may end in this state. */
  mayEnd(state: number): boolean {
    return this.#states[state]?.stacks[0] === finished;
  }

  /** The text must end in this state: nothing can follow. */
  mustEnd(state: number): boolean {
    return this.mayEnd(state) && this.#states[state]?.stacks.length === 1;
  }

  /** A token was taken. Forgets all states but `keep` when there are too many. @returns the number that `keep` has now */
  trim(keep: number): number {
    this.#work = mostWork;
    const kept = this.#states[keep];
    const many = this.#states.length >= mostStates || this.#tops.length >= mostStacks;
    if (!many || kept === undefined) return keep;
    this.#states = [];
    this.#stateOf = new Map();
    this.generation++;
    return this.#state(new Set(this.#onlyStacks(kept.stacks)));
  }

  /** Forgets all stacks but these and what they lie on. @returns their numbers now */
  #onlyStacks(stacks: readonly number[]): number[] {
    const [tops, below] = [this.#tops, this.#below];
    [this.#tops, this.#below, this.#stackOf] = [[0], [0], new Map()];
    const moved = new Map<number, number>([[finished, finished]]);
    return stacks.map((stack) => {
      const lower: number[] = [];
      for (let at = stack; !moved.has(at); at = below[at] ?? finished) lower.push(at);
      for (let at = lower.pop(); at !== undefined; at = lower.pop()) {
        moved.set(at, this.#push(tops[at] ?? 0, moved.get(below[at] ?? finished) ?? finished));
      }
      return moved.get(stack) ?? finished;
    });
  }

  #spend(work: number): void {
    this.#work -= work;
    if (this.#work >= 0) return;
    throw new EngineError('invalid-request', 'The form of the answer fits in too many ways at once to be followed.', {
      hint: 'Avoid repetitions within repetitions that may be empty, like (a?){0,99}, and alternatives that begin alike.',
    });
  }

  /** Adds to `into` every stack with a byte on top that the elements from `position` on, over `below`, can begin with. */
  #expand(position: number, below: number, into: Set<number>, seen: Set<number>): void {
    const { kinds, values, rules } = this.grammar;
    const open = [this.#push(position, below)];
    for (let stack = open.pop(); stack !== undefined; stack = open.pop()) {
      // A stack met before leads nowhere new; that also ends what could repeat nothing for ever.
      if (seen.has(stack)) continue;
      seen.add(stack);
      this.#spend(1);
      if (stack === finished) {
        into.add(finished);
        continue;
      }
      const at = this.#tops[stack] ?? 0;
      const kind = kinds[at] ?? endElement;
      const rest = this.#below[stack] ?? 0;
      if (kind === byteElement) into.add(stack);
      else if (kind === endElement) open.push(rest);
      else {
        // What follows the rule is pushed only if there is something: a rule that ends in itself stays flat.
        const after = kinds[at + 1] === endElement ? rest : this.#push(at + 1, rest);
        for (const alternative of rules[values[at] ?? 0] ?? []) open.push(this.#push(alternative, after));
      }
    }
  }

  #push(position: number, below: number): number {
    const key = position * 2 ** 30 + below;
    let stack = this.#stackOf.get(key);
    if (stack === undefined) {
      stack = this.#tops.push(position) - 1;
      this.#below.push(below);
      this.#stackOf.set(key, stack);
    }
    return stack;
  }

  #state(stacks: ReadonlySet<number>): number {
    const sorted = [...stacks].sort((a, b) => a - b);
    const key = sorted.join();
    let state = this.#stateOf.get(key);
    if (state === undefined) {
      this.#spend(stateWork);
      state = this.#states.push({ stacks: sorted, next: new Int32Array(256).fill(unknown) }) - 1;
      this.#stateOf.set(key, state);
    }
    return state;
  }
}
