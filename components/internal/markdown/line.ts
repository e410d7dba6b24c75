// One line on its way through the containers of blocks.ts: what of it is not read yet, and what that begins.
// Columns, tabs (to the next multiple of four) and marks as in CommonMark 0.31.2, sections 2.2, 4 and 5. Pure.

/** What a line begins where it stands; text and code that is only indented begin with nothing. */
export type Start =
  | { readonly kind: 'quote' | 'rule' }
  | { readonly kind: 'heading'; readonly level: number; readonly text: string }
  | { readonly kind: 'fence'; readonly mark: string; readonly length: number; readonly info: string }
  | { readonly kind: 'formula'; readonly close: string }
  | {
      readonly kind: 'item';
      /** "-", "+", "*", "." or ")". */
      readonly mark: string;
      readonly ordered: boolean;
      readonly number: number;
      /** Characters of the mark itself. */
      readonly width: number;
      /** It is one in the middle of a paragraph, too: something follows, and it counts from one. */
      readonly sure: boolean;
    };

export class Line {
  /** From the next visible character on. */
  text = '';
  /** Columns of space before it. */
  indent = 0;
  /** Offset behind the line, and behind its last visible character. */
  readonly end: number;
  readonly endOfText: number;
  /** What stands behind the last mark, the column there, and how many of the columns of space that follow are read. */
  #raw = '';
  #column = 0;
  #read = 0;

  constructor(text: string, offset: number) {
    this.end = offset + text.length;
    this.endOfText = offset + text.trimEnd().length;
    this.#behind(text);
  }

  get blank(): boolean {
    return this.text === '';
  }

  /** Offset of the next visible character. */
  get place(): number {
    return this.end - this.text.length;
  }

  /** What is left of the line; a tab that is read in part as spaces. */
  get rest(): string {
    let [index, column] = [0, this.#column];
    const read = column + this.#read;
    while (column < read) column += widthAt(this.#raw, index++, column);
    return ' '.repeat(column - read) + this.#raw.slice(index);
  }

  /** Over so many columns of space. */
  skip(columns: number): void {
    const read = Math.min(columns, this.indent);
    this.indent -= read;
    this.#read += read;
  }

  /** Over the space and a mark of so many characters. */
  skipMark(width: number): void {
    this.#column += this.#read + this.indent + width;
    this.#behind(this.text.slice(width));
  }

  /** Over ">" and the space behind it. */
  skipQuote(): void {
    this.skipMark(1);
    this.skip(1);
  }

  /** Over an item's mark and the space behind it. @returns columns that its further lines are indented by */
  skipItem(width: number): number {
    const before = this.indent;
    this.skipMark(width);
    // More than four columns are a space and indented code; nothing at all is an empty item.
    const after = this.blank || this.indent > 4 ? 1 : this.indent;
    this.skip(after);
    return before + width + after;
  }

  #behind(raw: string): void {
    let [index, column] = [0, this.#column];
    while (raw[index] === ' ' || raw[index] === '\t') column += widthAt(raw, index++, column);
    this.#raw = raw;
    this.#read = 0;
    this.indent = column - this.#column;
    this.text = raw.slice(index);
  }

  get start(): Start | null {
    const { text } = this;
    if (this.indent > 3) return null;
    if (text[0] === '>') return { kind: 'quote' };
    const [, marks] = /^(#{1,6})(?=[ \t]|$)/.exec(text) ?? [];
    if (marks !== undefined) {
      const whole = text.slice(marks.length).trim();
      // A run of # at the end closes it, if a space stands before.
      const open = whole.replace(/(?<!#)#+$/, '');
      return { kind: 'heading', level: marks.length, text: /(?:^|[ \t])$/.test(open) ? open.trimEnd() : whole };
    }
    const [, run, info = ''] = /^(`{3,}(?=[^`]*$)|~{3,})(.*)/s.exec(text) ?? [];
    if (run !== undefined) return { kind: 'fence', mark: run[0] ?? '', length: run.length, info: info.trim() };
    if (text.startsWith('$$')) return { kind: 'formula', close: '$$' };
    // A bracket behind a backslash may also just be one.
    if (/^\\\[(?:\s*$|.*\\\])/s.test(text)) return { kind: 'formula', close: '\\]' };
    if (/^([-*_])[ \t]*(?:\1[ \t]*){2,}$/.test(text)) return { kind: 'rule' };
    const [mark, bullet, digits = '1', delimiter] = /^(?:([-+*])|(\d{1,9})([.)]))(?=[ \t]|$)/.exec(text) ?? [];
    if (mark === undefined) return null;
    const number = Number(digits);
    const sure = number === 1 && text.slice(mark.length).trim() !== '';
    const ordered = bullet === undefined;
    return { kind: 'item', mark: bullet ?? delimiter ?? '', ordered, number, width: mark.length, sure };
  }

  closesFence(mark: string, length: number): boolean {
    const [, run = ''] = /^(`+|~+)\s*$/.exec(this.text) ?? [];
    return this.indent < 4 && run[0] === mark && run.length >= length;
  }

  /** 1 or 2 where the line makes a heading of the one before it, else 0. */
  get underline(): number {
    return this.indent > 3 ? 0 : ['=', '-'].indexOf(/^(?:=+|-+)\s*$/.exec(this.text)?.[0][0] ?? '') + 1;
  }
}

/** Columns of the space or tab there. */
const widthAt = (text: string, index: number, column: number): number => (text[index] === '\t' ? 4 - (column % 4) : 1);
