// Markdown's block structure, line by line: lists, quotes, code, tables, headings, paragraphs. Called by stream.ts.
// Method: CommonMark 0.31.2's appendix "A parsing strategy", phase 1 (a spine of open containers, one open leaf), with
// GFM's tables and task lists, and formulas between $$ or \[ \]. A line is read once: what it closes becomes a node that
// never changes, so the cost of a line depends on the spine's depth and not on how much was read before.
// What differs from CommonMark, because the writer is a model: HTML is never recognised, so it stays visible text;
// reference definitions are not either, because one at the end of an answer could turn earlier, already read text into
// links (EchoLeak did that). Every line end inside a paragraph is a break, as in GitHub's comments.
// Hostile input: containers nest to `deepest`, a paragraph longer than `longest` goes on in another one, a long line comes
// in parts (stream.ts), so that no text costs more than a small multiple of its length.

import { blocksOfSpine, copyOf, itemOf, listOf, quoteOf, type Container, type PlacedBlock } from './containers.js';
import { effort } from './effort.js';
import { parseInlines } from './inlines.js';
import {
  addPart,
  blockOf,
  blocksToBe,
  copyLeaf,
  newCode,
  newParagraph,
  readCode,
  rowOf,
  tableFrom,
  type Formula,
  type Leaf,
  type Paragraph,
} from './leaves.js';
import { Line } from './line.js';
import { delimiterRow } from './tables.js';
import type { Block } from './tokens.js';

/** Deeper than any answer nests. */
const deepest = 24;
/** Characters of one paragraph, more than a page; and of a line that is no part of one. */
export const longest = 8_192;

/** How lines came in; a clone may read on without the original noticing. */
export class BlockReader {
  #spine: Container[];
  #leaf: Leaf | null;
  /** Offset behind the last line with anything on it. */
  #end: number;
  readonly #growing: boolean;

  /** @param growing what it reads is not all of a line */
  constructor(from?: BlockReader, growing = false) {
    this.#growing = growing;
    this.#spine = from === undefined ? [{ kind: 'document', children: [] }] : from.#spine.map(copyOf);
    this.#leaf = from === undefined || from.#leaf === null ? null : copyLeaf(from.#leaf);
    this.#end = from === undefined ? 0 : from.#end;
  }

