// Turns any Model into a checkpoint as transformers saves it, for tests: config.json's fields and tensors by their names there,
// Phi's fused, Gemma's norms without their 1. Written independently of engine/weights/hf-*.ts; test/fixtures/hf-checkpoints.json
// has what transformers itself says.

import type { Model, ModelSpec } from '../../engine/weights/model.js';
import { dequantise } from '../../engine/weights/quantise.js';
import { asBytes, type SafeTensorInput } from './safetensors-writer.js';

export interface HfCheckpoint {
  readonly config: Record<string, unknown>;
  readonly tensors: Map<string, SafeTensorInput>;
}

export async function hfCheckpoint(model: Model, dtype: 'F32' | 'BF16' = 'F32'): Promise<HfCheckpoint> {
  const { spec } = model;
  const tensors = new Map<string, SafeTensorInput>();
  const put = (name: string, shape: readonly number[], values: Float32Array): unknown =>
    tensors.set(name, { dtype, shape, data: asBytes(dtype, values) });
  const read = async (name: string): Promise<Float32Array> => dequantise(await model.readTensor(name));
  const joined = async (names: readonly string[]): Promise<Float32Array> => {
    const parts = await Promise.all(names.map(read));
    return Float32Array.from(parts.flatMap((part) => [...part]));
  };
  for (const [name, { shape }] of model.tensors) {
    const [, layer = '', part = name] = /^layers\.(\d+)\.(\w+)$/.exec(name) ?? [];
    const inLayer = `model.layers.${layer}.`;
    const beside = (other: string): string => `layers.${layer}.${other}`;
    const columns = shape[1] ?? 1;
    if (spec.architecture === 'phi3' && part === 'query') {
      const values = await joined(['query', 'key', 'value'].map(beside));
      put(`${inLayer}self_attn.qkv_proj.weight`, [values.length / columns, columns], values);
    } else if (spec.architecture === 'phi3' && part === 'gate') {
      const values = await joined(['gate', 'up'].map(beside));
      put(`${inLayer}mlp.gate_up_proj.weight`, [values.length / columns, columns], values);
    } else if (spec.architecture === 'phi3' && ['key', 'value', 'up'].includes(part)) {
      continue;
    } else {
      const values = await read(name);
      const stored =
        spec.architecture === 'gemma3' && part.endsWith('Norm') ? values.map((value) => value - 1) : values;
      put(layer === '' ? outer(part) : inLayer + nameInLayer(part, spec), shape, stored);
    }
  }
  return { config: configOf(spec), tensors };
}

function outer(part: string): string {
  return part === 'head' ? 'lm_head.weight' : part === 'finalNorm' ? 'model.norm.weight' : 'model.embed_tokens.weight';
}

function nameInLayer(part: string, { architecture }: ModelSpec): string {
  const projection = /^(query|key|value)(Bias|Norm)?$/.exec(part);
  if (projection !== null) {
    const letter = String(projection[1])[0] as string;
    if (projection[2] === 'Norm') return `self_attn.${letter}_norm.weight`;
    return `self_attn.${letter}_proj.${projection[2] === 'Bias' ? 'bias' : 'weight'}`;
  }
  if (part === 'attentionOutput') return 'self_attn.o_proj.weight';
  if (part === 'attentionNorm') return 'input_layernorm.weight';
  if (part === 'attentionPostNorm') return 'post_attention_layernorm.weight';
  if (part === 'feedForwardPostNorm') return 'post_feedforward_layernorm.weight';
  if (part !== 'feedForwardNorm') return `mlp.${part}_proj.weight`;
  return architecture === 'gemma3' ? 'pre_feedforward_layernorm.weight' : 'post_attention_layernorm.weight';
}

/** In the old spelling. Of the scalings only what these tests need. */
function configOf(spec: ModelSpec): Record<string, unknown> {
  const { architecture, slidingWindow = null } = spec;
  const types = { llama: slidingWindow === null ? 'llama' : 'mistral', gemma3: 'gemma3_text' } as Record<
    string,
    string
  >;
  return {
    model_type: types[architecture] ?? architecture,
    hidden_size: spec.hiddenSize,
    intermediate_size: spec.feedForwardSize,
    num_hidden_layers: spec.layers,
    num_attention_heads: spec.heads,
    num_key_value_heads: spec.kvHeads,
    head_dim: spec.headSize,
    vocab_size: spec.vocabularySize,
    max_position_embeddings: spec.contextLength,
    rms_norm_eps: spec.rmsNormEpsilon,
    rope_theta: spec.ropeTheta,
    tie_word_embeddings: spec.tiedHead,
    sliding_window: slidingWindow,
    ...(architecture === 'gemma3' && {
      sliding_window_pattern: spec.fullAttentionEvery,
      rope_local_base_freq: spec.slidingRopeTheta,
      query_pre_attn_scalar: spec.attentionScale === undefined ? spec.headSize : Math.round(spec.attentionScale ** -2),
      final_logit_softcapping: spec.logitSoftCap ?? null,
    }),
    ...(spec.rotarySize !== undefined && { partial_rotary_factor: spec.rotarySize / spec.headSize }),
    ...(spec.ropeScaling.kind === 'linear' && { rope_scaling: { type: 'linear', factor: spec.ropeScaling.factor } }),
    ...(spec.ropeScaling.kind === 'longrope' && {
      original_max_position_embeddings: spec.ropeScaling.originalContextLength,
      rope_scaling: {
        type: 'longrope',
        short_factor: spec.ropeScaling.shortFactors,
        long_factor: spec.ropeScaling.longFactors,
      },
    }),
  };
}
