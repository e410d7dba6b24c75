// config.json and tensor names of transformers: as transformers itself writes them (test/fixtures/hf-checkpoints.json), as
// published checkpoints have them, and wrong.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { fixtureModel } from '../../test/fixtures/fixture-models.js';
import { readFixtures } from '../../test/fixtures/fixtures-node.js';
import { hfCheckpoint } from '../../test/support/hf-checkpoint.js';
import { EngineError } from '../protocol/errors.js';
import { readHfConfig, readHfGeneration } from './hf-config.js';
import { matchHfTensors } from './hf-tensors.js';
import type { ModelSpec } from './model.js';
import { expectedTensors } from './tensor-layout.js';

interface Checkpoint {
  readonly config: Record<string, unknown>;
  readonly tensors: Readonly<Record<string, readonly number[]>>;
}
const checkpoints = JSON.parse(
  readFileSync(new URL('../../test/fixtures/hf-checkpoints.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Checkpoint>>;
const fixtures = readFixtures();

/** Numbers to 12 digits: 24 ** -0.5 and 1 / sqrt(24) are not the same double. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === 'number' ? Number(one.toPrecision(12)) : one)));

const shapesOf = (tensors: Checkpoint['tensors']) =>
  new Map(Object.entries(tensors).map(([name, shape]) => [name, { shape }]));

for (const [name, { config, tensors }] of Object.entries(checkpoints)) {
  test(`${name}: what transformers saves is read as the model it is`, async () => {
    const fixture = fixtures.find((one) => one.name === name);
    assert.ok(fixture);
    assert.deepEqual(rounded(readHfConfig(config, 'it')), rounded(fixture.spec));
    const places = matchHfTensors(shapesOf(tensors), fixture.spec, 'it');
    assert.deepEqual([...places.keys()], [...expectedTensors(fixture.spec).keys()]);
    // The tests' own writer agrees with transformers, too.
    const written = await hfCheckpoint(fixtureModel(fixture));
    assert.deepEqual(
      Object.fromEntries([...written.tensors].map(([tensor, { shape }]) => [tensor, shape])),
      Object.fromEntries(
        Object.entries(tensors).sort(([a], [b]) => order(written.tensors, a) - order(written.tensors, b)),
      ),
    );
  });
}
const order = (tensors: ReadonlyMap<string, unknown>, name: string): number => [...tensors.keys()].indexOf(name);

test('fused matrices are rows of one tensor, one after the other', () => {
  const { config, tensors } = checkpoints['phi3-longrope'] as Checkpoint;
  const places = matchHfTensors(shapesOf(tensors), readHfConfig(config, 'it'), 'it');
  const of = (part: string) => {
    const place = places.get(`layers.1.${part}`);
    return [place?.source.split('.').slice(-2)[0], place?.firstRow, place?.shape[0]];
  };
  assert.deepEqual(['query', 'key', 'value', 'gate', 'up'].map(of), [
    ['qkv_proj', 0, 64],
    ['qkv_proj', 64, 32],
    ['qkv_proj', 96, 32],
    ['gate_up_proj', 0, 96],
    ['gate_up_proj', 96, 96],
  ]);
});

type Facts = { readonly [K in keyof ModelSpec]?: ModelSpec[K] | undefined };

/** Facts of published checkpoints in their own, older spelling. */
const published: readonly (readonly [string, Record<string, unknown>, Facts])[] = [
  [
    'Llama 3.2',
    {
      model_type: 'llama',
      head_dim: 64,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      rope_theta: 500_000,
      rope_scaling: {
        factor: 32,
        high_freq_factor: 4,
        low_freq_factor: 1,
        original_max_position_embeddings: 8192,
        rope_type: 'llama3',
      },
      tie_word_embeddings: true,
    },
    {
      architecture: 'llama',
      kvHeads: 8,
      ropeScaling: {
        kind: 'llama3',
        factor: 32,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalContextLength: 8192,
      },
      tiedHead: true,
    },
  ],
  ['Mistral 0.1', { model_type: 'mistral', sliding_window: 4096 }, { architecture: 'llama', slidingWindow: 4096 }],
  ['a Mistral that leaves it out', { model_type: 'mistral' }, { slidingWindow: 4096 }],
  ['Mistral 0.2', { model_type: 'mistral', sliding_window: null }, { slidingWindow: undefined }],
  [
    'Qwen2.5',
    { model_type: 'qwen2', use_sliding_window: false, sliding_window: 32_768, max_window_layers: 2, use_mrope: false },
    { architecture: 'qwen2', slidingWindow: undefined, tiedHead: false },
  ],
  [
    'Qwen2 that slides everywhere',
    { model_type: 'qwen2', use_sliding_window: true, sliding_window: 512, max_window_layers: 0 },
    { slidingWindow: 512, fullAttentionEvery: undefined },
  ],
  [
    'Qwen3 with YaRN, as its card advises',
    { model_type: 'qwen3', rope_scaling: { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32_768 } },
    {
      headSize: 128,
      ropeScaling: {
        kind: 'yarn',
        factor: 4,
        originalContextLength: 32_768,
        betaFast: 32,
        betaSlow: 1,
        attentionFactor: 0.1 * Math.log(4) + 1,
      },
    },
  ],
  [
    'Gemma 3 1B',
    {
      model_type: 'gemma3_text',
      num_hidden_layers: 26,
      head_dim: 256,
      query_pre_attn_scalar: 256,
      rope_theta: 1_000_000,
      rope_local_base_freq: 10_000,
      rope_scaling: null,
      sliding_window: 512,
      sliding_window_pattern: 6,
      attn_logit_softcapping: null,
      final_logit_softcapping: null,
      hidden_activation: 'gelu_pytorch_tanh',
    },
    {
      architecture: 'gemma3',
      slidingWindow: 512,
      fullAttentionEvery: 6,
      slidingRopeTheta: 10_000,
      ropeTheta: 1_000_000,
      attentionScale: undefined,
      tiedHead: true,
    },
  ],
  [
    'Gemma 3 4B, whose text part leaves out what is usual',
    {
      model_type: 'gemma3',
      vision_config: {},
      text_config: {
        hidden_size: 2560,
        intermediate_size: 10_240,
        num_hidden_layers: 34,
        rope_scaling: { factor: 8, rope_type: 'linear' },
        sliding_window: 1024,
      },
    },
    {
      architecture: 'gemma3',
      heads: 8,
      kvHeads: 4,
      headSize: 256,
      vocabularySize: 262_208,
      ropeScaling: { kind: 'linear', factor: 8 },
      slidingWindow: 1024,
      fullAttentionEvery: 6,
      ropeTheta: 1_000_000,
    },
  ],
  [
    'Phi-3-mini-128k, by the first name of longrope',
    {
      model_type: 'phi3',
      hidden_size: 16,
      num_attention_heads: 2,
      max_position_embeddings: 131_072,
      original_max_position_embeddings: 4096,
      rope_scaling: { type: 'su', short_factor: [1, 1, 1, 1], long_factor: [1, 2, 3, 4] },
      sliding_window: 262_144,
    },
    {
      architecture: 'phi3',
      ropeScaling: {
        kind: 'longrope',
        shortFactors: [1, 1, 1, 1],
        longFactors: [1, 2, 3, 4],
        originalContextLength: 4096,
        attentionFactor: Math.sqrt(1 + Math.log(32) / Math.log(4096)),
      },
    },
  ],
  ['Phi-4-mini', { model_type: 'phi3', partial_rotary_factor: 0.75, tie_word_embeddings: true }, { rotarySize: 48 }],
];
const base = {
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  vocab_size: 128_256,
  max_position_embeddings: 131_072,
  rms_norm_eps: 1e-5,
};

test('published checkpoints are read in their older spellings', () => {
  for (const [name, config, expected] of published) {
    const given = 'text_config' in config ? config : { ...base, ...config };
    const spec = readHfConfig(given, name) as unknown as Record<string, unknown>;
    const facts = Object.fromEntries(Object.keys(expected).map((key) => [key, spec[key]]));
    assert.deepEqual(facts, expected, name);
  }
});

test('what we cannot follow is refused by its name', () => {
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ model_type: 'mixtral' }, /architecture "mixtral"/],
    [{ model_type: 'constructor' }, /architecture "constructor"/],
    [{ model_type: 'llama', attention_bias: true }, /attention biases/],
    [{ model_type: 'llama', mlp_bias: true }, /feed-forward biases/],
    [{ model_type: 'llama', hidden_act: 'relu' }, /activation relu/],
    [{ model_type: 'gemma3_text', hidden_activation: 'silu' }, /activation silu/],
    [{ model_type: 'gemma3_text', attn_logit_softcapping: 50 }, /soft cap on attention/],
    [{ model_type: 'gemma3_text', use_bidirectional_attention: true }, /not causal/],
    [{ model_type: 'llama', rope_scaling: { type: 'dynamic', factor: 2 } }, /"dynamic"/],
    [{ model_type: 'llama', partial_rotary_factor: 0.5 }, /turn in part/],
    [{ model_type: 'qwen2', use_mrope: true }, /several dimensions/],
    [{ model_type: 'qwen3', rope_scaling: { rope_type: 'yarn', factor: 2, truncate: false } }, /truncate/],
    [{ model_type: 'qwen2', use_sliding_window: true, sliding_window: 8, max_window_layers: 3 }, /order of their own/],
    [{ model_type: 'qwen3', quantization_config: { quant_method: 'awq' } }, /quantised by awq/],
    [
      { model_type: 'gemma3_text', layer_types: [...Array<string>(15).fill('full_attention'), 'linear_attention'] },
      /"linear_attention"/,
    ],
  ];
  for (const [config, message] of refused) {
    assert.throws(() => readHfConfig({ ...base, ...config }, 'it'), { code: 'model-unsupported', message });
  }
  const invalid: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ model_type: 'llama', hidden_size: undefined }, /hidden_size/],
    [{ model_type: 'llama', hidden_size: '64' }, /hidden_size/],
    [{ model_type: 'llama', rope_scaling: { rope_type: 'linear' } }, /rotary factor/],
    [{ model_type: 'phi3', rope_scaling: { type: 'longrope', short_factor: [1] } }, /rotary factors/],
    [{ model_type: 'gemma3_text', layer_types: ['full_attention'] }, /1 of 16 layers/],
    [{}, /model_type/],
  ];
  for (const [config, message] of invalid) {
    assert.throws(() => readHfConfig({ ...base, ...config }, 'it'), { code: 'model-invalid', message });
  }
});

