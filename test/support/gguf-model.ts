// Turns any Model into the bytes of a GGUF file, for tests: our layout back into ggml's, by gguf-writer.ts.
// Matrices keep their kind (q4 -> Q4_0, q8 -> Q8_0, ...); `llama` files get interleaved rotary rows and `phi3` files joined
// matrices, as llama.cpp's converter writes them. Written independently of engine/weights/gguf, element by element rather than by nibble tricks.

import type { Model, ModelSpec, TensorName, WeightTensor } from '../../engine/weights/model.js';
import { writeGguf, type GgufWriterFile, type GgufWriterTensor, type GgufWriterValue } from './gguf-writer.js';

const layerNames: Record<string, string> = {
  attentionNorm: 'attn_norm.weight',
  query: 'attn_q.weight',
  key: 'attn_k.weight',
  value: 'attn_v.weight',
  queryBias: 'attn_q.bias',
  keyBias: 'attn_k.bias',
  valueBias: 'attn_v.bias',
  queryNorm: 'attn_q_norm.weight',
  keyNorm: 'attn_k_norm.weight',
  attentionOutput: 'attn_output.weight',
  attentionPostNorm: 'post_attention_norm.weight',
  feedForwardNorm: 'ffn_norm.weight',
  gate: 'ffn_gate.weight',
  up: 'ffn_up.weight',
  down: 'ffn_down.weight',
  feedForwardPostNorm: 'post_ffw_norm.weight',
};
const otherNames: Record<string, string> = {
  embedding: 'token_embd.weight',
  finalNorm: 'output_norm.weight',
  head: 'output.weight',
};
const typeNumbers = { f32: 0, f16: 1, q4: 2, q8: 8 } as const;

const ggufName = (name: TensorName): string => {
  const match = /^layers\.(\d+)\.(\w+)$/.exec(name);
  return String(match === null ? otherNames[name] : `blk.${match[1]}.${layerNames[match[2] as string]}`);
};

/** The parts of the file, for tests that spoil one before they write it. */
export async function ggufParts(model: Model): Promise<GgufWriterFile> {
  const { spec } = model;
  const { architecture } = spec;
  const fact = (key: string, value: number): [string, GgufWriterValue] => [
    `${architecture}.${key}`,
    { type: 'uint32', value },
  ];
  const metadata: [string, GgufWriterValue][] = [
    ['general.architecture', { type: 'string', value: architecture }],
    ['general.name', { type: 'string', value: 'a model in a test' }],
    ['general.license', { type: 'string', value: 'mit' }],
    fact('context_length', spec.contextLength),
    fact('embedding_length', spec.hiddenSize),
    fact('block_count', spec.layers),
    fact('feed_forward_length', spec.feedForwardSize),
    fact('attention.head_count', spec.heads),
    fact('attention.head_count_kv', spec.kvHeads),
    [`${architecture}.attention.layer_norm_rms_epsilon`, { type: 'float32', value: spec.rmsNormEpsilon }],
    [`${architecture}.rope.freq_base`, { type: 'float32', value: spec.ropeTheta }],
    ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
    [
      'tokenizer.ggml.tokens',
      { type: 'strings', value: Array.from({ length: spec.vocabularySize }, (_, i) => `token${i}`) },
    ],
    ['tokenizer.ggml.scores', { type: 'float32s', value: Array.from({ length: spec.vocabularySize }, (_, i) => -i) }],
    ['tokenizer.ggml.eos_token_id', { type: 'uint32', value: 2 }],
  ];
  metadata.push(...familyFacts(spec, fact));
  const tensors: GgufWriterTensor[] = scalingTensors(spec);
  for (const name of model.tensors.keys()) {
    const joint = architecture === 'phi3' ? jointOf(name) : null;
    if (joint !== null) {
      if (joint.members[0] === name) tensors.push(await joined(model, joint));
      continue;
    }
    const tensor = await model.readTensor(name);
    const turns = architecture === 'llama' && (name.endsWith('.query') || name.endsWith('.key'));
    tensors.push({
      name: ggufName(name),
      dimensions: tensor.shape.toReversed(),
      type: typeNumbers[tensor.kind],
      data: ggmlBytes(tensor, turns ? spec.headSize : null),
    });
  }
  return { metadata, tensors };
}

