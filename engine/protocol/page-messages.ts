// What a page accepts before and during every answer: replies and stream messages on its own ports, and states on the
// BroadcastChannel, which any script of the origin can write to. Called by the client only. A message that does not fit is
// refused here and reaches no element; limits keep a hostile sender from filling memory through lists and texts.
// Read by readers of few bytes (shape.ts). Replies that few pages ever ask for have schemas in rare-replies.ts, which the
// client fetches when they are asked for.

import type { ChatCompletionChunk, LogprobEntry, ToolCall } from './chat.js';
import type { TokenCount } from './conversations.js';
import { EngineError, engineErrorCodes, type EngineErrorShape } from './errors.js';
import type { EngineSettings, HelloReply, HostMethod, Reply, StreamMessage } from './host-api.js';
import { highestTemperature, mostTokens } from './limits.js';
import type { VisitorPreferences } from './preferences.js';
import {
  amount,
  flag,
  list,
  Misfit,
  number,
  oneOf,
  orNull,
  record,
  text,
  variant,
  where,
  type Reader,
} from './shape.js';
import {
  noMetrics,
  recoveryCauses,
  type EngineMetrics,
  type EngineState,
  type EngineStatus,
  type LoadedModel,
  type ModelListing,
  type ModelVerdict,
  type RecoveryState,
  type RunningRequest,
} from './state.js';

const line = text(10_000);
const between = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most;

const error = record<EngineErrorShape>({ code: oneOf(...engineErrorCodes), message: line, hint: line });

const listing = record<ModelListing>({
  id: line,
  name: line,
  description: line,
  url: line,
  byteLength: amount,
  licence: line,
  contextLength: amount,
  quantisation: line,
  parameters: amount,
  languages: list(line, 200),
});
const listings = list(listing, 1_000);

const loaded = record<LoadedModel>({
  id: line,
  name: line,
  backend: oneOf('local', 'cloud'),
  decoder: line,
  device: oneOf('webgpu', 'wasm', 'cloud'),
  deviceName: line,
  contextLength: amount,
  weightBytes: amount,
  loadMilliseconds: amount,
});

type Status<K extends EngineStatus['kind']> = Omit<Extract<EngineStatus, { kind: K }>, 'kind'>;
const status = variant<EngineStatus, 'kind'>(
  'kind',
  ['idle', record<Status<'idle'>>({})],
  [
    'loading',
    record<Status<'loading'>>(
      {
        modelId: line,
        modelName: line,
        phase: oneOf('downloading', 'paused', 'preparing'),
        loadedBytes: amount,
        totalBytes: amount,
      },
      { bytesPerSecond: amount, secondsLeft: amount },
    ),
  ],
  ['ready', record<Status<'ready'>>({ model: loaded })],
  ['failed', record<Status<'failed'>>({ error })],
);

/** Where there may be no figure, there is none before the first request. */
const metrics = record<EngineMetrics>(
  Object.fromEntries(
    Object.entries(noMetrics).map(([name, first]) => [name, first === null ? orNull(amount) : amount]),
  ) as { readonly [K in keyof EngineMetrics]: Reader<EngineMetrics[K]> },
);

const state = record<EngineState>({
  sequence: amount,
  hostId: line,
  host: oneOf('shared-worker', 'tab'),
  status,
  models: listings,
  verdicts: list(
    record<ModelVerdict>({
      modelId: line,
      tier: oneOf('well', 'slow', 'too-large', 'no-device', 'unknown'),
      device: oneOf('webgpu', 'wasm', null),
      tokensPerSecond: orNull(amount),
    }),
    1_000,
  ),
  preferences: record<VisitorPreferences>({
    device: oneOf('auto', 'webgpu', 'wasm', null),
    model: orNull(where((value) => typeof value === 'string' && value !== '' && value.length <= 2_000)),
    keepConversations: flag,
    maxTokens: orNull(where((value) => Number.isInteger(value) && between(value, 1, mostTokens))),
    temperature: orNull(where((value) => between(value, 0, highestTemperature))),
  }),
  changes: record<EngineState['changes']>({ storage: amount, conversations: amount, erased: amount }),
  generating: list(record<RunningRequest>({ tabId: line, requestId: line }), 1_000),
  waiting: list(line, 10_000),
  tabs: amount,
  cloud: record<EngineState['cloud']>({ endpoint: orNull(line), allowed: flag, active: flag }),
  recovering: orNull(
    record<RecoveryState>({
      cause: oneOf(...recoveryCauses),
      message: line,
      attempt: amount,
      attemptsAllowed: amount,
      action: oneOf('reloading', 'stepping-down', 'gave-up'),
    }),
  ),
  loads: amount,
  metrics,
  notes: list(line, 8),
});

