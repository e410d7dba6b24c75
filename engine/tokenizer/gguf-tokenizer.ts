// Turns a GGUF file's `tokenizer.*` metadata into transformers' tokenizer.json and tokenizer_config.json, so that one
// path (`tokenizer-json.ts`) serves both. Called by `create-tokenizer.ts`.
// Source: ggml's docs/gguf.md ("Tokenizer" keys) and llama.cpp's `llama_vocab::impl::load` for defaults; the merges of
// a SentencePiece model are derived from its scores as transformers' `SentencePieceExtractor` does: every way to cut
// a piece into two pieces is a merge, ranked by the piece's score.
// Knows nothing of files or text. Missing or ill-typed keys are `model-invalid`; a tokenizer of another family, or one
// whose word rule is unknown, is `model-unsupported` by name.

import { EngineError } from '../protocol/errors.js';
import { asPreTokenizer, preTokenizerRules } from './pre-tokenizers.js';
import type { TokenizerJsonParts } from './tokenizer-json.js';

/** `tokenizer.ggml.token_type`. */
const tokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

type Metadata = ReadonlyMap<string, unknown>;

export function tokenizerJsonFromGguf(metadata: Metadata): TokenizerJsonParts {
  const model = metadata.get('tokenizer.ggml.model');
  if (typeof model !== 'string') {
    throw invalid('tokenizer.ggml.model is missing');
  }
  if (model !== 'gpt2' && model !== 'llama') {
    throw new EngineError('model-unsupported', `This model's tokenizer is of the kind "${model}".`, {
      hint: 'Byte-level BPE ("gpt2") and SentencePiece BPE ("llama") can be read. Choose another model.',
    });
  }
  const tokens = strings(metadata, 'tokenizer.ggml.tokens');
  const types = optionalNumbers(metadata, 'tokenizer.ggml.token_type', tokens.length);
  const unknownId = optionalId(metadata, 'tokenizer.ggml.unknown_token_id', tokens.length);
  const vocabulary: Record<string, number> = Object.create(null) as Record<string, number>;
  const added: { id: number; content: string; special: boolean }[] = [];
  tokens.forEach((content, id) => {
    const type = types?.[id] ?? tokenType.normal;
    if (type === tokenType.control || (type === tokenType.unknown && id === (unknownId ?? 0))) {
      added.push({ id, content, special: true });
    } else if (type === tokenType.userDefined) {
      added.push({ id, content, special: false });
    } else if (type === tokenType.unused || type === tokenType.unknown) {
      return; // padding of the table; never written, never read
    }
    // A text that stands twice is encoded by its first id, as llama.cpp does.
    vocabulary[content] ??= id;
  });
  const rest = {
    vocabularySize: tokens.length,
    config: configFromGguf(metadata, tokens),
  };
  return model === 'gpt2'
    ? { ...rest, ...byteLevel(metadata, vocabulary, added) }
    : { ...rest, ...sentencePiece(metadata, tokens, types, vocabulary, added, unknownId) };
}

type Partial = Pick<TokenizerJsonParts, 'tokenizer' | 'addBos'>;
type Added = readonly { readonly id: number; readonly content: string; readonly special: boolean }[];

function byteLevel(metadata: Metadata, vocabulary: Record<string, number>, added: Added): Partial {
  const name = metadata.get('tokenizer.ggml.pre') ?? 'default';
  const rule = typeof name === 'string' ? preTokenizerRules.get(name) : undefined;
  if (rule === undefined) {
    throw new EngineError('model-unsupported', `This model cuts words by the rule "${String(name)}", unknown here.`, {
      hint: `Known rules: ${[...preTokenizerRules.keys()].join(', ')}. Choose another model.`,
    });
  }
  return {
    addBos: flag(metadata, 'tokenizer.ggml.add_bos_token', rule.addBos),
    tokenizer: {
      added_tokens: added,
      normalizer: rule.nfc ? { type: 'NFC' } : null,
      pre_tokenizer: asPreTokenizer(rule.patterns),
      post_processor: null,
      decoder: { type: 'ByteLevel' },
      model: {
        type: 'BPE',
        vocab: vocabulary,
        merges: strings(metadata, 'tokenizer.ggml.merges'),
        ignore_merges: rule.ignoreMerges,
      },
    },
  };
}

function sentencePiece(
  metadata: Metadata,
  tokens: readonly string[],
  types: ArrayLike<number> | null,
  vocabulary: Record<string, number>,
  added: Added,
  unknownId: number | null,
): Partial {
  const scores = optionalNumbers(metadata, 'tokenizer.ggml.scores', tokens.length);
  if (scores === null) throw invalid('tokenizer.ggml.scores is missing');
  const spacePrefix = flag(metadata, 'tokenizer.ggml.add_space_prefix', true);
  const spaces = { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' };
  const prefix = { type: 'Prepend', prepend: '\u2581' };
  const mergeable = (id: number): boolean => (types?.[id] ?? tokenType.normal) === tokenType.normal;
  return {
    addBos: flag(metadata, 'tokenizer.ggml.add_bos_token', true),
    tokenizer: {
      added_tokens: added,
      normalizer: { type: 'Sequence', normalizers: spacePrefix ? [prefix, spaces] : [spaces] },
      pre_tokenizer: null,
      post_processor: null,
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          ...(spacePrefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
        ],
      },
      model: {
        type: 'BPE',
        vocab: vocabulary,
        merges: mergesFromScores(tokens, scores, vocabulary, mergeable),
        unk_token: unknownId === null ? null : (tokens[unknownId] ?? null),
        byte_fallback: true,
        fuse_unk: true,
      },
    },
  };
}

