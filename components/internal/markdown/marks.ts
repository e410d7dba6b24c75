// Emphasis: the pieces a text is cut into, and which runs of "*", "_" and "~" belong together. Used by inlines.ts; pure.
// Method: CommonMark 0.31.2, "process emphasis" of the appendix, with GFM's "~~". Pairs are found as the text is read, so
// that what is settled need not be read again when more of it arrives.
// Hostile input: a mark looks back over `reach` characters at most, marks nest to `deepest`.

import { showHidden } from './hidden.js';
import { inlineText, type Inline } from './tokens.js';

const deepest = 12;
/** Marks that wait for their other end at once; more are text. */
const most = 512;
/** Characters between the two ends of anything in a text: marks, code, formulas, links. */
export const reach = 2_048;
const anyPunctuation = /[\p{P}\p{S}]/u;
/** East Asian writing puts no spaces around marks. */
const wide = /[\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\u{1b000}-\u{3ffff}]/u;

/** What a run of marks can do where it stands. */
interface Flanks {
  readonly opens: boolean;
  readonly closes: boolean;
}

/** A run of "*", "_" or "~". */
interface Mark extends Flanks {
  readonly mark: string;
  readonly length: number;
  readonly at: number;
  /** Characters not used yet, of `length`; they are its part's text. */
  count: number;
  readonly part: Part;
}

/** A piece of the text. */
interface Part {
  inline: Inline;
  /** How deep marks nest in it. */
  readonly depth: number;
  /** Stays on its own: what a bracket or a mark says. */
  readonly alone: boolean;
}

export class Parts {
  readonly #all: Part[] = [];
  /** Those that may still begin or end something. */
  readonly #marks: Mark[] = [];

  /** How many marks wait for their other end. */
  get waiting(): number {
    return this.#marks.length;
  }

  /** All that was put. */
  get inlines(): readonly Inline[] {
    return taken(this.#all);
  }

  put(inline: Inline, alone = false): Part {
    const last = this.#all.at(-1);
    if (inline.type === 'text' && last?.inline.type === 'text' && !alone && !last.alone) {
      last.inline = { type: 'text', text: last.inline.text + inline.text };
      return last;
    }
    const part = { inline, depth: 0, alone };
    this.#all.push(part);
    return part;
  }

  putMark(mark: string, count: number, at: number, flanks: Flanks): void {
    const part = this.put({ type: 'text', text: mark.repeat(count) }, true);
    if (this.waiting < most) this.#marks.push({ mark, length: count, at, count, part, ...flanks });
  }

  /** Changes the end of the text that was put last. */
  trim(change: (text: string) => string): void {
    const last = this.#all.at(-1);
    if (last?.inline.type === 'text') last.inline = { type: 'text', text: change(last.inline.text) };
  }

  /** Takes away a part and all behind it. @returns what stood behind it */
  cut(from: Part): readonly Inline[] {
    return taken(this.#all.splice(this.#all.lastIndexOf(from)).slice(1));
  }

  /** Makes marks of those behind the first `bottom` that wait; those that are left over are text. */
  finish(bottom: number): void {
    this.#pair(bottom);
    this.#marks.splice(bottom);
  }

  /** Whether none that stands before `at` can still be the beginning of something. */
  settled(at: number): boolean {
    this.#pair(0);
    const newest = this.#marks.at(-1);
    return newest === undefined || at - newest.at > reach;
  }

  /**
   * Ends what surely began and has no end yet, for a text of which more will come.
   * @param hopeful characters that a single mark may go back over; two are never anything else
   */
  close(at: number, hopeful: number): void {
    this.#pair(0);
    for (const { mark, count, opens, closes, at: from } of this.#marks.slice().reverse()) {
      if (!opens || closes || (count === 1 && (mark === '~' || at - from > hopeful))) continue;
      this.putMark(mark, count, at, { opens: false, closes: true });
    }
    this.#pair(0);
  }

  /** Makes marks of those that belong together so far, innermost first. */
  #pair(bottom: number): void {
    const marks = this.#marks;
    /** Before which place nothing opens any more, by what would close it. */
    const bottoms = new Map<string, number>();
    for (let index = bottom; ;) {
      const close = marks[index];
      if (close === undefined) return;
      if (!close.closes) {
        index += 1;
        continue;
      }
      const kind = `${close.mark}${String(close.length % 3)}${String(close.opens)}`;
      const furthest = Math.max(bottoms.get(kind) ?? 0, close.at - reach);
      let from = index - 1;
      let open = marks[from];
      while (open !== undefined && from >= bottom && open.at >= furthest && !belong(open, close)) open = marks[--from];
      if (open === undefined || from < bottom || open.at < furthest) {
        bottoms.set(kind, close.at);
        if (close.opens) index += 1;
        else marks.splice(index, 1);
        continue;
      }
      this.#wrap(open, close);
      // What stands between belongs to nothing; what is used up is gone.
      marks.splice(from, index - from + 1, ...[open, close].filter(({ count }) => count > 0));
      index = from + (open.count > 0 ? 1 : 0);
    }
  }

  #wrap(open: Mark, close: Mark): void {
    const width = open.mark === '~' ? open.count : open.count >= 2 && close.count >= 2 ? 2 : 1;
    const type = open.mark === '~' ? 'deleted' : width === 2 ? 'strong' : 'emphasis';
    const marks = open.mark.repeat(width);
    const from = this.#all.lastIndexOf(open.part) + 1;
    const parts = this.#all.slice(from, this.#all.lastIndexOf(close.part));
    const children = taken(parts);
    const depth = parts.reduce((most, part) => Math.max(most, part.depth), 0);
    // Deeper than anybody nests marks: they stay text, joined, so that the next pair looks at one part and not at many.
    const part: Part =
      depth < deepest
        ? { inline: { type, children }, depth: depth + 1, alone: false }
        : { inline: { type: 'text', text: `${marks}${inlineText(children)}${marks}` }, depth: 0, alone: false };
    this.#all.splice(from, parts.length, part);
    for (const end of [open, close]) {
      end.count -= width;
      end.part.inline = { type: 'text', text: end.mark.repeat(end.count) };
    }
  }
}

