// Holds an answer to a form: after each token it says which ones may come next, as the mask that decoders take
// (`ChooseOptions.allowed`), and whether the answer is whole. Called by generate.ts, one for each request. Grammars come
// from json-schema.ts and regex.ts. What goes wrong: a form that cannot be followed or that no text has is an
// `invalid-request` before anything is generated.

import { EngineError } from '../../protocol/errors.js';
import type { ResponseFormat } from '../../protocol/response-format.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { clearBit, setBit } from './bits.js';
import { characters, inverted, nothing, repeat, sequence, type Expression } from './expression.js';
import { compileGrammar, type Grammar } from './grammar.js';
import { jsonSchema } from './json-schema.js';
import { anyObject } from './json-values.js';
import { dead, Matcher } from './matcher.js';
import { readRegex } from './regex.js';
import { allowedTokens, tokenTrie, type TokenTrie } from './token-trie.js';

/** Masks remembered; a vocabulary of 150,000 makes one 19 kB. */
const masksKept = 256;

export interface Constraint {
  /** Tokens that may come now, the ends among them where the answer may end. Do not write into it. */
  allowed(): Uint32Array;
  /** The answer goes on with this token. @throws EngineError `internal` when it was not allowed */
  accept(id: number): void;
  /** The answer is whole and nothing can follow. */
  readonly complete: boolean;
}

/**
 * @param begun tokens that the answer begins with already
 * @returns null where any text will do. @throws EngineError `invalid-request`
 */
export function createConstraint(
  format: ResponseFormat | undefined,
  tokenizer: Tokenizer,
  endIds: ReadonlySet<number>,
  begun: readonly number[] = [],
): Constraint | null {
  if (format === undefined || format.type === 'text') return null;
  const constraint = new GrammarConstraint(compileGrammar(expressionOf(format)), tokenizer, endIds);
  for (const [place, id] of begun.entries()) {
    if (constraint.follow(id, place === 0)) continue;
    throw new EngineError(
      'invalid-request',
      'The part of the answer that exists has another form than was asked for.',
      {
        hint: 'Ask again without it.',
      },
    );
  }
  return constraint;
}

function expressionOf(format: Exclude<ResponseFormat, { type: 'text' }>): Expression {
  if (format.type === 'json_object') return anyObject;
  if (format.type === 'json_schema') return jsonSchema(format.json_schema.schema);
  const { pattern, flags = '' } = format.regex;
  const options = { ignoreCase: flags.includes('i'), dotAll: flags.includes('s') };
  const { expression, fromStart, toEnd } = readRegex(pattern, options);
  const any = repeat(characters(inverted([])), 0);
  return sequence(
    fromStart || format.regex.whole ? nothing : any,
    expression,
    toEnd || format.regex.whole ? nothing : any,
  );
}

class GrammarConstraint implements Constraint {
  readonly #matcher: Matcher;
  readonly #trie: TokenTrie;
  readonly #masks = new Map<number, Uint32Array>();
  #generation = 0;
  #state: number;

  constructor(
    grammar: Grammar,
    private readonly tokenizer: Tokenizer,
    private readonly endIds: ReadonlySet<number>,
  ) {
    this.#matcher = new Matcher(grammar);
    this.#trie = tokenTrie(tokenizer);
    this.#state = this.#matcher.start;
    this.allowed();
  }

  get complete(): boolean {
    return this.#matcher.mustEnd(this.#state);
  }

  allowed(): Uint32Array {
    if (this.#generation !== this.#matcher.generation) {
      this.#generation = this.#matcher.generation;
      this.#masks.clear();
    }
    const known = this.#masks.get(this.#state);
    if (known !== undefined) return known;
    const mask = allowedTokens(this.#trie, this.#matcher, this.#state);
    // An end may have a text, too; it is an end all the same.
    const mayEnd = this.#matcher.mayEnd(this.#state);
    for (const id of this.endIds) (mayEnd ? setBit : clearBit)(mask, id);
    if (mask.every((word) => word === 0)) {
      throw new EngineError('invalid-request', 'No answer of this model can have the form that was asked for.', {
        hint: 'Check the schema or the pattern: something in it contains itself without an end.',
      });
    }
    if (this.#masks.size >= masksKept) this.#masks.clear();
    this.#masks.set(this.#state, mask);
    return mask;
  }

  accept(id: number): void {
    if (this.follow(id)) return;
    throw new EngineError('internal', 'A token came that the form of the answer does not allow.', {
      hint: 'Send the request again.',
    });
  }

  /**
   * @param first what exists begins with it: a space that the tokenizer put there (SentencePiece) is not part of the text
   * @returns whether the form allows the token; if not, nothing changes
   */
  follow(id: number, first = false): boolean {
    if (this.endIds.has(id)) return this.#matcher.mayEnd(this.#state);
    let state = this.#state;
    let bytes = this.tokenizer.tokenBytes(id);
    if (first && bytes[0] === 0x20 && !this.tokenizer.decode([id]).startsWith(' ')) bytes = bytes.subarray(1);
    for (const byte of bytes) state = this.#matcher.step(state, byte);
    if (state === dead) return false;
    this.#state = this.#matcher.trim(state);
    return true;
  }
}