test('a tensor that is missing, mis-shaped or unknown is refused by its name; what follows from the rest is not', () => {
  const { config, tensors } = checkpoints['gemma3'] as Checkpoint;
  const spec = readHfConfig(config, 'it');
  const match = (changes: Record<string, readonly number[] | undefined>) => {
    const entries = Object.entries({ ...tensors, ...changes }).filter(([, shape]) => shape !== undefined);
    return () => matchHfTensors(shapesOf(Object.fromEntries(entries) as Checkpoint['tensors']), spec, 'it');
  };
  const norm = 'model.layers.2.pre_feedforward_layernorm.weight';
  assert.throws(match({ [norm]: undefined }), { code: 'model-invalid', message: /layers\.2\.pre_feedforward/ });
  assert.throws(match({ [norm]: [95] }), { code: 'model-invalid', message: /is 95 where 96/ });
  assert.throws(match({ 'model.layers.0.mlp.up_proj.bias': [96] }), {
    code: 'model-unsupported',
    message: /up_proj\.bias/,
  });
  assert.throws(match({ 'model.embed_tokens.weight': undefined }), { code: 'model-invalid', message: /embed_tokens/ });
  match({ 'lm_head.weight': [64, 96], 'vision_tower.embeddings.weight': [3], 'multi_modal_projector.norm': [3] })();
  const deeper = Object.fromEntries(Object.entries(tensors).map(([name, shape]) => [`language_model.${name}`, shape]));
  const place = matchHfTensors(shapesOf(deeper), spec, 'it').get('layers.0.query');
  assert.equal(place?.source, 'language_model.model.layers.0.self_attn.q_proj.weight');
});

