// A model as a repository that transformers.js loads, for tests and benches: config.json's fields and the graph with its data
// file. The graph is laid out as published exports are (made with ONNX Runtime's model builder): float32 embedding by
// Gather, MatMulNBits for every matrix and the head, GroupQueryAttention, a cache by input and output. Variants that are met:
// rotary by position_ids outside of the attention, a cache of 16 bits, only the last rows of logits. Runs in both browsers
// and Node. Quantised Llama and Qwen2 with heads that are multiples of 16; anything else throws.

import { rotaryTables } from '../../engine/decoders/rotary.js';
import {
  writeOnnx,
  type AttributeValue,
  type ElementType,
  type GraphConstant,
  type GraphNode,
  type GraphValue,
} from '../../engine/decoders/onnx/onnx-writer.js';
import { fromHalf } from '../../engine/weights/half.js';
import type { Model, WeightTensor } from '../../engine/weights/model.js';
import { dequantise } from '../../engine/weights/quantise.js';

export interface GraphVariant {
  /** Name of the data file beside the graph. */
  readonly dataFile: string;
  /** Positions of the rotary tables. */
  readonly context: number;
  /** Positions come as an input, and the attention turns nothing by itself. */
  readonly positionIds?: boolean;
  readonly halfCache?: boolean;
  readonly lastLogits?: boolean;
}

/** Takes the bytes at `offset` of the data file. */
export type DataSink = (bytes: Uint8Array, offset: number) => Promise<unknown>;

/** Fields of config.json, as far as anybody reads them. */
export function transformersConfig({ spec }: Model, context: number): Record<string, unknown> {
  return {
    architectures: [spec.architecture === 'llama' ? 'LlamaForCausalLM' : 'Qwen2ForCausalLM'],
    model_type: spec.architecture,
    vocab_size: spec.vocabularySize,
    hidden_size: spec.hiddenSize,
    intermediate_size: spec.feedForwardSize,
    num_hidden_layers: spec.layers,
    num_attention_heads: spec.heads,
    num_key_value_heads: spec.kvHeads,
    head_dim: spec.headSize,
    max_position_embeddings: context,
    rope_theta: spec.ropeTheta,
    rms_norm_eps: spec.rmsNormEpsilon,
    tie_word_embeddings: spec.tiedHead,
    bos_token_id: 0,
    eos_token_id: spec.vocabularySize, // no token: nothing ends a measured run
  };
}

/** All of a repository's graph in memory. */
export async function graphInMemory(
  model: Model,
  variant: GraphVariant,
): Promise<{ readonly graph: Uint8Array<ArrayBuffer>; readonly data: Uint8Array<ArrayBuffer> }> {
  const parts: { readonly bytes: Uint8Array; readonly offset: number }[] = [];
  const graph = await buildTransformersGraph(model, variant, async (bytes, offset) => {
    parts.push({ bytes: bytes.slice(), offset });
  });
  const data = new Uint8Array(Math.max(...parts.map(({ bytes, offset }) => offset + bytes.length)));
  for (const { bytes, offset } of parts) data.set(bytes, offset);
  return { graph, data };
}

