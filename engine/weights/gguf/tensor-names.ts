// Which tensor of a GGUF file holds each of ours: llama.cpp's names (src/llama-arch.cpp), and the matrices that Phi's files
// keep joined (attn_qkv: query, key, value; ffn_up: gate, up; rows one after the other). Called by gguf-model.ts.
// Norms need nothing: Gemma's converter has added their 1. Knows names and shapes, nothing of bytes.
// What goes wrong: a tensor that is missing or mis-shaped is `model-invalid`; one beyond the architecture is `model-unsupported`, because a bias left out would give wrong answers without a word.

import { EngineError } from '../../protocol/errors.js';
import type { ModelSpec, TensorName } from '../model.js';
import { expectedTensors, sameShape, shapeText } from '../tensor-layout.js';
import type { GgufTensorInfo } from './header.js';

const layerNames: Readonly<Record<string, string>> = {
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
const otherNames: Readonly<Record<string, string>> = {
  embedding: 'token_embd.weight',
  finalNorm: 'output_norm.weight',
  head: 'output.weight',
};

/** Rotary factors, which belong to the facts: `ropeFactors` in architecture.ts. */
export const factorNames = {
  all: 'rope_freqs.weight',
  long: 'rope_factors_long.weight',
  short: 'rope_factors_short.weight',
} as const;

export interface GgufPlace {
  readonly info: GgufTensorInfo;
  /** Of the file's tensor, where ours begins; 0 but for joined matrices. */
  readonly firstRow: number;
  /** Ours. */
  readonly shape: readonly number[];
}

type Infos = ReadonlyMap<string, GgufTensorInfo>;

/** The tensors the architecture needs, by our names, in the order of first use. */
export function findTensors(tensors: Infos, spec: ModelSpec, where: string): Map<TensorName, GgufPlace> {
  const expected = expectedTensors(spec);
  const factors: readonly string[] = Object.values(factorNames);
  const left = new Set([...tensors.keys()].filter((name) => !factors.includes(name)));
  const found = new Map<TensorName, GgufPlace>();
  for (const [name, shape] of expected) {
    const { source, firstRow, rows } = placeOf(name, shape, tensors, spec, expected);
    const info = tensors.get(source);
    if (info === undefined) throw invalid(where, `it lacks the tensor for ${name} (${source})`);
    left.delete(source);
    const wanted = [rows, ...shape.slice(1)];
    if (!sameShape(info.shape, wanted)) {
      throw invalid(where, `tensor ${source} is ${shapeText(info.shape)} where ${shapeText(wanted)} is needed`);
    }
    found.set(name, { info, firstRow, shape });
  }
  const [unknown] = left;
  if (unknown === undefined) return found;
  throw new EngineError(
    'model-unsupported',
    `${where} has the tensor ${unknown}, which ${spec.architecture} models do not have here.`,
    { hint: 'This variant of the architecture is not run, because leaving a tensor out would give wrong answers.' },
  );
}

interface Place {
  readonly source: string;
  readonly firstRow: number;
  /** Of the source. */
  readonly rows: number;
}

function placeOf(
  name: TensorName,
  shape: readonly number[],
  tensors: Infos,
  spec: ModelSpec,
  expected: ReadonlyMap<TensorName, readonly number[]>,
): Place {
  const [, layer, part = name] = /^layers\.(\d+)\.(\w+)$/.exec(name) ?? [];
  const whole = (source: string): Place => ({ source, firstRow: 0, rows: shape[0] ?? 0 });
  if (layer === undefined) return whole(known(otherNames, part));
  const inBlock = (own: string): string => `blk.${layer}.${own}`;
  const joint = jointOf(part, (own) => tensors.has(inBlock(own)));
  if (spec.architecture !== 'phi3' || joint === null) return whole(inBlock(known(layerNames, part)));
  const rowsOf = (members: readonly string[]): number =>
    members.reduce((sum, member) => sum + (expected.get(`layers.${layer}.${member}`)?.[0] ?? 0), 0);
  const before = joint.members.slice(0, joint.members.indexOf(part));
  return { source: inBlock(joint.name), firstRow: rowsOf(before), rows: rowsOf(joint.members) };
}

function jointOf(
  part: string,
  has: (own: string) => boolean,
): { readonly name: string; readonly members: readonly string[] } | null {
  if (['query', 'key', 'value'].includes(part) && has('attn_qkv.weight')) {
    return { name: 'attn_qkv.weight', members: ['query', 'key', 'value'] };
  }
  if (['gate', 'up'].includes(part) && !has('ffn_gate.weight'))
    return { name: 'ffn_up.weight', members: ['gate', 'up'] };
  return null;
}

function known(names: Readonly<Record<string, string>>, part: string): string {
  const name = names[part];
  if (name === undefined) throw new RangeError(`no GGUF name for ${part}`);
  return name;
}

export const invalid = (where: string, what: string): EngineError =>
  new EngineError('model-invalid', `${where} is no sound model: ${what}.`, {
    hint: 'The file is damaged, or was written by a tool that does not follow the GGUF description.',
  });
