// The block that lines go into, as long as it is open: a paragraph, code, a formula, a table. Used by blocks.ts, which
// decides what a line is.

import { nothingSettled, parseInlines, readInlines, type Settled } from './inlines.js';
import type { Line } from './line.js';
import { unescaped } from './link-syntax.js';
import type { PlacedBlock } from './containers.js';
import { cellsOf, cellsUnder } from './tables.js';
import type { Alignment, Inline } from './tokens.js';

/** Lines of code in one piece; a piece that is full is never looked at again. */
const linesInPiece = 40;
/** Columns of a table. */
export const widest = 64;

export interface Paragraph {
  readonly kind: 'paragraph';
  readonly start: number;
  text: string;
  end: number;
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
  end: number;
}

export interface Table {
  readonly kind: 'table';
  readonly start: number;
  readonly align: readonly Alignment[];
  readonly header: readonly (readonly Inline[])[];
  readonly rows: (readonly (readonly Inline[])[])[];
  end: number;
}

export interface Formula {
  readonly kind: 'math';
  readonly start: number;
  readonly close: string;
  text: string;
  end: number;
}

export type Leaf = Paragraph | Code | Table | Formula;

export const newParagraph = (start: number, text: string, end: number): Paragraph => ({
  kind: 'paragraph',
  start,
  text,
  end,
  open: false,
  settled: nothingSettled,
});

/** @param fence null for code that is only indented */
export const newCode = (line: Line, fence: Line['fence'], end: number): Code => ({
  kind: 'code',
  start: line.place,
  fence: fence === null ? null : { mark: fence.mark, length: fence.length, indent: line.indent },
  language: unescaped(fence?.info ?? '').split(/\s/, 1)[0] ?? '',
  pieces: [],
  lines: 0,
  blanks: [],
  open: false,
  end,
});

export function copyLeaf(leaf: Leaf): Leaf {
  if (leaf.kind === 'code') return { ...leaf, pieces: leaf.pieces.slice(), blanks: leaf.blanks.slice() };
  return leaf.kind === 'table' ? { ...leaf, rows: leaf.rows.slice() } : { ...leaf };
}

/**
 * @param closed what ends it has been read
 * @param growing more of it may come
 */
export function blockOf(leaf: Leaf, closed: boolean, growing = false): PlacedBlock {
  const { start: key, end } = leaf;
  switch (leaf.kind) {
    case 'paragraph': {
      const { settled, inlines } = readInlines(leaf.text.trimEnd(), leaf.settled, growing);
      leaf.settled = settled;
      return { key, end, block: { type: 'paragraph', children: inlines } };
    }
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

/** An open leaf as it is shown while more of it comes: a line between pipes is the head of a table already. */
export function blocksToBe(leaf: Leaf): readonly PlacedBlock[] {
  const table = leaf.kind === 'paragraph' ? tableFrom(leaf, null) : null;
  return table === null ? [blockOf(leaf, false, true)] : table.map((one) => blockOf(one, false, true));
}

/**
 * The paragraph's last line as the head of a table, behind what stands before it; null where it is none.
 * @param align what the line of dashes says; null where it has not come yet
 */
export function tableFrom(leaf: Paragraph, align: readonly Alignment[] | null): readonly Leaf[] | null {
  const cut = leaf.text.lastIndexOf('\n');
  const line = leaf.text.slice(cut + 1);
  if (align === null && (!/^\|[ \t]/.test(line) || /(?:^|\n)\|[^\n]*$/.test(leaf.text.slice(0, Math.max(cut, 0))))) {
    return null;
  }
  const header = cellsOf(line);
  if (header.length !== (align?.length ?? header.length) || header.length > widest) return null;
  const before = leaf.end - (leaf.text.length - cut);
  const table: Table = {
    kind: 'table',
    start: cut < 0 ? leaf.start : before + 1,
    align: align ?? header.map(() => null),
    header: header.map((cell) => parseInlines(cell, align === null)),
    rows: [],
    end: leaf.end,
  };
  return cut < 0 ? [table] : [newParagraph(leaf.start, leaf.text.slice(0, cut), before), table];
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
    if (line.blank) {
      line.skipColumns(4);
      leaf.blanks.push(line.rest);
      return true;
    }
    if (line.indent < 4) return false;
    line.skipColumns(4);
    for (const blank of leaf.blanks.splice(0)) addLine(leaf, blank);
  } else {
    if (line.closesFence(fence)) return 'closed';
    line.skipColumns(Math.min(fence.indent, line.indent));
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
