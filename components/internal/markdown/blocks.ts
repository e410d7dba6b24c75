// Markdown's block structure, line by line: lists, quotes, code, tables, headings, paragraphs. Called by stream.ts.
// Method: CommonMark 0.31.2's appendix "A parsing strategy", phase 1 (a spine of open containers, one open leaf), with
// GFM's tables and task lists, and formulas between $$ or \[ \]. A line is read once: what it closes becomes a node that
// never changes, so the cost of a line depends on the spine's depth and not on how much was read before.
// What differs from CommonMark, because the writer is a model: HTML is never recognised, so it stays visible text;
// reference definitions are not either, because one at the end of an answer could turn earlier, already read text into
// links (EchoLeak did that). Every line end inside a paragraph is a break, as in GitHub's comments.
// Hostile input: containers nest to `deepest`, a paragraph longer than `longest` goes on in another one, an overlong line
// is cut there (stream.ts), so that no text costs more than a small multiple of its length.

import { parseInlines } from './inlines.js';
import { Line } from './line.js';
import { unescaped } from './link-syntax.js';
import { cellsOf, delimiterRow } from './tables.js';
import type { Alignment, Block, Inline, ListItem } from './tokens.js';

/** Deeper than any answer nests. */
const deepest = 24;
/** Characters of one paragraph; more than a page. */
export const longest = 8_192;
/** Lines of code in one piece; a piece that is full is never looked at again. */
const linesInPiece = 40;
/** Columns of a table. */
const widest = 64;

/** A block at the top, with its place in the text. */
export interface PlacedBlock {
  /** Offset of the block's first character, and behind its last visible one. */
  readonly key: number;
  readonly end: number;
  readonly block: Block;
}

type Container =
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

type Leaf =
  | { readonly kind: 'paragraph'; readonly start: number; text: string; end: number; length: number }
  | {
      readonly kind: 'code';
      readonly start: number;
      readonly fence: { readonly mark: string; readonly length: number; readonly indent: number } | null;
      readonly language: string;
      readonly pieces: string[];
      /** Lines in the last piece. */
      lines: number;
      /** Blank lines of indented code that belong to it if more follows. */
      readonly blanks: string[];
      /** The last line went on: what comes next is more of it. */
      open: boolean;
      end: number;
    }
  | { readonly kind: 'math'; readonly start: number; readonly close: string; text: string; end: number }
  | {
      readonly kind: 'table';
      readonly start: number;
      readonly align: readonly Alignment[];
      readonly header: readonly (readonly Inline[])[];
      readonly rows: (readonly (readonly Inline[])[])[];
      end: number;
    };

/** How lines came in; a clone may read on without the original noticing. */
export class BlockReader {
  #spine: Container[];
  #leaf: Leaf | null;
  /** Offset behind the last line with anything on it. */
  #end: number;

  constructor(from?: BlockReader) {
    this.#spine = from === undefined ? [{ kind: 'document', children: [] }] : from.#spine.map(copyOf);
    this.#leaf = from === undefined || from.#leaf === null ? null : copyLeaf(from.#leaf);
    this.#end = from === undefined ? 0 : from.#end;
  }

