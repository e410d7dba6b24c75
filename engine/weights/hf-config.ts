// transformers' config.json and generation_config.json -> facts of the architecture and the makers' advice. Called by the
// packer and by the safetensors source; which tensors hold what is in hf-tensors.ts.
// Fields and what an absent one means: transformers 5's configuration_{llama,mistral,qwen2,qwen3,gemma3,phi3}.py, and the
// older spellings that checkpoints still have (`rope_scaling`, `rope_local_base_freq`, `sliding_window_pattern`).
// Knows nothing of files. What goes wrong: a field that is absent or of the wrong kind is `model-invalid`; a sound fact
// that our decoders cannot follow is `model-unsupported`. Both name it.

import * as v from 'valibot';
import { EngineError } from '../protocol/errors.js';
import { readHfScaling, rotaryFields, type HfRotary } from './hf-rotary.js';
import type { Architecture, GenerationDefaults, ModelSpec } from './model.js';
import { checkSpec } from './tensor-layout.js';

const integer = v.pipe(v.number(), v.integer());
const maybe = <T extends v.GenericSchema>(schema: T) => v.nullish(schema);
const ids = v.union([integer, v.array(integer)]);
const configSchema = v.looseObject({
  model_type: v.string(),
  hidden_size: integer,
  intermediate_size: integer,
  num_hidden_layers: v.pipe(integer, v.minValue(1), v.maxValue(1024)), // listed one by one below, so bounded here
  num_attention_heads: integer,
  num_key_value_heads: maybe(integer),
  head_dim: maybe(integer),
  vocab_size: integer,
  max_position_embeddings: integer,
  rms_norm_eps: v.number(),
  ...rotaryFields,
  tie_word_embeddings: maybe(v.boolean()),
  attention_bias: maybe(v.boolean()),
  mlp_bias: maybe(v.boolean()),
  hidden_act: maybe(v.string()),
  hidden_activation: maybe(v.string()),
  use_sliding_window: maybe(v.boolean()),
  sliding_window: maybe(integer),
  max_window_layers: maybe(integer),
  sliding_window_pattern: maybe(integer),
  layer_types: maybe(v.array(v.string())),
  query_pre_attn_scalar: maybe(v.number()),
  attn_logit_softcapping: maybe(v.number()),
  final_logit_softcapping: maybe(v.number()),
  use_bidirectional_attention: maybe(v.boolean()),
  use_mrope: maybe(v.boolean()),
  quantization_config: maybe(v.looseObject({ quant_method: maybe(v.string()) })),
});
type Config = v.InferOutput<typeof configSchema>;

const generationSchema = v.looseObject({
  do_sample: maybe(v.boolean()),
  temperature: maybe(v.number()),
  top_k: maybe(integer),
  top_p: maybe(v.number()),
  min_p: maybe(v.number()),
  repetition_penalty: maybe(v.number()),
  eos_token_id: maybe(ids),
});
const endsSchema = v.looseObject({ eos_token_id: maybe(ids) });

