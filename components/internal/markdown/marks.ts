// Emphasis: the pieces a text is cut into, and which runs of "*", "_" and "~" belong together. Used by inlines.ts; pure.
// Method: CommonMark 0.31.2, "process emphasis" of the appendix, with GFM's "~~". Pairs are found as the text is read, so
// that what is settled need not be read again when more of it arrives.
// Hostile input: a mark looks back over `reach` characters at most, marks nest to `deepest`.

import { showHidden } from './hidden.js';
import { inlineText, type Inline } from './tokens.js';

const deepest = 12;
/** Characters between the two ends of anything in a text: marks, code, formulas, links. */
export const reach = 2_048;

const anyPunctuation = /[\p{P}\p{S}]/u;
/** East Asian writing puts no spaces around marks. */
const wide =
  /[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\u{1b000}-\u{1b2ff}\u{20000}-\u{3ffff}]/u;

export interface Delimiter {
  readonly mark: string;
  /** Characters not used yet, of `length`. */
  count: number;
  readonly length: number;
  readonly opens: boolean;
  readonly closes: boolean;
  readonly at: number;
  before: Part | null;
  after: Part | null;
}

/** A link of the list that the text is cut into. */
export interface Part {
  inline: Inline;
  depth: number;
  previous: Part | null;
  next: Part | null;
  delimiter: Delimiter | null;
  /** Text that must stay on its own: what a bracket says. */
  readonly alone: boolean;
}

export class Parts {
  readonly #head: Part = newPart({ type: 'text', text: '' }, null, null, true);
  tail: Part = this.#head;
  /** Newest delimiter. */
  delimiters: Part | null = null;

  put(inline: Inline, delimiter: Delimiter | null = null, alone = false): Part {
    const last = this.tail;
    if (inline.type === 'text' && last.inline.type === 'text') {
      if (delimiter === null && last.delimiter === null && !alone && !last.alone) {
        last.inline = { type: 'text', text: last.inline.text + inline.text };
        return last;
      }
    }
    const part = newPart(inline, last, delimiter, alone);
    last.next = part;
    this.tail = part;
    return part;
  }

  putDelimiter(delimiter: Omit<Delimiter, 'length' | 'before' | 'after'>): void {
    const { mark, count } = delimiter;
    const text = { type: 'text', text: mark.repeat(count) } as const;
    const part = this.put(text, { ...delimiter, length: count, before: this.delimiters, after: null });
    if (this.delimiters?.delimiter) this.delimiters.delimiter.after = part;
    this.delimiters = part;
  }

  /** Takes away a part and all behind it. @returns what stood behind it */
  cut(from: Part): readonly Inline[] {
    const inlines = taken(from.next, null);
    this.tail = from.previous ?? this.#head;
    this.tail.next = null;
    return inlines;
  }

  /** All that was put. */
  get inlines(): readonly Inline[] {
    return taken(this.#head.next, null);
  }

  /** Makes marks of the delimiters behind `bottom`, innermost first; those that are left over are text. */
  marks(bottom: Part | null): void {
    this.pair(bottom);
    while (this.delimiters !== null && this.delimiters !== bottom) this.#forget(this.delimiters);
  }

  /** Makes marks of those that belong together so far. */
  pair(bottom: Part | null): void {
    /** Where nothing opens any more, by what would close it. */
    const bottoms = new Map<string, Part | null>();
    let closer = this.#first(bottom);
    while (closer !== null) {
      const { delimiter } = closer;
      if (delimiter === null) break;
      if (!delimiter.closes) {
        closer = delimiter.after;
        continue;
      }
      const kind = `${delimiter.mark}${String(delimiter.length % 3)}${String(delimiter.opens)}`;
      const end = bottoms.has(kind) ? (bottoms.get(kind) ?? null) : bottom;
      const opener = openerOf(delimiter, end);
      const after = delimiter.after;
      if (opener === null) {
        bottoms.set(kind, delimiter.before);
        if (!delimiter.opens) this.#forget(closer);
        closer = after;
        continue;
      }
      closer = this.#mark(opener, closer) ? closer : after;
    }
  }

  /** Whether no mark that stands before `at` can still be the beginning of one. */
  settled(at: number): boolean {
    this.pair(null);
    const newest = this.delimiters?.delimiter;
    return newest === null || newest === undefined || at - newest.at > reach;
  }

  /**
   * Ends what surely began and has no end yet, for a text of which more will come.
   * @param hopeful characters that a single mark may go back over; two are never anything else
   */
  close(at: number, hopeful: number): void {
    this.pair(null);
    const open: Delimiter[] = [];
    for (let part = this.delimiters; part?.delimiter; part = part.delimiter.before) open.push(part.delimiter);
    for (const { mark, count, opens, closes, at: from } of open) {
      if (!opens || closes || (count === 1 && (mark === '~' || at - from > hopeful))) continue;
      this.putDelimiter({ mark, count, opens: false, closes: true, at });
    }
    this.pair(null);
  }

  /** The oldest delimiter behind `bottom`. */
  #first(bottom: Part | null): Part | null {
    let part = this.delimiters;
    if (part === bottom) return null;
    while (part?.delimiter && part.delimiter.before !== bottom) part = part.delimiter.before;
    return part;
  }