const hello = record<HelloReply>({
  state,
  settings: record<EngineSettings>(
    {
      catalogueUrl: line,
      defaultModel: line,
      device: oneOf('auto', 'webgpu', 'wasm'),
      cloudUrl: orNull(line),
      cloudModel: orNull(line),
    },
    { trustedKeys: list(line, 20) as Reader<string[]>, maxDownload: amount },
  ),
  sharesLocks: flag,
});

const longText = text(1_000_000);
const logprob = { token: line, logprob: number, bytes: list(number, 1_000) };
type Choice = ChatCompletionChunk['choices'][0];

const choice = record<Choice>(
  {
    index: oneOf(0),
    delta: record<Choice['delta']>(
      {},
      {
        role: oneOf('assistant'),
        content: longText,
        tool_calls: list(
          record<ToolCall & { readonly index: number }>({
            index: amount,
            id: line,
            type: oneOf('function'),
            function: record<ToolCall['function']>({ name: line, arguments: longText }),
          }),
          128,
        ),
      },
    ),
    finish_reason: oneOf('stop', 'length', 'tool_calls', null),
  },
  {
    logprobs: record<NonNullable<Choice['logprobs']>>({
      content: list(
        record<LogprobEntry>({
          ...logprob,
          top_logprobs: list(record<LogprobEntry['top_logprobs'][number]>(logprob), 20),
        }),
        1_000,
      ),
    }),
  },
);

const onlyChoice: Reader<readonly [Choice]> = (value, at) => {
  const [only, ...more] = list(choice, 1)(value, at);
  if (only === undefined || more.length > 0) throw new Misfit(at);
  return [only];
};

const chunk = record<ChatCompletionChunk>(
  {
    id: line,
    object: oneOf('chat.completion.chunk'),
    created: amount,
    model: line,
    choices: onlyChoice,
    llm: record<ChatCompletionChunk['llm']>(
      { backend: oneOf('local', 'cloud'), model: line },
      { tokenIds: list(amount, 100_000) },
    ),
  },
  {
    usage: record<NonNullable<ChatCompletionChunk['usage']>>({
      prompt_tokens: amount,
      completion_tokens: amount,
      total_tokens: amount,
    }),
  },
);

type Told<K extends StreamMessage['type']> = Omit<Extract<StreamMessage, { type: K }>, 'type'>;
const stream = variant<StreamMessage, 'type'>(
  'type',
  ['chunk', record<Told<'chunk'>>({ sequence: amount, chunk })],
  ['queued', record<Told<'queued'>>({ place: amount })],
  ['started', record<Told<'started'>>({})],
  ['done', record<Told<'done'>>({})],
  ['error', record<Told<'error'>>({ error })],
);

const nothing = oneOf(null);

/** Readers of what these calls answer with. */
export const replies = {
  hello,
  state,
  models: listings,
  load: loaded,
  cancelLoad: nothing,
  pauseLoad: nothing,
  stopLoad: nothing,
  deleteModel: nothing,
  unload: nothing,
  complete: record<{ readonly requestId: string }>({ requestId: line }),
  countTokens: record<TokenCount>({ tokens: amount, contextLength: orNull(amount), exact: flag }),
  deleteConversation: nothing,
  setCloudAllowed: nothing,
  setPreferences: nothing,
  assess: nothing,
  offerHelper: nothing,
  setVisibility: nothing,
  ping: record<{ readonly hostId: string }>({ hostId: line }),
  goodbye: nothing,
} as const satisfies { readonly [M in HostMethod]?: Reader<unknown> };

/** The calls whose replies are read by rare-replies.ts. */
export type RareMethod = Exclude<HostMethod, keyof typeof replies>;

/** @throws EngineError `internal` */
const strict = <T>(reader: Reader<T>, value: unknown, what: string): T => {
  try {
    return reader(value, what);
  } catch (thrown) {
    if (!(thrown instanceof Misfit)) throw thrown;
    throw new EngineError('internal', `${thrown.message} is not what this page understands.`, {
      hint: 'Reload every tab of this site.',
    });
  }
};

const refusal = record<{ readonly error: EngineErrorShape }>({ error });

/** @throws EngineError `internal` when the host answers what it should not */
export const parseReply = <T>(reader: Reader<T>, value: unknown): Reply<T> => {
  const fulfilled = record<{ readonly value: unknown }>({ value: reader });
  const reply = variant<Reply<unknown>, 'ok'>('ok', [true, fulfilled], [false, refusal]);
  return strict(reply, value, "the engine's reply") as Reply<T>;
};

/** @throws EngineError `internal` when the host sends what it should not */
export const parseStreamMessage = (value: unknown): StreamMessage => strict(stream, value, "the engine's stream");

const broadcast = record<{ readonly type: 'state'; readonly state: EngineState }>({ type: oneOf('state'), state });

/** @returns the state of a broadcast, null when the message is anything else: a stranger on the channel is no error */
export function parseBroadcast(value: unknown): EngineState | null {
  try {
    return broadcast(value, '').state;
  } catch (thrown) {
    if (thrown instanceof Misfit) return null;
    throw thrown;
  }
}
