// The vocabulary as a tree of bytes, so that one walk finds every token a grammar allows next: where a byte is refused,
// all tokens that go on from there are refused with it. Built once for a tokenizer. Called by constraint.ts.
// Layout: nodes in preorder; `skip` leads past all that is below a node.

import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { setBit } from './bits.js';
import { dead, type Matcher } from './matcher.js';

export interface TokenTrie {
  readonly vocabularySize: number;
  readonly bytes: Uint8Array;
  /** Of each node, from 1. */
  readonly depths: Uint16Array;
  readonly skip: Int32Array;
  /** Tokens that end at node i: `tokens[from[i]] .. tokens[from[i + 1] - 1]`. */
  readonly from: Int32Array;
  readonly tokens: Int32Array;
}

/** Longer tokens are runs of spaces or lines; they are left out, which costs a form nothing but a shorter spelling. */
const longestToken = 256;

const known = new WeakMap<Tokenizer, TokenTrie>();

/** Control tokens have no place in it: they are no text. */
export function tokenTrie(tokenizer: Tokenizer): TokenTrie {
  let trie = known.get(tokenizer);
  if (trie === undefined) {
    trie = build(tokenizer);
    known.set(tokenizer, trie);
  }
  return trie;
}

function build(tokenizer: Tokenizer): TokenTrie {
  const words: { readonly id: number; readonly bytes: Uint8Array }[] = [];
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    const bytes = tokenizer.tokenBytes(id);
    if (bytes.length > 0 && bytes.length <= longestToken && !tokenizer.isControl(id)) words.push({ id, bytes });
  }
  words.sort((a, b) => compare(a.bytes, b.bytes));
  const bytes: number[] = [];
  const depths: number[] = [];
  const skip: number[] = [];
  const from: number[] = [];
  const tokens: number[] = [];
  /** Nodes from the root to the last word's end. */
  const path: number[] = [];
  let last: Uint8Array = new Uint8Array(0);
  for (const word of words) {
    let shared = 0;
    while (shared < last.length && last[shared] === word.bytes[shared]) shared++;
    for (let node = path.length; node > shared; node--) skip[path.pop() ?? 0] = bytes.length;
    for (let depth = shared; depth < word.bytes.length; depth++) {
      path.push(bytes.length);
      bytes.push(word.bytes[depth] ?? 0);
      depths.push(depth + 1);
      skip.push(0);
      from.push(tokens.length);
    }
    // Two tokens of the same bytes end at the same node, which is then the newest one.
    tokens.push(word.id);
    last = word.bytes;
  }
  for (const node of path) skip[node] = bytes.length;
  from.push(tokens.length);
  return {
    vocabularySize: tokenizer.vocabularySize,
    bytes: Uint8Array.from(bytes),
    depths: Uint16Array.from(depths),
    skip: Int32Array.from(skip),
    from: Int32Array.from(from),
    tokens: Int32Array.from(tokens),
  };
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** @returns bit id % 32 of word id / 32 is set for every token that the matcher can take whole from `state` */
export function allowedTokens(trie: TokenTrie, matcher: Matcher, state: number): Uint32Array {
  const mask = new Uint32Array(Math.ceil(trie.vocabularySize / 32));
  const { bytes, depths, skip, from, tokens } = trie;
  const states = new Int32Array(longestToken + 1);
  states[0] = state;
  for (let node = 0; node < bytes.length;) {
    const depth = depths[node] ?? 1;
    const after = matcher.step(states[depth - 1] ?? dead, bytes[node] ?? 0);
    if (after === dead) {
      node = skip[node] ?? bytes.length;
      continue;
    }
    states[depth] = after;
    const end = from[node + 1] ?? 0;
    for (let at = from[node] ?? 0; at < end; at++) {
      const id = tokens[at] ?? 0;
      setBit(mask, id);
    }
    node++;
  }
  return mask;
}