  /** All blocks; those that are finished are the same objects each time. */
  blocks(): readonly PlacedBlock[] {
    let open: PlacedBlock | null = this.#leaf === null ? null : finished(this.#leaf, false);
    let item: ListItem | null = null;
    for (let depth = this.#spine.length - 1; depth > 0; depth--) {
      const container = this.#spine[depth];
      if (container === undefined) break;
      if (container.kind === 'item') {
        item = itemOf(container, open);
        open = null;
      } else if (container.kind === 'list') {
        open = { key: container.start, end: this.#end, block: listOf(container, item) };
        item = null;
      } else if (container.kind === 'quote') {
        open = { key: container.start, end: this.#end, block: quoteOf(container, open) };
      }
    }
    const { children } = this.#document();
    return open === null ? children.slice() : [...children, open];
  }

  /** Blocks at the top that nothing can change any more. */
  get finished(): readonly PlacedBlock[] {
    return this.#document().children;
  }

  /**
   * Reads a line.
   * @param text without its line end
   * @param offset of its first character
   * @param whole false for what is only the part of a line so far, or of an overlong one
   */
  read(text: string, offset: number, whole = true): void {
    const line = new Line(text, offset);
    const leaf = this.#leaf;
    if (leaf?.kind === 'code' && leaf.open) {
      // More of an overlong line: whatever it looks like, it stands in the middle of one.
      addPart(leaf, text, whole);
      leaf.end = this.#end = line.endOfText;
      return;
    }
    const matched = this.#match(line);
    const all = matched === this.#spine.length;
    if (all && leaf !== null && this.#continues(leaf, line, whole)) return;
    if (!all && leaf?.kind === 'paragraph' && !line.blank && !this.#begins(line, false)) {
      this.#addText(leaf, line); // a paragraph goes on without its container's marks
      return;
    }
    if (all && leaf?.kind === 'paragraph' && this.#turns(leaf, line)) return;
    if (!all) this.#close(matched);
    this.#open(line, whole);
  }

  #document(): Extract<Container, { kind: 'document' }> {
    const [document] = this.#spine;
    if (document?.kind !== 'document') throw new TypeError('The spine begins with the document.');
    return document;
  }

  /** How much of the spine this line continues; moves the line behind the containers' marks. */
  #match(line: Line): number {
    let depth = 1;
    for (; depth < this.#spine.length; depth++) {
      const container = this.#spine[depth];
      if (container?.kind === 'quote') {
        if (line.indent > 3 || line.next !== '>') return depth;
        line.skipQuote();
      } else if (container?.kind === 'item') {
        if (line.blank) {
          // An item that began with an empty line ends with the second one.
          const empty = depth === this.#spine.length - 1 && container.children.length === 0 && this.#leaf === null;
          if (empty) return depth;
          line.skipColumns(line.indent);
        } else if (line.indent >= container.indent) line.skipColumns(container.indent);
        else return depth; // the list above it may go on with another item
      }
    }
    return depth;
  }

  /** Whether the open leaf takes the line as it is. */
  #continues(leaf: Leaf, line: Line, whole: boolean): boolean {
    switch (leaf.kind) {
      case 'code': {
        const { fence } = leaf;
        if (fence === null) {
          if (line.blank) {
            line.skipColumns(4);
            leaf.blanks.push(line.rest);
            return true;
          }
          if (line.indent < 4) return false;
          line.skipColumns(4);
          for (const blank of leaf.blanks.splice(0)) addLine(leaf, blank);
          addPart(leaf, line.rest, whole);
        } else {
          if (line.closesFence(fence)) {
            leaf.end = this.#end = line.endOfText;
            this.#push(finished(leaf, true));
            return true;
          }
          line.skipColumns(Math.min(fence.indent, line.indent));
          addPart(leaf, line.rest, whole);
        }
        leaf.end = this.#end = Math.max(leaf.end, line.endOfText);
        return true;
      }
      case 'math': {
        const at = line.text.indexOf(leaf.close);
        // A formula never has an empty line: one that is not closed must not swallow the answer.
        if (line.blank) return false;
        leaf.text += `\n${at < 0 ? line.text : line.text.slice(0, at)}`;
        leaf.end = this.#end = line.endOfText;
        if (at < 0) return leaf.text.length < longest || this.#push(finished(leaf, false));
        this.#push(finished(leaf, true));
        const rest = line.text.slice(at + leaf.close.length);
        if (rest.trim() !== '') this.read(rest, line.offset + at + leaf.close.length, whole);
        return true;
      }
      case 'table':
        if (line.blank || line.indent > 3 || this.#begins(line, true)) return false;
        leaf.rows.push(row(line.rest, leaf.align.length));
        leaf.end = this.#end = line.endOfText;
        return true;
      case 'paragraph':
        return false;
    }
  }

  /** Whether the line makes something else of the paragraph before it: a heading, a table. */
  #turns(leaf: Extract<Leaf, { kind: 'paragraph' }>, line: Line): boolean {
    if (line.indent > 3) return false;
    const level = line.underline;
    if (level > 0) {
      this.#end = line.endOfText;
      const children = parseInlines(leaf.text.trimEnd());
      return this.#push({ key: leaf.start, end: this.#end, block: { type: 'heading', level, children } });
    }
    const align = delimiterRow(line.rest);
    if (align === null || align.length > widest) return false;
    const cut = leaf.text.lastIndexOf('\n');
    const header = cellsOf(leaf.text.slice(cut + 1));
    if (header.length !== align.length) return false;
    if (cut >= 0) {
      const before = { ...leaf, text: leaf.text.slice(0, cut), end: leaf.end - (leaf.text.length - cut) };
      this.#push(finished(before, true));
    }
    this.#end = line.endOfText;
    this.#leaf = {
      kind: 'table',
      start: cut < 0 ? leaf.start : leaf.end - (leaf.text.length - cut) + 1,
      align,
      header: header.map((cell) => parseInlines(cell)),
      rows: [],
      end: this.#end,
    };
    return true;
  }

