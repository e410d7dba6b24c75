// Markdown's block structure, line by line: lists, quotes, code, tables, headings, paragraphs. Called by stream.ts.
// Method: CommonMark 0.31.2's appendix "A parsing strategy", phase 1 (a spine of open containers, one open leaf), with
// GFM's tables and task lists, and formulas between $$ or \[ \]. A line is read once: what it closes becomes a node that
// never changes, so the cost of a line depends on the spine's depth and not on how much was read before.
// What differs from CommonMark, because the writer is a model: HTML is never recognised, so it stays visible text;
// reference definitions are not either, because one at the end of an answer could turn earlier, already read text into
// links (EchoLeak did that). Every line end inside a paragraph is a break, as in GitHub's comments.
// Hostile input: containers nest to `deepest`, a paragraph longer than `longest` goes on in another one, a long line comes
// in parts (stream.ts), so that no text costs more than a small multiple of its length.

import { blocksOf, copyOf, newContainer, type Container, type PlacedBlock } from './containers.js';
import { effort } from './effort.js';
import { parseInlines } from './inlines.js';
import {
  addPart,
  blocksToBe,
  copyLeaf,
  newCode,
  newParagraph,
  placed,
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
const deepest = 23;
/** Characters of one paragraph, more than a page; and of a line that is no part of one. */
export const longest = 8_192;

/** How lines came in; a clone may read on without the original noticing. */
export class BlockReader {
  #blocks: PlacedBlock[] = [];
  /** The containers that are open, each in the one before it. */
  #spine: Container[] = [];
  #leaf: Leaf | null = null;
  /** Offset behind the last line with anything on it. */
  #end = 0;
  readonly #growing: boolean;

  /** @param growing what it reads is not all of a line */
  constructor(from?: BlockReader, growing = false) {
    this.#growing = growing;
    if (from === undefined) return;
    this.#blocks = from.#blocks.slice();
    this.#spine = from.#spine.map(copyOf);
    this.#leaf = from.#leaf && copyLeaf(from.#leaf);
    this.#end = from.#end;
  }

  /**
   * All blocks; those that are finished are the same objects each time.
   * @param growing more will come: what has begun is shown as what it will most likely be
   */
  blocks(growing: boolean): readonly PlacedBlock[] {
    const [leaf, end] = [this.#leaf, this.#end];
    const open = leaf === null ? [] : growing ? blocksToBe(leaf, end) : [placed(leaf, end, false)];
    return [...this.#blocks, ...blocksOf(this.#spine, open, end)];
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
      this.#end = Math.max(this.#end, line.endOfText);
      return;
    }
    this.#readLine(line, whole);
  }

  #readLine(line: Line, whole: boolean): void {
    const leaf = this.#leaf;
    const matched = this.#match(line);
    if (matched >= 0) {
      // A paragraph goes on without its containers' marks.
      if (leaf?.kind === 'paragraph' && !line.blank && !this.#begins(line, false))
        return this.#addText(leaf, line, whole);
      this.#close(matched);
    } else if (leaf !== null && this.#continues(leaf, line, whole)) return;
    this.#open(line, whole);
  }

  /** Which container this line does not continue, -1 for none; moves the line behind the others' marks. */
  #match(line: Line): number {
    const spine = this.#spine;
    return spine.findIndex(({ node, children, indent }, depth) => {
      if (node.type === 'quote') {
        if (line.start?.kind !== 'quote') return true;
        line.skipQuote();
      } else if (node.type === 'item') {
        // The list above it may go on with another item; one that began with an empty line ends with the second.
        const empty = depth === spine.length - 1 && children.length === 0 && this.#leaf === null;
        if (line.blank ? empty : line.indent < indent) return true;
        line.skip(line.blank ? line.indent : indent);
      }
      return false;
    });
  }

  /** Whether the open leaf takes the line, as it is or as what makes something else of it. */
  #continues(leaf: Leaf, line: Line, whole: boolean): boolean {
    switch (leaf.kind) {
      case 'code': {
        const taken = readCode(leaf, line, whole);
        if (taken !== false && !line.blank) this.#end = Math.max(this.#end, line.endOfText);
        return taken === 'closed' ? this.#push(placed(leaf, this.#end, true)) : taken;
      }
      case 'math':
        // A formula never has an empty line: one that is not closed must not swallow the answer.
        return !line.blank && this.#addFormula(leaf, line.rest, line, whole);
      case 'table':
        if (line.blank || line.indent > 3 || this.#begins(line, true)) return false;
        leaf.rows.push(rowOf(line.text, leaf.align.length, this.#growing));
        this.#end = line.endOfText;
        return true;
      case 'paragraph':
        return this.#turns(leaf, line);
    }
  }

  /** Whether the line makes something else of the paragraph before it: a heading, a table. */
  #turns(leaf: Paragraph, line: Line): boolean {
    const level = line.underline;
    if (level > 0) {
      const children = parseInlines(leaf.text.trimEnd());
      return this.#add(leaf.start, line, { type: 'heading', level, children });
    }
    const align = line.indent > 3 ? null : delimiterRow(line.text);
    const found = align && tableFrom(leaf, this.#end, align);
    if (found === null) return false;
    for (const block of found.before) this.#push(block);
    this.#leaf = found.table;
    this.#end = line.endOfText;
    return true;
  }

  /**
   * Whether something begins here that ends a paragraph.
   * @param within the paragraph's own containers go on, so that a list may begin only where it is surely one
   */
  #begins({ start }: Line, within: boolean): boolean {
    if (start?.kind === 'item') return this.#room() && (start.sure || !within);
    return start !== null && (start.kind !== 'quote' || this.#room());
  }

  #room(): boolean {
    return this.#spine.length < deepest;
  }

  /** What the line begins, from where the spine ends. */
  #open(line: Line, whole: boolean): void {
    while (!line.blank) {
      const { start, place } = line;
      const list = this.#spine.at(-1)?.node.type === 'list' ? this.#spine.at(-1) : undefined;
      if (list !== undefined && (start?.kind !== 'item' || start.mark !== list.mark || !this.#room())) {
        this.#close(this.#spine.length - 1);
        continue;
      }
      const paragraph = this.#leaf?.kind === 'paragraph' ? this.#leaf : null;
      if (start === null || !this.#begins(line, paragraph !== null)) {
        if (paragraph !== null) return this.#addText(paragraph, line, whole);
        if (line.indent < 4) return this.#beginText(line, whole);
        this.#endLeaf();
        return void readCode(this.#begin(newCode(line, null), line), line, whole);
      }
      this.#endLeaf();
      switch (start.kind) {
        case 'quote':
          this.#spine.push(newContainer({ type: 'quote' }, place));
          line.skipQuote();
          break;
        case 'item': {
          const { mark, ordered, number, width } = start;
          if (list === undefined) this.#spine.push(newContainer({ type: 'list', ordered, start: number }, place, mark));
          this.#end = place + width;
          this.#spine.push(newContainer({ type: 'item', checked: null }, place, '', line.skipItem(width)));
          if (line.blank) return;
          break;
        }
        case 'heading': {
          const children = parseInlines(start.text, this.#growing);
          return void this.#add(place, line, { type: 'heading', level: start.level, children });
        }
        case 'rule':
          return void this.#add(place, line, { type: 'rule' });
        case 'fence':
          return void this.#begin(newCode(line, start), line);
        case 'formula': {
          const body = line.text.slice(start.close.length);
          const leaf = this.#begin<Formula>({ kind: 'math', start: place, close: start.close, text: '' }, line);
          if (body.trim() !== '') this.#addFormula(leaf, body, line, whole);
          return;
        }
      }
    }
    this.#endLeaf();
  }

  #begin<Begun extends Leaf>(leaf: Begun, line: Line): Begun {
    this.#end = line.endOfText;
    this.#leaf = leaf;
    return leaf;
  }

  #beginText(line: Line, whole: boolean): void {
    this.#endLeaf();
    const item = this.#spine.at(-1);
    let text = line.text.trimStart();
    if (item?.node.type === 'item' && item.children.length === 0) {
      const task = /^\[([ xX])\][ \t]+(?=\S)/.exec(text);
      if (task !== null) {
        item.node.checked = task[1] !== ' ';
        text = text.slice(task[0].length);
      }
    }
    this.#begin(newParagraph(line.place, text, !whole), line);
  }

  #addText(leaf: Paragraph, line: Line, whole: boolean): void {
    if (leaf.text.length > longest) return this.#beginText(line, whole);
    leaf.text += `\n${line.text.trimStart()}`;
    leaf.open = !whole;
    this.#end = line.endOfText;
  }

  /** Puts `text`, the end of the line, into a formula up to where that closes; what follows is running text. */
  #addFormula(leaf: Formula, text: string, line: Line, whole: boolean): true {
    const at = text.indexOf(leaf.close);
    leaf.text += `\n${at < 0 ? text : text.slice(0, at)}`;
    this.#end = line.endOfText;
    if (at < 0 && leaf.text.length < longest) return true;
    this.#push(placed(leaf, this.#end, at >= 0));
    const rest = at < 0 ? '' : text.slice(at + leaf.close.length);
    if (rest.trim() !== '') this.#beginText(new Line(rest, line.end - rest.length), whole);
    return true;
  }

  /** Closes containers down to a depth, the leaf with them. */
  #close(depth: number): void {
    this.#endLeaf();
    for (const block of blocksOf(this.#spine.splice(depth), [], this.#end)) this.#push(block);
  }

  #endLeaf(): void {
    const leaf = this.#leaf;
    if (leaf !== null) this.#push(placed(leaf, this.#end, leaf.kind === 'code' && leaf.fence === null));
  }

  #add(key: number, line: Line, block: Block): true {
    this.#end = line.endOfText;
    return this.#push({ key, end: this.#end, block });
  }

  /** Puts a finished block into the innermost container; the leaf it came from is over. */
  #push(block: PlacedBlock): true {
    this.#leaf = null;
    (this.#spine.at(-1)?.children ?? this.#blocks).push(block);
    return true;
  }
}
