// Builds the ONNX graphs of a model of any architecture of the table: bodies (a run of layers each) and the head (final norm and output
// matrix). Called by sessions.ts once a segment.
// Operators: docs/ContribOperators.md of ONNX Runtime (MatMulNBits, GroupQueryAttention, SkipSimplifiedLayerNormalization;
// SimplifiedLayerNormalization is RMSNorm, FastGelu the tanh form of gelu). Facts: engine/weights/architectures.ts.
//
// A body, layer by layer ("+" is the residual, folded into the next norm):
//   hidden -> norm -> query, key, value (+ bias, heads normed) -> GroupQueryAttention(past -> present) -> attentionOutput
//          (-> post-norm) -> + norm -> activation(gate) * up -> down (-> post-norm) -> + norm -> ... -> hidden out
// It ends in hidden states, not logits: the head is a graph of its own, run for wanted positions only, so that prefill
// never multiplies by the vocabulary and a step that needs no choice skips it altogether.
// Knows nothing of devices or of where weights come from. Wrong sizes make ONNX Runtime refuse the graph.

import {
  architectures,
  attentionScaleOf,
  layerFacts,
  rotarySizeOf,
  type ArchitectureFacts,
} from '../../weights/architectures.js';
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
  /** Qwen2's. */
  readonly biases?: { readonly query: Float32Array; readonly key: Float32Array; readonly value: Float32Array };
  /** Of each head of query and key: Qwen3's, Gemma 3's. */
  readonly headNorms?: { readonly query: Float32Array; readonly key: Float32Array };
  /** Of the blocks' results: Gemma 3's. */
  readonly postNorms?: { readonly attention: Float32Array; readonly feedForward: Float32Array };
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

/** GroupQueryAttention turns whole heads itself when their size is a multiple of 16; others are turned by RotaryEmbedding. */
export const turnsApart = (spec: ModelSpec): boolean =>
  spec.headSize % 16 !== 0 || rotarySizeOf(spec) !== spec.headSize;

/** Rotary tables by layer; layers that turn alike share one. */
export type LayerTables = (layer: number) => RotaryTables;

