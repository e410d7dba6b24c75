// An answer as it grows, as blocks of markdown of which only the newest can change.
// `<llm-chat>` keeps one stream per message, hands it the whole text so far and renders `blocks`; a block that did not
// change keeps its identity, so that what shows it is skipped and the DOM under a reader's selection stays.
//
// Whole lines are read once, for good (blocks.ts), those of a paragraph in parts before they end. The rest of a line at the
// end is read by a copy of the reader, which is thrown away: what it means is known when its line end is there. So an
// update costs what came new, one line and the blocks that are open, however long the answer is; and every way of cutting
// a text ends as the whole does (a property test).

import { BlockReader, longest } from './blocks.js';
import type { PlacedBlock } from './containers.js';

/** Key: stable over the stream's life, the offset of the block's text. */
export type StreamedBlock = PlacedBlock;

/** Characters of a line of running text that are read for good at once. */
const part = 512;
/** The beginning of a line that may yet become a list, a rule, a heading, a table, a fence: it waits for the next word. */
const undecided =
  /^(?:[ \t>]|(?:[-+*]|\d{1,9}[.)])[ \t])*(?:[-=*_+#~|: \t]*|`{3,}[^`]*|~{3}.*|`+|\d{1,9}[.)]?|\[[ xX]?\]?[ \t]*|\${1,2}|\\)$/;
const decidedFrom = 64;

export class MarkdownStream {
  /** The newest blocks; the same objects as before for those that are finished. */
  get blocks(): readonly StreamedBlock[] {
    return this.#blocks;
  }

  #source = '';
  #growing = false;
  #reader = new BlockReader();
  /** What read the newest text, up to its end. */
  #newest = this.#reader;
  #blocks: readonly StreamedBlock[] = [];
  /** Offset behind what is read for good. */
  #read = 0;

  /**
   * Brings the blocks up to `text`, the whole answer so far. Where it continues the last text, only what is new is read;
   * any other text starts over.
   * @param growing more of it will come: a half mark, link or table is shown as what it is going to be
   */
  update(text: string, growing = false): void {
    const source = normalise(text);
    if (source === this.#source && growing === this.#growing) return;
    // Comparing a slice is one memory comparison in engines where startsWith goes character by character.
    if (source.slice(0, this.#source.length) !== this.#source) this.#startOver();
    this.#source = source;
    this.#growing = growing;
    for (let end = source.indexOf('\n', this.#read); end >= 0; end = source.indexOf('\n', this.#read)) {
      this.#readParts(end);
      this.#take(end, true);
      this.#read += 1;
    }
    this.#readParts(source.length);
    const rest = source.slice(this.#read);
    let reader = this.#reader;
    const waits = growing && !reader.inText && rest.length < decidedFrom && undecided.test(rest);
    if (rest !== '' && !waits) {
      reader = new BlockReader(reader, growing);
      reader.read(rest, this.#read);
      reader.adopt(this.#newest);
    }
    this.#newest = reader;
    this.#blocks = reader.blocks(growing);
  }

  #startOver(): void {
    this.#newest = this.#reader = new BlockReader();
    this.#read = 0;
  }

  /** Reads what is certain of a line before it ends: parts of running text, and of an overlong line. */
  #readParts(end: number): void {
    while (end - this.#read > part) {
      const cut = cutOf(this.#source, this.#read, part);
      if (!this.#reader.inText) {
        const reader = new BlockReader(this.#reader);
        reader.read(this.#source.slice(this.#read, cut), this.#read, false);
        if (!reader.inText) {
          if (end - this.#read <= longest) return;
          this.#take(cutOf(this.#source, this.#read, longest), false);
          continue;
        }
      }
      this.#take(cut, false);
    }
  }

  /** Reads up to `end` for good. */
  #take(end: number, whole: boolean): void {
    this.#reader.read(this.#source.slice(this.#read, end), this.#read, whole);
    this.#reader.adopt(this.#newest);
    this.#read = end;
  }
}

/** The blocks of a whole text. */
export function parseMarkdown(source: string): readonly StreamedBlock[] {
  const stream = new MarkdownStream();
  stream.update(source);
  return stream.blocks;
}

// A "\r" at the end may be half of "\r\n", and a lone high surrogate half of a character: both wait for the rest.
function normalise(text: string): string {
  const whole = text.endsWith('\r') || isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.slice(0, -1) : text;
  return whole.includes('\r') ? whole.replace(/\r\n?/g, '\n') : whole;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** Where a line may be cut: at its last space, else anywhere but within a character. */
function cutOf(source: string, from: number, size: number): number {
  const end = from + size;
  const space = source.slice(from, end).lastIndexOf(' ');
  return space > size / 2 ? from + space : end - (isHighSurrogate(source.charCodeAt(end - 1)) ? 1 : 0);
}
