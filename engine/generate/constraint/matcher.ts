// Follows a grammar byte by byte: which bytes may come next, and whether the text may end here. A pushdown automaton
// whose stacks are shared lists (the method of llama.cpp's GBNF); a set of stacks is one state, states and the steps
// between them are remembered, so that a text walks through a table after the first time. Called by constraint.ts.
// Knows nothing of tokens. What goes wrong: nothing throws; a byte that cannot come leads to `dead`.

import { hasBit } from './bits.js';
import { byteElement, endElement, type Grammar } from './grammar.js';

/** No text of the grammar goes on like this. */
export const dead = -1;

const unknown = -2;
/** States kept at most; then the table is begun anew from the state in use. */
const mostStates = 20_000;
/** The stack that has nothing left to match. */
const finished = 0;

interface State {
  /** Stacks whose top is a byte, ascending; `finished` first when the text may end here. */
  readonly stacks: readonly number[];
  readonly next: Int32Array;
}

export class Matcher {
  /** Of each stack: the position on top and the stack below. Number 0 is the empty one. */
  readonly #tops: number[] = [0];
  readonly #below: number[] = [0];
  readonly #stackOf = new Map<number, number>();
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

  /** Forgets all states but `keep` when there are too many. @returns the number that `keep` has now */
  trim(keep: number): number {
    const kept = this.#states[keep];
    if (this.#states.length < mostStates || kept === undefined) return keep;
    this.#states = [];
    this.#stateOf = new Map();
    this.generation++;
    return this.#state(new Set(kept.stacks));
  }

  /** Adds to `into` every stack with a byte on top that the elements from `position` on, over `below`, can begin with. */
  #expand(position: number, below: number, into: Set<number>, seen: Set<number>): void {
    const { kinds, values, rules } = this.grammar;
    const open = [this.#push(position, below)];
    for (let stack = open.pop(); stack !== undefined; stack = open.pop()) {
      // A stack met before leads nowhere new; that also ends what could repeat nothing for ever.
      if (seen.has(stack)) continue;
      seen.add(stack);
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
      state = this.#states.push({ stacks: sorted, next: new Int32Array(256).fill(unknown) }) - 1;
      this.#stateOf.set(key, state);
    }
    return state;
  }
}
