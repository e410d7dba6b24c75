// A directory as transformers saves it (config.json, *.safetensors, tokenizer.json, tokenizer_config.json and, where
// they exist, generation_config.json and chat_template.jinja) as the packer's input.
// Fields and defaults: transformers' LlamaConfig and Qwen2Config. Tensor names: LlamaForCausalLM and Qwen2ForCausalLM.
// What goes wrong: another architecture, biases or activations that we do not run are `model-unsupported`; a tensor
// that is missing, or beyond those we know, is refused rather than left out.

import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import * as v from 'valibot';
import { EngineError } from '../../engine/protocol/errors.js';
import type { GenerationDefaults, ModelSpec, RopeScaling, TensorName } from '../../engine/weights/model.js';
import { checkSpec, expectedTensors, sameShape, shapeText } from '../../engine/weights/tensor-layout.js';
import type { PackInput } from './input.js';
import { openSafeTensors, type SafeTensor } from './safetensors.js';

const integer = v.pipe(v.number(), v.integer());
const maybe = <T extends v.GenericSchema>(schema: T) => v.nullish(schema);
const scalingSchema = v.looseObject({
  rope_type: maybe(v.string()),
  type: maybe(v.string()),
  rope_theta: maybe(v.number()),
  factor: maybe(v.number()),
  low_freq_factor: maybe(v.number()),
  high_freq_factor: maybe(v.number()),
  original_max_position_embeddings: maybe(v.number()),
});
const ids = v.union([integer, v.array(integer)]);
const configSchema = v.looseObject({
  model_type: v.string(),
  hidden_size: integer,
  intermediate_size: integer,
  num_hidden_layers: integer,
  num_attention_heads: integer,
  num_key_value_heads: maybe(integer),
  head_dim: maybe(integer),
  vocab_size: integer,
  max_position_embeddings: integer,
  rms_norm_eps: v.number(),
  rope_theta: maybe(v.number()),
  rope_scaling: maybe(scalingSchema),
  rope_parameters: maybe(scalingSchema),
  tie_word_embeddings: maybe(v.boolean()),
  attention_bias: maybe(v.boolean()),
  mlp_bias: maybe(v.boolean()),
  use_sliding_window: maybe(v.boolean()),
  hidden_act: maybe(v.string()),
  eos_token_id: maybe(ids),
});
const generationSchema = v.looseObject({
  do_sample: maybe(v.boolean()),
  temperature: maybe(v.number()),
  top_k: maybe(integer),
  top_p: maybe(v.number()),
  min_p: maybe(v.number()),
  repetition_penalty: maybe(v.number()),
  eos_token_id: maybe(ids),
});
type Config = v.InferOutput<typeof configSchema>;

export async function openHfInput(directory: string): Promise<PackInput> {
  const config = parse(configSchema, await readJson(directory, 'config.json'), 'config.json');
  const weights = await openSafeTensors(directory);
  try {
    const spec = readSpec(config, directory);
    const found = matchTensors(weights.tensors, spec, directory);
    const need = (name: TensorName): SafeTensor => {
      const tensor = found.get(name);
      if (tensor === undefined) throw new RangeError(`no tensor ${name}`);
      return tensor;
    };
    return {
      name: basename(resolve(directory)),
      licence: 'unknown',
      spec,
      generation: await readGeneration(directory, config),
      tokenizer: { kind: 'tokenizer-json', ...(await readTokenizer(directory)) },
      kindOf: (name) => (need(name).dtype === 'F32' ? 'f32' : 'f16'),
      readBlocks: () => Promise.resolve(null),
      readValues: (name) => need(name).values(),
      close: weights.close,
    };
  } catch (thrown) {
    await weights.close();
    throw thrown;
  }
}

function readSpec(config: Config, where: string): ModelSpec {
  const { model_type: architecture } = config;
  if (architecture !== 'llama' && architecture !== 'qwen2') {
    throw unsupported(where, `the architecture "${architecture.slice(0, 40)}"`);
  }
  if (config.attention_bias === true && architecture === 'llama') throw unsupported(where, 'attention biases');
  if (config.mlp_bias === true) throw unsupported(where, 'feed-forward biases');
  if (config.use_sliding_window === true) throw unsupported(where, 'sliding-window attention');
  if ((config.hidden_act ?? 'silu') !== 'silu') throw unsupported(where, `the activation ${config.hidden_act}`);
  const rope = config.rope_parameters ?? config.rope_scaling ?? {};
  const spec: ModelSpec = {
    architecture,
    layers: config.num_hidden_layers,
    hiddenSize: config.hidden_size,
    feedForwardSize: config.intermediate_size,
    heads: config.num_attention_heads,
    kvHeads: config.num_key_value_heads ?? config.num_attention_heads,
    headSize: config.head_dim ?? config.hidden_size / config.num_attention_heads,
    vocabularySize: config.vocab_size,
    contextLength: config.max_position_embeddings,
    rmsNormEpsilon: config.rms_norm_eps,
    ropeTheta: config.rope_theta ?? rope.rope_theta ?? 10_000,
    ropeScaling: readScaling(rope, where),
    tiedHead: config.tie_word_embeddings ?? false,
  };
  checkSpec(spec, where);
  return spec;
}

