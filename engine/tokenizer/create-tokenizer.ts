// Makes a `Tokenizer` of a model's files. Called by whoever opens a model (backends/local). Encoding is
// @huggingface/tokenizers' work; decoding, streaming and logprobs share our `TokenTable`; templates are
// `ChatTemplate`'s. Knows nothing of decoders or requests.
// Files it cannot read are `model-invalid` or `model-unsupported` (see tokenizer-json.ts, gguf-tokenizer.ts).

import { Tokenizer as Library } from '@huggingface/tokenizers';
import { EngineError } from '../protocol/errors.js';
import type { TokenizerFiles } from '../weights/model.js';
import { ChatTemplate } from './chat-template.js';
import { ControlText } from './control-text.js';
import { tokenizerJsonFromGguf } from './gguf-tokenizer.js';
import { checkPatterns } from './safe-patterns.js';
import { TokenTable } from './token-table.js';
import { readTokenizerJson, type TokenizerDescription } from './tokenizer-json.js';
import type { Detokenizer, PromptText, RenderOptions, TemplateMessage, Tokenizer } from './tokenizer.js';

export interface CreateTokenizerOptions {
  /** The clock that chat templates read; the real one when absent. */
  readonly now?: () => Date;
}

/** @throws EngineError `model-invalid` (damaged), `model-unsupported` (a kind we cannot read) */
export function createTokenizer(files: TokenizerFiles, options: CreateTokenizerOptions = {}): Tokenizer {
  const description = readTokenizerJson(files.kind === 'gguf' ? tokenizerJsonFromGguf(files.metadata) : files);
  checkPatterns(description.tokenizer);
  return new ModelTokenizer(description, options);
}

class ModelTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly endIds: ReadonlySet<number>;
  readonly hasChatTemplate: boolean;
  private built: Library | null = null;
  private readonly table: TokenTable;
  private readonly template: ChatTemplate;
  private readonly controlText: ControlText;
  private readonly bosId: number | null;
  /** SentencePiece writes a space before a text, which must not appear where a prompt is cut. */
  private readonly spacePrefix: boolean;
  private standInLength: number | null = null;
  /** What the library is made of. */
  private readonly whole: TokenizerDescription['tokenizer'];

  constructor(description: TokenizerDescription, options: CreateTokenizerOptions) {
    this.vocabularySize = description.vocabularySize;
    this.endIds = description.endIds;
    this.hasChatTemplate = description.templates.size > 0;
    this.bosId = description.bosId;
    this.spacePrefix = description.stripLeadingSpace;
    this.table = new TokenTable(description);
    this.controlText = new ControlText(controlTexts(description));
    this.template = new ChatTemplate({ ...description, ...options });
    // What it would refuse is found out at once, with a vocabulary of nothing.
    const { tokenizer } = description;
    newLibrary({ ...tokenizer, added_tokens: [], model: { ...description.model, vocab: {}, merges: [] } });
    this.whole = tokenizer;
  }

  prepare(): void {
    this.library();
  }

  /** Its tables take 0.1 s for 50,000 tokens and 0.3 s for 150,000: they are made when a text is first encoded, or before. */
  private library(): Library {
    this.built ??= newLibrary(this.whole);
    return this.built;
  }

  encode(
    text: string | PromptText,
    options: { readonly addSpecial?: boolean; readonly plain?: boolean } = {},
  ): number[] {
    const addSpecial = options.addSpecial ?? true;
    const given = typeof text === 'string' ? { text, cuts: [] } : text;
    const prompt = options.plain === true ? this.controlText.plain(given.text) : given;
    const ids = prompt.cuts.length === 0 ? this.idsOf(prompt.text, addSpecial) : this.idsOfPieces(prompt, addSpecial);
    if (addSpecial && this.bosId !== null && ids[0] !== this.bosId) ids.unshift(this.bosId);
    return ids;
  }

  private idsOf(text: string, addSpecial: boolean): number[] {
    const encoded = this.library().encode(text, { add_special_tokens: addSpecial }).ids as (number | undefined)[];
    // A character that the vocabulary cannot write and that has no unknown token is dropped, as in the crate.
    return encoded.filter((id): id is number => id !== undefined);
  }

  private idsOfPieces({ text, cuts }: PromptText, addSpecial: boolean): number[] {
    const ids: number[] = [];
    let from = 0;
    for (const to of [...cuts, text.length]) {
      const piece = text.slice(from, to);
      for (const id of from === 0 ? this.idsOf(piece, false) : this.idsContinuing(piece)) ids.push(id);
      from = to;
    }
    if (!addSpecial) return ids;
    // What goes around a whole text, seen around one that has nothing of its own.
    const bare = this.idsOf('a', false);
    const dressed = this.idsOf('a', true);
    const before = dressed.findIndex((_, i) => bare.every((id, k) => dressed[i + k] === id));
    if (before < 0) return ids;
    return [...dressed.slice(0, before), ...ids, ...dressed.slice(before + bare.length)];
  }

  /**
   * Ids of a text that goes on after another. SentencePiece's space goes to a stand-in, whose ids are taken off again:
   * no vocabulary has this noncharacter, so nothing merges with it.
   */
  private idsContinuing(text: string): number[] {
    if (!this.spacePrefix) return this.idsOf(text, false);
    const standIn = '\uFDD0';
    this.standInLength ??= this.idsOf(standIn, false).length;
    return this.idsOf(standIn + text, false).slice(this.standInLength);
  }

  decode(ids: readonly number[], options: { readonly keepSpecial?: boolean } = {}): string {
    const detokenizer = this.table.createDetokenizer(false, options.keepSpecial ?? false);
    let text = '';
    for (const id of ids) text += detokenizer.push(id);
    return text + detokenizer.flush();
  }

  tokenBytes(id: number): Uint8Array {
    return this.table.bytes(id);
  }

  isControl(id: number): boolean {
    return this.table.isControl(id) || this.endIds.has(id) || id === this.bosId;
  }

  createDetokenizer(options: { readonly continues?: boolean } = {}): Detokenizer {
    return this.table.createDetokenizer(options.continues ?? false, false);
  }

  renderChat(messages: readonly TemplateMessage[], options: RenderOptions): PromptText {
    const marked = this.controlText.markMessages(messages);
    const tools = options.tools?.map((tool) => this.controlText.markValue(tool));
    const written = this.hasChatTemplate
      ? this.template.render(marked, { ...options, ...(tools === undefined ? {} : { tools }) })
      : marked.map((message) => message.content ?? '').join('\n');
    return this.controlText.unmark(written + this.controlText.mark(options.partialAnswer ?? ''));
  }

  renderText(text: string, partialAnswer: string): PromptText {
    return this.controlText.unmark(text + this.controlText.mark(partialAnswer));
  }
}

/** @throws EngineError `model-unsupported`, `model-invalid` */
function newLibrary(tokenizer: TokenizerDescription['tokenizer']): Library {
  try {
    return new Library(tokenizer, {});
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const unknownPart = why.startsWith('Unknown ');
    throw new EngineError(
      unknownPart ? 'model-unsupported' : 'model-invalid',
      `The model's tokenizer cannot be used: ${why}`,
      { cause: error, hint: 'Choose another model, or download this one again.' },
    );
  }
}

/** Of everything that steers the model: control tokens, and the ends and BOS where a file does not call them so. */
function controlTexts({ added, control, endIds, bosToken }: TokenizerDescription): Set<string> {
  const texts = new Set<string>();
  for (const [id, text] of added) if (control.has(id) || endIds.has(id) || text === bosToken) texts.add(text);
  return texts;
}