  /**
   * All blocks; those that are finished are the same objects each time.
   * @param growing more will come: what has begun is shown as what it will most likely be
   */
  blocks(growing: boolean): readonly PlacedBlock[] {
    const leaf = this.#leaf;
    const open = leaf === null ? [] : growing ? blocksToBe(leaf) : [blockOf(leaf, false)];
    return blocksOfSpine(this.#spine, open, this.#end);
  }

  /** The text of an open paragraph goes on in the middle of a line. */
  get inText(): boolean {
    return this.#leaf?.kind === 'paragraph' && this.#leaf.open;
  }

  /** Takes over what another reader, which read as far or further, knows of the same open paragraph. */
  adopt(other: BlockReader): void {
    const [mine, theirs] = [this.#leaf, other.#leaf];
    if (mine?.kind !== 'paragraph' || theirs?.kind !== 'paragraph' || mine.start !== theirs.start) return;
    const { at } = theirs.settled;
    if (at <= mine.settled.at || at >= mine.text.length) return;
    if (mine.text.slice(0, at + 1) === theirs.text.slice(0, at + 1)) mine.settled = theirs.settled;
  }

  /**
   * Reads a line.
   * @param text without its line end
   * @param offset of its first character
   * @param whole false for what is only the part of a line so far, or of an overlong one
   */
  read(text: string, offset: number, whole = true): void {
    effort.characters += text.length;
    const line = new Line(text, offset);
    const leaf = this.#leaf;
    if ((leaf?.kind === 'code' || leaf?.kind === 'paragraph') && leaf.open) {
      // More of a long line: whatever it looks like, it stands in the middle of one.
      if (leaf.kind === 'code') addPart(leaf, text, whole);
      else if (leaf.text.length > longest) return this.#beginText(line, whole);
      else leaf.text += text;
      leaf.open = !whole;
      leaf.end = this.#end = Math.max(leaf.end, line.endOfText);
      return;
    }
    this.#readLine(line, whole);
  }

  #readLine(line: Line, whole: boolean): void {
    const leaf = this.#leaf;
    const matched = this.#match(line);
    const all = matched === this.#spine.length;
    if (all && leaf !== null && this.#continues(leaf, line, whole)) return;
    if (!all && leaf?.kind === 'paragraph' && !line.blank && !this.#begins(line, false)) {
      return this.#addText(leaf, line, whole); // a paragraph goes on without its container's marks
    }
    if (all && leaf?.kind === 'paragraph' && this.#turns(leaf, line)) return;
    if (!all) this.#close(matched);
    this.#open(line, whole);
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
        const taken = readCode(leaf, line, whole);
        if (taken === false) return false;
        if (!line.blank) leaf.end = this.#end = Math.max(leaf.end, line.endOfText);
        return taken === true || this.#push(blockOf(leaf, true));
      }
      case 'math':
        // A formula never has an empty line: one that is not closed must not swallow the answer.
        return !line.blank && this.#addFormula(leaf, line.text, line, whole);
      case 'table':
        if (line.blank || line.indent > 3 || this.#begins(line, true)) return false;
        leaf.rows.push(rowOf(line.rest, leaf.align.length, this.#growing));
        leaf.end = this.#end = line.endOfText;
        return true;
      case 'paragraph':
        return false;
    }
  }

  /** Whether the line makes something else of the paragraph before it: a heading, a table. */
  #turns(leaf: Paragraph, line: Line): boolean {
    if (line.indent > 3) return false;
    const level = line.underline;
    if (level > 0) {
      this.#end = line.endOfText;
      const children = parseInlines(leaf.text.trimEnd());
      return this.#push({ key: leaf.start, end: this.#end, block: { type: 'heading', level, children } });
    }
    const align = delimiterRow(line.rest);
    const leaves = align === null ? null : tableFrom(leaf, align);
    if (leaves === null) return false;
    for (const one of leaves) {
      if (one.kind === 'paragraph') this.#push(blockOf(one, true));
      else this.#leaf = one;
    }
    if (this.#leaf !== null) this.#leaf.end = this.#end = line.endOfText;
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
        if (paragraph !== null) return this.#addText(paragraph, line, whole);
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
        const children = parseInlines(heading.text, this.#growing);
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
      if (paragraph !== null) return this.#addText(paragraph, line, whole);
      return this.#beginText(line, whole);
    }
  }

  #beginText(line: Line, whole: boolean): void {
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
    this.#end = line.endOfText;
    this.#leaf = newParagraph(start, text, this.#end);
    this.#leaf.open = !whole;
  }

  #addText(leaf: Paragraph, line: Line, whole: boolean): void {
    if (leaf.text.length > longest) return this.#beginText(line, whole);
    leaf.text += `\n${line.rest.trimStart()}`;
    leaf.open = !whole;
    leaf.end = this.#end = line.endOfText;
  }

  #beginCode(line: Line, fence: Line['fence'], whole: boolean): void {
    this.#endLeaf();
    this.#end = line.endOfText;
    const leaf = newCode(line, fence, this.#end);
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
    if (body.trim() !== '') this.#addFormula(this.#leaf, body, line, whole);
  }

  /** Puts `text`, the end of the line, into a formula up to where that closes; what follows is running text. */
  #addFormula(leaf: Formula, text: string, line: Line, whole: boolean): true {
    const at = text.indexOf(leaf.close);
    leaf.text += `\n${at < 0 ? text : text.slice(0, at)}`;
    leaf.end = this.#end = line.endOfText;
    if (at < 0) return leaf.text.length < longest || this.#push(blockOf(leaf, false));
    this.#push(blockOf(leaf, true));
    const rest = text.slice(at + leaf.close.length);
    if (rest.trim() !== '') this.#beginText(new Line(rest, line.offset + line.text.length - rest.length), whole);
    return true;
  }

  /** Closes containers down to a depth, the leaf with them. */
  #close(depth: number): void {
    this.#endLeaf();
    while (this.#spine.length > depth) {
      const container = this.#spine.pop();
      const above = this.#spine.at(-1);
      if (container === undefined || above === undefined) return;
      if (container.kind === 'item' && above.kind === 'list') above.items.push(itemOf(container, []));
      else if (container.kind === 'list') this.#add(container.start, listOf(container, []));
      else if (container.kind === 'quote') this.#add(container.start, quoteOf(container, []));
    }
  }

  #add(key: number, block: Block): void {
    const above = this.#spine.at(-1);
    if (above !== undefined && 'children' in above) above.children.push({ key, end: this.#end, block });
  }

  #endLeaf(): void {
    const leaf = this.#leaf;
    if (leaf !== null) this.#push(blockOf(leaf, leaf.kind === 'code' && leaf.fence === null));
  }

  /** Puts a finished block into the innermost container; the leaf it came from is over. */
  #push(block: PlacedBlock): true {
    this.#leaf = null;
    const above = this.#spine.at(-1);
    if (above !== undefined && 'children' in above) above.children.push(block);
    return true;
  }
}
