// GGUF files with the shapes of well-known models and random weights, for benches: values do not change speed. Q4_0 as
// llama.cpp's quantiser would write it for small models: every matrix, the embedding too; norms are F32. The tokenizer is
// the embedded model's, its vocabulary filled up, so that engines which only take text can be given prompts.
// Called by benches and end-to-end tests. Deterministic; a second for some 500 MB. No tensor is held while it is written, so
// `writeRandomGguf` makes files of any size.

import { join } from 'node:path';
import { closeSync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { layOutGguf, type GgufLayout, type GgufWriterValue } from '../../test/support/gguf-writer.js';
import { tokenizerMetadata, type TokenizerConfig, type TokenizerJson } from './pack-to-gguf.js';

export interface Shape {
  readonly architecture: 'llama' | 'qwen2';
  readonly layers: number;
  readonly hidden: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  readonly ropeTheta: number;
  /** An output head of its own, beside the embedding. */
  readonly ownHead?: true;
}

/** config.json of HuggingFaceTB/SmolLM2-135M, Qwen/Qwen2.5-0.5B, meta-llama/Llama-3.2-1B and meta-llama/Llama-3.1-8B. */
export const shapes = {
  'smollm2-135m': {
    architecture: 'llama',
    layers: 30,
    hidden: 576,
    feedForward: 1536,
    heads: 9,
    kvHeads: 3,
    headSize: 64,
    vocabulary: 49_152,
    ropeTheta: 100_000,
  },
  'qwen2.5-0.5b': {
    architecture: 'qwen2',
    layers: 24,
    hidden: 896,
    feedForward: 4864,
    heads: 14,
    kvHeads: 2,
    headSize: 64,
    vocabulary: 151_936,
    ropeTheta: 1_000_000,
  },
  'llama-3.2-1b': {
    architecture: 'llama',
    layers: 16,
    hidden: 2048,
    feedForward: 8192,
    heads: 32,
    kvHeads: 8,
    headSize: 64,
    vocabulary: 128_256,
    ropeTheta: 500_000,
  },
  /** Q4_0: 4.5 GB, more than WebAssembly addresses with 32 bits. */
  'llama-3.1-8b': {
    architecture: 'llama',
    layers: 32,
    hidden: 4096,
    feedForward: 14_336,
    heads: 32,
    kvHeads: 8,
    headSize: 128,
    vocabulary: 128_256,
    ropeTheta: 500_000,
    ownHead: true,
  },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof shapes;

type Kind = 'Q4_0' | 'Q8_0';

/** @param kind of every matrix: Q4_0, or Q8_0 for a larger file */
export function randomGguf(name: ShapeName, context = 2048, kind: Kind = 'Q4_0'): Uint8Array<ArrayBuffer> {
  const plan = planGguf(name, context, kind);
  const whole = new Uint8Array(plan.layout.byteLength);
  for (const [at, bytes] of pieces(plan)) whole.set(bytes, at);
  return whole;
}

/** The same, into a file and piece by piece. */
export function writeRandomGguf(file: string, name: ShapeName, context = 2048, kind: Kind = 'Q4_0'): void {
  const plan = planGguf(name, context, kind);
  const out = openSync(file, 'w');
  try {
    for (const [at, bytes] of pieces(plan)) writeSync(out, bytes, 0, bytes.length, at);
  } finally {
    closeSync(out);
  }
}

interface Tensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: number;
  readonly byteLength: number;
  /** Bytes of a block of random weights, or what every number of a vector is. */
  readonly content: { readonly block: number } | { readonly value: number };
}

interface Plan {
  readonly layout: GgufLayout;
  readonly tensors: readonly Tensor[];
}

function planGguf(name: ShapeName, context: number, kind: Kind): Plan {
  const shape: Shape = shapes[name];
  const { architecture, hidden, feedForward, heads, kvHeads, headSize, vocabulary } = shape;
  const fact = (key: string, value: number): [string, GgufWriterValue] => [
    `${architecture}.${key}`,
    { type: 'uint32', value },
  ];
  const real = (key: string, value: number): [string, GgufWriterValue] => [
    `${architecture}.${key}`,
    { type: 'float32', value },
  ];
  const tensors: Tensor[] = [];
  const block = kind === 'Q4_0' ? 18 : 34;
  const matrix = (tensor: string, rows: number, columns: number): unknown =>
    tensors.push({
      name: tensor,
      dimensions: [columns, rows],
      type: kind === 'Q4_0' ? 2 : 8,
      byteLength: ((rows * columns) / 32) * block,
      content: { block },
    });
  const vector = (tensor: string, size: number, value: number): unknown =>
    tensors.push({ name: tensor, dimensions: [size], type: 0, byteLength: size * 4, content: { value } });
  matrix('token_embd.weight', vocabulary, hidden);
  for (let layer = 0; layer < shape.layers; layer++) {
    const of = (tensor: string): string => `blk.${layer}.${tensor}`;
    vector(of('attn_norm.weight'), hidden, 1);
    matrix(of('attn_q.weight'), heads * headSize, hidden);
    matrix(of('attn_k.weight'), kvHeads * headSize, hidden);
    matrix(of('attn_v.weight'), kvHeads * headSize, hidden);
    if (architecture === 'qwen2') {
      vector(of('attn_q.bias'), heads * headSize, 0.01);
      vector(of('attn_k.bias'), kvHeads * headSize, 0.01);
      vector(of('attn_v.bias'), kvHeads * headSize, 0.01);
    }
    matrix(of('attn_output.weight'), hidden, heads * headSize);
    vector(of('ffn_norm.weight'), hidden, 1);
    matrix(of('ffn_gate.weight'), feedForward, hidden);
    matrix(of('ffn_up.weight'), feedForward, hidden);
    matrix(of('ffn_down.weight'), hidden, feedForward);
  }
  vector('output_norm.weight', hidden, 1);
  if (shape.ownHead === true) matrix('output.weight', vocabulary, hidden);
  const layout = layOutGguf({
    metadata: [
      ['general.architecture', { type: 'string', value: architecture }],
      ['general.name', { type: 'string', value: `${name}, random weights` }],
      ['general.license', { type: 'string', value: 'Apache-2.0' }],
      ['general.file_type', { type: 'uint32', value: kind === 'Q4_0' ? 2 : 7 }],
      fact('context_length', context),
      fact('embedding_length', hidden),
      fact('block_count', shape.layers),
      fact('feed_forward_length', feedForward),
      fact('attention.head_count', heads),
      fact('attention.head_count_kv', kvHeads),
      fact('rope.dimension_count', headSize),
      real('attention.layer_norm_rms_epsilon', 1e-5),
      real('rope.freq_base', shape.ropeTheta),
      ...embeddedTokenizer(vocabulary),
    ],
    tensors,
  });
  return { layout, tensors };
}

/** A multiple of every block's length and of four. */
const pieceBytes = 18 * 34 * 16_384;

/** What lies where; a piece's array is used again for the next one. */
function* pieces({ layout, tensors }: Plan): Generator<readonly [at: number, bytes: Uint8Array]> {
  yield [0, layout.header];
  const random = xorshift(20_261_121);
  const piece = new Uint32Array(pieceBytes / 4);
  const bytes = new Uint8Array(piece.buffer);
  for (const [i, { byteLength, content }] of tensors.entries()) {
    const start = layout.places[i] as number;
    if ('value' in content) {
      yield [start, new Uint8Array(new Float32Array(byteLength / 4).fill(content.value).buffer)];
      continue;
    }
    for (let done = 0; done < byteLength; done += pieceBytes) {
      const length = Math.min(pieceBytes, byteLength - done);
      fillBlocks(piece, Math.ceil(length / 4), random, content.block);
      yield [start + done, bytes.subarray(0, length)];
    }
  }
}

/** Blocks of a scale of about 0.02 as f16, then 16 bytes of nibbles or 32 of int8 (ggml's block_q4_0 and block_q8_0). */
function fillBlocks(words: Uint32Array, count: number, random: () => number, block: number): void {
  for (let i = 0; i < count; i++) words[i] = random();
  const halves = new Uint16Array(words.buffer);
  for (let at = 0; at < count * 2; at += block / 2) halves[at] = 0x2400 + ((halves[at] as number) & 0xff);
}

/** Marsaglia 2003, 32 bits. */
function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function embeddedTokenizer(vocabulary: number): [string, GgufWriterValue][] {
  const folder = join(import.meta.dirname, '../../models/default/pack');
  const json = (has: string): unknown => {
    for (const file of readdirSync(folder).filter((one) => one.endsWith('.json') && one !== 'manifest.json')) {
      const value: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      if (typeof value === 'object' && value !== null && has in value) return value;
    }
    throw new Error(`${folder} has no file with "${has}"`);
  };
  return tokenizerMetadata(json('model') as TokenizerJson, json('chat_template') as TokenizerConfig, vocabulary);
}
