// Which way a block runs: by its first letter, as `dir="auto"` would have it. Worked out here, because the browser looks
// through a block for that letter at each change of it, which makes a long one without letters slow. Called by render.ts.
// Source: Unicode Standard Annex #9, rules P2 and P3, by the blocks that right-to-left scripts stand in.

import type { Block, Inline } from './tokens.js';

const letter = /\p{L}/u;
const fromRight = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
/** Nodes looked at; beyond, nothing says which way. */
const patience = 64;

type Node = Block | Inline | readonly Node[];

export function directionOf(node: Node): 'ltr' | 'rtl' {
  let left = patience;
  function firstLetter(one: Node): string {
    if ('type' in one) {
      if (one.type === 'text') return letter.exec(one.text)?.[0] ?? '';
      if (one.type === 'table') return firstLetter([one.header, ...one.rows.slice(0, 2)]);
      // Code and formulas run from the left whatever is around them.
      return 'children' in one ? firstLetter(one.children) : '';
    }
    for (const inside of one) {
      if (left-- <= 0) return '';
      const found = firstLetter(inside);
      if (found !== '') return found;
    }
    return '';
  }
  return fromRight.test(firstLetter(node)) ? 'rtl' : 'ltr';
}
