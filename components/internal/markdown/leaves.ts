// The block that lines go into, as long as it is open: a paragraph, code, a formula, a table. Used by blocks.ts, which
// decides what a line is.

import { nothingSettled, parseInlines, readInlines, type Settled } from './inlines.js';
import type { Line, Start } from './line.js';
import { unescaped } from './link-syntax.js';
import type { PlacedBlock } from './containers.js';
import { cellsOf, cellsUnder } from './tables.js';
import type { Alignment, Block, Inline } from './tokens.js';

/** Lines of code in one piece; a piece that is full is never looked at again. */
const linesInPiece = 40;
/** Columns of a table. */
export const widest = 64;

export interface Paragraph {
  readonly kind: 'paragraph';
  readonly start: number;
  text: string;
  /** The last line went on: what comes next is more of it. */
  open: boolean;
  /** What of its text is read for good. */
  settled: Settled;
}

export interface Code {
  readonly kind: 'code';
  readonly start: number;
  readonly fence: { readonly mark: string; readonly length: number; readonly indent: number } | null;
  readonly language: string;
  readonly pieces: string[];
  /** Lines in the last piece. */
  lines: number;
  /** Blank lines of indented code that belong to it if more follows. */
  readonly blanks: string[];
  open: boolean;
}

export interface Table {
  readonly kind: 'table';
  readonly start: number;
  readonly align: readonly Alignment[];
  readonly header: readonly (readonly Inline[])[];
  readonly rows: (readonly (readonly Inline[])[])[];
}

export interface Formula {
  readonly kind: 'math';
  readonly start: number;
  readonly close: string;
  text: string;
}

export type Leaf = Paragraph | Code | Table | Formula;

export const newParagraph = (start: number, text: string, open: boolean): Paragraph => ({
  kind: 'paragraph',
  start,
  text,
  open,
  settled: nothingSettled,
});

type Fence = Extract<Start, { kind: 'fence' }>;

/** @param fence null for code that is only indented */
export const newCode = ({ place, indent }: Line, fence: Fence | null): Code => ({
  kind: 'code',
  start: place,
  fence: fence && { ...fence, indent },
  language: unescaped(fence?.info ?? '').split(/\s/, 1)[0] ?? '',
  pieces: [],
  lines: 0,
  blanks: [],
  open: false,
});

export function copyLeaf(leaf: Leaf): Leaf {
  if (leaf.kind === 'code') return { ...leaf, pieces: leaf.pieces.slice(), blanks: leaf.blanks.slice() };
  return leaf.kind === 'table' ? { ...leaf, rows: leaf.rows.slice() } : { ...leaf };
}

/**
 * @param end offset behind its last visible character
 * @param closed what ends it has been read
 * @param growing more of it may come
 */
export const placed = (leaf: Leaf, end: number, closed: boolean, growing = false): PlacedBlock => ({
  key: leaf.start,
  end,
  block: blockOf(leaf, closed, growing),
});

function blockOf(leaf: Leaf, closed: boolean, growing: boolean): Block {
  switch (leaf.kind) {
    case 'paragraph': {
      const { settled, inlines } = readInlines(leaf.text.trimEnd(), leaf.settled, growing);
      leaf.settled = settled;
      return { type: 'paragraph', children: inlines };
    }
    case 'code':
      return { type: 'code', pieces: leaf.pieces.slice(), language: leaf.language, closed };
    case 'math':
      return { type: 'math', text: leaf.text.trim(), closed };
    case 'table': {
      const { align, header, rows } = leaf;
      return { type: 'table', align, header, rows: rows.slice() };
    }
  }
}

/** An open leaf as it is shown while more of it comes: a line between pipes is the head of a table already. */
export function blocksToBe(leaf: Leaf, end: number): readonly PlacedBlock[] {
  const found = leaf.kind === 'paragraph' ? tableFrom(leaf, end, null) : null;
  return found === null ? [placed(leaf, end, false, true)] : [...found.before, placed(found.table, end, false, true)];
}

/**
 * The paragraph's last line as the head of a table, and what stands before it; null where it is none.
 * @param end of the paragraph
 * @param align what the line of dashes says; null where it has not come yet
 */
export function tableFrom(
  leaf: Paragraph,
  end: number,
  align: readonly Alignment[] | null,
): { readonly before: readonly PlacedBlock[]; readonly table: Table } | null {
  const growing = align === null;
  const cut = leaf.text.lastIndexOf('\n');
  const line = leaf.text.slice(cut + 1);
  const before = leaf.text.slice(0, Math.max(cut, 0));
  if (growing && (!/^\|[ \t]/.test(line) || /(?:^|\n)\|[^\n]*$/.test(before))) return null;
  const header = cellsOf(line);
  if (header.length !== (align ?? header).length || header.length > widest) return null;
  const endBefore = end - (leaf.text.length - cut);
  return {
    before: cut < 0 ? [] : [placed(newParagraph(leaf.start, before, false), endBefore, true, growing)],
    table: {
      kind: 'table',
      start: cut < 0 ? leaf.start : endBefore + 1,
      align: align ?? header.map(() => null),
      header: header.map((cell) => parseInlines(cell, growing)),
      rows: [],
    },
  };
}

/** @param growing its last cell has not ended yet */
export function rowOf(text: string, width: number, growing: boolean): readonly (readonly Inline[])[] {
  const cells = cellsUnder(text, width);
  return Array.from({ length: width }, (_, column) =>
    parseInlines(cells[column] ?? '', growing && column === cells.length - 1),
  );
}

/** @returns whether the code took the line; `closed` where it is the end of it */
export function readCode(leaf: Code, line: Line, whole: boolean): boolean | 'closed' {
  const { fence } = leaf;
  if (fence === null) {
    if (!line.blank && line.indent < 4) return false;
    line.skip(4);
    if (line.blank) {
      leaf.blanks.push(line.rest);
      return true;
    }
    for (const blank of leaf.blanks.splice(0)) addLine(leaf, blank);
  } else {
    if (line.closesFence(fence.mark, fence.length)) return 'closed';
    line.skip(fence.indent);
  }
  addPart(leaf, line.rest, whole);
  return true;
}

/** A line, or a part of an overlong one. */
export function addPart(leaf: Code, text: string, whole: boolean): void {
  if (!leaf.open) addLine(leaf, text);
  else leaf.pieces.push(text);
  leaf.open = !whole;
}

function addLine(leaf: Code, text: string): void {
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
