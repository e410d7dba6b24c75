// GGUF files with the shapes of well-known models and random weights, for benches: values do not change speed. Q4_0 as
// llama.cpp's quantiser would write it for small models: every matrix, the embedding too; norms are F32. The tokenizer is
// the embedded model's, its vocabulary filled up, so that engines which only take text can be given prompts.
// Called by decode.bench.mjs. Deterministic; about a second for each 100 MB.

import { join } from 'node:path';
import { readFileSync, readdirSync } from 'node:fs';
import { writeGguf, type GgufWriterTensor, type GgufWriterValue } from '../../test/support/gguf-writer.js';
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
}

/** config.json of HuggingFaceTB/SmolLM2-135M, Qwen/Qwen2.5-0.5B and meta-llama/Llama-3.2-1B; all with a tied head. */
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
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof shapes;

/** @param kind of every matrix: Q4_0, or Q8_0 for a larger file */
export function randomGguf(name: ShapeName, context = 2048, kind: 'Q4_0' | 'Q8_0' = 'Q4_0'): Uint8Array<ArrayBuffer> {
  const shape: Shape = shapes[name];
  const { architecture, hidden, feedForward, heads, kvHeads, headSize, vocabulary } = shape;
  const random = xorshift(20_261_121);
  const fact = (key: string, value: number): [string, GgufWriterValue] => [
    `${architecture}.${key}`,
    { type: 'uint32', value },
  ];
  const real = (key: string, value: number): [string, GgufWriterValue] => [
    `${architecture}.${key}`,
    { type: 'float32', value },
  ];
  const tensors: GgufWriterTensor[] = [];
  const matrix = (tensor: string, rows: number, columns: number): unknown =>
    tensors.push({
      name: tensor,
      dimensions: [columns, rows],
      type: kind === 'Q4_0' ? 2 : 8,
      data: blocks((rows * columns) / 32, random, kind === 'Q4_0' ? 18 : 34),
    });
  const vector = (tensor: string, size: number, value: number): unknown =>
    tensors.push({
      name: tensor,
      dimensions: [size],
      type: 0,
      data: new Uint8Array(new Float32Array(size).fill(value).buffer),
    });
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
  return writeGguf({
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
}

/** A scale of about 0.02 as f16, then 16 bytes of nibbles or 32 of int8 (ggml's block_q4_0 and block_q8_0). */
function blocks(count: number, random: () => number, size: number): Uint8Array {
  const bytes = new Uint8Array(count * size);
  const words = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += size) {
    words.setUint16(at, 0x2400 + (random() & 0xff), true);
    for (let word = 2; word < size; word += 4) words.setUint32(at + word, random(), true);
  }
  return bytes;
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
