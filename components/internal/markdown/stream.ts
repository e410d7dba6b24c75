// An answer as it grows, as blocks of markdown of which only the newest can change.
// `<llm-chat>` keeps one stream per message, hands it the whole text so far and renders `groups`; a block that did not
// change keeps its identity, so that Lit's guard skips it and the DOM under a reader's selection stays.
//
// Whole lines are read once, for good (blocks.ts). The part of a line at the end is read by a copy of the reader, which is
// thrown away: what it means is known when its line end is there. So an update costs what came new, one line and the
// blocks that are open, however long the answer is; and every way of cutting a text ends as the whole does (a property test).

import { BlockReader, longest, type PlacedBlock } from './blocks.js';

/** Key: stable over the stream's life, the offset of the block's text. */
export type StreamedBlock = PlacedBlock;

/** Finished blocks that are rendered, and skipped, as one. */
const inGroup = 24;

export class MarkdownStream {
  /** The newest blocks; the same objects as before for those that are finished. */
  get blocks(): readonly StreamedBlock[] {
    return this.#blocks;
  }

  /** The same blocks in groups, of which only the last is not finished. */
  get groups(): readonly (readonly StreamedBlock[])[] {
    return [...this.#full, this.#blocks.slice(this.#full.length * inGroup)];
  }

  #source = '';
  #reader = new BlockReader();
  #blocks: readonly StreamedBlock[] = [];
  #full: (readonly StreamedBlock[])[] = [];
  /** Offset behind the last line read for good. */
  #read = 0;

  /**
   * Brings the blocks up to `text`, the whole answer so far. Where it continues the last text, only what is new is read;
   * any other text starts over.
   */
  update(text: string): void {
    const source = normalise(text);
    if (source === this.#source) return;
    // Comparing a slice is one memory comparison in engines where startsWith goes character by character.
    if (source.slice(0, this.#source.length) !== this.#source) this.#startOver();
    this.#source = source;
    for (let end = source.indexOf('\n', this.#read); end >= 0; end = source.indexOf('\n', this.#read)) {
      this.#readLine(end);
      this.#read = end + 1;
    }
    this.#readLine(source.length);
    let reader = this.#reader;
    if (this.#read < source.length) {
      reader = new BlockReader(reader);
      reader.read(source.slice(this.#read), this.#read);
    }
    this.#blocks = reader.blocks();
    const { finished } = this.#reader;
    while (finished.length >= (this.#full.length + 1) * inGroup) {
      this.#full.push(finished.slice(this.#full.length * inGroup, (this.#full.length + 1) * inGroup));
    }
  }

  #startOver(): void {
    this.#reader = new BlockReader();
    this.#full = [];
    this.#read = 0;
  }

  /** Reads up to `end` what is certain: a line that ends there, before that the overlong parts of one. */
  #readLine(end: number): void {
    while (end - this.#read > longest) {
      const cut = this.#read + longest - (isHighSurrogate(this.#source.charCodeAt(this.#read + longest - 1)) ? 1 : 0);
      this.#reader.read(this.#source.slice(this.#read, cut), this.#read, false);
      this.#read = cut;
    }
    if (end < this.#source.length) this.#reader.read(this.#source.slice(this.#read, end), this.#read);
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
