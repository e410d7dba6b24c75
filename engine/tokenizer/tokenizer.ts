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
  /** Text that the answer begins with already, put behind the header. */
  readonly partialAnswer?: string;
}

/**
 * A prompt that knows what in it was said and what the template wrote. `text` is to be encoded in pieces, parted at
 * `cuts` (UTF-16 offsets, ascending): each lies inside a control token's text that came from a message, so it stays
 * text. Without such text there are no cuts, and the ids are those of `text`.
 */
export interface PromptText {
  readonly text: string;
  readonly cuts: readonly number[];
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
  /** Makes now what the first `encode` would have to make: worth calling while something else is waited for. */
  prepare(): void;
  /**
   * Control tokens written in a string are recognised, as its caller wrote them; in a `PromptText`, only those that the
   * template wrote. For any other text that somebody else wrote, say `plain`.
   * @param addSpecial add what the model expects around a text (BOS, usually). Off for rendered chat templates, which
   * bring their own.
   * @param plain no control token is read from the text. Added tokens that are no control tokens (`<tool_call>`, where
   * the model has it so) are: they are text with an id of its own.
   */
  encode(text: string | PromptText, options?: { readonly addSpecial?: boolean; readonly plain?: boolean }): number[];
  /** Whole text of ids; control tokens are left out unless `keepSpecial`. */
  decode(ids: readonly number[], options?: { readonly keepSpecial?: boolean }): string;
  /** The text of one token as bytes, for logprobs. */
  tokenBytes(id: number): Uint8Array;
  /** The id steers the model (BOS, ends, roles) and is never part of a text. */
  isControl(id: number): boolean;
  /**
   * @param continues the ids go on after other text (a base model's prompt, a partial answer), so the space that
   * SentencePiece writes before its first word is a real one and stays
   */
  createDetokenizer(options?: { readonly continues?: boolean }): Detokenizer;
  /**
   * The prompt for a conversation by the model's own template; without one, the messages' text in order, unadorned
   * (a base model continues it). No text of the request - contents, tool calls, tools, the partial answer - becomes a
   * control token when this is encoded: pages and tool results are strangers. U+FDD0, a noncharacter, is taken out.
   * @throws EngineError `invalid-request` with the template's own words when it refuses (roles out of order, say)
   */
  renderChat(messages: readonly TemplateMessage[], options: RenderOptions): PromptText;
  /**
   * A prompt that is the caller's text as it stands: control tokens written in `text` count, those in the partial
   * answer, which a model said, do not.
   */
  renderText(text: string, partialAnswer: string): PromptText;
}
