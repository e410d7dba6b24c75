// The real tokenizers of ../shared/data as `TokenizerFiles`, built from whatever form each was published in: a
// tokenizer.json, a vocabulary with merges, a SentencePiece model, a GGUF header. For tests only; our own readers of
// packs and GGUF are tested elsewhere, so the little GGUF reader here doubles as a second opinion on them.
// Sources: sentencepiece_model.proto (ModelProto.pieces = 1: piece = 1, score = 2, type = 3), ggml docs/gguf.md.

import { readFileSync } from 'node:fs';
import type { TokenizerFiles } from '../../engine/weights/model.js';
import { sharedPath } from './shared-node.js';

const json = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(sharedPath(`data/${path}`), 'utf8')) as Record<string, unknown>;

/** A folder with tokenizer.json, and tokenizer_config.json where there is one. */
export function tokenizerJsonFiles(folder: string, config?: Record<string, unknown>): TokenizerFiles {
  return {
    kind: 'tokenizer-json',
    tokenizer: json(`tokenizers/${folder}/tokenizer.json`),
    config: config ?? json(`tokenizers/${folder}/tokenizer_config.json`),
  };
}

export function gpt2Files(): TokenizerFiles {
  return tokenizerJsonFiles('gpt2', { eos_token: '<|endoftext|>', bos_token: '<|endoftext|>' });
}

export function smollm2Files(): TokenizerFiles {
  const chat_template = readFileSync(sharedPath('data/tokenizers/smollm2-135m-instruct/chat_template.jinja'), 'utf8');
  return tokenizerJsonFiles('smollm2-135m-instruct', {
    bos_token: '<|im_start|>',
    eos_token: '<|im_end|>',
    chat_template,
  });
}

/** Words as tiktoken cuts them; Llama 3 takes digits in threes, Qwen one by one. */
const words = (digits: string): string =>
  String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

function merges(path: string): string[] {
  const lines = readFileSync(sharedPath(`data/${path}`), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#version'));
}

function byteLevelFiles(options: {
  vocabulary: string;
  merges: string;
  config: string;
  digits: string;
  normalizer: unknown;
  ignoreMerges: boolean;
  bosId?: number;
}): TokenizerFiles {
  const config = json(options.config);
  const added = config['added_tokens_decoder'] as Record<string, Record<string, unknown>>;
  const bos = options.bosId === undefined ? undefined : String(added[options.bosId]?.['content']);
  return {
    kind: 'tokenizer-json',
    config,
    tokenizer: {
      added_tokens: Object.entries(added).map(([id, token]) => ({ ...token, id: Number(id) })),
      normalizer: options.normalizer,
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: words(options.digits) }, behavior: 'Isolated', invert: false },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
        ],
      },
      post_processor:
        bos === undefined
          ? { type: 'ByteLevel' }
          : {
              type: 'TemplateProcessing',
              single: [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
              pair: [],
              special_tokens: { [bos]: { id: bos, ids: [options.bosId], tokens: [bos] } },
            },
      decoder: { type: 'ByteLevel' },
      model: {
        type: 'BPE',
        vocab: json(options.vocabulary),
        merges: merges(options.merges),
        ignore_merges: options.ignoreMerges,
      },
    },
  };
}

/** Qwen2.5's, or Qwen3's by its own config over the same vocabulary. */
export function qwenFiles(config = 'qwen2.5-0.5b-instruct'): TokenizerFiles {
  return byteLevelFiles({
    vocabulary: 'tokenizers/qwen2.5-0.5b-instruct/vocab.json',
    merges: 'tokenizers/qwen2.5-0.5b-instruct/merges.txt',
    config: `tokenizers/${config}/tokenizer_config.json`,
    digits: String.raw`\p{N}`,
    normalizer: { type: 'NFC' },
    ignoreMerges: false,
  });
}

export function llama3Files(): TokenizerFiles {
  return byteLevelFiles({
    vocabulary: 'tokenizers/llama3/encoder.json',
    merges: 'tokenizers/llama3/vocab.bpe',
    config: 'tokenizers/llama3/tokenizer_config.json',
    digits: String.raw`\p{N}{1,3}`,
    normalizer: null,
    ignoreMerges: true,
    bosId: 128000,
  });
}

/**
 * The same tokenizer as the GGUF keys that llama.cpp's converter would write for it.
 * @param pre the word rule's GGUF name
 */
