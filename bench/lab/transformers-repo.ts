// Writes a model as a repository that transformers.js loads: config.json, onnx/model_q4.onnx and its data file. Called by
// decode.bench.mjs, so that transformers.js can be benched on the very same quantised weights. The graph is laid out as
// the published q4 exports are (onnx-community, made with ONNX Runtime's model builder): float32 embedding by Gather,
// MatMulNBits for every matrix and the head, GroupQueryAttention with rotary inside, a float32 cache by input and output.
// Llama and Qwen2 in Q4_0 with heads that are multiples of 16; anything else throws.

import { openAsBlob } from 'node:fs';
import { mkdir, open, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
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
import { openModel } from '../../engine/weights/open-model.js';
import { dequantise } from '../../engine/weights/quantise.js';

const dataFile = 'model_q4.onnx_data';

/** @param gguf a file on disk @param folder made if need be; the repository's root @param context tokens of rotary tables */
export async function writeTransformersRepo(gguf: string, folder: string, context = 1024): Promise<void> {
  const model = await openModel({ kind: 'file', blob: await openAsBlob(gguf) });
  await mkdir(join(folder, 'onnx'), { recursive: true });
  const data = await open(join(folder, 'onnx', dataFile), 'w');
  try {
    await writeFile(join(folder, 'onnx', 'model_q4.onnx'), await buildGraph(model, data, context));
  } finally {
    await data.close();
    model.close();
  }
  const { spec } = model;
  const config = {
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
    'transformers.js_config': { use_external_data_format: { 'model_q4.onnx': 1 }, kv_cache_dtype: { q4: 'float32' } },
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'generation_config.json'), JSON.stringify({ eos_token_id: spec.vocabularySize }));
}

async function buildGraph(model: Model, data: FileHandle, context: number): Promise<Uint8Array> {
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
    await data.write(bytes, 0, bytes.length, offset);
    constants.push({ name, type, dims, byteLength: bytes.length, place: { location: dataFile, offset } });
    offset = Math.ceil((offset + bytes.length) / 4096) * 4096;
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
    if (tensor.kind !== 'q4') throw new Error(`${name} is ${tensor.kind}; this layout is q4`);
    const [rows, columns] = tensor.shape;
    const scales = Float32Array.from(tensor.scales, fromHalf);
    const quants = await constant(name, 'uint8', [rows, columns / 32, 16], tensor.quants);
    const scaleName = await constant(`${name}.scales`, 'float32', [rows, columns / 32], scales);
    const attributes = { K: columns, N: rows, bits: 4, block_size: 32, accuracy_level: 4 };
    return node('com.microsoft', 'MatMulNBits', [input, quants, scaleName], [to], attributes);
  };
  const vector = async (name: string): Promise<string> => {
    const values = dequantise(await model.readTensor(name));
    return constant(name, 'float32', [values.length], values);
  };

  inputs.push({ name: 'input_ids', type: 'int64', dims: ['batch_size', 'sequence_length'] });
  inputs.push({ name: 'attention_mask', type: 'int64', dims: ['batch_size', 'total_sequence_length'] });
  // Tokens in the cache after this run, as GroupQueryAttention wants them, from the mask.
  const inline = new Uint8Array(new BigInt64Array([1n]).buffer);
  const one = 'one';
  constants.push({ name: one, type: 'int64', dims: [1], byteLength: inline.length, inline });
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
      return model.tensors.has(bias) ? node('', 'Add', [product, await vector(bias)], [`${bias}.added`]) : product;
    };
    const cache = (when: string, part: string): string => `${when}.${layer}.${part}`;
    for (const part of ['key', 'value']) {
      const dims = (tokens: string) => ['batch_size', spec.kvHeads, tokens, spec.headSize];
      inputs.push({ name: cache('past_key_values', part), type: 'float32', dims: dims('past_sequence_length') });
      outputs.push({ name: cache('present', part), type: 'float32', dims: dims('total_sequence_length') });
    }
    const projected = [await project('query'), await project('key'), await project('value')];
    const past = [cache('past_key_values', 'key'), cache('past_key_values', 'value'), lastIndex, total, cos, sin];
    const scale = { float: 1 / Math.sqrt(spec.headSize) };
    const attributes = { num_heads: spec.heads, kv_num_heads: spec.kvHeads, scale, do_rotary: 1 };
    const made = [of('attended'), cache('present', 'key'), cache('present', 'value')];
    node('com.microsoft', 'GroupQueryAttention', [...projected, ...past], made, attributes);
    branch = await multiply(of('attentionOutput'), of('attended'), await model.readTensor(of('attentionOutput')));
    const fed = await norm(of('feedForwardNorm'));
    const gate = await multiply(of('gate'), fed, await model.readTensor(of('gate')));
    const up = await multiply(of('up'), fed, await model.readTensor(of('up')));
    const sigmoid = node('', 'Sigmoid', [gate], [of('sigmoid')]);
    const silu = node('', 'Mul', [gate, sigmoid], [of('silu')]);
    const gated = node('', 'Mul', [silu, up], [of('gated')]);
    branch = await multiply(of('down'), gated, await model.readTensor(of('down')));
  }
  const final = await norm('finalNorm');
  await multiply('head', final, spec.tiedHead ? embedding : await model.readTensor('head'), 'logits');
  outputs.unshift({ name: 'logits', type: 'float32', dims: ['batch_size', 'sequence_length', spec.vocabularySize] });
  return writeOnnx({ name: 'model', inputs, outputs, constants, nodes });
}
