// Markdown inside a paragraph, a heading, a cell: marks, code, links, images, formulas, breaks. Called by blocks.ts with a
// text of bounded length (a line end is "\n"); pure.
// Method: CommonMark 0.31.2's appendix "A parsing strategy", phase 2 (delimiters and brackets on stacks), with GFM's ~~
// and bare links, and TeX between $ or \( \). No reference links and no HTML; see blocks.ts for why.
//
// A text that grows is not read again from its beginning: where nothing is open and nothing that follows could change what
// stands before, it is cut (`run`), and all before the cut is settled. Where the cuts are depends on the text alone, never on
// how it arrived. At the end of a text that still grows, what has begun is shown as if it ended there, so that no mark is
// seen for a moment that is none in the end.
// Hostile input: every character is read a bounded number of times, nothing reaches further than `reach`, marks nest only
// so deep (marks.ts), and characters that hide or turn text are shown (hidden.ts).

import { decodeEntities } from './entities.js';
import { effort } from './effort.js';
import { showHidden } from './hidden.js';
import { bareLinkOf, imageOf, linkOf } from './link-inlines.js';
import { bareLink, linkTail } from './link-syntax.js';
import { flanking, Parts, reach } from './marks.js';
import { matchAt } from './match-at.js';
import type { Inline } from './tokens.js';