test("the advice of generation_config.json, with its ends or else config.json's", () => {
  const given = { do_sample: true, temperature: 0.6, top_p: 0.9, top_k: 20, eos_token_id: [3, 5] };
  assert.deepEqual(readHfGeneration(given, {}, 'it'), { temperature: 0.6, topP: 0.9, topK: 20, endIds: [3, 5] });
  assert.deepEqual(readHfGeneration({ do_sample: false, temperature: 0.6 }, { eos_token_id: 2 }, 'it'), {
    temperature: 0,
    endIds: [2],
  });
  assert.deepEqual(readHfGeneration({}, { eos_token_id: null }, 'it'), {});
});

test('fuzzed: a config with any field replaced is read or refused by an EngineError', () => {
  const values = fc.oneof(fc.constantFrom(null, true, 0, -1, 1.5, 1e300, 'silu', [], {}), fc.jsonValue());
  const property = fc.property(
    fc.constantFrom(...Object.values(checkpoints)),
    fc.nat(40),
    values,
    ({ config }, index, value) => {
      const key = Object.keys(config)[index % Object.keys(config).length] as string;
      try {
        expectedTensors(readHfConfig({ ...config, [key]: value }, 'it'));
      } catch (error) {
        assert.ok(
          error instanceof EngineError && ['model-invalid', 'model-unsupported'].includes(error.code),
          String(error),
        );
      }
    },
  );
  fc.assert(property, { numRuns: 500 });
});
