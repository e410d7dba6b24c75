// Builds the ONNX graphs of a Llama or Qwen2 model: bodies (a run of layers each) and the head (final norm and output
// matrix). Called by sessions.ts once a segment.
// Operators: docs/ContribOperators.md of ONNX Runtime (MatMulNBits, GroupQueryAttention, SkipSimplifiedLayerNormalization;
// SimplifiedLayerNormalization is RMSNorm). The architecture is that of transformers' modeling_llama and modeling_qwen2.
//
// A body, layer by layer ("+" is the residual, folded into the next norm):
//   hidden -> norm -> query, key, value (+ bias) -> GroupQueryAttention(past -> present) -> attentionOutput
//          -> + norm -> silu(gate) * up -> down -> + norm -> ... -> hidden out
// It ends in hidden states, not logits: the head is a graph of its own, run for wanted positions only, so that prefill
// never multiplies by the vocabulary and a step that needs no choice skips it altogether.
// Knows nothing of devices or of where weights come from. Wrong sizes make ONNX Runtime refuse the graph.

import type { ModelSpec } from '../../weights/model.js';
import { blockLength } from '../../weights/quantise.js';
import type { DeviceMatrix } from './matrices.js';
import {
  type AttributeValue,
  type ElementType,
  type Graph,
  type GraphConstant,
  type GraphNode,
  type GraphValue,
  writeOnnx,
} from './onnx-writer.js';
import type { RotaryTables } from '../rotary.js';

export interface LayerWeights {
  readonly attentionNorm: Float32Array;
  readonly query: DeviceMatrix;
  readonly key: DeviceMatrix;
  readonly value: DeviceMatrix;
  /** Qwen2's; absent in Llama. */
  readonly biases?: { readonly query: Float32Array; readonly key: Float32Array; readonly value: Float32Array };
  readonly attentionOutput: DeviceMatrix;
  readonly feedForwardNorm: Float32Array;
  readonly gate: DeviceMatrix;
  readonly up: DeviceMatrix;
  readonly down: DeviceMatrix;
}

/** A graph and the bytes of its constants, as `InferenceSession.create` takes them. */
export interface BuiltGraph {
  readonly model: Uint8Array<ArrayBuffer>;
  readonly constants: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** Names of a body's inputs and outputs; `layer` counts from 0 in the whole model. */
export const names = {
  hidden: 'hidden',
  hiddenOut: 'hidden_out',
  /** int32 [1]: tokens in the sequence after this run, less one (GroupQueryAttention's wording). */
  lastIndex: 'seqlens_k',
  /** int32 [1]: tokens in the sequence after this run. */
  totalLength: 'total_sequence_length',
  /** int64 [1]: position of the first token of this run; only where {@link turnsApart}. */
  firstPosition: 'first_position',
  past: (layer: number, part: 'key' | 'value'): string => `past_${part}.${layer}`,
  present: (layer: number, part: 'key' | 'value'): string => `present_${part}.${layer}`,
  /** int64 [P]: rows of `hidden` that the head reads. */
  positions: 'positions',
  logits: 'logits',
} as const;

/** GroupQueryAttention turns heads itself when their size is a multiple of 16; others are turned by RotaryEmbedding. */
export const turnsApart = (spec: ModelSpec): boolean => spec.headSize % 16 !== 0;

/** @param firstLayer index in the model of `layers[0]` */
export function buildBody(
  spec: ModelSpec,
  firstLayer: number,
  layers: readonly LayerWeights[],
  rotary: RotaryTables,
): BuiltGraph {
  const builder = new GraphBuilder(`layers ${firstLayer} to ${firstLayer + layers.length - 1}`);
  const hiddenDims = [1, 'tokens', spec.hiddenSize] as const;
  builder.input(names.hidden, 'float32', hiddenDims);
  builder.input(names.lastIndex, 'int32', [1]);
  builder.input(names.totalLength, 'int32', [1]);
  if (turnsApart(spec)) builder.input(names.firstPosition, 'int64', [1]);
  const half = spec.headSize / 2;
  const positions = rotary.cosines.length / half;
  const cosines = builder.constant('cosines', 'float32', [positions, half], rotary.cosines);
  const sines = builder.constant('sines', 'float32', [positions, half], rotary.sines);

  let residual: string = names.hidden;
  let branch = '';
  for (const [offset, weights] of layers.entries()) {
    const layer = firstLayer + offset;
    const name = (part: string): string => `${layer}.${part}`;
    let normed: string;
    [normed, residual] = builder.norm(name('attentionNorm'), branch, residual, weights.attentionNorm, spec);
    const project = (part: 'query' | 'key' | 'value'): string => {
      const product = builder.multiply(name(part), normed, weights[part]);
      return weights.biases ? builder.addVector(name(`${part}Bias`), product, weights.biases[part]) : product;
    };
    const turn = (part: 'query' | 'key', input: string): string => {
      const inputs = [input, names.firstPosition, cosines, sines];
      return builder.node('com.microsoft', 'RotaryEmbedding', inputs, [name(`${part}.turned`)]);
    };
    for (const part of ['key', 'value'] as const) {
      // The dimension names differ by layer and by past and present: they need not be equal, and are not while a cache grows.
      const dims = (when: string) => [1, spec.kvHeads, `${when}.${part}.${layer}`, spec.headSize] as const;
      builder.input(names.past(layer, part), 'float32', dims('held'));
      builder.output(names.present(layer, part), 'float32', dims('grown'));
    }
    const [query, key, value] = [project('query'), project('key'), project('value')];
    const past = [names.past(layer, 'key'), names.past(layer, 'value'), names.lastIndex, names.totalLength];
    const attributes = {
      num_heads: spec.heads,
      kv_num_heads: spec.kvHeads,
      scale: { float: 1 / Math.sqrt(spec.headSize) },
    };
    builder.node(
      'com.microsoft',
      'GroupQueryAttention',
      turnsApart(spec)
        ? [turn('query', query), turn('key', key), value, ...past]
        : [query, key, value, ...past, cosines, sines],
      [name('attended'), names.present(layer, 'key'), names.present(layer, 'value')],
      turnsApart(spec) ? attributes : { ...attributes, do_rotary: 1 },
    );
    branch = builder.multiply(name('attentionOutput'), name('attended'), weights.attentionOutput);
    [normed, residual] = builder.norm(name('feedForwardNorm'), branch, residual, weights.feedForwardNorm, spec);
    const gate = builder.multiply(name('gate'), normed, weights.gate);
    const up = builder.multiply(name('up'), normed, weights.up);
    const sigmoid = builder.node('', 'Sigmoid', [gate], [name('sigmoid')]);
    const silu = builder.node('', 'Mul', [gate, sigmoid], [name('silu')]);
    const gated = builder.node('', 'Mul', [silu, up], [name('gated')]);
    branch = builder.multiply(name('down'), gated, weights.down);
  }
  builder.node('', 'Add', [branch, residual], [names.hiddenOut]);
  builder.output(names.hiddenOut, 'float32', hiddenDims);
  return builder.build();
}

export function buildHead(spec: ModelSpec, finalNorm: Float32Array, head: DeviceMatrix): BuiltGraph {
  const builder = new GraphBuilder('head');
  builder.input(names.hidden, 'float32', [1, 'tokens', spec.hiddenSize]);
  builder.input(names.positions, 'int64', ['wanted']);
  const wanted = builder.node('', 'Gather', [names.hidden, names.positions], ['wanted_hidden'], { axis: 1 });
  const [normed] = builder.norm('finalNorm', '', wanted, finalNorm, spec);
  builder.multiply('head', normed, head, names.logits);
  builder.output(names.logits, 'float32', [1, 'wanted', spec.vocabularySize]);
  return builder.build();
}

/** Collects values, constants and nodes, and knows the three compound steps both graphs are made of. */
class GraphBuilder {
  private readonly inputs: GraphValue[] = [];
  private readonly outputs: GraphValue[] = [];
  private readonly constants: GraphConstant[] = [];
  private readonly nodes: GraphNode[] = [];
  private readonly bytes: { path: string; data: Uint8Array }[] = [];

