// Picks what a screen reader should hear of a growing answer: finished sentences, each once, never half a one.
// `<llm-chat>` asks it at its own pace and puts the result into a polite live region. Knows nothing of the DOM.
// The reader counts sentences instead of characters, because marks that close ("**bold" -> "bold") shorten the text.

import { blockText, type Block } from './markdown/tokens.js';
import type { StreamedBlock } from './markdown/stream.js';

const segmenter =
  typeof Intl.Segmenter === 'function' ? new Intl.Segmenter(undefined, { granularity: 'sentence' }) : null;

function sentencesOf(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (segmenter === null) return lines;
  return lines.flatMap((line) => [...segmenter.segment(line)].map(({ segment }) => segment.trim()));
}

/** The parts of a block that are read one after the other, so that a long list is not taken apart anew for its last item. */
const partsOf = (block: Block): readonly Block[] =>
  block.type === 'quote' || block.type === 'list' || block.type === 'item'
    ? block.children.flatMap(partsOf)
    : block.type === 'table'
      ? [{ ...block, rows: [] }, ...block.rows.map((row) => ({ ...block, header: row, rows: [] }))]
      : [block];

export class SentenceReader {
  readonly #codeLabel: string;
  #block = 0;
  /** Of the block. */
  #part = 0;
  /** Of the part. */
  #sentence = 0;

  /** @param codeLabel what is said instead of a block of code */
  constructor(codeLabel: string) {
    this.#codeLabel = codeLabel;
  }

  /**
   * What was not said yet. The newest sentence is held back until something follows it or `finished` is true.
   */
  next(blocks: readonly StreamedBlock[], finished: boolean): string {
    const said: string[] = [];
    for (; this.#block < blocks.length; this.#block++, this.#part = this.#sentence = 0) {
      const streamed = blocks[this.#block];
      if (streamed === undefined) break;
      const parts = partsOf(streamed.block);
      const open = this.#block === blocks.length - 1 && !finished;
      for (; this.#part < parts.length; this.#part++, this.#sentence = 0) {
        const part = parts[this.#part];
        if (part === undefined) break;
        const newest = open && this.#part === parts.length - 1;
        const sentences = sentencesOf(blockText(part, this.#codeLabel));
        const ready = sentences.slice(this.#sentence, newest ? -1 : undefined);
        said.push(...ready);
        if (newest) {
          this.#sentence += ready.length;
          return said.join(' ');
        }
      }
    }
    return said.join(' ');
  }
}
