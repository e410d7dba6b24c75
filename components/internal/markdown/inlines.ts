// Markdown inside a paragraph, a heading, a cell: marks, code, links, images, formulas, breaks. Called by blocks.ts with a
// text of bounded length (a line end is "\n"); pure.
// Method: CommonMark 0.31.2's appendix "A parsing strategy", phase 2 (delimiters and brackets on stacks), with GFM's ~~
// and bare links, and TeX between $ or \( \). No reference links and no HTML; see blocks.ts for why.
// Hostile input: every character is read a bounded number of times, marks nest to `deepest`, and characters that hide or
// turn text are shown (hidden.ts).

import { decodeEntities } from './entities.js';
import { showHidden } from './hidden.js';
import { bareLink, linkTail } from './link-syntax.js';
import { hostOf, safeLink } from './links.js';
import { inlineText, type Inline } from './tokens.js';

const deepest = 12;
const punctuation = /[!-/:-@[-`{-~]/;
const anyPunctuation = /[\p{P}\p{S}]/u;
const autolink = /<([a-z][a-z0-9+.-]{1,31}:[^\s<>]*|[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+)>/iy;
const formulas = [
  { pattern: /\$\$((?:[^$\\]|\\[^])+)\$\$/y, display: true },
  { pattern: /\$(?![\s$])((?:[^$\\\n]|\\[^\n])*)(?<!\s)\$(?!\d)/y, display: false },
] as const;
const plainText = /[^\\`*_~[\]!<&\n$hw@]+/y;

interface Delimiter {
  readonly mark: string;
  /** Characters not used yet, of `length`. */
  count: number;
  readonly length: number;
  readonly opens: boolean;
  readonly closes: boolean;
  before: Part | null;
  after: Part | null;
}

/** A link of the list that the text is cut into. */
interface Part {
  inline: Inline;
  depth: number;
  previous: Part | null;
  next: Part | null;
  delimiter: Delimiter | null;
}

interface Bracket {
  readonly part: Part;
  readonly image: boolean;
  /** False inside what is a link already: a link holds no link. */
  active: boolean;
  /** The newest delimiter before it. */
  readonly delimiters: Part | null;
  readonly at: number;
}

export function parseInlines(text: string): readonly Inline[] {
  return text === '' ? [] : new InlineReader(text).read();
}

class InlineReader {
  readonly #text: string;
  #at = 0;
  readonly #head: Part = newPart('');
  #tail: Part = this.#head;
  /** Newest delimiter. */
  #delimiters: Part | null = null;
  readonly #brackets: Bracket[] = [];
  /** Where runs of back-ticks begin, by their length; made when the first is met. */
  #runs: Map<number, number[]> | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  read(): readonly Inline[] {
    while (this.#at < this.#text.length) this.#step();
    this.#marks(null);
    return taken(this.#head.next, null);
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
      case '\n': {
        const { inline } = this.#tail;
        if (inline.type === 'text') this.#tail.inline = { type: 'text', text: inline.text.replace(/ {1,64}$/, '') };
        this.#at += 1;
        this.#put({ type: 'break' });
        return;
      }
      case 'h':
      case 'w':
      case '@':
        return this.#bareLink();
    }
    plainText.lastIndex = this.#at;
    this.#say(plainText.exec(this.#text)?.[0] ?? character);
  }

  #say(text: string): void {
    this.#at += text.length;
    this.#put({ type: 'text', text });
  }

  #put(inline: Inline, delimiter: Delimiter | null = null): Part {
    const last = this.#tail;
    if (inline.type === 'text' && delimiter === null && last.inline.type === 'text' && last.delimiter === null) {
      if (last !== this.#head && this.#brackets.at(-1)?.part !== last) {
        last.inline = { type: 'text', text: last.inline.text + inline.text };
        return last;
      }
    }
    const part: Part = { inline, depth: 0, previous: last, next: null, delimiter };
    last.next = part;
    this.#tail = part;
    return part;
  }

  #escape(): void {
    const next = this.#text[this.#at + 1] ?? '';
    if (next === '(' || next === '[') {
      const close = this.#text.indexOf(next === '(' ? '\\)' : '\\]', this.#at + 2);
      const body = close < 0 ? '' : this.#text.slice(this.#at + 2, close);
      if (body.trim() !== '' && !body.includes('\\(') && !body.includes('\\[')) {
        this.#at = close + 2;
        this.#put({ type: 'math', text: showHidden(body.trim(), 'code'), display: next === '[' });
        return;
      }
    }
    if (next === '\n') {
      this.#at += 2;
      this.#put({ type: 'break' });
    } else if (next !== '' && punctuation.test(next)) {
      this.#at += 1;
      this.#say(next);
    } else this.#say('\\');
  }

  #code(): void {
    const start = this.#at;
    const length = this.#run('`');
    const close = this.#closingRun(length, start + length);
    if (close < 0) return this.#say('`'.repeat(length));
    let text = this.#text.slice(start + length, close).replaceAll('\n', ' ');
    if (text.length > 2 && text.startsWith(' ') && text.endsWith(' ') && text.trim() !== '') text = text.slice(1, -1);
    this.#at = close + length;
    this.#put({ type: 'code', text: showHidden(text, 'code') });
  }

  #closingRun(length: number, from: number): number {
    if (this.#runs === null) {
      this.#runs = new Map();
      for (const { 0: run, index } of this.#text.matchAll(/`+/g)) {
        const places = this.#runs.get(run.length);
        if (places === undefined) this.#runs.set(run.length, [index]);
        else places.push(index);
      }
      for (const places of this.#runs.values()) places.reverse();
    }
    // Reading goes on only forwards, so places behind are never asked for again.
    const places = this.#runs.get(length);
    while (places !== undefined && (places.at(-1) ?? from) < from) places.pop();
    return places?.at(-1) ?? -1;
  }

  /** Length of the run of one character here. */
  #run(character: string): number {
    let end = this.#at;
    while (this.#text[end] === character) end++;
    return end - this.#at;
  }

  #delimiter(mark: string): void {
    const count = this.#run(mark);
    if (mark === '~' && count > 2) return this.#say(mark.repeat(count));
    const before = characterBefore(this.#text, this.#at);
    const after = characterAt(this.#text, this.#at + count);
    const [spaceBefore, spaceAfter] = [isSpace(before), isSpace(after)];
    const [markBefore, markAfter] = [anyPunctuation.test(before), anyPunctuation.test(after)];
    const left = !spaceAfter && (!markAfter || spaceBefore || markBefore);
    const right = !spaceBefore && (!markBefore || spaceAfter || markAfter);
    const within = mark === '_';
    const delimiter: Delimiter = {
      mark,
      count,
      length: count,
      opens: left && (!within || !right || markBefore),
      closes: right && (!within || !left || markAfter),
      before: this.#delimiters,
      after: null,
    };
    this.#at += count;
    const part = this.#put({ type: 'text', text: mark.repeat(count) }, delimiter);
    if (this.#delimiters?.delimiter) this.#delimiters.delimiter.after = part;
    this.#delimiters = part;
  }

  #bracket(image: boolean): void {
    const text = image ? '![' : '[';
    const part: Part = {
      inline: { type: 'text', text },
      depth: 0,
      previous: this.#tail,
      next: null,
      delimiter: null,
    };
    this.#tail.next = part;
    this.#tail = part;
    this.#at += text.length;
    this.#brackets.push({ part, image, active: true, delimiters: this.#delimiters, at: this.#at });
  }

  /** A "]": of a link, of an image, or itself. */
  #link(): void {
    const bracket = this.#brackets.pop();
    if (bracket === undefined || !bracket.active) return this.#say(']');
    const tail = linkTail(this.#text, this.#at + 1);
    if (tail === null) return this.#say(']');
    this.#marks(bracket.delimiters);
    const children = taken(bracket.part.next, null);
    const source = this.#text.slice(bracket.at, this.#at);
    this.#at = tail.end;
    // The bracket's own part goes, and all that stood in it.
    this.#tail = bracket.part.previous ?? this.#head;
    this.#tail.next = null;
    if (bracket.image) {
      const alt = showHidden(inlineText(children), 'code');
      const link = safeLink(tail.address);
      const fetched = link !== null && !link.href.startsWith('mailto:');
      this.#put({ type: 'image', alt, host: hostOf(tail.address), href: fetched ? link.href : '' });
      return;
    }
    for (let index = this.#brackets.length - 1; index >= 0; index--) {
      const outer = this.#brackets[index];
      if (outer === undefined || outer.image || !outer.active) break;
      outer.active = false;
    }
    for (const inline of linkOf(tail.address, source, children)) this.#put(inline);
  }

  #autolink(): void {
    autolink.lastIndex = this.#at;
    const found = autolink.exec(this.#text);
    if (found === null) return this.#say('<');
    const shown = found[1] ?? '';
    const address = /^[a-z][a-z0-9+.-]*:/i.test(shown) ? shown : `mailto:${shown}`;
    this.#at += found[0].length;
    for (const inline of linkOf(address, shown, [{ type: 'text', text: showHidden(shown, 'code') }])) this.#put(inline);
  }

  #entity(): void {
    const found = /^&#?\w{1,32};/.exec(this.#text.slice(this.#at, this.#at + 36))?.[0] ?? '&';
    const start = this.#at;
    this.#say(showHidden(decodeEntities(found), 'text'));
    this.#at = start + found.length;
  }

  #formula(): void {
    for (const { pattern, display } of formulas) {
      pattern.lastIndex = this.#at;
      const found = pattern.exec(this.#text);
      const text = found?.[1]?.trim() ?? '';
      // "$5 for one, $9 for two$" is about money.
      if (found === null || text === '' || (/^\d/.test(text) && !/[\\^_={}+*/<>]/.test(text))) continue;
      this.#at += found[0].length;
      this.#put({ type: 'math', text: showHidden(text, 'code'), display });
      return;
    }
    this.#say('$');
  }

  #bareLink(): void {
    // Inside brackets the address is a link's text, most often the link's own.
    const found = this.#brackets.length > 0 ? null : bareLink(this.#text, this.#at);
    if (found === null) return this.#say(this.#text[this.#at] ?? '');
    const last = this.#tail;
    if (found.before > 0 && last.inline.type === 'text') {
      const { text } = last.inline;
      last.inline = { type: 'text', text: text.slice(0, text.length - found.before) };
    }
    this.#at = found.end;
    const { shown, address } = found;
    for (const inline of linkOf(address, shown, [{ type: 'text', text: showHidden(shown, 'code') }])) this.#put(inline);
  }

  /** Makes marks of the delimiters behind `bottom`, innermost first. */
  #marks(bottom: Part | null): void {
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
    while (this.#delimiters !== null && this.#delimiters !== bottom) this.#forget(this.#delimiters);
  }

  /** The oldest delimiter behind `bottom`. */
  #first(bottom: Part | null): Part | null {
    let part = this.#delimiters;
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
    const part: Part = {
      inline,
      depth: depth < deepest ? depth + 1 : 0,
      previous: opener,
      next: closer,
      delimiter: null,
    };
    opener.next = part;
    closer.previous = part;
    shorten(opener, width);
    shorten(closer, width);
    open.count -= width;
    close.count -= width;
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
    else if (this.#delimiters === part) this.#delimiters = delimiter.before;
    part.delimiter = null;
  }
}