  constructor(private readonly name: string) {}

  input(name: string, type: ElementType, dims: GraphValue['dims']): void {
    this.inputs.push({ name, type, dims });
  }

  output(name: string, type: ElementType, dims: GraphValue['dims']): void {
    this.outputs.push({ name, type, dims });
  }

  constant(name: string, type: ElementType, dims: readonly number[], data: Float32Array | Uint8Array): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.constants.push({ name, type, dims, byteLength: bytes.byteLength });
    this.bytes.push({ path: name, data: bytes });
    return name;
  }

  /** @returns the node's first output */
  node(
    domain: GraphNode['domain'],
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    this.nodes.push({ domain, operator, inputs, outputs, attributes });
    return outputs[0] ?? '';
  }

  /** RMSNorm of branch + residual (of residual alone when there is no branch); @returns what it made, and the sum. */
  norm(
    name: string,
    branch: string,
    residual: string,
    weight: Float32Array,
    spec: ModelSpec,
  ): readonly [normed: string, sum: string] {
    const gamma = this.constant(name, 'float32', [weight.length], weight);
    const epsilon = { epsilon: { float: spec.rmsNormEpsilon } };
    const normed = `${name}.normed`;
    if (branch === '') {
      this.node('', 'SimplifiedLayerNormalization', [residual, gamma], [normed], epsilon);
      return [normed, residual];
    }
    const sum = `${name}.sum`;
    const inputs = [branch, residual, gamma];
    this.node('com.microsoft', 'SkipSimplifiedLayerNormalization', inputs, [normed, '', '', sum], epsilon);
    return [normed, sum];
  }

  /** y = W x for each row of `input`. */
  multiply(name: string, input: string, matrix: DeviceMatrix, output = `${name}.product`): string {
    const { rows, columns } = matrix;
    if (matrix.kind === 'dense') {
      const weight = this.constant(name, 'float32', [columns, rows], matrix.data);
      return this.node('', 'MatMul', [input, weight], [output]);
    }
    const blocks = columns / blockLength;
    const quants = this.constant(name, 'uint8', [rows, blocks, (blockLength * matrix.bits) / 8], matrix.quants);
    const scales = this.constant(`${name}.scales`, 'float32', [rows, blocks], matrix.scales);
    const attributes = { K: columns, N: rows, bits: matrix.bits, block_size: blockLength };
    return this.node('com.microsoft', 'MatMulNBits', [input, quants, scales], [output], attributes);
  }

  addVector(name: string, input: string, vector: Float32Array): string {
    const bias = this.constant(name, 'float32', [vector.length], vector);
    return this.node('', 'Add', [input, bias], [`${name}.added`]);
  }

  build(): BuiltGraph {
    const { name, inputs, outputs, constants, nodes } = this;
    const graph: Graph = { name, inputs, outputs, constants, nodes };
    return { model: writeOnnx(graph), constants: this.bytes };
  }
}
