// What a request's fields mean for choosing tokens and for stopping: OpenAI's names to ours, silent fields to the
// model's own advice and then to OpenAI's defaults. Called by `generate.ts`. Knows nothing of prompts or text.
// Source: the OpenAI API reference, "Chat completions"; generation_config.json for the advice.

import type { ChooseOptions } from '../decoders/decoder.js';
import { EngineError } from '../protocol/errors.js';
import type { CompletionRequest } from '../protocol/text-completion.js';

/** What a model's makers advise; a request's own fields win. */
export interface GenerateDefaults {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
}

export interface GenerateSettings {
  /** All but the ids that penalties look at, which grow with the answer. */
  readonly choose: Omit<ChooseOptions, 'penalised'>;
  readonly stops: readonly string[];
  /** Tokens the answer may have; Infinity without a limit. */
  readonly maximumTokens: number;
}

/**
 * @param randomSeed drawn when the request has no seed
 * @throws EngineError `invalid-request` for a bias on a token that does not exist
 */
export function readSettings(
  completion: CompletionRequest,
  defaults: GenerateDefaults,
  vocabularySize: number,
  randomSeed: () => number,
): GenerateSettings {
  const { stop } = completion;
  return {
    choose: {
      temperature: completion.temperature ?? defaults.temperature ?? 1,
      topK: completion.top_k ?? defaults.topK ?? 0,
      topP: completion.top_p ?? defaults.topP ?? 1,
      minP: completion.min_p ?? defaults.minP ?? 0,
      presencePenalty: completion.presence_penalty ?? 0,
      frequencyPenalty: completion.frequency_penalty ?? 0,
      repetitionPenalty: completion.repetition_penalty ?? defaults.repetitionPenalty ?? 1,
      logitBias: readBias(completion.logit_bias, vocabularySize),
      seed: completion.seed ?? randomSeed(),
      logprobs: completion.logprobs === true ? (completion.top_logprobs ?? 0) : -1,
    },
    stops: stop === undefined ? [] : typeof stop === 'string' ? [stop] : stop,
    maximumTokens: completion.max_completion_tokens ?? completion.max_tokens ?? Infinity,
  };
}

function readBias(bias: Readonly<Record<string, number>> = {}, vocabularySize: number): Map<number, number> {
  const byId = new Map<number, number>();
  for (const [key, value] of Object.entries(bias)) {
    const id = Number(key);
    if (!Number.isInteger(id) || id < 0 || id >= vocabularySize) {
      throw new EngineError('invalid-request', `logit_bias names token ${key}; there are ${vocabularySize}.`, {
        hint: 'Name tokens of this model, or leave logit_bias out.',
      });
    }
    byId.set(id, value);
  }
  return byId;
}

/** 53 random bits. */
export function randomSeed(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 11) * 0x100000000 + low;
}