/** Keys beyond those that every family has; nothing for the plain ones. */
function familyFacts(
  spec: ModelSpec,
  fact: (key: string, value: number) => [string, GgufWriterValue],
): [string, GgufWriterValue][] {
  const float = (key: string, value: number): [string, GgufWriterValue] => [
    `${spec.architecture}.${key}`,
    { type: 'float32', value },
  ];
  const type = (value: string): [string, GgufWriterValue] => [
    `${spec.architecture}.rope.scaling.type`,
    { type: 'string', value },
  ];
  const { ropeScaling: scaling } = spec;
  const facts: [string, GgufWriterValue][] = [];
  if (spec.headSize * spec.heads !== spec.hiddenSize) {
    facts.push(fact('attention.key_length', spec.headSize), fact('attention.value_length', spec.headSize));
  }
  if (spec.rotarySize !== undefined) facts.push(fact('rope.dimension_count', spec.rotarySize));
  if (spec.slidingWindow !== undefined) facts.push(fact('attention.sliding_window', spec.slidingWindow));
  if (spec.fullAttentionEvery !== undefined && spec.fullAttentionEvery !== 6) {
    facts.push(fact('attention.sliding_window_pattern', spec.fullAttentionEvery));
  }
  if (spec.attentionScale !== undefined) facts.push(float('attention.scale', spec.attentionScale));
  if (spec.logitSoftCap !== undefined) facts.push(float('final_logit_softcapping', spec.logitSoftCap));
  if (scaling.kind === 'linear' || scaling.kind === 'yarn') {
    facts.push(type(scaling.kind), float('rope.scaling.factor', scaling.factor));
  }
  if (scaling.kind === 'yarn' || scaling.kind === 'longrope') {
    facts.push(fact('rope.scaling.original_context_length', scaling.originalContextLength));
  }
  if (scaling.kind === 'longrope') facts.push(float('rope.scaling.attn_factor', scaling.attentionFactor));
  if (scaling.kind === 'yarn') {
    const usual = 0.1 * Math.log(scaling.factor) + 1; // the reader, like llama.cpp, multiplies by it
    facts.push(float('rope.scaling.attn_factor', scaling.attentionFactor / usual));
    facts.push(float('rope.scaling.yarn_beta_fast', scaling.betaFast));
    facts.push(float('rope.scaling.yarn_beta_slow', scaling.betaSlow));
  }
  return facts;
}

function scalingTensors({ ropeScaling: scaling }: ModelSpec): GgufWriterTensor[] {
  const list = (name: string, factors: readonly number[]): GgufWriterTensor => ({
    name,
    dimensions: [factors.length],
    type: typeNumbers.f32,
    data: new Uint8Array(Float32Array.from(factors).buffer),
  });
  if (scaling.kind === 'factors') return [list('rope_freqs.weight', scaling.factors)];
  if (scaling.kind !== 'longrope') return [];
  return [
    list('rope_factors_long.weight', scaling.longFactors),
    list('rope_factors_short.weight', scaling.shortFactors),
  ];
}

interface Joint {
  readonly name: string;
  readonly members: readonly string[];
}

function jointOf(name: TensorName): Joint | null {
  const [, layer = '', part = ''] = /^layers\.(\d+)\.(\w+)$/.exec(name) ?? [];
  const of = (own: string, parts: readonly string[]): Joint => ({
    name: `blk.${layer}.${own}`,
    members: parts.map((one) => `layers.${layer}.${one}`),
  });
  if (['query', 'key', 'value'].includes(part)) return of('attn_qkv.weight', ['query', 'key', 'value']);
  return part === 'gate' || part === 'up' ? of('ffn_up.weight', ['gate', 'up']) : null;
}

async function joined(model: Model, { name, members }: Joint): Promise<GgufWriterTensor> {
  const parts = await Promise.all(members.map((member) => model.readTensor(member)));
  const [first] = parts as [WeightTensor];
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  const data = joinedBytes(parts.map((part) => ggmlBytes(part, null)));
  return { name, dimensions: [first.shape[1] as number, rows], type: typeNumbers[first.kind], data };
}

export const ggufFile = async (model: Model): Promise<Uint8Array<ArrayBuffer>> => writeGguf(await ggufParts(model));

/** @param headSize interleave rows of heads of this size: row i of a head goes to 2i, row i + headSize/2 to 2i + 1 */
function ggmlBytes(tensor: WeightTensor, headSize: number | null): Uint8Array {
  const rows = tensor.shape.length === 2 ? (tensor.shape[0] as number) : 1;
  const columns = tensor.shape.at(-1) as number;
  const written = Array.from({ length: rows }, (_, row) => ggmlRow(tensor, row, columns));
  const ordered = written.map((_, row) => {
    if (headSize === null) return row;
    const head = Math.floor(row / headSize) * headSize;
    const i = row % headSize;
    return head + (i % 2 === 0 ? i / 2 : headSize / 2 + (i - 1) / 2);
  });
  return joinedBytes(ordered.map((row) => written[row] as Uint8Array));
}

function joinedBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function ggmlRow(tensor: WeightTensor, row: number, columns: number): Uint8Array {
  if (tensor.kind === 'f32' || tensor.kind === 'f16') {
    return new Uint8Array(tensor.data.slice(row * columns, (row + 1) * columns).buffer);
  }
  const blocks = columns / 32;
  const bytes: number[] = [];
  for (let block = row * blocks; block < (row + 1) * blocks; block++) {
    const scale = tensor.scales[block] as number;
    bytes.push(scale & 0xff, scale >>> 8);
    if (tensor.kind === 'q8') {
      for (let i = 0; i < 32; i++) bytes.push(((tensor.quants[block * 32 + i] as number) - 128) & 0xff);
      continue;
    }
    const nibble = (element: number): number => {
      const byte = tensor.quants[block * 16 + (element >> 1)] as number;
      return element % 2 === 0 ? byte & 15 : byte >> 4;
    };
    for (let j = 0; j < 16; j++) bytes.push(nibble(j) | (nibble(j + 16) << 4));
  }
  return Uint8Array.from(bytes);
}
