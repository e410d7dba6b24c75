// The little tree that markdown becomes on its way to the screen: what a block and an inline can be, and nothing else.
// parse.ts makes it, render.ts shows it, stream.ts keeps finished blocks. There is no node for HTML and none for an
// image's address: what has no node cannot reach the DOM.

export type Inline =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'strong' | 'emphasis' | 'deleted'; readonly children: readonly Inline[] }
  | { readonly type: 'code'; readonly text: string }
  | { readonly type: 'break' }
  | {
      readonly type: 'link';
      /** Absolute, http, https or mailto; normalised by the URL parser. */
      readonly href: string;
      /** Where it leads, to be shown beside the text; empty when the text shows it already. */
      readonly host: string;
      readonly children: readonly Inline[];
    }
  /** An image that was not fetched: its description and the host it would have come from. */
  | { readonly type: 'image'; readonly alt: string; readonly host: string };

export type Alignment = 'start' | 'center' | 'end' | null;

export interface ListItem {
  /** A task's tick box; null for a plain item. */
  readonly checked: boolean | null;
  readonly children: readonly Block[];
}

export type Block =
  | { readonly type: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly type: 'heading'; readonly level: number; readonly children: readonly Inline[] }
  | { readonly type: 'code'; readonly text: string; readonly language: string }
  | { readonly type: 'quote'; readonly children: readonly Block[] }
  | {
      readonly type: 'list';
      readonly ordered: boolean;
      readonly start: number;
      readonly items: readonly ListItem[];
    }
  | {
      readonly type: 'table';
      readonly align: readonly Alignment[];
      readonly header: readonly (readonly Inline[])[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
    }
  | { readonly type: 'rule' };

/** The words of an inline run without its marks, as a screen reader's announcement wants them. */
export function inlineText(inlines: readonly Inline[]): string {
  let text = '';
  for (const inline of inlines) {
    if (inline.type === 'text' || inline.type === 'code') text += inline.text;
    else if (inline.type === 'break') text += ' ';
    else if (inline.type === 'image') text += inline.alt;
    else text += inlineText(inline.children);
  }
  return text;
}

/** The words of a block; a code block is named, not read out. `codeLabel` is that name. */
export function blockText(block: Block, codeLabel: string): string {
  switch (block.type) {
    case 'paragraph':
    case 'heading':
      return inlineText(block.children);
    case 'code':
      return codeLabel;
    case 'quote':
      return block.children.map((child) => blockText(child, codeLabel)).join('\n');
    case 'list':
      return block.items.map((item) => item.children.map((child) => blockText(child, codeLabel)).join('\n')).join('\n');
    case 'table':
      return [block.header, ...block.rows].map((row) => row.map(inlineText).join(', ')).join('\n');
    case 'rule':
      return '';
  }
}