interface Family {
  readonly architecture: Architecture;
  /** Fields that transformers fills in; the others must be given. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

const families: Readonly<Record<string, Family>> = {
  llama: { architecture: 'llama', defaults: {} },
  mistral: { architecture: 'llama', defaults: { sliding_window: 4096 } },
  qwen2: { architecture: 'qwen2', defaults: { sliding_window: 4096, max_window_layers: 28 } },
  qwen3: { architecture: 'qwen3', defaults: { head_dim: 128, sliding_window: 4096, max_window_layers: 28 } },
  // Gemma's checkpoints with pictures leave out what equals the default.
  gemma3_text: {
    architecture: 'gemma3',
    defaults: {
      vocab_size: 262_208,
      num_attention_heads: 8,
      num_key_value_heads: 4,
      head_dim: 256,
      max_position_embeddings: 131_072,
      rms_norm_eps: 1e-6,
      query_pre_attn_scalar: 256,
      sliding_window: 4096,
      sliding_window_pattern: 6,
      tie_word_embeddings: true,
      hidden_activation: 'gelu_pytorch_tanh',
      rope_theta: 1_000_000,
      rope_local_base_freq: 10_000,
    },
  },
  phi3: { architecture: 'phi3', defaults: { original_max_position_embeddings: 4096 } },
};

/**
 * @param config config.json, parsed
 * @param where the checkpoint, for messages
 * @throws EngineError `model-invalid`, `model-unsupported`
 */
export function readHfConfig(config: unknown, where: string): ModelSpec {
  const { architecture, fields } = readFields(config, where);
  refuseWhatWeCannotFollow(fields, architecture, where);
  const headSize = fields.head_dim ?? fields.hidden_size / fields.num_attention_heads;
  const rotary = readHfScaling(fields, architecture, headSize, where);
  const scalar = fields.query_pre_attn_scalar;
  const spec: ModelSpec = {
    architecture,
    layers: fields.num_hidden_layers,
    hiddenSize: fields.hidden_size,
    feedForwardSize: fields.intermediate_size,
    heads: fields.num_attention_heads,
    kvHeads: fields.num_key_value_heads ?? fields.num_attention_heads,
    headSize,
    vocabularySize: fields.vocab_size,
    contextLength: fields.max_position_embeddings,
    rmsNormEpsilon: fields.rms_norm_eps,
    ropeTheta: rotary.theta,
    ropeScaling: rotary.scaling,
    ...(rotary.rotarySize === headSize ? {} : { rotarySize: rotary.rotarySize }),
    ...readWindow(fields, rotary, where),
    ...(architecture === 'gemma3' && typeof scalar === 'number' && scalar !== headSize
      ? { attentionScale: 1 / Math.sqrt(scalar) }
      : {}),
    ...(typeof fields.final_logit_softcapping === 'number' ? { logitSoftCap: fields.final_logit_softcapping } : {}),
    tiedHead: fields.tie_word_embeddings ?? false,
  };
  checkSpec(spec, where);
  return spec;
}

/**
 * What the model's makers advise.
 * @param generation generation_config.json, parsed; {} when there is none
 * @param config config.json, which may name the tokens that end a text
 */
export function readHfGeneration(generation: unknown, config: unknown, where: string): GenerationDefaults {
  const given = parse(generationSchema, generation, `${where}: generation_config.json`);
  const ends = given.eos_token_id ?? parse(endsSchema, config, `${where}: config.json`).eos_token_id;
  const optional = <K extends string>(key: K, value: number | null | undefined): Partial<Record<K, number>> =>
    value === null || value === undefined ? {} : ({ [key]: value } as Record<K, number>);
  return {
    ...optional('temperature', given.do_sample === false ? 0 : given.temperature),
    ...optional('topK', given.top_k),
    ...optional('topP', given.top_p),
    ...optional('minP', given.min_p),
    ...optional('repetitionPenalty', given.repetition_penalty),
    ...(ends === null || ends === undefined ? {} : { endIds: typeof ends === 'number' ? [ends] : ends }),
  };
}

function readFields(config: unknown, where: string): { architecture: Architecture; fields: Config } {
  const outer = parse(v.looseObject({ model_type: v.string() }), config, `${where}: config.json`);
  // A Gemma 3 that also sees pictures: its text part stands on its own, and the rest is left out.
  const given: Record<string, unknown> =
    outer.model_type === 'gemma3' && typeof outer['text_config'] === 'object' && outer['text_config'] !== null
      ? { ...outer['text_config'], model_type: 'gemma3_text' }
      : outer;
  const type = String(given['model_type']);
  const family = Object.hasOwn(families, type) ? families[type] : undefined;
  if (family === undefined) throw unsupported(where, `the architecture "${type.slice(0, 40)}"`);
  const stated = Object.entries(given).filter(([, value]) => value !== undefined);
  const fields = parse(configSchema, { ...family.defaults, ...Object.fromEntries(stated) }, `${where}: config.json`);
  return { architecture: family.architecture, fields };
}

function refuseWhatWeCannotFollow(fields: Config, architecture: Architecture, where: string): void {
  const gemma = architecture === 'gemma3';
  // Qwen2's biases are no choice; the field is an old checkpoint's.
  if (fields.attention_bias === true && architecture !== 'qwen2') throw unsupported(where, 'attention biases');
  if (fields.mlp_bias === true) throw unsupported(where, 'feed-forward biases');
  const needed = gemma ? 'gelu_pytorch_tanh' : 'silu';
  const activation = (gemma ? (fields.hidden_activation ?? fields.hidden_act) : fields.hidden_act) ?? needed;
  if (activation !== needed) throw unsupported(where, `the activation ${activation.slice(0, 40)}`);
  // transformers carries this field for Gemma 3 and does not apply it.
  if (typeof fields.attn_logit_softcapping === 'number') throw unsupported(where, 'a soft cap on attention scores');
  if (fields.use_bidirectional_attention === true) throw unsupported(where, 'attention that is not causal');
  if (fields.use_mrope === true) throw unsupported(where, 'rotary positions of several dimensions');
  const quantisation = fields.quantization_config;
  if (quantisation !== null && quantisation !== undefined) {
    throw unsupported(where, `weights quantised by ${(quantisation.quant_method ?? 'some method').slice(0, 40)}`);
  }
}

type Window = Pick<ModelSpec, 'slidingWindow' | 'fullAttentionEvery' | 'slidingRopeTheta'>;

function readWindow(fields: Config, rotary: HfRotary, where: string): Window {
  const slides = slidingLayers(fields, where);
  const window = fields.sliding_window;
  if (typeof window !== 'number' || !slides.includes(true)) return {};
  // Of every n layers the last sees everything, or all slide: other orders are not followed.
  const every = slides.indexOf(false) + 1;
  const regular = slides.every((slide, layer) => slide === (every === 0 || (layer + 1) % every !== 0));
  if (!regular) throw unsupported(where, 'layers that slide in an order of their own (layer_types)');
  return {
    slidingWindow: window,
    ...(every === 0 ? {} : { fullAttentionEvery: every }),
    ...(rotary.slidingTheta === null ? {} : { slidingRopeTheta: rotary.slidingTheta }),
  };
}

/** Which layers see a window only. */
function slidingLayers(fields: Config, where: string): readonly boolean[] {
  const layers = Array.from({ length: fields.num_hidden_layers }, (_, layer) => layer);
  const qwen = fields.model_type.startsWith('qwen');
  if (fields.sliding_window === null || fields.sliding_window === undefined) return layers.map(() => false);
  if (qwen && fields.use_sliding_window !== true) return layers.map(() => false);
  const types = fields.layer_types;
  if (types !== null && types !== undefined && fields.model_type !== 'mistral') {
    if (types.length !== layers.length) {
      throw invalid(`${where}: config.json`, `layer_types names ${types.length} of ${layers.length} layers`);
    }
    const strange = types.find((type) => type !== 'sliding_attention' && type !== 'full_attention');
    if (strange !== undefined) throw unsupported(where, `layers of the type "${strange.slice(0, 40)}"`);
    return types.map((type) => type === 'sliding_attention');
  }
  if (qwen) return layers.map((layer) => layer >= (fields.max_window_layers ?? 0));
  const pattern = fields.sliding_window_pattern;
  return layers.map((layer) => typeof pattern !== 'number' || (layer + 1) % pattern !== 0);
}

function parse<T extends v.GenericSchema>(schema: T, value: unknown, file: string): v.InferOutput<T> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw invalid(file, `${v.getDotPath(issue) ?? 'it'}: ${issue.message.slice(0, 200)}`);
}

const invalid = (where: string, what: string): EngineError =>
  new EngineError('model-invalid', `${where}: ${what}.`, { hint: 'Save the model again with transformers.' });

const unsupported = (where: string, what: string): EngineError =>
  new EngineError('model-unsupported', `${where} has ${what}, which llm-elements does not run.`, {
    hint: 'Llama, Mistral, Qwen2, Qwen3, Gemma 3 and Phi-3 models run.',
  });
