// The little tree that markdown becomes on its way to the screen: what a block and an inline can be, and nothing else.
// blocks.ts and inlines.ts make it, render.ts shows it. There is no node for HTML: what has no node cannot reach the DOM.
// Nodes never change once made; a part that is finished is the same object in every later tree.

export type Inline =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'strong' | 'emphasis' | 'deleted'; readonly children: readonly Inline[] }
  /** A stretch of a long text that will not change any more, but for the last one of a text that grows. */
  | { readonly type: 'run'; readonly children: readonly Inline[] }
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
  /** A formula in TeX. */
  | { readonly type: 'math'; readonly text: string; readonly display: boolean }
  /** An image: its description, where it would come from, and its address where that is http or https, else empty. */
  | { readonly type: 'image'; readonly alt: string; readonly host: string; readonly href: string };

export type Alignment = 'start' | 'center' | 'end' | null;

export interface ListItem {
  readonly type: 'item';
  /** A task's tick box; null for a plain item. */
  readonly checked: boolean | null;
  readonly children: readonly Block[];
}

export type Block =
  | { readonly type: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly type: 'heading'; readonly level: number; readonly children: readonly Inline[] }
  | {
      readonly type: 'code';
      /** The text, cut at line ends into parts of which only the last can still grow. */
      readonly pieces: readonly string[];
      readonly language: string;
      /** The closing fence is there: nothing will be added. */
      readonly closed: boolean;
    }
  /** A formula in TeX, on lines of its own. */
  | { readonly type: 'math'; readonly text: string; readonly closed: boolean }
  | { readonly type: 'quote'; readonly children: readonly Block[] }
  /** Only in lists. */
  | ListItem
  | {
      readonly type: 'list';
      readonly ordered: boolean;
      readonly start: number;
      readonly children: readonly ListItem[];
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
    if (inline.type === 'text' || inline.type === 'code' || inline.type === 'math') text += inline.text;
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
    case 'math':
      return block.text;
    case 'quote':
    case 'list':
    case 'item':
      return block.children.map((child) => blockText(child, codeLabel)).join('\n');
    case 'table':
      return [block.header, ...block.rows].map((row) => row.map(inlineText).join(', ')).join('\n');
    case 'rule':
      return '';
  }
}
