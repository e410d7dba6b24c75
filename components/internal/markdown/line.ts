// One line on its way through the containers of blocks.ts: where reading stands, what the rest of it begins.
// Columns, tabs (to the next multiple of four) and marks as in CommonMark 0.31.2, sections 2.2, 4 and 5. Pure.

export interface Marker {
  /** "-", "+", "*", "." or ")". */
  readonly mark: string;
  readonly ordered: boolean;
  readonly number: number;
  /** Characters of the mark itself. */
  readonly width: number;
  /** Nothing follows it. */
  readonly empty: boolean;
}

const bullet = /([-+*])(?=[ \t]|$)/y;
const enumerator = /(\d{1,9})([.)])(?=[ \t]|$)/y;
const opening = /(`{3,}|~{3,})([^\n]*)$/y;
const heading = /(#{1,6})(?:[ \t]+|$)/y;

export class Line {
  readonly text: string;
  readonly offset: number;
  /** Characters read. */
  position = 0;
  #column = 0;
  /** Columns of a tab at `position` that are read already. */
  #tabRead = 0;

  constructor(text: string, offset: number) {
    this.text = text;
    this.offset = offset;
  }

  #seen = 0;

  /** Index of the next character that is no space. */
  get #visible(): number {
    let index = Math.max(this.#seen, this.position);
    while (this.text[index] === ' ' || this.text[index] === '\t') index++;
    this.#seen = index;
    return index;
  }

  get next(): string {
    return this.text[this.#visible] ?? '';
  }

  get blank(): boolean {
    return this.#visible === this.text.length;
  }

  /** Columns of space before the next character. */
  get indent(): number {
    const end = this.#visible;
    let column = this.#column;
    for (let index = this.position; index < end; index++) column += this.text[index] === '\t' ? 4 - (column % 4) : 1;
    return column - this.#column;
  }

  /** Offset of the next visible character in the whole text. */
  get place(): number {
    return this.offset + this.#visible;
  }

  get endOfText(): number {
    return this.offset + this.text.trimEnd().length;
  }

  /** What is left of the line; columns left of a tab as spaces. */
  get rest(): string {
    if (this.#tabRead === 0) return this.text.slice(this.position);
    return ' '.repeat(4 - (this.#column % 4)) + this.text.slice(this.position + 1);
  }

  skipColumns(count: number): void {
    for (let left = count; left > 0 && this.position < this.text.length;) {
      const tab = this.text[this.position] === '\t';
      const width = tab ? 4 - (this.#column % 4) : 1;
      const step = Math.min(width, left);
      left -= step;
      this.#column += step;
      this.#tabRead = step < width ? this.#tabRead + step : 0;
      if (step === width) this.position += 1;
    }
  }

  /** Over ">" and the space behind it. */
  skipQuote(): void {
    this.skipColumns(this.indent + 1);
    if (this.text[this.position] === ' ' || this.text[this.position] === '\t') this.skipColumns(1);
  }

  /** Over a list's mark and the spaces behind it. @returns columns that the item's further lines are indented by */
  skipMarker(marker: Marker): number {
    const before = this.indent;
    this.skipColumns(before + marker.width);
    const space = this.indent;
    // More than four columns are a space and indented code; nothing at all is an empty item.
    const after = this.blank || space > 4 ? 1 : space;
    this.skipColumns(Math.min(after, space));
    return before + marker.width + after;
  }

  get marker(): Marker | null {
    const at = this.#visible;
    const found = matchAt(bullet, this.text, at) ?? matchAt(enumerator, this.text, at);
    if (found === null) return null;
    const [whole, first = '', second] = found;
    return {
      mark: second ?? first,
      ordered: second !== undefined,
      number: second === undefined ? 1 : Number(first),
      width: whole.length,
      empty: this.text.slice(at + whole.length).trim() === '',
    };
  }

  get heading(): { readonly level: number; readonly text: string } | null {
    const at = this.#visible;
    const found = matchAt(heading, this.text, at);
    if (found === null) return null;
    const text = this.text.slice(at + found[0].length).trimEnd();
    // A run of # at the end closes it, if a space stands before.
    let end = text.length;
    while (text[end - 1] === '#') end--;
    const closed = end === 0 || text[end - 1] === ' ' || text[end - 1] === '\t';
    return { level: found[1]?.length ?? 1, text: (closed ? text.slice(0, end) : text).trim() };
  }

  get fence(): { readonly mark: string; readonly length: number; readonly info: string } | null {
    const found = matchAt(opening, this.text, this.#visible);
    if (found === null) return null;
    const [, run = '', info = ''] = found;
    const mark = run[0] ?? '';
    return mark === '`' && info.includes('`') ? null : { mark, length: run.length, info: info.trim() };
  }

  closesFence({ mark, length }: { readonly mark: string; readonly length: number }): boolean {
    if (this.indent > 3 || this.next !== mark) return false;
    const run = this.text.slice(this.#visible).trimEnd();
    return run.length >= length && run.split('').every((character) => character === mark);
  }

  /** A thematic break. */
  get rule(): boolean {
    const mark = this.next;
    if (mark !== '-' && mark !== '*' && mark !== '_') return false;
    let count = 0;
    for (const character of this.text.slice(this.#visible)) {
      if (character === mark) count++;
      else if (character !== ' ' && character !== '\t') return false;
    }
    return count >= 3;
  }

  /** 1 or 2 where the line makes a heading of the one before it, else 0. */
  get underline(): number {
    const mark = this.next;
    if (mark !== '=' && mark !== '-') return 0;
    for (const character of this.text.slice(this.#visible).trimEnd()) if (character !== mark) return 0;
    return mark === '=' ? 1 : 2;
  }

  /** How a formula begins and ends here. */
  get formula(): { readonly open: string; readonly close: string } | null {
    const at = this.#visible;
    if (this.text.startsWith('$$', at)) return { open: '$$', close: '$$' };
    if (!this.text.startsWith('\\[', at)) return null;
    // A bracket behind a backslash may also just be one.
    const rest = this.text.slice(at + 2);
    return rest.trim() === '' || rest.includes('\\]') ? { open: '\\[', close: '\\]' } : null;
  }
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
