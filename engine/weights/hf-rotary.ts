// Rotary positions in transformers' config.json: the new spelling (`rope_parameters`, by kind of layer where those differ)
// and the old one (`rope_scaling`, `rope_theta`, `rope_local_base_freq`). Called by hf-config.ts. Rules and defaults:
// transformers' modeling_rope_utils.py. A kind of scaling that we do not know is `model-unsupported`, naming it; a number
// that a kind needs and the file lacks becomes NaN, which `checkSpec` refuses.

import * as v from 'valibot';
import { EngineError } from '../protocol/errors.js';
import type { Architecture, RopeScaling } from './model.js';

const maybe = <T extends v.GenericSchema>(schema: T) => v.nullish(schema);
const parametersSchema = v.looseObject({
  rope_type: maybe(v.string()),
  type: maybe(v.string()),
  rope_theta: maybe(v.number()),
  partial_rotary_factor: maybe(v.number()),
  factor: maybe(v.number()),
  low_freq_factor: maybe(v.number()),
  high_freq_factor: maybe(v.number()),
  original_max_position_embeddings: maybe(v.number()),
  attention_factor: maybe(v.number()),
  beta_fast: maybe(v.number()),
  beta_slow: maybe(v.number()),
  mscale: maybe(v.number()),
  mscale_all_dim: maybe(v.number()),
  truncate: maybe(v.boolean()),
  short_factor: maybe(v.array(v.number())),
  long_factor: maybe(v.array(v.number())),
});
type Parameters = v.InferOutput<typeof parametersSchema>;

/** The fields of config.json that say it. */
export const rotaryFields = {
  rope_theta: maybe(v.number()),
  rope_local_base_freq: maybe(v.number()),
  partial_rotary_factor: maybe(v.number()),
  original_max_position_embeddings: maybe(v.number()),
  rope_scaling: maybe(parametersSchema),
  rope_parameters: maybe(
    v.looseObject({
      ...parametersSchema.entries,
      full_attention: maybe(parametersSchema),
      sliding_attention: maybe(parametersSchema),
    }),
  ),
};

type Fields = v.InferOutput<v.LooseObjectSchema<typeof rotaryFields, undefined>> & {
  readonly max_position_embeddings: number;
};

export interface HfRotary {
  readonly theta: number;
  readonly scaling: RopeScaling;
  /** Elements of a head that turn. */
  readonly rotarySize: number;
  /** Base of the layers that slide, where it is another. */
  readonly slidingTheta: number | null;
}

export function readHfScaling(fields: Fields, architecture: Architecture, headSize: number, where: string): HfRotary {
  const whole = fields.rope_parameters;
  const rope: Parameters = whole?.full_attention ?? whole ?? fields.rope_scaling ?? {};
  const sliding = whole?.sliding_attention;
  if (sliding && kindOf(sliding) !== 'default') throw unsupported(where, 'scaled rotary positions in sliding layers');
  const share = rope.partial_rotary_factor ?? fields.partial_rotary_factor ?? 1;
  // transformers reads the field for other families, too, but turns whole heads there.
  if (share !== 1 && architecture !== 'phi3') throw unsupported(where, 'heads that turn in part');
  return {
    theta: rope.rope_theta ?? fields.rope_theta ?? 10_000,
    scaling: readScaling(rope, fields, architecture, where),
    rotarySize: Math.floor(headSize * share),
    slidingTheta: architecture === 'gemma3' ? (sliding?.rope_theta ?? fields.rope_local_base_freq ?? 10_000) : null,
  };
}

function kindOf(rope: Parameters): string {
  return rope.rope_type ?? rope.type ?? 'default';
}

function readScaling(rope: Parameters, fields: Fields, architecture: Architecture, where: string): RopeScaling {
  const given = kindOf(rope);
  // Phi's first checkpoints call it by its working titles.
  const kind = architecture === 'phi3' && (given === 'su' || given === 'yarn') ? 'longrope' : given;
  const context = fields.max_position_embeddings;
  const original =
    rope.original_max_position_embeddings ??
    fields.original_max_position_embeddings ??
    (kind === 'llama3' ? NaN : context);
  const factor = rope.factor ?? (kind === 'yarn' || kind === 'longrope' ? context / original : NaN);
  switch (kind) {
    case 'default':
      return { kind: 'none' };
    case 'linear':
      return { kind: 'linear', factor };
    case 'llama3':
      return {
        kind: 'llama3',
        factor,
        lowFrequencyFactor: rope.low_freq_factor ?? NaN,
        highFrequencyFactor: rope.high_freq_factor ?? NaN,
        originalContextLength: original,
      };
    case 'yarn':
      if (rope.truncate === false) throw unsupported(where, 'YaRN between fractions of frequencies (truncate)');
      return {
        kind: 'yarn',
        factor,
        originalContextLength: original,
        betaFast: rope.beta_fast ?? 32,
        betaSlow: rope.beta_slow ?? 1,
        attentionFactor: rope.attention_factor ?? yarnAmplitude(factor, rope),
      };
    case 'longrope':
      return {
        kind: 'longrope',
        shortFactors: rope.short_factor ?? [NaN],
        longFactors: rope.long_factor ?? [NaN],
        originalContextLength: original,
        attentionFactor: rope.attention_factor ?? longropeAmplitude(factor, original),
      };
    default:
      throw unsupported(where, `rotary scaling "${kind.slice(0, 40)}"`);
  }
}

function yarnAmplitude(factor: number, { mscale, mscale_all_dim: overAll }: Parameters): number {
  const scale = (by: number): number => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  return mscale && overAll ? scale(mscale) / scale(overAll) : scale(1);
}

/** What cosines and sines grow by when a text may be `factor` times as long as the model was first trained for. */
export const longropeAmplitude = (factor: number, original: number): number =>
  factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));

const unsupported = (where: string, what: string): EngineError =>
  new EngineError('model-unsupported', `${where} has ${what}, which llm-elements does not run.`, {
    hint: 'Unscaled, linear, llama3, yarn and longrope positions run.',
  });
