// What blocks stand in as long as it is open: quotes, lists and their items. Used by blocks.ts; what they
// become is a node of tokens.ts.

import type { Block } from './tokens.js';

/** A block with its place in the text. */
export interface PlacedBlock {
  /** Offset of the block's first character, and behind its last visible one. */
  readonly key: number;
  readonly end: number;
  readonly block: Block;
}

export interface Container {
  /** What it becomes, but for what is in it. */
  readonly node:
    | { readonly type: 'quote' }
    | { readonly type: 'list'; readonly ordered: boolean; readonly start: number }
    | { readonly type: 'item'; checked: boolean | null };
  readonly start: number;
  readonly children: PlacedBlock[];
  /** Of a list, the mark of its items: "-", "+", "*", "." or ")". */
  readonly mark: string;
  /** Of an item, the columns that continue it. */
  readonly indent: number;
}

export const newContainer = (node: Container['node'], start: number, mark = '', indent = 0): Container => ({
  node,
  start,
  children: [],
  mark,
  indent,
});

export const copyOf = (container: Container): Container => ({
  ...container,
  node: { ...container.node },
  children: container.children.slice(),
});

/** With what is open in it, to the offset behind that. */
const blockOf = ({ node, start, children }: Container, open: readonly PlacedBlock[], end: number): PlacedBlock => ({
  key: start,
  end,
  // A list holds items and nothing else: blocks.ts sees to it.
  block: { ...node, children: [...children, ...open].map(({ block }) => block) } as Block,
});

/** Containers, each in the one before it, as the block that they are: `open` where there are none. */
export const blocksOf = (
  containers: readonly Container[],
  open: readonly PlacedBlock[],
  end: number,
): readonly PlacedBlock[] => containers.reduceRight((inside, container) => [blockOf(container, inside, end)], open);
