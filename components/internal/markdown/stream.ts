// An answer as it grows, as blocks of markdown of which only the newest can change.
// `<llm-chat>` keeps one stream per message, hands it the whole text so far and renders `blocks`; a block that did not
// change keeps its identity, so that Lit's guard skips it and the DOM under a reader's selection stays.
//
// What can still change? Text without a blank line in between is one group: the next line may turn a paragraph into a
// heading or undo a table. A group can also join the one before it ("1. a", blank line, "2" and then "." is one list).
// Both are settled once the group's first line is whole. So all from the last blank line but one on is parsed
// again, and nothing before it: with reference definitions off (parse.ts) no block reaches further. A property test
// compares every way of cutting a text with parsing it whole.

import { parseMarkdown } from './parse.js';
import type { Block } from './tokens.js';

export interface StreamedBlock {
  /** Stable over the stream's life: the offset of the block's text. */
  readonly key: number;
  /** Offset behind the block's text; grows while the block does. */
  readonly end: number;
  readonly block: Block;
}

export class MarkdownStream {
  /** The newest blocks; the same objects as before for those that did not change. */
  get blocks(): readonly StreamedBlock[] {
    return this.#blocks;
  }

  #source = '';
  #blocks: readonly StreamedBlock[] = [];
  /** Index of the first block that may still change. */
  #settled = 0;

  /**
   * Brings the blocks up to `text`, the whole answer so far. Where it continues the last text, only what may have
   * changed is parsed again; any other text starts over.
   */
  update(text: string): void {
    const source = normalise(text);
    if (source === this.#source) return;
    // Comparing a slice is one memory comparison in engines where startsWith goes character by character.
    const kept = source.slice(0, this.#source.length) === this.#source ? this.#settled : 0;
    const from = kept === 0 ? 0 : (this.#blocks[kept]?.key ?? 0);
    const old = this.#blocks;
    const fresh = parseMarkdown(source.slice(from)).map(({ block, start, end }, index): StreamedBlock => {
      const next = { key: from + start, end: from + end, block };
      const before = old[kept + index];
      return before !== undefined && same(before, next) ? before : next;
    });
    this.#blocks = [...old.slice(0, kept), ...fresh];
    this.#source = source;
    this.#settled = this.#lastGroupButOne(kept);
  }

  /** Looks from the end for the second block that stands behind a blank line. */
  #lastGroupButOne(atLeast: number): number {
    let groups = 0;
    for (let index = this.#blocks.length - 1; index > atLeast; index--) {
      const start = this.#blocks[index]?.key ?? 0;
      if (/\n[ \t]*\n$/.test(this.#source.slice(this.#blocks[index - 1]?.end ?? 0, start)) && ++groups === 2)
        return index;
    }
    return atLeast;
  }
}

// The trees are small and plain; their text form compares them well enough.
const same = (left: StreamedBlock, right: StreamedBlock): boolean =>
  left.key === right.key && left.end === right.end && JSON.stringify(left.block) === JSON.stringify(right.block);

// A "\r" at the end may be half of "\r\n", and a lone high surrogate half of a character: both wait for the rest.
function normalise(text: string): string {
  const whole = text.endsWith('\r') || isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.slice(0, -1) : text;
  return whole.includes('\r') ? whole.replace(/\r\n?/g, '\n') : whole;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