export async function buildTransformersGraph(
  model: Model,
  { dataFile, context, positionIds = false, halfCache = false, lastLogits = false }: GraphVariant,
  write: DataSink,
): Promise<Uint8Array<ArrayBuffer>> {
  const { spec } = model;
  if (spec.headSize % 16 !== 0) throw new Error(`no transformers.js layout for heads of ${spec.headSize}`);
  const nodes: GraphNode[] = [];
  const constants: GraphConstant[] = [];
  const inputs: GraphValue[] = [];
  const outputs: GraphValue[] = [];
  let offset = 0;

  const constant = async (
    name: string,
    type: ElementType,
    dims: readonly number[],
    values: Float32Array | Uint8Array,
  ): Promise<string> => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    await write(bytes, offset);
    constants.push({ name, type, dims, byteLength: bytes.length, place: { location: dataFile, offset } });
    offset = Math.ceil((offset + bytes.length) / 4096) * 4096;
    return name;
  };
  const whole = (name: string, value: bigint): string => {
    const inline = new Uint8Array(new BigInt64Array([value]).buffer);
    constants.push({ name, type: 'int64', dims: [1], byteLength: inline.length, inline });
    return name;
  };
  const node = (
    domain: '' | 'com.microsoft',
    operator: string,
    from: readonly string[],
    to: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string => {
    nodes.push({ domain, operator, inputs: from, outputs: to, attributes });
    return to[0] ?? '';
  };
  const multiply = async (name: string, input: string, tensor: WeightTensor, to = `${name}.product`) => {
    if (tensor.kind !== 'q4' && tensor.kind !== 'q8') throw new Error(`${name} is ${tensor.kind}`);
    const [rows, columns] = tensor.shape;
    const bits = tensor.kind === 'q4' ? 4 : 8;
    const scales = Float32Array.from(tensor.scales, fromHalf);
    const quants = await constant(name, 'uint8', [rows, columns / 32, bits * 4], tensor.quants);
    const scaleName = await constant(`${name}.scales`, 'float32', [rows, columns / 32], scales);
    const attributes = { K: columns, N: rows, bits, block_size: 32, accuracy_level: 4 };
    return node('com.microsoft', 'MatMulNBits', [input, quants, scaleName], [to], attributes);
  };
  const vector = async (name: string): Promise<string> => {
    const values = dequantise(await model.readTensor(name));
    return constant(name, 'float32', [values.length], values);
  };

  inputs.push({ name: 'input_ids', type: 'int64', dims: ['batch_size', 'sequence_length'] });
  inputs.push({ name: 'attention_mask', type: 'int64', dims: ['batch_size', 'total_sequence_length'] });
  if (positionIds) inputs.push({ name: 'position_ids', type: 'int64', dims: ['batch_size', 'sequence_length'] });
  if (lastLogits) inputs.push({ name: 'num_logits_to_keep', type: 'int64', dims: [] });
  // Tokens in the cache after this run, as GroupQueryAttention wants them, from the mask.
  const one = whole('one', 1n);
  const sum = node('', 'ReduceSum', ['attention_mask', one], ['mask.sum'], { keepdims: 0 });
  const last = node('', 'Sub', [sum, one], ['mask.last']);
  const lastIndex = node('', 'Cast', [last], ['seqlens_k'], { to: 6 });
  const shape = node('', 'Shape', ['attention_mask'], ['mask.shape']);
  const length = node('', 'Gather', [shape, one], ['mask.length'], { axis: 0 });
  const total = node('', 'Cast', [length], ['total_sequence_length'], { to: 6 });
  const { cosines, sines } = rotaryTables({ ...spec, rotarySize: spec.headSize }, context);
  const cos = await constant('cosines', 'float32', [context, spec.headSize / 2], cosines);
  const sin = await constant('sines', 'float32', [context, spec.headSize / 2], sines);

  const embedding = await model.readTensor('embedding');
  const table = await constant('table', 'float32', embedding.shape, dequantise(embedding));
  let residual = node('', 'Gather', [table, 'input_ids'], ['embedded'], { axis: 0 });
  let branch: string | null = null;
  const norm = async (name: string): Promise<string> => {
    const epsilon = { epsilon: { float: spec.rmsNormEpsilon } };
    const gamma = await vector(name);
    const normed = `${name}.normed`;
    if (branch === null) return node('', 'SimplifiedLayerNormalization', [residual, gamma], [normed], epsilon);
    const from = [branch, residual, gamma];
    residual = `${name}.sum`;
    return node('com.microsoft', 'SkipSimplifiedLayerNormalization', from, [normed, '', '', residual], epsilon);
  };
  for (let layer = 0; layer < spec.layers; layer++) {
    const of = (name: string): string => `layers.${layer}.${name}`;
    const attended = await norm(of('attentionNorm'));
    const project = async (part: 'query' | 'key' | 'value'): Promise<string> => {
      const product = await multiply(of(part), attended, await model.readTensor(of(part)));
      const bias = of(`${part}Bias`);
      const biased = model.tensors.has(bias)
        ? node('', 'Add', [product, await vector(bias)], [`${bias}.added`])
        : product;
      if (!positionIds || part === 'value') return biased;
      const turned = { num_heads: part === 'query' ? spec.heads : spec.kvHeads, rotary_embedding_dim: spec.headSize };
      return node(
        'com.microsoft',
        'RotaryEmbedding',
        [biased, 'position_ids', cos, sin],
        [`${of(part)}.turned`],
        turned,
      );
    };
    const past: string[] = [];
    const present: string[] = [];
    const type = halfCache ? ('float16' as const) : ('float32' as const);
    for (const part of ['key', 'value']) {
      const dims = (tokens: string) => ['batch_size', spec.kvHeads, tokens, spec.headSize];
      const before = `past_key_values.${layer}.${part}`;
      const after = `present.${layer}.${part}`;
      inputs.push({ name: before, type, dims: dims('past_sequence_length') });
      outputs.push({ name: after, type, dims: dims('total_sequence_length') });
      past.push(halfCache ? node('', 'Cast', [before], [`${before}.wide`], { to: 1 }) : before);
      present.push(halfCache ? `${after}.wide` : after);
    }
    const projected = [await project('query'), await project('key'), await project('value')];
    const scale = { float: 1 / Math.sqrt(spec.headSize) };
    const attributes = { num_heads: spec.heads, kv_num_heads: spec.kvHeads, scale, do_rotary: positionIds ? 0 : 1 };
    const rotary = positionIds ? [] : [cos, sin];
    const made = [of('attended'), ...present];
    node(
      'com.microsoft',
      'GroupQueryAttention',
      [...projected, ...past, lastIndex, total, ...rotary],
      made,
      attributes,
    );
    if (halfCache) for (const name of present) node('', 'Cast', [name], [name.replace(/\.wide$/, '')], { to: 10 });
    branch = await multiply(of('attentionOutput'), of('attended'), await model.readTensor(of('attentionOutput')));
    const fed = await norm(of('feedForwardNorm'));
    const gate = await multiply(of('gate'), fed, await model.readTensor(of('gate')));
    const up = await multiply(of('up'), fed, await model.readTensor(of('up')));
    const sigmoid = node('', 'Sigmoid', [gate], [of('sigmoid')]);
    const silu = node('', 'Mul', [gate, sigmoid], [of('silu')]);
    const gated = node('', 'Mul', [silu, up], [of('gated')]);
    branch = await multiply(of('down'), gated, await model.readTensor(of('down')));
  }
  let final = await norm('finalNorm');
  if (lastLogits) {
    const flat = node('', 'Reshape', ['num_logits_to_keep', one], ['keep']);
    const from = node('', 'Neg', [flat], ['keep.from']);
    final = node('', 'Slice', [final, from, whole('end', 2n ** 62n), one], ['kept']);
  }
  await multiply('head', final, spec.tiedHead ? embedding : await model.readTensor('head'), 'logits');
  outputs.unshift({ name: 'logits', type: 'float32', dims: ['batch_size', 'sequence_length', spec.vocabularySize] });
  return writeOnnx({ name: 'model', inputs, outputs, constants, nodes });
}
