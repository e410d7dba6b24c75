// The tokenizer contract: text <-> ids, and the model's own chat template. Made from `TokenizerFiles` by
// `createTokenizer` (create-tokenizer.ts). Knows nothing of decoders, requests or streams beyond one answer's bytes.

export interface TemplateMessage {
  readonly role: string;
  readonly content: string | null;
  readonly [extra: string]: unknown;
}

export interface RenderOptions {
  /** End with the header that makes the model answer. */
  readonly addGenerationPrompt: boolean;
  /** Tools in OpenAI's form; the template decides how they are shown. */
  readonly tools?: readonly unknown[];
}

/** Turns ids into text as they come; never emits part of a character. One for each answer. */
export interface Detokenizer {
  /** @returns the text that became certain with this id; '' while a character is incomplete */
  push(id: number): string;
  /** @returns what is left at the end; incomplete bytes become U+FFFD */
  flush(): string;
}

export interface Tokenizer {
  readonly vocabularySize: number;
  /** Ids that end an answer (eos, end of turn). Never empty unless the model names none. */
  readonly endIds: ReadonlySet<number>;
  readonly hasChatTemplate: boolean;
  /**
   * @param addSpecial add what the model expects around a text (BOS, usually). Off for rendered chat templates, which
   * bring their own; special tokens written in the text are recognised either way.
   */
  encode(text: string, options?: { readonly addSpecial?: boolean }): number[];
  /** Whole text of ids; control tokens are left out unless `keepSpecial`. */
  decode(ids: readonly number[], options?: { readonly keepSpecial?: boolean }): string;
  /** The text of one token as bytes, for logprobs. */
  tokenBytes(id: number): Uint8Array;
  /**
   * @param continues the ids go on after other text (a base model's prompt, a partial answer), so the space that
   * SentencePiece writes before its first word is a real one and stays
   */
  createDetokenizer(options?: { readonly continues?: boolean }): Detokenizer;
  /**
   * The prompt for a conversation by the model's own template; without one, the messages' text in order, unadorned
   * (a base model continues it).
   * @throws EngineError `invalid-request` with the template's own words when it refuses (roles out of order, say)
   */
  renderChat(messages: readonly TemplateMessage[], options: RenderOptions): string;
}
