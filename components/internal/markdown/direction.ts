// Which way a block runs: by its first letter, as `dir="auto"` would have it. Worked out here, because the browser looks
// through a block for that letter at each change of it, which makes a long one without letters slow. Called by render.ts.
// Source: Unicode Standard Annex #9, rules P2 and P3, by the blocks that right-to-left scripts stand in.

import type { Block, Inline } from './tokens.js';

const letter = /\p{L}/u;
const fromRight = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
/** Nodes looked at; beyond, nothing says which way. */
const patience = 64;

/** Null where no letter is near the beginning. */
export function directionOf(blocks: readonly Block[]): 'ltr' | 'rtl' | null {
  let left = patience;
  const ofInlines = (inlines: readonly Inline[]): string | null => first(inlines, ofInline);
  function first<Node>(nodes: readonly Node[], find: (node: Node) => string | null): string | null {
    for (const node of nodes) {
      if (left-- <= 0) return null;
      const found = find(node);
      if (found !== null) return found;
    }
    return null;
  }
  function ofInline(inline: Inline): string | null {
    if (inline.type === 'text') return letter.exec(inline.text)?.[0] ?? null;
    return 'children' in inline ? ofInlines(inline.children) : null;
  }
  function ofBlock(block: Block): string | null {
    switch (block.type) {
      case 'paragraph':
      case 'heading':
        return ofInlines(block.children);
      case 'quote':
        return first(block.children, ofBlock);
      case 'list':
        return first(block.items, (item) => first(item.children, ofBlock));
      case 'table':
        return first([block.header, ...block.rows.slice(0, 2)], (row) => first(row, ofInlines));
      default:
        return null; // code and formulas run from the left whatever is around them
    }
  }
  const found = first(blocks, ofBlock);
  return found === null ? null : fromRight.test(found) ? 'rtl' : 'ltr';
}
