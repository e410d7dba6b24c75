// Makes a `Tokenizer` of a model's files. Called by whoever opens a model (backends/local). Encoding is
// @huggingface/tokenizers' work; decoding, streaming and logprobs share our `TokenTable`; templates are
// `ChatTemplate`'s. Knows nothing of decoders or requests.
// Files it cannot read are `model-invalid` or `model-unsupported` (see tokenizer-json.ts, gguf-tokenizer.ts).

import { Tokenizer as Library } from '@huggingface/tokenizers';
import { EngineError } from '../protocol/errors.js';
import type { TokenizerFiles } from '../weights/model.js';
import { ChatTemplate } from './chat-template.js';
import { tokenizerJsonFromGguf } from './gguf-tokenizer.js';
import { TokenTable } from './token-table.js';
import { readTokenizerJson, type TokenizerDescription } from './tokenizer-json.js';
import type { Detokenizer, RenderOptions, TemplateMessage, Tokenizer } from './tokenizer.js';

export interface CreateTokenizerOptions {
  /** The clock that chat templates read; the real one when absent. */
  readonly now?: () => Date;
}

/** @throws EngineError `model-invalid` (damaged), `model-unsupported` (a kind we cannot read) */
export function createTokenizer(files: TokenizerFiles, options: CreateTokenizerOptions = {}): Tokenizer {
  const description = readTokenizerJson(files.kind === 'gguf' ? tokenizerJsonFromGguf(files.metadata) : files);
  return new ModelTokenizer(description, options);
}

class ModelTokenizer implements Tokenizer {
  readonly vocabularySize: number;
  readonly endIds: ReadonlySet<number>;
  readonly hasChatTemplate: boolean;
  private readonly library: Library;
  private readonly table: TokenTable;
  private readonly template: ChatTemplate;
  private readonly bosId: number | null;

  constructor(description: TokenizerDescription, options: CreateTokenizerOptions) {
    this.vocabularySize = description.vocabularySize;
    this.endIds = description.endIds;
    this.hasChatTemplate = description.templates.size > 0;
    this.bosId = description.bosId;
    this.table = new TokenTable(description);
    this.template = new ChatTemplate({ ...description, ...options });
    try {
      this.library = new Library(description.tokenizer, {});
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

  encode(text: string, options: { readonly addSpecial?: boolean } = {}): number[] {
    const addSpecial = options.addSpecial ?? true;
    const encoded = this.library.encode(text, { add_special_tokens: addSpecial }).ids as (number | undefined)[];
    // A character that the vocabulary cannot write and that has no unknown token is dropped, as in the crate.
    const ids = encoded.filter((id): id is number => id !== undefined);
    if (addSpecial && this.bosId !== null && ids[0] !== this.bosId) ids.unshift(this.bosId);
    return ids;
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

  createDetokenizer(options: { readonly continues?: boolean } = {}): Detokenizer {
    return this.table.createDetokenizer(options.continues ?? false, false);
  }

  renderChat(messages: readonly TemplateMessage[], options: RenderOptions): string {
    if (this.hasChatTemplate) return this.template.render(messages, options);
    return messages.map((message) => message.content ?? '').join('\n');
  }
}
