// The decoder contract: tokens in, tokens out. `generate/` drives it and never knows which maker it drives
// (`onnx/` today, `wasm/` and `webgpu/` later). Choosing the next token happens inside the contract, so that a GPU
// decoder returns a few bytes a token instead of a vocabulary of logits.
// A decoder knows nothing of text, chat, queues or ports.

/** Where a decoder computes. */
export type DecoderDevice = 'webgpu' | 'wasm';

export interface DecoderInfo {
  readonly kind: 'onnx' | 'webgpu' | 'wasm';
  readonly device: DecoderDevice;
  /** The adapter or the instruction set, for people: "swiftshader (google)", "WebAssembly SIMD, 1 thread". */
  readonly deviceName: string;
  /** Tokens a sequence can hold, prompt and answer together. */
  readonly contextLength: number;
  readonly vocabularySize: number;
  /** Bytes of weights held by this decoder (on the GPU or in WASM memory). */
  readonly weightBytes: number;
  /** Tokens of a prompt that are best appended at once; 128 when absent. An abort is looked at within them, too. */
  readonly prefillChunk?: number;
  /**
   * Sequences that this decoder computes together for little more than one: so many answers are worth running at once.
   * 1 when absent. More of them are no error, only slow.
   */
  readonly concurrency?: number;
}

/**
 * How to choose a token from logits. Greedy when `temperature` is 0 (ties go to the lowest id).
 * Order of operations: bias, penalties, mask, then temperature -> top-k -> top-p -> min-p -> draw.
 */
export interface ChooseOptions {
  /** >= 0; 0 is greedy. */
  readonly temperature: number;
  /** Keep the k likeliest; 0 keeps all. */
  readonly topK: number;
  /** Nucleus: keep the smallest set whose probability reaches p (Holtzman et al. 2020); 1 keeps all. */
  readonly topP: number;
  /** Keep tokens whose probability is at least p times the likeliest one's; 0 keeps all. */
  readonly minP: number;
  /** OpenAI's presence penalty: subtracted once from every token that occurs in the answer so far. */
  readonly presencePenalty: number;
  /** OpenAI's frequency penalty: subtracted once for each occurrence in the answer so far. */
  readonly frequencyPenalty: number;
  /** Keskar et al. 2019 (CTRL): divides positive, multiplies negative logits of tokens seen in `penalised`; 1 is off. */
  readonly repetitionPenalty: number;
  /** Ids the penalties look at: the answer so far (and, for the repetition penalty, what of the prompt the caller wants). */
  readonly penalised: readonly number[];
  /** Added to the logits of single ids. */
  readonly logitBias: ReadonlyMap<number, number>;
  /** Constrained output: bit id % 32 of word id / 32 is set where token id may be chosen; all may when absent. */
  readonly allowed?: Uint32Array;
  /** Seed of the draw. The generator is counter-based: the same (seed, position) gives the same draw on every decoder. */
  readonly seed: number;
  /** How many alternatives to report with log-probabilities beside the chosen one; -1 reports none at all. */
  readonly logprobs: number;
}

export interface TokenLogprob {
  readonly id: number;
  /** Natural logarithm of the probability before temperature and truncation. */
  readonly logprob: number;
}

/** One chosen token. */
export interface Choice {
  readonly id: number;
  /** Present when asked for: the chosen token's, then the likeliest `ChooseOptions.logprobs` ones'. */
  readonly logprob?: TokenLogprob;
  readonly alternatives?: readonly TokenLogprob[];
}

/** Which appended positions get a choice: none (prefill of a chunk), the last one, or each one (verification). */
export type ChooseAt = 'none' | 'last' | 'every';

export interface AppendRequest {
  /** Token ids to append, at least one; each in [0, vocabularySize). */
  readonly tokens: readonly number[];
  readonly at: ChooseAt;
  /** Needed unless `at` is 'none'. */
  readonly choose?: ChooseOptions;
  readonly signal?: AbortSignal;
}

/** Decoding with each choice fed back: what a decode loop would ask for, said at once, so that a GPU can run ahead. */
export interface DecodeRequest {
  /** Appended first; at least one. */
  readonly tokens: readonly number[];
  /**
   * For every choice. `penalised` is what penalties look at before the first one; the decoder adds each choice to it (in
   * a copy). `allowed` holds for all of them: a mask that changes from token to token needs `append`.
   */
  readonly choose: ChooseOptions;
  /** Choices at most; at least one. The context's end ends the decoding as well. */
  readonly limit: number;
  /** Choices that end the answer: handed out, and nothing is computed beyond them. */
  readonly endIds: ReadonlySet<number>;
  readonly signal?: AbortSignal;
}

/** What a sequence or a decoder holds now, in bytes and tokens. */
export interface Holding {
  readonly tokens: number;
  readonly kvBytes: number;
}

/** One text in the making: a row of tokens and its keys and values. Calls on one sequence never overlap. */
export interface Sequence {
  /** Tokens held. */
  readonly length: number;
  readonly holding: Holding;
  /**
   * Appends tokens and chooses. Returns 0, 1 or tokens.length choices, as `at` says. Appending does not append the
   * choice: the caller hands it in with the next call.
   * @throws EngineError `prompt-too-long` when the context would overflow (nothing is appended), `aborted` (the
   * sequence holds what it held before), `device-lost`, `out-of-memory`, `invalid-request`.
   */
  append(request: AppendRequest): Promise<readonly Choice[]>;
  /**
   * Appends `tokens`, chooses, appends the choice, and so on. A decoder may run a few steps ahead of what was handed
   * out; whenever the generator ends (limit, an end id, `return()`, an error) the sequence holds `tokens` and every choice
   * handed out except the last: just what the same calls of `append` would have left. One that is not read on holds
   * the sequence busy until `return()`.
   * Its choices are those of `append`, to the bit.
   * @throws EngineError as `append`; before the first choice the sequence is as it was
   */
  decode(request: DecodeRequest): AsyncGenerator<Choice, void, undefined>;
  /** Forgets everything after the first `length` tokens. */
  truncate(length: number): void;
  /** Gives its memory back; further calls throw `invalid-request`. Safe to call twice. */
  release(): void;
}

export interface Decoder {
  readonly info: DecoderInfo;
  /** What all open sequences hold. */
  readonly holding: Holding;
  openSequence(): Sequence;
  /**
   * For tests, evaluation and cross-checks only: the logits of every position of `tokens`, computed in a fresh sequence.
   * @returns float32 [tokens.length, vocabularySize], row-major
   */
  logits(tokens: readonly number[], signal?: AbortSignal): Promise<Float32Array>;
  /** Frees weights, sequences and sessions. Safe to call twice. */
  dispose(): Promise<void>;
}
