// The rows of GFM tables: cells between pipes, and the line of dashes that makes a table of the line above it.
// Source: GitHub Flavored Markdown 0.29, section 4.10. Called by blocks.ts; pure.

import { matchAt } from './match-at.js';
import type { Alignment } from './tokens.js';

const code = /(`+)(?!`)[^]*?[^`]\1(?!`)/y;

/**
 * The cells of a row; a pipe behind a backslash is text.
 * @param wholeCode so is one in a code
 */
export function cellsOf(row: string, wholeCode = false): readonly string[] {
  const text = row.trim();
  const cells: string[] = [];
  let cell = '';
  for (let index = text[0] === '|' ? 1 : 0; index < text.length; index++) {
    const character = text[index] ?? '';
    if (character === '\\' && text[index + 1] === '|') {
      cell += '|';
      index += 1;
    } else if (character === '`' && wholeCode) {
      const found = matchAt(code, text, index)?.[0] ?? character;
      cell += found;
      index += found.length - 1;
    } else if (character === '|') {
      cells.push(cell.trim());
      cell = '';
    } else cell += character;
  }
  if (cell !== '' || !text.endsWith('|') || cells.length === 0) cells.push(cell.trim());
  return cells;
}

/** The cells of a row under a head of so many. Where they are too many, models forgot the backslash before a pipe in code. */
export function cellsUnder(row: string, width: number): readonly string[] {
  const cells = cellsOf(row);
  if (cells.length <= width) return cells;
  const whole = cellsOf(row, true);
  return whole.length === width ? whole : cells.slice(0, width);
}

/** The alignments that a line of dashes gives, null for any other line. */
export function delimiterRow(row: string): readonly Alignment[] | null {
  if (!/^[ \t|:-]*$/.test(row) || !row.includes('-') || !/[|:]/.test(row)) return null;
  const cells = cellsOf(row);
  if (!cells.every((cell) => /^:?-+:?$/.test(cell))) return null;
  return cells.map((cell) => {
    if (cell.endsWith(':')) return cell.startsWith(':') && cell.length > 1 ? 'center' : 'end';
    return cell.startsWith(':') ? 'start' : null;
  });
}