  /**
   * Whether something begins here that ends a paragraph.
   * @param within the paragraph's own containers go on, so that a list may begin only where it is surely one
   */
  #begins(line: Line, within: boolean): boolean {
    if (line.indent > 3) return false;
    if (line.next === '>' && this.#room()) return true;
    if (line.heading !== null || line.fence !== null || line.rule || line.formula !== null) return true;
    const marker = line.marker;
    if (marker === null || !this.#room()) return false;
    return !within || (!marker.empty && (!marker.ordered || marker.number === 1));
  }

  #room(): boolean {
    return this.#spine.length < deepest;
  }

  /** What the line begins, from where the spine ends. */
  #open(line: Line, whole: boolean): void {
    for (;;) {
      const container = this.#spine.at(-1);
      const marker = line.indent > 3 || line.rule ? null : line.marker;
      if (container?.kind === 'list' && (line.blank || marker?.mark !== container.mark || !this.#room())) {
        if (line.blank) return this.#endLeaf();
        this.#close(this.#spine.length - 1);
        continue;
      }
      if (line.blank) return this.#endLeaf();
      const paragraph = this.#leaf?.kind === 'paragraph' ? this.#leaf : null;
      if (line.indent > 3) {
        if (paragraph !== null) return this.#addText(paragraph, line);
        return this.#beginCode(line, null, whole);
      }
      if (line.next === '>' && this.#room()) {
        this.#endLeaf();
        this.#spine.push({ kind: 'quote', children: [], start: line.place });
        line.skipQuote();
        continue;
      }
      const { heading } = line;
      if (heading !== null) {
        this.#endLeaf();
        this.#end = line.endOfText;
        const children = parseInlines(heading.text);
        this.#push({ key: line.place, end: this.#end, block: { type: 'heading', level: heading.level, children } });
        return;
      }
      if (line.fence !== null) return this.#beginCode(line, line.fence, whole);
      const { formula } = line;
      if (formula !== null) return this.#beginFormula(line, formula, whole);
      if (line.rule) {
        this.#endLeaf();
        this.#end = line.endOfText;
        this.#push({ key: line.place, end: this.#end, block: { type: 'rule' } });
        return;
      }
      if (marker !== null && this.#room() && (paragraph === null || this.#begins(line, true))) {
        this.#endLeaf();
        if (container?.kind !== 'list') {
          const { mark, ordered, number } = marker;
          this.#spine.push({ kind: 'list', items: [], start: line.place, mark, ordered, first: number });
        }
        const start = line.place;
        this.#end = line.offset + line.position + marker.width;
        this.#spine.push({ kind: 'item', children: [], start, indent: line.skipMarker(marker), checked: null });
        if (line.blank) return;
        continue;
      }
      if (paragraph !== null) return this.#addText(paragraph, line);
      return this.#beginText(line);
    }
  }

  #beginText(line: Line): void {
    this.#endLeaf();
    const item = this.#spine.at(-1);
    let text = line.rest.trimStart();
    const start = line.place;
    if (item?.kind === 'item' && item.children.length === 0) {
      const task = /^\[([ xX])\][ \t]+(?=\S)/.exec(text);
      if (task !== null) {
        item.checked = task[1] !== ' ';
        text = text.slice(task[0].length);
      }
    }
    this.#leaf = { kind: 'paragraph', start, text, end: line.endOfText, length: text.length };
    this.#end = line.endOfText;
  }

  #addText(leaf: Extract<Leaf, { kind: 'paragraph' }>, line: Line): void {
    const text = line.rest.trimStart();
    if (leaf.length + text.length > longest) return this.#beginText(line);
    leaf.text += `\n${text}`;
    leaf.length += text.length + 1;
    leaf.end = this.#end = line.endOfText;
  }

  #beginCode(
    line: Line,
    fence: { readonly mark: string; readonly length: number; readonly info: string } | null,
    whole: boolean,
  ): void {
    this.#endLeaf();
    this.#end = line.endOfText;
    const leaf: Leaf = {
      kind: 'code',
      start: line.place,
      fence: fence === null ? null : { mark: fence.mark, length: fence.length, indent: line.indent },
      language: fence === null ? '' : (unescaped(fence.info).split(/\s/, 1)[0] ?? ''),
      pieces: [],
      lines: 0,
      blanks: [],
      open: false,
      end: this.#end,
    };
    this.#leaf = leaf;
    if (fence !== null) return;
    line.skipColumns(4);
    addPart(leaf, line.rest, whole);
  }

  #beginFormula(line: Line, formula: { readonly open: string; readonly close: string }, whole: boolean): void {
    this.#endLeaf();
    const body = line.rest.trimStart().slice(formula.open.length);
    this.#end = line.endOfText;
    this.#leaf = { kind: 'math', start: line.place, close: formula.close, text: '', end: this.#end };
    if (body.trim() === '') return;
    const at = body.indexOf(formula.close);
    this.#leaf.text = at < 0 ? body : body.slice(0, at);
    if (at < 0) return;
    this.#push(finished(this.#leaf, true));
    const rest = body.slice(at + formula.close.length);
    if (rest.trim() !== '') this.read(rest, line.offset + line.text.length - rest.length, whole);
  }

  /** Closes containers down to a depth, the leaf with them. */
  #close(depth: number): void {
    this.#endLeaf();
    while (this.#spine.length > depth) {
      const container = this.#spine.pop();
      const above = this.#spine.at(-1);
      if (container === undefined || above === undefined) return;
      if (container.kind === 'item' && above.kind === 'list') above.items.push(itemOf(container, null));
      else if (container.kind === 'list') this.#add(container.start, listOf(container, null));
      else if (container.kind === 'quote') this.#add(container.start, quoteOf(container, null));
    }
  }

  #add(key: number, block: Block): void {
    const above = this.#spine.at(-1);
    if (above !== undefined && 'children' in above) above.children.push({ key, end: this.#end, block });
  }

  #endLeaf(): void {
    const leaf = this.#leaf;
    if (leaf !== null) this.#push(finished(leaf, leaf.kind === 'code' && leaf.fence === null));
  }

  /** Puts a finished block into the innermost container; the leaf it came from is over. */
  #push(block: PlacedBlock): true {
    this.#leaf = null;
    const above = this.#spine.at(-1);
    if (above !== undefined && 'children' in above) above.children.push(block);
    return true;
  }
}

