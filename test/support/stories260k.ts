// stories260K, a real trained Llama of 260 thousand weights, as a Model in memory. Runs in both browsers and Node.
// Read from llama2.c's own files: stories260K.bin (legacy form: seven int32 - width, feed-forward width, layers, heads,
// key-value heads, vocabulary, positions - then float32 tensors) and tok512.bin (longest token as int32, then score
// as float32, length as int32 and bytes of each token). Its rotary rows are interleaved, ours half-split.
//
//   node:    await stories260k((path) => readFile(sharedPath(path)))
//   browser: await stories260k(fetchShared)

import type { Model, ModelSpec, TensorName, TokenizerFiles, WeightTensor } from '../../engine/weights/model.js';
import { expectedTensors, type TensorKind } from '../../engine/weights/tensor-layout.js';
import { encodeTensor, memoryModel } from './memory-model.js';

/** Relative to ../shared. */
const weightsPath = 'data/models/stories260K/stories260K.bin';
const tokenizerPath = 'data/models/stories260K/tok512.bin';

/** `read` null: the folder is absent (fetchShared says so); then the answer is null as well, and the test skips. */
export async function stories260k(
  read: (path: string) => Promise<Uint8Array | null>,
  kind: TensorKind = 'f32',
): Promise<Model | null> {
  const weights = await read(weightsPath);
  const tokens = await read(tokenizerPath);
  return weights === null || tokens === null ? null : parseStories260k(weights, tokens, kind);
}

/** @param kind rounds the matrices; `down` has rows of 172, which no block divides, so quantised models keep it f16 */
export function parseStories260k(weights: Uint8Array, tokens: Uint8Array, kind: TensorKind = 'f32'): Model {
  const buffer = weights.slice().buffer;
  const [width, feedForward, layers, heads, kvHeads, vocabulary, positions] = new Int32Array(
    buffer,
    0,
    7,
  ) as unknown as [number, number, number, number, number, number, number];
  const spec: ModelSpec = {
    architecture: 'llama',
    layers,
    hiddenSize: width,
    feedForwardSize: feedForward,
    heads,
    kvHeads,
    headSize: width / heads,
    vocabularySize: vocabulary,
    contextLength: positions,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: { kind: 'none' },
    tiedHead: true,
  };
  const shapes = expectedTensors(spec);
  const values = new Map<TensorName, Float32Array>();
  let at = 28;
  const take = (name: TensorName): void => {
    const length = (shapes.get(name) ?? []).reduce((product, size) => product * size, 1);
    values.set(name, new Float32Array(buffer, at, length));
    at += length * 4;
  };
  const takeLayers = (part: string): void => {
    for (let layer = 0; layer < layers; layer++) take(`layers.${layer}.${part}`);
  };
  take('embedding');
  const stored = ['attentionNorm', 'query', 'key', 'value', 'attentionOutput', 'feedForwardNorm', 'gate', 'down', 'up'];
  for (const part of stored) takeLayers(part);
  take('finalNorm');

  const tensors = new Map<TensorName, WeightTensor>();
  for (const [name, shape] of shapes) {
    const raw = values.get(name) as Float32Array;
    const turns = name.endsWith('.query') || name.endsWith('.key');
    const ordered = turns ? halfSplit(raw, width, spec.headSize) : raw;
    tensors.set(name, encodeTensor(shape.length === 1 ? 'f32' : kind, shape, ordered));
  }
  return memoryModel({
    spec,
    tensors,
    tokenizerFiles: readTokens(tokens, vocabulary),
    identity: { id: `memory:stories260K-${kind}`, name: 'stories260K', licence: 'MIT', quantisation: kind },
  });
}

function halfSplit(rows: Float32Array, width: number, headSize: number): Float32Array {
  const ordered = new Float32Array(rows.length);
  for (let row = 0; row * width < rows.length; row++) {
    const inHead = row % headSize;
    const to = row - inHead + (inHead >> 1) + (inHead % 2 === 1 ? headSize / 2 : 0);
    ordered.set(rows.subarray(row * width, (row + 1) * width), to * width);
  }
  return ordered;
}

/** As the GGUF metadata that llama.cpp's converter would write for this SentencePiece vocabulary. */
function readTokens(bytes: Uint8Array, count: number): TokenizerFiles {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  const tokens: string[] = [];
  const scores: number[] = [];
  const types: number[] = [];
  for (let id = 0, at = 4; id < count; id++) {
    const length = view.getInt32(at + 4, true);
    const text = decoder.decode(bytes.subarray(at + 8, at + 8 + length)).replaceAll(' ', '\u2581');
    scores.push(view.getFloat32(at, true));
    at += 8 + length;
    const special = ['<unk>', '<s>', '</s>'][id];
    if (special !== undefined) tokens.push(special);
    else if (id < 259) tokens.push(`<0x${(id - 3).toString(16).toUpperCase().padStart(2, '0')}>`);
    else tokens.push(text);
    // llama.cpp's token types: 1 normal, 2 unknown, 3 control, 6 byte.
    types.push(id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1);
  }
  return {
    kind: 'gguf',
    metadata: new Map<string, unknown>([
      ['tokenizer.ggml.model', 'llama'],
      ['tokenizer.ggml.tokens', tokens],
      ['tokenizer.ggml.scores', scores],
      ['tokenizer.ggml.token_type', types],
      ['tokenizer.ggml.bos_token_id', 1],
      ['tokenizer.ggml.eos_token_id', 2],
      ['tokenizer.ggml.add_bos_token', true],
    ]),
  };
}
