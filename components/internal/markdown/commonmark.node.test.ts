// Our reader of markdown against the reference implementation of CommonMark, over texts made of everything that has a
// meaning there. What we leave out on purpose (HTML, reference definitions) or add (GFM, formulas) is not in them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Parser, type Node } from 'commonmark';
import fc from 'fast-check';
import { parseMarkdown } from './stream.js';
import type { Block, Inline } from './tokens.js';

type Plain = string | readonly [string, ...Plain[]];

const pieces = [
  ...['word', 'é', 'two words ', ' ', '.', ', ', '(', ')', '!', '\\', '&amp;'],
  ...['\n', '\n', '\n\n', '\n    ', '\n  ', '\t', '\n# ', '\n## Title\n', '\n---\n', '\n===\n', '***\n'],
  ...['- ', '\n- ', '\n* ', '\n  - ', '\n    - ', '\n1. ', '\n2. ', '\n   1) ', '\n- \n', '\n> ', '\n> > ', '\n> - '],
  ...['```', '\n```js\n', '\n```\n', '\n~~~\n', '\n     code', '`', '``', '*', '**', '***', '_', '__'],
  ...['[', ']', '](', '[text](/a)', '![image](/b "title")', '[a](<b c>)'],
];
const text = fc.array(fc.constantFrom(...pieces), { maxLength: 16 }).map((parts) => parts.join(''));

/** Our tree without what CommonMark does not say. */
function ours(blocks: readonly Block[]): Plain[] {
  return blocks.map((block): Plain => {
    switch (block.type) {
      case 'paragraph':
        return ['paragraph', ...inlines(block.children)];
      case 'heading':
        return [`heading ${String(block.level)}`, ...inlines(block.children)];
      case 'code':
        return ['code', block.language, block.pieces.join('')];
      case 'quote':
        return ['quote', ...ours(block.children)];
      case 'list':
        return [
          block.ordered ? `ordered ${String(block.start)}` : 'bullets',
          ...block.children.map((item): Plain => ['item', ...ours(item.children)]),
        ];
      default:
        return [block.type];
    }
  });
}

const inlines = (children: readonly Inline[]): Plain[] =>
  joined(
    children.flatMap((inline): Plain[] => {
      switch (inline.type) {
        case 'text':
          return [inline.text];
        case 'code':
          return [['code', inline.text]];
        case 'image':
          return [`(${inline.alt})`];
        case 'break':
          return ['\n'];
        case 'math':
          return [['math', inline.text]];
        case 'run':
          return inlines(inline.children);
        case 'link':
          return [['link', ...inlines(inline.children)]];
        default:
          return [[inline.type, ...inlines(inline.children)]];
      }
    }),
  );

/** Neighbouring texts as one. */
function joined(parts: readonly Plain[]): Plain[] {
  const all: Plain[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (typeof part === 'string' && typeof last === 'string') all[all.length - 1] = last + part;
    else if (part !== '') all.push(part);
  }
  return all;
}

function* childrenOf(node: Node): Generator<Node> {
  for (let child = node.firstChild; child !== null; child = child.next) yield child;
}

function theirs(node: Node): Plain[] {
  return joined(
    [...childrenOf(node)].flatMap((child): Plain[] => {
      const inside = (): Plain[] => theirs(child);
      switch (child.type) {
        case 'paragraph':
          return [['paragraph', ...inside()]];
        case 'heading':
          return [[`heading ${String(child.level)}`, ...inside()]];
        case 'code_block':
          return [['code', (child.info ?? '').split(/\s/, 1)[0] ?? '', (child.literal ?? '').replace(/\n$/, '')]];
        case 'block_quote':
          return [['quote', ...inside()]];
        case 'list':
          return [[child.listType === 'ordered' ? `ordered ${String(child.listStart)}` : 'bullets', ...inside()]];
        case 'item':
          return [['item', ...inside()]];
        case 'thematic_break':
          return [['rule']];
        case 'text':
          return [child.literal ?? ''];
        case 'code':
          return [['code', child.literal ?? '']];
        case 'softbreak':
        case 'linebreak':
          return ['\n'];
        case 'emph':
          return [['emphasis', ...inside()]];
        case 'strong':
          return [['strong', ...inside()]];
        case 'image':
          return [`(${plain(child)})`];
        case 'link':
          // Relative addresses are no links here: their text, then the address.
          return [...inside(), ` (${decodeURI(child.destination ?? '')})`];
        default:
          throw new TypeError(`No text of this test makes a ${child.type}.`);
      }
    }),
  );
}

function plain(node: Node): string {
  return [...childrenOf(node)]
    .map((child) => (/break/.test(child.type) ? ' ' : (child.literal ?? '') + plain(child)))
    .join('');
}

describe('markdown as CommonMark says', () => {
  it('reads any text as the reference implementation does', () => {
    const parser = new Parser();
    fc.assert(
      fc.property(text, (source) => {
        fc.pre(!/\\[[(]/.test(source)); // formulas are ours
        assert.deepEqual(ours(parseMarkdown(source).map(({ block }) => block)), theirs(parser.parse(source)));
      }),
      { numRuns: 5_000, examples: [['- ```\n    '], ['1. ```\n\t']] }, // spaces in an item's code
    );
  });
});