function belong(open: Mark, close: Mark): boolean {
  if (!open.opens || open.mark !== close.mark) return false;
  if (close.mark === '~') return open.count === close.count;
  const both = open.closes || close.opens;
  return !both || (open.length + close.length) % 3 !== 0 || (open.length % 3 === 0 && close.length % 3 === 0);
}

/** The inlines of some parts, neighbouring texts joined, empty ones left out. */
function taken(parts: readonly Part[]): readonly Inline[] {
  const inlines: Inline[] = [];
  let text = '';
  const flush = () => {
    if (text !== '') inlines.push({ type: 'text', text: showHidden(text, 'text') });
    text = '';
  };
  for (const { inline } of parts) {
    if (inline.type === 'text') text += inline.text;
    else {
      flush();
      inlines.push(inline);
    }
  }
  flush();
  return inlines;
}

/**
 * By CommonMark's rules of left- and right-flanking, and those of the proposal
 * for East Asian writing (github.com/tats-u/markdown-cjk-friendly), whose marks of punctuation touch the words.
 */
export function flanking(
  text: string,
  at: number,
  count: number,
): { readonly opens: boolean; readonly closes: boolean } {
  // Whole characters, also those of two units; '' at the ends.
  const before = [...text.slice(Math.max(0, at - 2), at)].at(-1) ?? '';
  const [after = ''] = text.slice(at + count, at + count + 2);
  const [spaceBefore, spaceAfter] = [isSpace(before), isSpace(after)];
  const [wideBefore, wideAfter] = [wide.test(before), wide.test(after)];
  const markBefore = !wideBefore && anyPunctuation.test(before);
  const markAfter = !wideAfter && anyPunctuation.test(after);
  const left = !spaceAfter && (!markAfter || spaceBefore || markBefore || wideBefore);
  const right = !spaceBefore && (!markBefore || spaceAfter || markAfter || wideAfter);
  if (text[at] !== '_') return { opens: left, closes: right };
  return { opens: left && (!right || markBefore), closes: right && (!left || markAfter) };
}

const isSpace = (character: string): boolean => /^\s?$/.test(character);