function finished(leaf: Leaf, closed: boolean): PlacedBlock {
  const { start: key, end } = leaf;
  switch (leaf.kind) {
    case 'paragraph':
      return { key, end, block: { type: 'paragraph', children: parseInlines(leaf.text.trimEnd()) } };
    case 'code':
      return { key, end, block: { type: 'code', pieces: leaf.pieces.slice(), language: leaf.language, closed } };
    case 'math':
      return { key, end, block: { type: 'math', text: leaf.text.trim(), closed } };
    case 'table': {
      const { align, header, rows } = leaf;
      return { key, end, block: { type: 'table', align, header, rows: rows.slice() } };
    }
  }
}

const blocksOf = (children: readonly PlacedBlock[], open: PlacedBlock | null): readonly Block[] =>
  (open === null ? children : [...children, open]).map(({ block }) => block);

const itemOf = (item: Extract<Container, { kind: 'item' }>, open: PlacedBlock | null): ListItem => ({
  checked: item.checked,
  children: blocksOf(item.children, open),
});

function listOf(list: Extract<Container, { kind: 'list' }>, open: ListItem | null): Block {
  const { ordered, first: start, items } = list;
  return { type: 'list', ordered, start, items: open === null ? items.slice() : [...items, open] };
}

const quoteOf = (quote: Extract<Container, { kind: 'quote' }>, open: PlacedBlock | null): Block => ({
  type: 'quote',
  children: blocksOf(quote.children, open),
});

function copyOf(container: Container): Container {
  return container.kind === 'list'
    ? { ...container, items: container.items.slice() }
    : { ...container, children: container.children.slice() };
}

function copyLeaf(leaf: Leaf): Leaf {
  if (leaf.kind === 'code') return { ...leaf, pieces: leaf.pieces.slice(), blanks: leaf.blanks.slice() };
  return leaf.kind === 'table' ? { ...leaf, rows: leaf.rows.slice() } : { ...leaf };
}

type CodeLeaf = Extract<Leaf, { kind: 'code' }>;

function addLine(leaf: CodeLeaf, text: string): void {
  const last = leaf.pieces.length - 1;
  if (last >= 0) leaf.pieces[last] += '\n';
  if (last < 0 || leaf.lines === linesInPiece) {
    leaf.pieces.push(text);
    leaf.lines = 1;
  } else {
    leaf.pieces[last] += text;
    leaf.lines += 1;
  }
}

/** A line, or a part of an overlong one. */
function addPart(leaf: CodeLeaf, text: string, whole: boolean): void {
  if (!leaf.open) addLine(leaf, text);
  else leaf.pieces.push(text);
  leaf.open = !whole;
}

function row(text: string, width: number): readonly (readonly Inline[])[] {
  const cells = cellsOf(text).slice(0, width);
  return Array.from({ length: width }, (_, column) => parseInlines(cells[column] ?? ''));
}
