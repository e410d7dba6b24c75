// What blocks stand in: the document, quotes, lists and their items, as long as they are open. Used by blocks.ts; what they
// become is a node of tokens.ts.

import type { Block, ListItem } from './tokens.js';

/** A block with its place in the text. */
export interface PlacedBlock {
  /** Offset of the block's first character, and behind its last visible one. */
  readonly key: number;
  readonly end: number;
  readonly block: Block;
}

export type Container =
  | { readonly kind: 'document'; readonly children: PlacedBlock[] }
  | { readonly kind: 'quote'; readonly children: PlacedBlock[]; readonly start: number }
  | {
      readonly kind: 'list';
      readonly items: ListItem[];
      readonly start: number;
      /** Marker of its items: "-", "+", "*", "." or ")". */
      readonly mark: string;
      readonly ordered: boolean;
      readonly first: number;
    }
  | {
      readonly kind: 'item';
      readonly children: PlacedBlock[];
      readonly start: number;
      /** Columns that continue it. */
      readonly indent: number;
      checked: boolean | null;
    };

type Of<Kind extends Container['kind']> = Extract<Container, { kind: Kind }>;

export const copyOf = (container: Container): Container =>
  container.kind === 'list'
    ? { ...container, items: container.items.slice() }
    : { ...container, children: container.children.slice() };

const blocksOf = (children: readonly PlacedBlock[], open: readonly PlacedBlock[]): readonly Block[] =>
  [...children, ...open].map(({ block }) => block);

/** @param open what is open in it */
export const itemOf = (item: Of<'item'>, open: readonly PlacedBlock[]): ListItem => ({
  checked: item.checked,
  children: blocksOf(item.children, open),
});

export const listOf = ({ ordered, first: start, items }: Of<'list'>, open: readonly ListItem[]): Block => ({
  type: 'list',
  ordered,
  start,
  items: [...items, ...open],
});

export const quoteOf = (quote: Of<'quote'>, open: readonly PlacedBlock[]): Block => ({
  type: 'quote',
  children: blocksOf(quote.children, open),
});

/** The blocks of a spine with what is open at its end. */
export function blocksOfSpine(
  spine: readonly Container[],
  leaf: readonly PlacedBlock[],
  end: number,
): readonly PlacedBlock[] {
  let open = leaf;
  let item: readonly ListItem[] = [];
  for (const container of [...spine].reverse()) {
    switch (container.kind) {
      case 'item':
        item = [itemOf(container, open)];
        break;
      case 'list':
        open = [{ key: container.start, end, block: listOf(container, item) }];
        item = [];
        break;
      case 'quote':
        open = [{ key: container.start, end, block: quoteOf(container, open) }];
        break;
      case 'document':
        return [...container.children, ...open];
    }
  }
  return open;
}