  /** Wraps what stands between. False where the closer is used up. */
  #mark(opener: Part, closer: Part): boolean {
    const [open, close] = [opener.delimiter, closer.delimiter];
    if (open === null || close === null) return false;
    for (let between = close.before; between !== null && between !== opener;) {
      const before: Part | null = between.delimiter?.before ?? null;
      this.#forget(between);
      between = before;
    }
    const width = open.mark === '~' ? open.count : open.count >= 2 && close.count >= 2 ? 2 : 1;
    let depth = 0;
    for (let part = opener.next; part !== null && part !== closer; part = part.next)
      depth = Math.max(depth, part.depth);
    const children = taken(opener.next, closer);
    const type = open.mark === '~' ? 'deleted' : width === 2 ? 'strong' : 'emphasis';
    const marks = open.mark.repeat(width);
    // Deeper than anybody nests marks: they stay text, joined, so that the next pair looks at one part and not at many.
    const inline: Inline =
      depth < deepest ? { type, children } : { type: 'text', text: `${marks}${inlineText(children)}${marks}` };
    const part = newPart(inline, opener, null, false);
    part.depth = depth < deepest ? depth + 1 : 0;
    part.next = closer;
    opener.next = part;
    closer.previous = part;
    for (const [end, delimiter] of [
      [opener, open],
      [closer, close],
    ] as const) {
      if (end.inline.type === 'text') end.inline = { type: 'text', text: end.inline.text.slice(width) };
      delimiter.count -= width;
    }
    if (open.count <= 0) this.#forget(opener);
    if (close.count > 0) return true;
    this.#forget(closer);
    // The caller goes on behind it.
    return false;
  }

  /** Takes a delimiter off the stack; its text stays. */
  #forget(part: Part): void {
    const { delimiter } = part;
    if (delimiter === null) return;
    if (delimiter.before?.delimiter) delimiter.before.delimiter.after = delimiter.after;
    if (delimiter.after?.delimiter) delimiter.after.delimiter.before = delimiter.before;
    else if (this.delimiters === part) this.delimiters = delimiter.before;
    part.delimiter = null;
  }
}

const newPart = (inline: Inline, previous: Part | null, delimiter: Delimiter | null, alone: boolean): Part => ({
  inline,
  depth: 0,
  previous,
  next: null,
  delimiter,
  alone,
});

function openerOf(close: Delimiter, bottom: Part | null): Part | null {
  for (let part = close.before; part !== null && part !== bottom; part = part.delimiter?.before ?? null) {
    const open = part.delimiter;
    if (open === null || close.at - open.at > reach) return null;
    if (!open.opens || open.mark !== close.mark) continue;
    if (close.mark === '~') {
      if (open.count === close.count) return part;
      continue;
    }
    const both = open.closes || close.opens;
    if (!both || (open.length + close.length) % 3 !== 0 || (open.length % 3 === 0 && close.length % 3 === 0))
      return part;
  }
  return null;
}

/** The inlines of a stretch of parts, neighbouring texts joined, empty ones left out. */
function taken(from: Part | null, to: Part | null): readonly Inline[] {
  const inlines: Inline[] = [];
  let text = '';
  const flush = () => {
    if (text !== '') inlines.push({ type: 'text', text: showHidden(text, 'text') });
    text = '';
  };
  for (let part = from; part !== null && part !== to; part = part.next) {
    if (part.inline.type === 'text') text += part.inline.text;
    else {
      flush();
      inlines.push(part.inline);
    }
  }
  flush();
  return inlines;
}

/**
 * What a run of marks can do where it stands: CommonMark's rules of left- and right-flanking, and those of the proposal
 * for East Asian writing (github.com/tats-u/markdown-cjk-friendly), whose marks of punctuation touch the words.
 */
export function flanking(
  text: string,
  at: number,
  count: number,
): { readonly opens: boolean; readonly closes: boolean } {
  const before = characterBefore(text, at);
  const after = characterAt(text, at + count);
  const [spaceBefore, spaceAfter] = [isSpace(before), isSpace(after)];
  const [wideBefore, wideAfter] = [wide.test(before), wide.test(after)];
  const markBefore = !wideBefore && anyPunctuation.test(before);
  const markAfter = !wideAfter && anyPunctuation.test(after);
  const left = !spaceAfter && (!markAfter || spaceBefore || markBefore || wideBefore);
  const right = !spaceBefore && (!markBefore || spaceAfter || markAfter || wideAfter);
  if (text[at] !== '_') return { opens: left, closes: right };
  return { opens: left && (!right || markBefore), closes: right && (!left || markAfter) };
}

const isSpace = (character: string): boolean => character === '' || /\s/.test(character);

/** With the other half of a surrogate pair. */
function characterAt(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
}

function characterBefore(text: string, at: number): string {
  const unit = text.charCodeAt(at - 1);
  const pair = unit >= 0xdc00 && unit <= 0xdfff && at > 1;
  return at === 0 ? '' : pair ? text.slice(at - 2, at) : (text[at - 1] ?? '');
}