/** Characters between two cuts, at least; and from a place where no cut could be made to the next try. */
const [runLength, stride] = [256, 64];
/** A text may be cut behind a space or a mark of East Asian writing, but not before a space or a mark of emphasis. */
const edge = /(?<=[\s。、，！？；：])[^\s*_~]/g;
/** Characters that a code or a single mark without an end may take up while the text grows. */
const hopeful = 200;
const punctuation = /[!-/:-@[-`{-~]/;
const autolink = /<([a-z][a-z0-9+.-]{1,31}:[^\s<>]*|[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+)>/iy;
/** The one tag that is taken for what it means: cells have no other way to end a line. */
const lineBreak = /<br ?\/?>/iy;
const entity = /&#?\w{1,32};/y;
const run = /`+|\*+|_+|~+/y;
const formulas = [
  { pattern: /\$\$((?:[^$\\]|\\[^]){1,1000})\$\$/y, display: true },
  { pattern: /\$(?![\s$])((?:[^$\\\n]|\\[^\n]){0,1000})(?<!\s)\$(?!\d)/y, display: false },
] as const;
const plainText = /[^\\`*_~[\]!<&\n$hw@]+/y;
/** What the end of a text may yet become a mark with. */
const halfMark = /(?:[*_~`\\]{1,64}|<(?:br? ?\/?)?)$/i;
/** A formula that has not ended yet: a power, an index or a command tells it from money and from names in capitals. */
const halfFormula = /\${1,2}(?![\s$\d])(?=[^\n$]{0,200}(?:\\[a-z]|\^|_[{\d]))([^\n$]{1,200})$/iy;
/** An address that has not ended yet. */
const halfTail = /\(\S*(?:\s["'(][^\n]*)?$/y;

interface Bracket {
  readonly part: ReturnType<Parts['put']>;
  readonly image: boolean;
  /** False inside what is a link already: a link holds no link. */
  active: boolean;
  /** Marks before it that wait for their end. */
  readonly waiting: number;
  readonly at: number;
}

/** The beginning of a text that nothing behind it can change. */
export interface Settled {
  /** Characters of it. */
  readonly at: number;
  readonly inlines: readonly Inline[];
}

export const nothingSettled: Settled = { at: 0, inlines: [] };

/**
 * @param from what is known to be settled of the text
 * @param growing more of it will come
 */
export function readInlines(
  text: string,
  from: Settled,
  growing: boolean,
): { readonly settled: Settled; readonly inlines: readonly Inline[] } {
  const shown = growing ? text.replace(halfMark, '') : text;
  for (let settled = from; ;) {
    if (settled.at >= shown.length) return { settled, inlines: settled.inlines };
    const reader = new InlineReader(shown.slice(settled.at), growing);
    const cut = reader.read();
    const children = reader.inlines;
    const inlines: readonly Inline[] = settled.at === 0 ? children : [...settled.inlines, { type: 'run', children }];
    if (cut === null) return { settled, inlines };
    settled = { at: settled.at + cut, inlines };
  }
}

export const parseInlines = (text: string, growing = false): readonly Inline[] =>
  readInlines(text, nothingSettled, growing).inlines;

class InlineReader {
  readonly #text: string;
  readonly #growing: boolean;
  readonly #parts = new Parts();
  #at = 0;
  readonly #brackets: Bracket[] = [];
  /** Where a cut may be made next. */
  #next = runLength;
  /** Up to here what follows may still end something that begins before. */
  #half = -1;

  constructor(text: string, growing: boolean) {
    this.#text = text;
    this.#growing = growing;
  }

  get inlines(): readonly Inline[] {
    return this.#parts.inlines;
  }

  /** @returns where the text can be cut: what stands before is read then; null when it is read to its end */
  read(): number | null {
    while (this.#at < this.#text.length) {
      if (this.#at >= this.#next && this.#edge(this.#at, this.#at + 1) >= 0) {
        if (this.#isSettled()) return this.#done(this.#at);
        this.#next = this.#at + stride;
      }
      this.#step();
    }
    if (this.#growing) this.#parts.close(this.#at, hopeful);
    return this.#done(null);
  }

  #done(cut: number | null): number | null {
    effort.characters += this.#at;
    this.#parts.finish(0);
    return cut;
  }

  #isSettled(): boolean {
    const far = this.#brackets.findIndex(({ at }) => this.#at - at <= reach);
    this.#brackets.splice(0, far < 0 ? this.#brackets.length : far);
    return this.#brackets.length === 0 && this.#at > this.#half && this.#parts.settled(this.#at);
  }

  /** The first place between where a cut may be made, -1 for none. */
  #edge(from: number, to: number): number {
    edge.lastIndex = from;
    return edge.exec(this.#text.slice(0, to))?.index ?? -1;
  }

  #step(): void {
    const character = this.#text[this.#at] ?? '';
    switch (character) {
      case '\\':
        return this.#escape();
      case '`':
        return this.#code();
      case '*':
      case '_':
      case '~':
        return this.#delimiter(character);
      case '!':
        if (this.#text[this.#at + 1] === '[') return this.#bracket(true);
        break;
      case '[':
        return this.#bracket(false);
      case ']':
        return this.#link();
      case '<':
        return this.#autolink();
      case '&':
        return this.#entity();
      case '$':
        return this.#formula();
      case '\n':
        return this.#break();
      case 'h':
      case 'w':
      case '@':
        return this.#bareLink();
    }
    const text = this.#find(plainText)?.[0] ?? character;
    const end = this.#at + text.length;
    const cut = end > this.#next ? this.#edge(Math.max(this.#next, this.#at + 1), end) : -1;
    this.#say(cut < 0 ? text : this.#text.slice(this.#at, cut));
  }

  /** What a sticky pattern finds here. */
  #find(pattern: RegExp): RegExpExecArray | null {
    return matchAt(pattern, this.#text, this.#at);
  }

  #say(text: string): void {
    this.#at += text.length;
    this.#parts.put({ type: 'text', text });
  }

  #break(): void {
    this.#parts.trim((text) => text.replace(/ {1,64}$/, ''));
    this.#at = this.#text[this.#at] === '<' ? this.#text.indexOf('>', this.#at) + 1 : this.#at + 1;
    this.#parts.put({ type: 'break' });
  }

  /** A text behind which something may follow that makes something else of what stands here. */
  #sayHalf(text: string, until = this.#at + reach): void {
    this.#half = Math.max(this.#half, until);
    this.#say(text);
  }

  #escape(): void {
    const next = this.#text[this.#at + 1] ?? '';
    const formula = next === '(' || next === '[';
    if (formula) {
      const start = this.#at + 2;
      const found = this.#text.slice(start, this.#at + reach).indexOf(next === '(' ? '\\)' : '\\]');
      const open = found < 0 && this.#growing && this.#text.length < start + reach / 2;
      const body = open ? this.#text.slice(start) : this.#text.slice(start, start + Math.max(0, found));
      if (body.trim() !== '' && !body.includes('\\(') && !body.includes('\\[')) {
        this.#at = start + body.length + (open ? 0 : 2);
        const text = showHidden(body.trim(), 'code');
        this.#parts.put(open ? { type: 'code', text } : { type: 'math', text, display: next === '[' });
        return;
      }
    }
    if (next === '\n') {
      this.#at += 2;
      this.#parts.put({ type: 'break' });
    } else if (next !== '' && punctuation.test(next)) {
      this.#at += 1;
      if (formula) this.#sayHalf(next);
      else this.#say(next);
    } else this.#say('\\');
  }

  #code(): void {
    const start = this.#at;
    const length = this.#run();
    const begin = start + length;
    // A run of the same length; of those that find none there are few, each of another length.
    const found = this.#text.slice(begin, begin + reach).search(new RegExp(`(?<!\`)\`{${String(length)}}(?!\`)`));
    let close = found < 0 ? -1 : begin + found;
    if (close < 0) {
      const rest = this.#text.slice(begin, begin + hopeful);
      if (!this.#growing || begin + rest.length < this.#text.length || rest.trim() === '' || rest.includes('\n'))
        return this.#sayHalf('`'.repeat(length), start + 2 * length + reach);
      close = this.#text.length;
    }
    let text = this.#text.slice(begin, close).replaceAll('\n', ' ');
    if (text.length > 2 && text.startsWith(' ') && text.endsWith(' ') && text.trim() !== '') text = text.slice(1, -1);
    this.#at = Math.min(close + length, this.#text.length);
    this.#parts.put({ type: 'code', text: showHidden(text, 'code') });
  }

  /** Length of the run of marks here. */
  #run(): number {
    return this.#find(run)?.[0].length ?? 0;
  }

  #delimiter(mark: string): void {
    const count = this.#run();
    if (mark === '~' && count > 2) return this.#say(mark.repeat(count));
    this.#parts.putMark(mark, count, this.#at, flanking(this.#text, this.#at, count));
    this.#at += count;
  }

  #bracket(image: boolean): void {
    const text = image ? '![' : '[';
    const { waiting } = this.#parts;
    const part = this.#parts.put({ type: 'text', text }, true);
    this.#at += text.length;
    this.#brackets.push({ part, image, active: true, waiting, at: this.#at });
  }

  /** A "]": of a link, of an image, or itself. */
  #link(): void {
    const bracket = this.#brackets.pop();
    if (bracket === undefined || !bracket.active || this.#at - bracket.at > reach) return this.#say(']');
    const next = this.#at + 1;
    const tail = linkTail(this.#text.slice(0, next + reach), next);
    const half = tail === null && this.#text[next] === '(';
    const hidden = half && this.#growing && matchAt(halfTail, this.#text, next) !== null;
    if (tail === null && !hidden) return half ? this.#sayHalf(']') : this.#say(']');
    this.#parts.finish(bracket.waiting);
    // The bracket's own part goes, and all that stood in it.
    const children = this.#parts.cut(bracket.part);
    const source = this.#text.slice(bracket.at, this.#at);
    this.#at = tail?.end ?? this.#text.length;
    if (tail === null) return this.#putAll(children);
    if (bracket.image) return this.#putAll([imageOf(tail.address, children)]);
    for (let index = this.#brackets.length - 1; index >= 0; index--) {
      const outer = this.#brackets[index];
      if (outer === undefined || outer.image || !outer.active) break;
      outer.active = false;
    }
    this.#putAll(linkOf(tail.address, source, children));
  }

  #putAll(inlines: readonly Inline[]): void {
    for (const inline of inlines) this.#parts.put(inline);
  }

  #autolink(): void {
    const found = this.#find(autolink);
    if (found === null) return this.#find(lineBreak) === null ? this.#say('<') : this.#break();
    const shown = found[1] ?? '';
    const address = /^[a-z][a-z0-9+.-]*:/i.test(shown) ? shown : `mailto:${shown}`;
    this.#at += found[0].length;
    this.#putAll(bareLinkOf(address, shown));
  }

  #entity(): void {
    const found = this.#find(entity)?.[0] ?? '&';
    this.#parts.put({ type: 'text', text: showHidden(decodeEntities(found), 'text') });
    this.#at += found.length;
  }

  #formula(): void {
    for (const { pattern, display } of formulas) {
      const found = this.#find(pattern);
      const text = found?.[1]?.trim() ?? '';
      // "$5 for one, $9 for two$" is about money.
      if (found === null || text === '' || (/^\d/.test(text) && !/[\\^_={}+*/<>]/.test(text))) continue;
      this.#at += found[0].length;
      this.#parts.put({ type: 'math', text: showHidden(text, 'code'), display });
      return;
    }
    halfFormula.lastIndex = this.#at;
    const half = this.#growing ? halfFormula.exec(this.#text)?.[1] : undefined;
    if (half === undefined) return this.#sayHalf('$');
    this.#at = this.#text.length;
    this.#parts.put({ type: 'code', text: showHidden(half, 'code') });
  }

  #bareLink(): void {
    // Inside brackets the address is a link's text, most often the link's own.
    const found = this.#brackets.length > 0 ? null : bareLink(this.#text, this.#at);
    if (found === null) return this.#say(this.#text[this.#at] ?? '');
    this.#parts.trim((text) => text.slice(0, text.length - found.before));
    this.#at = found.end;
    const { shown, address } = found;
    this.#putAll(bareLinkOf(address, shown));
  }
}
