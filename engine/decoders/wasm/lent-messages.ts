// What crosses the port between a decoder in a worker that a tab lent (lent-host.ts) and the engine that drives it
// (lent-decoder.ts). The engine sends `open`, answers the worker's `read`s with tensors from its own model, and then makes
// calls; each call has an id and one reply (`decode` sends its choices before it, some ahead of what was asked for). Both ends are of one origin, and still nothing is believed before its schema
// has passed it; what the worker says of tokens and bytes ends up in answers and in state.

import * as v from 'valibot';
import type { KernelBuild } from '../../../kernels/wasm/kernels.js';
import type { KvPrecision } from '../../kv/page-layout.js';
import type { EngineErrorShape } from '../../protocol/errors.js';
import type { ModelIdentity, ModelSpec, TensorFacts, WeightTensor } from '../../weights/model.js';
import type { AppendRequest, DecodeRequest } from '../decoder.js';
import type { Activations } from './forward.js';

/** What a decoder is opened with: the model's facts; its tensors are asked for. */
export interface LentOpening {
  readonly spec: ModelSpec;
  readonly identity: ModelIdentity;
  readonly tensors: readonly TensorFacts[];
  /** Of the model. */
  readonly readsAtOnce: number;
  /** Folder of the kernels' files, absolute. */
  readonly kernels: string;
  readonly threads: number;
  /** ThreadOptions.fromBytes */
  readonly threadsFrom?: number;
  readonly maxContext?: number;
  readonly kvPrecision?: KvPrecision;
  readonly activations?: Activations;
  readonly build?: KernelBuild;
}

export type LentCall =
  | { readonly type: 'append'; readonly sequence: number; readonly request: Omit<AppendRequest, 'signal'> }
  /** Answered by `chosen`, as often as there is a choice, and `decoded`. */
  | { readonly type: 'decode'; readonly sequence: number; readonly request: Omit<DecodeRequest, 'signal'> }
  | { readonly type: 'logits'; readonly tokens: readonly number[] }
  | { readonly type: 'dispose' };

/** Engine -> worker. */
export type ToLent =
  | { readonly type: 'open'; readonly opening: LentOpening }
  | { readonly type: 'tensor'; readonly id: number; readonly tensor: WeightTensor }
  | { readonly type: 'no-tensor'; readonly id: number; readonly error: EngineErrorShape }
  | { readonly type: 'call'; readonly id: number; readonly call: LentCall }
  | { readonly type: 'abort'; readonly id: number }
  /** So many choices of that `decode` were handed out: as many more may be made. */
  | { readonly type: 'taken'; readonly id: number; readonly count: number }
  /** No more choices are wanted of that `decode`: its sequence is cut to `length`, then `decoded` comes. */
  | { readonly type: 'end'; readonly id: number; readonly length: number }
  | { readonly type: 'truncate'; readonly sequence: number; readonly length: number }
  | { readonly type: 'release'; readonly sequence: number };

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const id = count;
const error = v.object({ code: v.string(), message: v.string(), hint: v.string() });
const logprob = v.object({ id: count, logprob: v.number() });
const choice = v.object({
  id: count,
  logprob: v.optional(logprob),
  alternatives: v.optional(v.array(logprob)),
});

const fromLent = v.variant('type', [
  v.object({
    type: v.literal('opened'),
    info: v.object({
      kind: v.literal('wasm'),
      device: v.literal('wasm'),
      deviceName: v.pipe(v.string(), v.maxLength(200)),
      contextLength: count,
      vocabularySize: count,
      weightBytes: count,
      prefillChunk: v.optional(count),
    }),
  }),
  v.object({ type: v.literal('failed'), error }),
  /** Asks for a tensor. */
  v.object({ type: v.literal('read'), id, name: v.string() }),
  v.object({ type: v.literal('appended'), id, choices: v.array(choice), kvBytes: count }),
  v.object({ type: v.literal('chosen'), id, choices: v.array(choice), kvBytes: count }),
  v.object({ type: v.literal('decoded'), id, kvBytes: count }),
  v.object({ type: v.literal('logits'), id, logits: v.instance(Float32Array) }),
  v.object({ type: v.literal('disposed'), id }),
  v.object({ type: v.literal('call-failed'), id, error, kvBytes: count }),
]);

/** Worker -> engine. */
export type FromLent = v.InferOutput<typeof fromLent>;
export type LentReply = Extract<FromLent, { type: 'appended' | 'decoded' | 'logits' | 'disposed' }>;

/** @returns null for anything that is no message of a lent decoder */
export function parseFromLent(data: unknown): FromLent | null {
  const result = v.safeParse(fromLent, data, { abortEarly: true });
  return result.success ? result.output : null;
}
