// What a page accepts: replies and stream messages on its own ports, and states on the BroadcastChannel, which any
// script of the origin can write to. Called by the client only. A message that does not fit is refused here and
// reaches no element; limits keep a hostile sender from filling memory through lists and texts.

import * as v from 'valibot';
import { check } from './check.js';
import { erasureSchema, keptReportSchema } from './kept-data.js';
import { preferencesSchema } from './preferences.js';
import { profileReportSchema } from './profile.js';
import { conversationListSchema, conversationSchema, tokenCountSchema } from './conversations.js';
import { engineErrorCodes } from './errors.js';
import type { HelloReply, Reply, StreamMessage } from './host-api.js';
import { recoveryCauses, type EngineState, type LoadedModel, type ModelListing, type StorageReport } from './state.js';

const line = v.pipe(v.string(), v.maxLength(10_000));
const count = v.pipe(v.number(), v.finite(), v.minValue(0));

const errorSchema = v.object({ code: v.picklist(engineErrorCodes), message: line, hint: line });

const listingSchema = v.object({
  id: line,
  name: line,
  description: line,
  url: line,
  byteLength: count,
  licence: line,
  contextLength: count,
  quantisation: line,
  parameters: count,
  languages: v.pipe(v.array(line), v.maxLength(200)),
});

const loadedSchema = v.object({
  id: line,
  name: line,
  backend: v.picklist(['local', 'cloud']),
  decoder: line,
  device: v.picklist(['webgpu', 'wasm', 'cloud']),
  deviceName: line,
  contextLength: count,
  weightBytes: count,
  loadMilliseconds: count,
});

const verdictSchema = v.object({
  modelId: line,
  tier: v.picklist(['well', 'slow', 'too-large', 'no-device', 'unknown']),
  device: v.nullable(v.picklist(['webgpu', 'wasm'])),
  tokensPerSecond: v.nullable(count),
});

const stateSchema: v.GenericSchema<unknown, EngineState> = v.object({
  sequence: count,
  hostId: line,
  host: v.picklist(['shared-worker', 'tab']),
  status: v.variant('kind', [
    v.object({ kind: v.literal('idle') }),
    v.object({
      kind: v.literal('loading'),
      modelId: line,
      modelName: line,
      phase: v.picklist(['downloading', 'paused', 'preparing']),
      loadedBytes: count,
      totalBytes: count,
      bytesPerSecond: v.exactOptional(count),
      secondsLeft: v.exactOptional(count),
    }),
    v.object({ kind: v.literal('ready'), model: loadedSchema }),
    v.object({ kind: v.literal('failed'), error: errorSchema }),
  ]),
  models: v.pipe(v.array(listingSchema), v.maxLength(1_000)),
  verdicts: v.pipe(v.array(verdictSchema), v.maxLength(1_000)),
  preferences: preferencesSchema,
  changes: v.object({ storage: count, conversations: count, erased: count }),
  generating: v.pipe(v.array(v.object({ tabId: line, requestId: line })), v.maxLength(1_000)),
  waiting: v.pipe(v.array(line), v.maxLength(10_000)),
  tabs: count,
  cloud: v.object({ endpoint: v.nullable(line), allowed: v.boolean(), active: v.boolean() }),
  recovering: v.nullable(
    v.object({
      cause: v.picklist(recoveryCauses),
      message: line,
      attempt: count,
      attemptsAllowed: count,
      action: v.picklist(['reloading', 'stepping-down', 'gave-up']),
    }),
  ),
  loads: count,
  metrics: v.object({
    timeToFirstToken: v.nullable(count),
    tokensPerSecond: v.nullable(count),
    promptTokens: count,
    completionTokens: count,
    totalCompletionTokens: count,
    requests: count,
    kvBytes: count,
    contextTokens: count,
    tokensPerSecondP50: v.nullable(count),
    tokensPerSecondP90: v.nullable(count),
    timeToFirstTokenP50: v.nullable(count),
    timeToFirstTokenP90: v.nullable(count),
    queueLength: count,
    gpuBytes: count,
    kvHotBytes: count,
    kvColdBytes: count,
    totalPromptTokens: count,
    cachedPromptTokens: count,
    drafted: count,
    accepted: count,
    fallbacks: count,
    energyJoules: v.nullable(count),
  }),
  notes: v.pipe(v.array(line), v.maxLength(8)),
});

const settingsSchema = v.object({
  catalogueUrl: line,
  defaultModel: line,
  device: v.picklist(['auto', 'webgpu', 'wasm']),
  cloudUrl: v.nullable(line),
  cloudModel: v.nullable(line),
  trustedKeys: v.exactOptional(v.pipe(v.array(line), v.maxLength(20))),
  maxDownload: v.exactOptional(count),
});

const helloReplySchema: v.GenericSchema<unknown, HelloReply> = v.object({
  state: stateSchema,
  settings: settingsSchema,
  sharesLocks: v.boolean(),
});

