// What a repository's config.json says of a graph: only what its edges need. The graph itself knows the rest, so that
// architectures we know nothing of run, too. Called by onnx-source.ts. What goes wrong: `model-invalid`, naming the field.

import * as v from 'valibot';
import { EngineError } from '../../protocol/errors.js';
import type { GraphFacts } from './graph-model.js';
import { onnxTypes, type OnnxOutline, type OnnxValue } from './onnx-outline.js';

const count = v.optional(v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(2 ** 31))));

const fields = {
  max_position_embeddings: count,
  n_positions: count,
  n_ctx: count,
  vocab_size: count,
  num_key_value_heads: count,
  num_attention_heads: count,
  n_head: count,
  hidden_size: count,
  n_embd: count,
  head_dim: count,
};
const configSchema = v.looseObject({ ...fields, text_config: v.optional(v.looseObject(fields)) });

export type ConfigFacts = Pick<GraphFacts, 'contextLength' | 'vocabularySize' | 'kvHeads' | 'headSize'>;

/** 0 for what it does not say. @throws EngineError `model-invalid` */
export function readGraphConfig(config: unknown, where: string): ConfigFacts {
  const parsed = v.safeParse(configSchema, config);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new EngineError('model-invalid', `${where}: ${v.getDotPath(issue) ?? ''}: ${issue.message.slice(0, 200)}.`, {
      hint: 'config.json is damaged. Publish the repository again.',
    });
  }
  const given = { ...parsed.output, ...parsed.output.text_config };
  const heads = given.num_attention_heads ?? given.n_head ?? 0;
  const width = given.hidden_size ?? given.n_embd ?? 0;
  return {
    contextLength: given.max_position_embeddings ?? given.n_positions ?? given.n_ctx ?? 0,
    vocabularySize: given.vocab_size ?? 0,
    kvHeads: given.num_key_value_heads ?? heads,
    headSize: given.head_dim ?? (heads > 0 ? Math.floor(width / heads) : 0),
  };
}

/** A graph's input or output of keys or values. */
export interface CachePart {
  readonly layer: number;
  readonly part: 'key' | 'value';
}

export function cachePartOf(name: string, when: 'past_key_values' | 'present'): CachePart | null {
  const match = /^(past_key_values|present)\.(\d{1,4})\.(key|value)$/.exec(name);
  if (match?.[1] !== when) return null;
  return { layer: Number(match[2]), part: match[3] as CachePart['part'] };
}

/** Inputs beside the cache that we can give. */
export const knownInputs = [
  'input_ids',
  'attention_mask',
  'position_ids',
  'use_cache_branch',
  'num_logits_to_keep',
] as const;

/** Before anything large is downloaded: is this a graph that continues a text? @throws EngineError `model-unsupported` */
export function checkGraph({ inputs, outputs }: Pick<OnnxOutline, 'inputs' | 'outputs'>, where: string): void {
  const refuse = (what: string): EngineError =>
    new EngineError('model-unsupported', `${where} cannot be run: ${what}.`, {
      hint: 'Text models exported for transformers.js with a cache of keys and values run ("text-generation-with-past").',
    });
  const has = (list: readonly OnnxValue[], name: string): boolean => list.some((value) => value.name === name);
  if (!has(inputs, 'input_ids')) throw refuse('it takes no token ids (input_ids)');
  if (!has(outputs, 'logits')) throw refuse('it gives no logits');
  const layers = new Set<string>();
  for (const { name, type } of inputs) {
    const part = cachePartOf(name, 'past_key_values');
    if (part === null) {
      if (!(knownInputs as readonly string[]).includes(name)) throw refuse(`it wants the input "${name.slice(0, 60)}"`);
      continue;
    }
    if (type !== onnxTypes.float32 && type !== onnxTypes.float16) throw refuse(`its cache is of the type ${type}`);
    const present = `present.${part.layer}.${part.part}`;
    if (!has(outputs, present)) throw refuse(`it gives no ${present}`);
    layers.add(`${part.layer}.${part.part}`);
  }
  if (layers.size === 0) throw refuse('it has no cache of keys and values');
}