function readScaling(rope: v.InferOutput<typeof scalingSchema>, where: string): RopeScaling {
  const kind = rope.rope_type ?? rope.type ?? 'default';
  // An absent number becomes NaN here, which checkSpec refuses by name.
  const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: original } = rope;
  switch (kind) {
    case 'default':
      return { kind: 'none' };
    case 'linear':
      return { kind: 'linear', factor: factor ?? Number.NaN };
    case 'llama3':
      return {
        kind: 'llama3',
        factor: factor ?? Number.NaN,
        lowFrequencyFactor: low ?? Number.NaN,
        highFrequencyFactor: high ?? Number.NaN,
        originalContextLength: original ?? Number.NaN,
      };
    default:
      throw unsupported(where, `rotary scaling "${kind.slice(0, 40)}"`);
  }
}

const layerNames: Record<string, string> = {
  attentionNorm: 'input_layernorm.weight',
  query: 'self_attn.q_proj.weight',
  key: 'self_attn.k_proj.weight',
  value: 'self_attn.v_proj.weight',
  queryBias: 'self_attn.q_proj.bias',
  keyBias: 'self_attn.k_proj.bias',
  valueBias: 'self_attn.v_proj.bias',
  attentionOutput: 'self_attn.o_proj.weight',
  feedForwardNorm: 'post_attention_layernorm.weight',
  gate: 'mlp.gate_proj.weight',
  up: 'mlp.up_proj.weight',
  down: 'mlp.down_proj.weight',
};
const otherNames: Record<string, string> = {
  embedding: 'model.embed_tokens.weight',
  finalNorm: 'model.norm.weight',
  head: 'lm_head.weight',
};

function hfName(name: TensorName): string {
  const match = /^layers\.(\d+)\.(\w+)$/.exec(name);
  const known = match === null ? otherNames[name] : layerNames[match[2] as string];
  if (known === undefined) throw new RangeError(`no transformers name for ${name}`);
  return match === null ? known : `model.layers.${match[1]}.${known}`;
}

function matchTensors(
  tensors: ReadonlyMap<string, SafeTensor>,
  spec: ModelSpec,
  where: string,
): Map<TensorName, SafeTensor> {
  const left = new Map(tensors);
  const found = new Map<TensorName, SafeTensor>();
  for (const [name, shape] of expectedTensors(spec)) {
    const theirs = hfName(name);
    const tensor = left.get(theirs);
    left.delete(theirs);
    if (tensor === undefined) throw invalid(where, `the tensor ${theirs} is missing`);
    if (!sameShape(tensor.shape, shape)) {
      throw invalid(where, `${theirs} is ${shapeText(tensor.shape)} where ${shapeText(shape)} is needed`);
    }
    found.set(name, tensor);
  }
  // A tied head is sometimes saved a second time, and old checkpoints hold the rotary frequencies: both follow from
  // what we have.
  const [extra] = [...left.keys()].filter(
    (name) => !name.endsWith('.rotary_emb.inv_freq') && !(spec.tiedHead && name === otherNames.head),
  );
  if (extra !== undefined) throw unsupported(where, `the tensor ${extra}`);
  return found;
}

async function readGeneration(directory: string, config: Config): Promise<GenerationDefaults> {
  const raw = await readJson(directory, 'generation_config.json', {});
  const given = parse(generationSchema, raw, 'generation_config.json');
  const ends = given.eos_token_id ?? config.eos_token_id;
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

async function readTokenizer(directory: string): Promise<{ tokenizer: Uint8Array; config: Uint8Array }> {
  const tokenizer = await readNeeded(directory, 'tokenizer.json');
  JSON.parse(tokenizer.toString('utf8'));
  const text = (await readNeeded(directory, 'tokenizer_config.json')).toString('utf8');
  const config = JSON.parse(text) as Record<string, unknown>;
  // transformers lets the file win over the field.
  const template = await readFile(join(directory, 'chat_template.jinja'), 'utf8').catch(() => null);
  if (template === null) return { tokenizer, config: Buffer.from(text) };
  return { tokenizer, config: Buffer.from(JSON.stringify({ ...config, chat_template: template }, null, 1)) };
}

async function readNeeded(directory: string, name: string): Promise<Buffer> {
  return readFile(join(directory, name)).catch((thrown: unknown) => {
    throw new EngineError('model-not-found', `${join(directory, name)} cannot be read.`, {
      cause: thrown,
      hint: 'A repository needs config.json, model.safetensors, tokenizer.json and tokenizer_config.json.',
    });
  });
}

async function readJson(directory: string, name: string, otherwise?: unknown): Promise<unknown> {
  if (otherwise !== undefined) {
    const text = await readFile(join(directory, name), 'utf8').catch(() => null);
    return text === null ? otherwise : JSON.parse(text);
  }
  return JSON.parse((await readNeeded(directory, name)).toString('utf8'));
}

function parse<T extends v.GenericSchema>(schema: T, value: unknown, file: string): v.InferOutput<T> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw invalid(file, `${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
}

const invalid = (where: string, what: string): EngineError =>
  new EngineError('model-invalid', `${where}: ${what}.`, { hint: 'Save the model again with transformers.' });

const unsupported = (where: string, what: string): EngineError =>
  new EngineError('model-unsupported', `${where} has ${what}, which llm-elements does not run.`, {
    hint: 'Llama and Qwen2 models run.',
  });