const toolCallSchema = v.object({
  index: count,
  id: line,
  type: v.literal('function'),
  function: v.object({ name: line, arguments: v.pipe(v.string(), v.maxLength(1_000_000)) }),
});
const logprobFacts = { token: line, logprob: v.number(), bytes: v.pipe(v.array(v.number()), v.maxLength(1_000)) };
const logprobSchema = v.object({
  ...logprobFacts,
  top_logprobs: v.pipe(v.array(v.object(logprobFacts)), v.maxLength(20)),
});

const chunkSchema = v.object({
  id: line,
  object: v.literal('chat.completion.chunk'),
  created: count,
  model: line,
  choices: v.strictTuple([
    v.object({
      index: v.literal(0),
      delta: v.object({
        role: v.exactOptional(v.literal('assistant')),
        content: v.exactOptional(v.pipe(v.string(), v.maxLength(1_000_000))),
        tool_calls: v.exactOptional(v.pipe(v.array(toolCallSchema), v.maxLength(128))),
      }),
      finish_reason: v.nullable(v.picklist(['stop', 'length', 'tool_calls'])),
      logprobs: v.exactOptional(v.object({ content: v.pipe(v.array(logprobSchema), v.maxLength(1_000)) })),
    }),
  ]),
  usage: v.exactOptional(v.object({ prompt_tokens: count, completion_tokens: count, total_tokens: count })),
  llm: v.object({
    backend: v.picklist(['local', 'cloud']),
    model: line,
    tokenIds: v.exactOptional(v.pipe(v.array(count), v.maxLength(100_000))),
  }),
});

const streamSchema: v.GenericSchema<unknown, StreamMessage> = v.variant('type', [
  v.object({ type: v.literal('queued'), place: count }),
  v.object({ type: v.literal('started') }),
  v.object({ type: v.literal('chunk'), sequence: count, chunk: chunkSchema }),
  v.object({ type: v.literal('done') }),
  v.object({ type: v.literal('error'), error: errorSchema }),
]);

const requestIdSchema: v.GenericSchema<unknown, { readonly requestId: string }> = v.object({ requestId: line });
const pingSchema: v.GenericSchema<unknown, { readonly hostId: string }> = v.object({ hostId: line });
const urlListSchema: v.GenericSchema<unknown, readonly string[]> = v.pipe(v.array(line), v.maxLength(10_000));
const listings: v.GenericSchema<unknown, readonly ModelListing[]> = v.pipe(v.array(listingSchema), v.maxLength(1_000));
const nothing: v.GenericSchema<unknown, null> = v.null();
const storageReport: v.GenericSchema<unknown, StorageReport> = v.object({
  kind: v.picklist(['opfs', 'opfs-sync', 'indexeddb', 'memory', 'none']),
  usage: v.nullable(count),
  quota: v.nullable(count),
  models: v.pipe(
    v.array(
      v.object({
        source: line,
        name: line,
        quantisation: line,
        byteLength: count,
        storedBytes: count,
        lastUsed: count,
      }),
    ),
    v.maxLength(10_000),
  ),
});
const loaded: v.GenericSchema<unknown, LoadedModel> = loadedSchema;

/** Schemas of what each call answers with. */
export const replySchemas = {
  hello: helloReplySchema,
  state: stateSchema,
  models: listings,
  load: loaded,
  cancelLoad: nothing,
  pauseLoad: nothing,
  stopLoad: nothing,
  storage: storageReport,
  deleteModel: nothing,
  unload: nothing,
  complete: requestIdSchema,
  countTokens: tokenCountSchema,
  listConversations: conversationListSchema,
  readConversation: conversationSchema,
  writeConversation: conversationSchema,
  deleteConversation: nothing,
  setCloudAllowed: nothing,
  setPreferences: nothing,
  assess: nothing,
  kept: keptReportSchema,
  eraseAll: erasureSchema,
  profile: profileReportSchema,
  offerHelper: nothing,
  setVisibility: nothing,
  fetched: urlListSchema,
  ping: pingSchema,
  goodbye: nothing,
} as const;

/** @throws EngineError `internal` when the host answers what it should not */
export function parseReply<T>(schema: v.GenericSchema<unknown, T>, value: unknown): Reply<T> {
  const reply: v.GenericSchema<unknown, Reply<T>> = v.variant('ok', [
    v.object({ ok: v.literal(true), value: schema }),
    v.object({ ok: v.literal(false), error: errorSchema }),
  ]);
  return check(reply, value, "the engine's reply", 'internal', 'Reload every tab of this site.');
}

/** @throws EngineError `internal` when the host sends what it should not */
export const parseStreamMessage = (value: unknown): StreamMessage =>
  check(streamSchema, value, "the engine's stream", 'internal', 'Reload every tab of this site.');

/** @returns the state of a broadcast, null when the message is anything else: a stranger on the channel is no error */
export function parseBroadcast(value: unknown): EngineState | null {
  const result = v.safeParse(v.object({ type: v.literal('state'), state: stateSchema }), value, { abortEarly: true });
  return result.success ? result.output.state : null;
}
