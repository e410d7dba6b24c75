// Where a transformers checkpoint holds each tensor of a model: names of {Llama,Mistral,Qwen2,Qwen3,Gemma3,Phi3}ForCausalLM.
// Called by the packer and by the safetensors source. Phi's fused matrices are told as rows of one tensor; Gemma's norms,
// which leave out a 1, as values to add one to. Knows names and shapes, nothing of bytes.
// What goes wrong: a tensor that is missing or mis-shaped is `model-invalid`, one beyond those a model of the kind has is
// `model-unsupported`, because leaving a bias out would give wrong answers without a word.

import { EngineError } from '../protocol/errors.js';
import type { ModelSpec, TensorName } from './model.js';
import { expectedTensors, sameShape, shapeText } from './tensor-layout.js';

export interface HfPlace {
  /** The checkpoint's name of the tensor that holds ours. */
  readonly source: string;
  /** Its row where ours begins; 0 but for fused matrices. */
  readonly firstRow: number;
  /** Ours. */
  readonly shape: readonly number[];
  /** To add to every value. */
  readonly plus: 0 | 1;
}

const layerNames: Readonly<Record<string, string>> = {
  attentionNorm: 'input_layernorm.weight',
  query: 'self_attn.q_proj.weight',
  key: 'self_attn.k_proj.weight',
  value: 'self_attn.v_proj.weight',
  queryBias: 'self_attn.q_proj.bias',
  keyBias: 'self_attn.k_proj.bias',
  valueBias: 'self_attn.v_proj.bias',
  queryNorm: 'self_attn.q_norm.weight',
  keyNorm: 'self_attn.k_norm.weight',
  attentionOutput: 'self_attn.o_proj.weight',
  feedForwardNorm: 'post_attention_layernorm.weight',
  gate: 'mlp.gate_proj.weight',
  up: 'mlp.up_proj.weight',
  down: 'mlp.down_proj.weight',
};
const gemmaNames: Readonly<Record<string, string>> = {
  ...layerNames,
  attentionPostNorm: 'post_attention_layernorm.weight',
  feedForwardNorm: 'pre_feedforward_layernorm.weight',
  feedForwardPostNorm: 'post_feedforward_layernorm.weight',
};
/** In the order of their rows. */
const fused: Readonly<Record<string, readonly string[]>> = {
  'self_attn.qkv_proj.weight': ['query', 'key', 'value'],
  'mlp.gate_up_proj.weight': ['gate', 'up'],
};
const outerNames: Readonly<Record<string, string>> = { embedding: 'embed_tokens.weight', finalNorm: 'norm.weight' };

/** @throws EngineError `model-invalid`, `model-unsupported`; the map is in the order of `expectedTensors` */
export function matchHfTensors(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  spec: ModelSpec,
  where: string,
): ReadonlyMap<TensorName, HfPlace> {
  const expected = expectedTensors(spec);
  const prefix = prefixOf(tensors, where);
  const heads = ['lm_head.weight', 'language_model.lm_head.weight'];
  const head = heads.find((name) => tensors.has(name)) ?? 'lm_head.weight';
  const left = new Set(tensors.keys());
  const places = new Map<TensorName, HfPlace>();
  for (const [name, shape] of expected) {
    const { source, firstRow, rows } =
      name === 'head' ? whole(head, shape) : placeOf(name, shape, spec, prefix, expected);
    const tensor = tensors.get(source);
    left.delete(source);
    if (tensor === undefined) throw invalid(where, `the tensor ${source} is missing`);
    const wanted = [rows, ...shape.slice(1)];
    if (!sameShape(tensor.shape, wanted)) {
      throw invalid(where, `${source} is ${shapeText(tensor.shape)} where ${shapeText(wanted)} is needed`);
    }
    const plus = spec.architecture === 'gemma3' && name.endsWith('Norm') ? 1 : 0;
    places.set(name, { source, firstRow, shape, plus });
  }
  const extra = [...left].find((name) => !followsFromTheRest(name, spec, heads));
  if (extra !== undefined) throw unsupported(where, `the tensor ${extra.slice(0, 200)}`);
  return places;
}

/** A tied head saved a second time, rotary frequencies of old checkpoints, and what Gemma 3 sees pictures with. */
function followsFromTheRest(name: string, spec: ModelSpec, heads: readonly string[]): boolean {
  if (name.endsWith('.rotary_emb.inv_freq') || (spec.tiedHead && heads.includes(name))) return true;
  return spec.architecture === 'gemma3' && /^(model\.)?(vision_tower|multi_modal_projector)\./.test(name);
}

/** Models that also see pictures keep their text part one name deeper. */
function prefixOf(tensors: ReadonlyMap<string, unknown>, where: string): string {
  const prefixes = ['model.', 'language_model.model.', 'model.language_model.', ''];
  const prefix = prefixes.find((one) => tensors.has(`${one}embed_tokens.weight`));
  if (prefix === undefined) throw invalid(where, 'the tensor model.embed_tokens.weight is missing');
  return prefix;
}

interface Source {
  readonly source: string;
  readonly firstRow: number;
  /** Of the source. */
  readonly rows: number;
}

const whole = (source: string, shape: readonly number[]): Source => ({ source, firstRow: 0, rows: shape[0] ?? 0 });

function placeOf(
  name: TensorName,
  shape: readonly number[],
  spec: ModelSpec,
  prefix: string,
  expected: ReadonlyMap<TensorName, readonly number[]>,
): Source {
  const [, layer, part = name] = /^layers\.(\d+)\.(\w+)$/.exec(name) ?? [];
  if (layer === undefined) return whole(`${prefix}${known(outerNames, part)}`, shape);
  const inLayer = `${prefix}layers.${layer}.`;
  const [joint, parts] = Object.entries(fused).find(([, members]) => members.includes(part)) ?? [];
  if (spec.architecture !== 'phi3' || joint === undefined || parts === undefined) {
    return whole(`${inLayer}${known(spec.architecture === 'gemma3' ? gemmaNames : layerNames, part)}`, shape);
  }
  const rowsOf = (members: readonly string[]): number =>
    members.reduce((sum, member) => sum + (expected.get(`layers.${layer}.${member}`)?.[0] ?? 0), 0);
  return { source: `${inLayer}${joint}`, firstRow: rowsOf(parts.slice(0, parts.indexOf(part))), rows: rowsOf(parts) };
}

function known(names: Readonly<Record<string, string>>, part: string): string {
  const name = names[part];
  if (name === undefined) throw new RangeError(`no transformers name for ${part}`);
  return name;
}

const invalid = (where: string, what: string): EngineError =>
  new EngineError('model-invalid', `${where}: ${what}.`, { hint: 'Save the model again with transformers.' });

const unsupported = (where: string, what: string): EngineError =>
  new EngineError('model-unsupported', `${where} has ${what}, which models of its kind do not have here.`, {
    hint: 'This variant of the architecture is not run, because leaving a tensor out would give wrong answers.',
  });
