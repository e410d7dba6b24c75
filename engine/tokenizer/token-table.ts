// What each id of a vocabulary stands for, as bytes: the one place that turns ids into text, so that whole decoding,
// streaming and logprobs cannot disagree. Built by `create-tokenizer.ts`; read by the tokenizer and its detokenizers.
// Two alphabets: byte-level BPE (GPT-2's printable bytes) and SentencePiece (U+2581 for a space, `<0x0A>` for bytes).
// Knows nothing of merges, templates or requests. Ids it does not know stand for nothing (a padded vocabulary's tail).

import type { Detokenizer } from './tokenizer.js';
import { byteOfHexToken, bytesOfAlphabet } from './byte-alphabet.js';

export type TokenAlphabet = 'byte-level' | 'sentencepiece';

const nothing = new Uint8Array(0);
const encoder = new TextEncoder();

export interface TokenTableOptions {
  readonly alphabet: TokenAlphabet;
  /** Pieces of the vocabulary by id. */
  readonly pieces: ReadonlyMap<number, string>;
  /** Tokens added to the vocabulary as plain text; they override `pieces`. */
  readonly added: ReadonlyMap<number, string>;
  /** Ids that steer the model and are never part of the text. */
  readonly control: ReadonlySet<number>;
  /** Drop one space at the very start of a text: SentencePiece put it there when encoding. */
  readonly stripLeadingSpace: boolean;
}

export class TokenTable {
  constructor(private readonly options: TokenTableOptions) {}

  isControl(id: number): boolean {
    return this.options.control.has(id);
  }

  /** Bytes of one token, control tokens by their names. */
  bytes(id: number): Uint8Array {
    const { added, pieces, alphabet } = this.options;
    const text = added.get(id);
    if (text !== undefined) return encoder.encode(alphabet === 'sentencepiece' ? spaced(text) : text);
    const piece = pieces.get(id);
    if (piece === undefined) return nothing;
    if (alphabet === 'byte-level') return bytesOfAlphabet(piece) ?? encoder.encode(piece);
    const byte = byteOfHexToken(piece);
    return byte === null ? encoder.encode(spaced(piece)) : Uint8Array.of(byte);
  }

  /**
   * @param continues the ids go on after other text, so SentencePiece's leading space is a real one
   * @param keepControl write control tokens by their names instead of leaving them out
   */
  createDetokenizer(continues: boolean, keepControl: boolean): Detokenizer {
    // `stream: true` holds an unfinished UTF-8 sequence back and gives U+FFFD for bytes that can never become one.
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let stripNext = this.options.stripLeadingSpace && !continues;
    const strip = (text: string): string => {
      if (!stripNext || text === '') return text;
      stripNext = false;
      return text.startsWith(' ') ? text.slice(1) : text;
    };
    return {
      push: (id) => {
        if (!keepControl && this.isControl(id)) return '';
        return strip(decoder.decode(this.bytes(id), { stream: true }));
      },
      flush: () => strip(decoder.decode()),
    };
  }
}

function spaced(piece: string): string {
  return piece.replaceAll('\u2581', ' ');
}