/** @param firstLayer index in the model of `layers[0]` */
export function buildBody(
  spec: ModelSpec,
  firstLayer: number,
  layers: readonly LayerWeights[],
  tablesOf: LayerTables,
): BuiltGraph {
  const builder = new GraphBuilder(`layers ${firstLayer} to ${firstLayer + layers.length - 1}`);
  const hiddenDims = [1, 'tokens', spec.hiddenSize] as const;
  builder.input(names.hidden, 'float32', hiddenDims);
  builder.input(names.lastIndex, 'int32', [1]);
  builder.input(names.totalLength, 'int32', [1]);
  if (turnsApart(spec)) builder.input(names.firstPosition, 'int64', [1]);
  const { activation } = architectures[spec.architecture];
  const rotarySize = rotarySizeOf(spec);
  const known: RotaryTables[] = [];
  const rotaryConstants = (layer: number): readonly [cosines: string, sines: string] => {
    const tables = tablesOf(layer);
    const index = known.includes(tables) ? known.indexOf(tables) : known.push(tables) - 1;
    const dims = [tables.cosines.length / (rotarySize / 2), rotarySize / 2];
    return [
      builder.constant(`cosines.${index}`, 'float32', dims, tables.cosines),
      builder.constant(`sines.${index}`, 'float32', dims, tables.sines),
    ];
  };

  let residual: string = names.hidden;
  let branch = '';
  for (const [offset, weights] of layers.entries()) {
    const layer = firstLayer + offset;
    const name = (part: string): string => `${layer}.${part}`;
    let normed: string;
    [normed, residual] = builder.norm(name('attentionNorm'), branch, residual, weights.attentionNorm, spec);
    const [cosines, sines] = rotaryConstants(layer);
    const { window } = layerFacts(spec, layer);
    const project = (part: 'query' | 'key' | 'value'): string => {
      const product = builder.multiply(name(part), normed, weights[part]);
      const sum = weights.biases ? builder.addVector(name(`${part}Bias`), product, weights.biases[part]) : product;
      const headNorm = part === 'value' ? undefined : weights.headNorms?.[part];
      if (headNorm === undefined) return sum;
      const heads = part === 'query' ? spec.heads : spec.kvHeads;
      return builder.normHeads(name(`${part}Norm`), sum, heads, headNorm, spec);
    };
    const turn = (part: 'query' | 'key', input: string): string => {
      const inputs = [input, names.firstPosition, cosines, sines];
      const attributes =
        rotarySize === spec.headSize
          ? {}
          : { num_heads: part === 'query' ? spec.heads : spec.kvHeads, rotary_embedding_dim: rotarySize };
      return builder.node('com.microsoft', 'RotaryEmbedding', inputs, [name(`${part}.turned`)], attributes);
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
      scale: { float: attentionScaleOf(spec) },
      ...(window === null ? {} : { local_window_size: window }),
      ...(spec.attentionSoftCap === undefined ? {} : { softcap: { float: spec.attentionSoftCap } }),
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
    if (weights.postNorms)
      [branch] = builder.norm(name('attentionPostNorm'), '', branch, weights.postNorms.attention, spec);
    [normed, residual] = builder.norm(name('feedForwardNorm'), branch, residual, weights.feedForwardNorm, spec);
    const gate = builder.multiply(name('gate'), normed, weights.gate);
    const up = builder.multiply(name('up'), normed, weights.up);
    const gated = builder.node('', 'Mul', [builder.activate(name('activated'), activation, gate), up], [name('gated')]);
    branch = builder.multiply(name('down'), gated, weights.down);
    if (weights.postNorms) {
      [branch] = builder.norm(name('feedForwardPostNorm'), '', branch, weights.postNorms.feedForward, spec);
    }
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
  const cap = spec.logitSoftCap;
  if (cap === undefined) builder.multiply('head', normed, head, names.logits);
  else builder.softCap(builder.multiply('head', normed, head), cap, names.logits);
  builder.output(names.logits, 'float32', [1, 'wanted', spec.vocabularySize]);
  return builder.build();
}

/** Collects values, constants and nodes, and knows the compound steps both graphs are made of. */
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

  /** One of a name that is known is the one before. */
  constant(name: string, type: ElementType, dims: readonly number[], data: Float32Array | Uint8Array): string {
    if (this.constants.some((one) => one.name === name)) return name;
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

  /** RMSNorm of each head of [1, tokens, heads * headSize]. */
  normHeads(name: string, input: string, heads: number, weight: Float32Array, spec: ModelSpec): string {
    const apart = this.shape('by_heads', [1, -1, weight.length]);
    const [normed] = this.norm(name, '', this.node('', 'Reshape', [input, apart], [`${name}.heads`]), weight, spec);
    const together = this.shape(`by_tokens.${heads}`, [1, -1, heads * weight.length]);
    return this.node('', 'Reshape', [normed, together], [`${name}.whole`]);
  }

  activate(name: string, kind: ArchitectureFacts['activation'], input: string): string {
    if (kind === 'gelu-tanh') return this.node('com.microsoft', 'FastGelu', [input], [name]);
    const sigmoid = this.node('', 'Sigmoid', [input], [`${name}.sigmoid`]);
    return this.node('', 'Mul', [input, sigmoid], [name]);
  }

  /** cap * tanh(x / cap) */
  softCap(input: string, cap: number, output: string): string {
    const factor = this.inGraph('cap', 'float32', [1], Float32Array.of(cap));
    const ratio = this.node('', 'Div', [input, factor], ['head.ratio']);
    return this.node('', 'Mul', [this.node('', 'Tanh', [ratio], ['head.bent']), factor], [output]);
  }

  private shape(name: string, sizes: readonly number[]): string {
    return this.inGraph(name, 'int64', [sizes.length], BigInt64Array.from(sizes, BigInt));
  }

  /** A constant that ONNX Runtime reads while it builds, before it has what travels beside the graph. */
  private inGraph(
    name: string,
    type: ElementType,
    dims: readonly number[],
    data: Float32Array | BigInt64Array,
  ): string {
    if (this.constants.some((one) => one.name === name)) return name;
    const inline = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.constants.push({ name, type, dims, byteLength: inline.byteLength, inline });
    return name;
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