const newPart = (text: string): Part => ({
  inline: { type: 'text', text },
  depth: 0,
  previous: null,
  next: null,
  delimiter: null,
});

function openerOf(close: Delimiter, bottom: Part | null): Part | null {
  for (let part = close.before; part !== null && part !== bottom; part = part.delimiter?.before ?? null) {
    const open = part.delimiter;
    if (open === null || !open.opens || open.mark !== close.mark) continue;
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

function shorten(part: Part, by: number): void {
  if (part.inline.type === 'text') part.inline = { type: 'text', text: part.inline.text.slice(by) };
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

function linkOf(address: string, source: string, children: readonly Inline[]): readonly Inline[] {
  const link = safeLink(address);
  const shown = children.map(shownStrictly);
  // Not to be followed, but to be read: what the answer wrote stays visible.
  if (link === null) {
    const strict = showHidden(address, 'code');
    return (strict === source && source !== '') || `mailto:${source}` === address
      ? shown
      : [...shown, { type: 'text', text: ` (${strict})` }];
  }
  const says = source.replace(/^mailto:/i, '');
  const showsHost =
    says === link.host || source === address || address === `mailto:${source}` || address === `http://${source}`;
  return [{ type: 'link', href: link.href, host: showsHost ? '' : link.host, children: shown }];
}

function shownStrictly(inline: Inline): Inline {
  if (inline.type === 'text') return { type: 'text', text: showHidden(inline.text, 'code') };
  return 'children' in inline ? { ...inline, children: inline.children.map(shownStrictly) } : inline;
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
