// The rules that cut text into words before byte-level BPE, by the names GGUF gives them (`tokenizer.ggml.pre`), in
// tokenizer.json's form. Called by `gguf-tokenizer.ts`; `gpt2Words` also by `tokenizer-json.ts`.
// Source: the tokenizer.json files of GPT-2, Llama 3, Qwen2 and SmolLM2, tiktoken's o200k_base, and llama.cpp's `llm_tokenizer_bpe`, which
// names them. Only names whose rule is checked against real vectors are here: guessing one would shift every token
// a little and nobody would see why the model rambles. Knows nothing of vocabularies.

export interface PreTokenizerRule {
  /** Regular expressions in Oniguruma's syntax, applied in turn, each cutting out its matches. */
  readonly patterns: readonly string[];
  /** A whole word that is a token is taken before any merge is tried (Llama 3's tiktoken does so). */
  readonly ignoreMerges: boolean;
  /** Unicode normalisation before anything else. */
  readonly nfc: boolean;
  /** Whether BOS is put before a text when the file does not say. */
  readonly addBos: boolean;
}

/** GPT-2's words. */
export const gpt2Words = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

const tiktokenWords = (digits: string): string =>
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|` +
  digits +
  String.raw`| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

const rule = (patterns: readonly string[], extra: Partial<PreTokenizerRule> = {}): PreTokenizerRule => ({
  patterns,
  ignoreMerges: false,
  nfc: false,
  addBos: false,
  ...extra,
});

const gpt2 = rule([gpt2Words]);
const singleDigits = rule([String.raw`\p{N}`, gpt2Words]);
const llama3 = rule([tiktokenWords(String.raw`\p{N}{1,3}`)], { ignoreMerges: true, addBos: true });
const qwen2 = rule([tiktokenWords(String.raw`\p{N}`)], { nfc: true });
/** o200k_base's: words begin with capitals or go on without, and take their ending with them. Phi-4-mini has these. */
const contraction = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)?`;
const capitals = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const smalls = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const before = String.raw`[^\r\n\p{L}\p{N}]?`;
const o200k = rule([
  `${before}${capitals}*${smalls}+${contraction}|${before}${capitals}+${smalls}*${contraction}|` +
    String.raw`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
]);
/** What llama.cpp does with files from before the names existed. */
const unnamed = rule([String.raw`[\p{P}\$\+<=>\^~\|]+`, gpt2Words, String.raw`\p{N}+`, '[0-9][0-9][0-9]']);

export const preTokenizerRules: ReadonlyMap<string, PreTokenizerRule> = new Map([
  ['default', unnamed],
  ['gpt-2', gpt2],
  ['mpt', gpt2],
  ['olmo', gpt2],
  ['phi-2', gpt2],
  ['jais', gpt2],
  ['smollm', singleDigits],
  ['starcoder', singleDigits],
  ['refact', singleDigits],
  ['command-r', singleDigits],
  ['codeshell', singleDigits],
  ['llama-bpe', llama3],
  ['llama3', llama3],
  ['llama-v3', llama3],
  ['falcon3', llama3],
  ['qwen2', qwen2],
  ['deepseek-r1-qwen', qwen2],
  ['stablelm2', qwen2],
  ['gpt-4o', o200k],
]);

/** The rule as tokenizer.json's `pre_tokenizer`. */
export function asPreTokenizer(patterns: readonly string[]): Record<string, unknown> {
  return {
    type: 'Sequence',
    pretokenizers: [
      ...patterns.map((pattern) => ({
        type: 'Split',
        pattern: { Regex: pattern },
        behavior: 'Isolated',
        invert: false,
      })),
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ],
  };
}