export function asGguf(files: TokenizerFiles, pre: string): TokenizerFiles {
  if (files.kind !== 'tokenizer-json') throw new Error('already GGUF');
  const { model, added_tokens } = files.tokenizer as {
    model: { vocab: Record<string, number>; merges: (string | string[])[] };
    added_tokens: { id: number; content: string; special: boolean }[];
  };
  const config = files.config as Record<string, unknown>;
  const tokens: string[] = [];
  const types: number[] = [];
  for (const [piece, id] of Object.entries(model.vocab)) [tokens[id], types[id]] = [piece, 1];
  for (const { id, content, special } of added_tokens) [tokens[id], types[id]] = [content, special ? 3 : 4];
  const padded = Math.ceil(tokens.length / 32) * 32;
  for (let id = 0; id < padded; id++) if (tokens[id] === undefined) [tokens[id], types[id]] = [`[PAD${id}]`, 5];
  const eos = config['eos_token'];
  const eosText = typeof eos === 'string' ? eos : (eos as { content: string }).content;
  const metadata = new Map<string, unknown>([
    ['tokenizer.ggml.model', 'gpt2'],
    ['tokenizer.ggml.pre', pre],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.token_type', types],
    ['tokenizer.ggml.merges', model.merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' ')))],
    ['tokenizer.ggml.eos_token_id', tokens.indexOf(eosText)],
  ]);
  if (typeof config['chat_template'] === 'string') metadata.set('tokenizer.chat_template', config['chat_template']);
  return { kind: 'gguf', metadata };
}

/** A SentencePiece model (protobuf) as the GGUF keys that llama.cpp's converter would write for it. */
export function sentencePieceFiles(path: string): TokenizerFiles {
  const bytes = readFileSync(sharedPath(`data/${path}`));
  const tokens: string[] = [];
  const scores: number[] = [];
  const types: number[] = [];
  for (const field of protobufFields(bytes)) {
    if (field.number !== 1 || !(field.value instanceof Uint8Array)) continue;
    let [piece, score, type] = ['', 0, 1];
    for (const inner of protobufFields(field.value)) {
      if (inner.number === 1 && inner.value instanceof Uint8Array) piece = Buffer.from(inner.value).toString('utf8');
      if (inner.number === 2 && inner.value instanceof Uint8Array) score = Buffer.from(inner.value).readFloatLE(0);
      if (inner.number === 3 && typeof inner.value === 'number') type = inner.value;
    }
    tokens.push(piece);
    scores.push(score);
    types.push(type);
  }
  return {
    kind: 'gguf',
    metadata: new Map<string, unknown>([
      ['tokenizer.ggml.model', 'llama'],
      ['tokenizer.ggml.tokens', tokens],
      ['tokenizer.ggml.scores', scores],
      ['tokenizer.ggml.token_type', types],
      ['tokenizer.ggml.unknown_token_id', 0],
      ['tokenizer.ggml.bos_token_id', 1],
      ['tokenizer.ggml.eos_token_id', 2],
      ['tokenizer.ggml.add_bos_token', true],
    ]),
  };
}

/** Fields of one protobuf message: varints as numbers, the rest as bytes. */
function* protobufFields(bytes: Uint8Array): Generator<{ number: number; value: number | Uint8Array }> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 0) {
      yield { number, value: varint() };
      continue;
    }
    const length = wire === 1 ? 8 : wire === 5 ? 4 : varint();
    yield { number, value: bytes.subarray(at, at + length) };
    at += length;
  }
}

/** The `tokenizer.*` keys of a GGUF file of ../shared/data. */
export function ggufFiles(path: string): TokenizerFiles {
  const bytes = readFileSync(sharedPath(`data/${path}`));
  let at = 8;
  const u32 = (): number => bytes.readUInt32LE((at += 4) - 4);
  const u64 = (): number => Number(bytes.readBigUInt64LE((at += 8) - 8));
  const text = (): string => {
    const length = u64();
    return bytes.toString('utf8', at, (at += length));
  };
  const value = (type: number): unknown => {
    switch (type) {
      case 0:
        return bytes.readUInt8(at++);
      case 4:
        return u32();
      case 5:
        return bytes.readInt32LE((at += 4) - 4);
      case 6:
        return bytes.readFloatLE((at += 4) - 4);
      case 7:
        return bytes.readUInt8(at++) !== 0;
      case 8:
        return text();
      case 9: {
        const inner = u32();
        return Array.from({ length: u64() }, () => value(inner));
      }
      case 10:
        return u64();
      default:
        throw new Error(`GGUF value type ${type}: not needed by the files here`);
    }
  };
  u64(); // tensors
  const pairs = u64();
  const metadata = new Map<string, unknown>();
  for (let i = 0; i < pairs; i++) {
    const key = text();
    const read = value(u32());
    if (key.startsWith('tokenizer.')) metadata.set(key, read);
  }
  return { kind: 'gguf', metadata };
}