/**
 * Squared lengths of all pieces together, which is what cutting each in every way costs: a second or two. The largest
 * published vocabularies have a tenth of it; one piece of a megabyte would keep the engine busy for an hour.
 */
const cuttingLimit = 200_000_000;

/**
 * Every cut of every piece into two pieces, the best score first; among equals the lower ids first.
 * @throws EngineError `model-invalid` for pieces far longer than any tokenizer has
 */
export function mergesFromScores(
  tokens: readonly string[],
  scores: ArrayLike<number>,
  vocabulary: Readonly<Record<string, number>>,
  mergeable: (id: number) => boolean,
): [string, string][] {
  if (tokens.reduce((work, piece) => work + piece.length ** 2, 0) > cuttingLimit) {
    throw invalid('tokenizer.ggml.tokens holds texts that are too long for tokens');
  }
  const found: { left: string; right: string; score: number; leftId: number; rightId: number }[] = [];
  tokens.forEach((piece, id) => {
    if (!mergeable(id)) return;
    for (let cut = 1; cut < piece.length; cut++) {
      const left = piece.slice(0, cut);
      const leftId = vocabulary[left];
      if (leftId === undefined || !mergeable(leftId)) continue;
      const right = piece.slice(cut);
      const rightId = vocabulary[right];
      if (rightId === undefined || !mergeable(rightId)) continue;
      found.push({ left, right, score: scores[id] ?? 0, leftId, rightId });
    }
  });
  found.sort((a, b) => b.score - a.score || a.leftId - b.leftId || a.rightId - b.rightId);
  return found.map(({ left, right }) => [left, right]);
}

/** What tokenizer_config.json would say. */
function configFromGguf(metadata: Metadata, tokens: readonly string[]): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  const idOf = (name: string): number | null => optionalId(metadata, `tokenizer.ggml.${name}_token_id`, tokens.length);
  const bos = idOf('bos');
  const eos = idOf('eos');
  if (bos !== null) config['bos_token'] = tokens[bos];
  if (eos !== null) config['eos_token'] = tokens[eos];
  config['eos_token_id'] = [eos, idOf('eot'), idOf('eom')].filter((id) => id !== null);
  const templates: { name: string; template: string }[] = [];
  for (const [key, value] of metadata) {
    const match = /^tokenizer\.chat_template(?:\.(.+))?$/.exec(key);
    if (match === null) continue;
    if (typeof value !== 'string') throw invalid(`${key} is not text`);
    templates.push({ name: match[1] ?? 'default', template: value });
  }
  if (templates.length > 0) config['chat_template'] = templates;
  return config;
}

function strings(metadata: Metadata, key: string): string[] {
  const value = metadata.get(key);
  if (!Array.isArray(value) || value.length === 0) throw invalid(`${key} is missing or empty`);
  if (!value.every((item): item is string => typeof item === 'string')) throw invalid(`${key} holds more than texts`);
  return value;
}

function optionalNumbers(metadata: Metadata, key: string, length: number): ArrayLike<number> | null {
  const value = metadata.get(key);
  if (value === undefined) return null;
  const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  const list = (isList ? value : []) as ArrayLike<unknown>;
  if (list.length !== length) throw invalid(`${key} has ${list.length} entries for ${length} tokens`);
  for (let i = 0; i < length; i++) if (typeof list[i] !== 'number') throw invalid(`${key}[${i}] is no number`);
  return list as ArrayLike<number>;
}

function optionalId(metadata: Metadata, key: string, size: number): number | null {
  const value = metadata.get(key);
  if (value === undefined) return null;
  const id = typeof value === 'bigint' ? Number(value) : value;
  // 2^32 - 1 is how some writers say "none".
  if (id === 0xffffffff || id === -1) return null;
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= size) {
    throw invalid(`${key} is ${String(value)}, and there are ${size} tokens`);
  }
  return id;
}

function flag(metadata: Metadata, key: string, otherwise: boolean): boolean {
  const value = metadata.get(key);
  if (value === undefined) return otherwise;
  if (typeof value !== 'boolean') throw invalid(`${key} is neither true nor false`);
  return value;
}

function invalid(what: string): EngineError {
  return new EngineError('model-invalid', `The model's tokenizer is damaged: ${what}.`, {
    hint: 'Download the file again; if it stays so, tell its publisher.',
  });
}
