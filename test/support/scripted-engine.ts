// An engine that follows a script, for stories and for the elements' tests: same shape as the client's, no worker, no
// model, no device. Tests drive it by hand (`tokens` off) or let it write at a pace (stories).
// It stands for the engine only where an element is tested; the end-to-end tests use the real one.

import type { EngineLike, StreamRequest } from '../../components/internal/engine.js';
import type {
  ChatCompletionChunk,
  ChatMessage,
  FinishReason,
  Provenance,
  ToolCall,
} from '../../engine/protocol/chat.js';
import type { ModelStorage } from '../../engine/client/index.js';
import type { Erasure, KeptReport } from '../../engine/protocol/kept-data.js';
import type { ProfileReport } from '../../engine/protocol/profile.js';
import { chosenFileName } from '../../engine/protocol/chosen-file.js';
import { ConversationStore } from '../../engine/conversations/conversation-store.js';
import { MemoryMedium } from '../../engine/conversations/medium.js';
import type { Conversation, ConversationQuery } from '../../engine/protocol/conversations.js';
import { EngineError, type EngineErrorShape } from '../../engine/protocol/errors.js';
import { noPreferences, type PreferencesChange } from '../../engine/protocol/preferences.js';
import {
  noMetrics,
  type EngineState,
  type KeptModel,
  type LoadedModel,
  type ModelListing,
} from '../../engine/protocol/state.js';

export type ScriptStep =
  | { readonly say: string; readonly backend?: 'local' | 'cloud' }
  | { readonly call: ToolCall }
  | { readonly fail: EngineErrorShape }
  | { readonly wait: number };

export interface Script {
  /** What each request is answered with, in turn; the last one again for all that follow. */
  readonly answers?: readonly (readonly ScriptStep[])[];
  /** Milliseconds between the pieces of `say`; 0 sends each in one piece. */
  readonly pace?: number;
  readonly models?: readonly ModelListing[];
  readonly state?: Partial<EngineState>;
  /** What `load` fails with. */
  readonly loadError?: EngineErrorShape;
  /** Milliseconds a load takes; 0 finishes at once. */
  readonly loadTime?: number;
  /** What is kept on the device; absent: this browser keeps nothing. */
  readonly storage?: Partial<ModelStorage>;
  /** What every call that looks at or changes the storage fails with. */
  readonly storageError?: EngineErrorShape;
  /** What is kept of conversations at the beginning. */
  readonly conversations?: readonly Conversation[];
  /** What every call that looks at or changes kept conversations fails with. */
  readonly conversationError?: EngineErrorShape;
  /** What is kept for the kit; absent: nothing. */
  readonly kept?: KeptReport;
  /** What erasing comes to; absent: all of it is gone. */
  readonly erasure?: Erasure;
  /** What asking for the kernels' times is answered with; absent: no model is loaded. */
  readonly profile?: ProfileReport;
  /** Of the models, told when they are asked for. */
  readonly verdicts?: EngineState['verdicts'];
  /** What `setPreferences` fails with, though it acts. */
  readonly preferencesError?: EngineErrorShape;
  /** Bytes that the site allows a download to have. */
  readonly maxDownload?: number;
}

export const demoModels: readonly ModelListing[] = [
  {
    id: 'default',
    name: 'Demo model',
    description: 'A small model trained for this demo: stories, questions about the kit, little facts, page tools.',
    url: 'https://site.example/models/default/',
    byteLength: 3_900_000,
    licence: 'Apache-2.0',
    contextLength: 1024,
    quantisation: 'q4',
    parameters: 5_400_000,
    languages: ['en'],
  },
  {
    id: 'larger',
    name: 'A larger model',
    description: 'General questions in several languages. Wants a GPU.',
    url: 'https://site.example/models/larger.gguf',
    byteLength: 386_000_000,
    licence: 'MIT',
    contextLength: 32_768,
    quantisation: 'Q4_0',
    parameters: 494_000_000,
    languages: ['en', 'de', 'ja', 'ar'],
  },
];

export const demoLoaded: LoadedModel = {
  id: 'default',
  name: 'Demo model',
  backend: 'local',
  decoder: 'onnx',
  device: 'webgpu',
  deviceName: 'A GPU',
  contextLength: 1024,
  weightBytes: 3_900_000,
  loadMilliseconds: 420,
};

const initialState: EngineState = {
  sequence: 1,
  hostId: 'scripted-host',
  host: 'shared-worker',
  status: { kind: 'idle' },
  models: demoModels,
  verdicts: [],
  preferences: noPreferences,
  changes: { storage: 0, conversations: 0, erased: 0 },
  generating: [],
  waiting: [],
  tabs: 1,
  cloud: { endpoint: null, allowed: false, active: false },
  recovering: null,
  loads: 0,
  metrics: noMetrics,
  notes: [],
};

const pause = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new EngineError('aborted', 'The request was stopped.'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });

export class ScriptedEngine implements EngineLike {
  readonly tabId = 'this-tab';
  readonly settings: { readonly defaultModel: string; readonly maxDownload?: number };
  /** Every request, as it arrived. */
  readonly requests: StreamRequest[] = [];
  /** Every model asked for; a file by the name that the engine gives it. */
  readonly loads: string[] = [];
  /** Whether each load was confirmed by the visitor. */
  readonly confirmed: boolean[] = [];
  readonly deleted: string[] = [];
  /** How often the models were to be judged, all was erased, and how the profile was switched. */
  assessed = 0;
  erasures = 0;
  readonly profiled: (boolean | undefined)[] = [];
  readonly chat = {
    completions: {
      create: (request: StreamRequest, options?: { signal?: AbortSignal }) => this.#create(request, options),
    },
  };
  readonly cloud = {
    allow: (allowed: boolean): Promise<void> => {
      this.update({ cloud: { ...this.state.cloud, allowed } });
      return Promise.resolve();
    },
  };

  readonly models = {
    storage: async (): Promise<ModelStorage> => {
      await this.#storageWorks();
      return this.#storage;
    },
    delete: async (source: string): Promise<void> => {
      await this.#storageWorks();
      this.deleted.push(source);
      this.#storage = { ...this.#storage, models: this.#storage.models.filter((kept) => kept.source !== source) };
    },
    assess: async (): Promise<void> => {
      this.assessed++;
      const { verdicts } = this.#script;
      if (verdicts !== undefined) this.update({ verdicts });
    },
    pause: async (): Promise<void> => this.#pause(true),
    resume: async (): Promise<void> => this.#pause(false),
    cancel: async (): Promise<void> => {
      this.#load?.abort();
      if (this.#load === null) this.update({ status: { kind: 'idle' } });
    },
  };

  /** The real store over memory: what is written is read back. */
  readonly store = new ConversationStore(new MemoryMedium());
  readonly #stored: Promise<void>;
  readonly conversations = {
    list: async (query?: ConversationQuery) => (await this.#conversations()).list(query),
    read: async (id: string) => (await this.#conversations()).read(id),
    write: async (conversation: Conversation, removed: readonly string[] = []) =>
      (await this.#conversations()).write({ conversation, removed: [...removed] }),
    delete: async (id: string) => (await this.#conversations()).delete(id),
  };

  get state(): EngineState {
    return this.#state;
  }

  readonly #script: Script;
  readonly #listeners = new Set<(state: EngineState) => void>();
  #state: EngineState;
  #storage: ModelStorage;
  #kept: KeptReport;
  #load: AbortController | null = null;
  /** Held back until `release`, while not null. */
  #gate: { readonly promise: Promise<void>; readonly open: () => void } | null = null;

  constructor(script: Script = {}) {
    this.#script = script;
    this.#stored = (script.conversations ?? []).reduce(
      (before, conversation) => before.then(async () => void (await this.store.write({ conversation }))),
      Promise.resolve(),
    );
    const { maxDownload } = script;
    this.settings = { defaultModel: 'default', ...(maxDownload === undefined ? {} : { maxDownload }) };
    this.#kept = script.kept ?? { parts: [], unreadable: [], usage: null, quota: null };
    const none = { usage: null, quota: null, persisted: null, models: [] };
    this.#storage = { ...none, kind: script.storage === undefined ? 'none' : 'opfs', ...script.storage };
    this.#state = { ...initialState, ...(script.models ? { models: script.models } : {}), ...script.state };
  }

  /** Four characters a token, exact as soon as a model is loaded. */
  countTokens({ messages }: { readonly messages: readonly ChatMessage[] }) {
    const { status } = this.#state;
    const characters = messages.reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
    const contextLength = status.kind === 'ready' ? status.model.contextLength : null;
    const tokens = messages.length * 4 + Math.ceil(characters / 4);
    return Promise.resolve({ tokens, contextLength, exact: contextLength !== null });
  }

  async #conversations(): Promise<ConversationStore> {
    await this.#stored;
    if (this.#script.conversationError !== undefined) throw EngineError.from(this.#script.conversationError);
    return this.store;
  }

  subscribe(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async setPreferences(change: PreferencesChange): Promise<void> {
    this.update({ preferences: { ...this.#state.preferences, ...change } });
    const { preferencesError } = this.#script;
    if (preferencesError !== undefined) throw EngineError.from(preferencesError);
  }

  async kept(): Promise<KeptReport> {
    await this.#storageWorks();
    return this.#kept;
  }

  async eraseAll(): Promise<Erasure> {
    this.erasures++;
    const erasure = this.#script.erasure ?? { erased: this.#kept.parts.map(({ kind }) => kind), left: [] };
    const empty = (part: KeptReport['parts'][number]) =>
      erasure.erased.includes(part.kind) ? { kind: part.kind, items: 0, bytes: 0 } : part;
    this.#kept = { ...this.#kept, parts: this.#kept.parts.map(empty) };
    const { changes, cloud } = this.#state;
    this.update({
      status: { kind: 'idle' },
      preferences: noPreferences,
      cloud: { ...cloud, allowed: false },
      changes: { storage: changes.storage + 1, conversations: changes.conversations + 1, erased: changes.erased + 1 },
    });
    return erasure;
  }

  async profile(running?: boolean): Promise<ProfileReport> {
    this.profiled.push(running);
    const report = this.#script.profile ?? { kind: 'none', reason: 'no-model' };
    return report.kind === 'none' || running === undefined ? report : { ...report, running };
  }

  /** Publishes a change, as the host would. */
  update(change: Partial<EngineState>): void {
    this.#state = { ...this.#state, ...change, sequence: this.#state.sequence + 1 };
    for (const listener of [...this.#listeners]) listener(this.#state);
  }

  /** Answers stop before their next step until `release`. */
  hold(): void {
    let open: () => void = () => undefined;
    const promise = new Promise<void>((resolve) => (open = resolve));
    this.#gate = { promise, open };
  }

  release(): void {
    this.#gate?.open();
    this.#gate = null;
  }

  async load(
    wanted: string | Blob,
    options: { readonly signal?: AbortSignal; readonly confirmed?: boolean } = {},
  ): Promise<LoadedModel> {
    const model = typeof wanted === 'string' ? wanted : chosenFileName(wanted);
    this.loads.push(model);
    this.confirmed.push(options.confirmed ?? false);
    const listing = this.#state.models.find(({ id }) => id === model);
    const totalBytes = typeof wanted === 'string' ? (listing?.byteLength ?? 0) : wanted.size;
    const modelName = listing?.name ?? (wanted instanceof File ? wanted.name : model);
    const before = this.#state.status;
    const load = new AbortController();
    this.#load = load;
    const signal = AbortSignal.any([load.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    try {
      await this.#download({ modelId: model, modelName, totalBytes }, signal);
    } catch (thrown) {
      // A load that another one overtook leaves the state to that one.
      if (this.#load === load) this.update({ status: before });
      throw thrown;
    } finally {
      if (this.#load === load) this.#load = null;
    }
    if (this.#script.loadError !== undefined) {
      this.update({ status: { kind: 'failed', error: this.#script.loadError } });
      throw EngineError.from(this.#script.loadError);
    }
    const loaded = { ...demoLoaded, id: model, name: modelName };
    if (this.#script.storage !== undefined) this.#keep(listing?.url ?? model, modelName, totalBytes);
    this.update({ status: { kind: 'ready', model: loaded }, loads: this.#state.loads + 1 });
    return loaded;
  }

  async #download(
    model: { readonly modelId: string; readonly modelName: string; readonly totalBytes: number },
    signal: AbortSignal,
  ): Promise<void> {
    const time = this.#script.loadTime ?? 0;
    for (let part = 0; time > 0 && part < 20; part++) {
      const measured =
        part === 0
          ? {}
          : { bytesPerSecond: (1_000 * model.totalBytes) / time, secondsLeft: (time * (20 - part)) / 20_000 };
      const loadedBytes = (model.totalBytes * part) / 20;
      this.update({ status: { kind: 'loading', phase: 'downloading', ...model, loadedBytes, ...measured } });
      await pause(time / 20, signal);
      while (this.#state.status.kind === 'loading' && this.#state.status.phase === 'paused') await pause(20, signal);
    }
  }

  #pause(paused: boolean): void {
    const { status } = this.#state;
    if (status.kind === 'loading') this.update({ status: { ...status, phase: paused ? 'paused' : 'downloading' } });
  }

  #keep(source: string, name: string, byteLength: number): void {
    const kept: KeptModel = { source, name, quantisation: 'q4', byteLength, storedBytes: byteLength, lastUsed: 0 };
    const others = this.#storage.models.filter((model) => model.source !== source);
    this.#storage = { ...this.#storage, models: [...others, kept] };
  }

  #storageWorks(): Promise<void> {
    const { storageError } = this.#script;
    return storageError === undefined ? Promise.resolve() : Promise.reject(EngineError.from(storageError));
  }

  async #create(
    request: StreamRequest,
    options: { signal?: AbortSignal } = {},
  ): Promise<AsyncIterable<ChatCompletionChunk>> {
    this.requests.push(request);
    if (this.#state.status.kind !== 'ready')
      await this.load(request.model ?? this.#state.models[0]?.id ?? 'default', options);
    return this.#answer(options.signal);
  }

  async *#answer(signal?: AbortSignal): AsyncGenerator<ChatCompletionChunk> {
    const answers = this.#script.answers ?? [[{ say: 'Hello.' }]];
    const steps = answers[Math.min(this.requests.length, answers.length) - 1] ?? [];
    let backend: Provenance['backend'] = 'local';
    let tokens = 0;
    let reason: FinishReason = 'stop';
    let calls = 0;
    const running = { tabId: this.tabId, requestId: String(this.requests.length) };
    this.update({ generating: [...this.state.generating, running] });
    try {
      yield this.#chunk({ role: 'assistant', content: '' }, backend);
      for (const step of steps) {
        if (this.#gate !== null) await Promise.race([this.#gate.promise, pause(600_000, signal)]);
        if (signal?.aborted === true) throw new EngineError('aborted', 'The request was stopped.');
        if ('wait' in step) await pause(step.wait, signal);
        else if ('fail' in step) throw EngineError.from(step.fail);
        else if ('call' in step) {
          reason = 'tool_calls';
          yield this.#chunk({ tool_calls: [{ ...step.call, index: calls++ }] }, backend);
        } else {
          backend = step.backend ?? 'local';
          const pace = this.#script.pace ?? 0;
          const pieces = pace === 0 ? [step.say] : (step.say.match(/\s*\S+/g) ?? [step.say]);
          for (const content of pieces) {
            if (pace > 0) await pause(pace, signal);
            tokens += 1;
            yield this.#chunk({ content }, backend);
          }
        }
      }
      const usage = { prompt_tokens: 12, completion_tokens: tokens, total_tokens: 12 + tokens };
      const metrics = this.#state.metrics;
      this.update({
        metrics: {
          ...metrics,
          timeToFirstToken: 180,
          tokensPerSecond: 42,
          promptTokens: 12,
          completionTokens: tokens,
          totalCompletionTokens: metrics.totalCompletionTokens + tokens,
          requests: metrics.requests + 1,
          kvBytes: 262_144,
          contextTokens: 12 + tokens,
        },
      });
      yield { ...this.#chunk({}, backend, reason), usage };
    } finally {
      this.update({ generating: this.state.generating.filter((other) => other !== running) });
    }
  }

  #chunk(
    delta: ChatCompletionChunk['choices'][0]['delta'],
    backend: Provenance['backend'],
    finish_reason: FinishReason | null = null,
  ): ChatCompletionChunk {
    const model = backend === 'cloud' ? 'cloud-model' : 'default';
    return {
      id: `answer-${String(this.requests.length)}`,
      object: 'chat.completion.chunk',
      created: 0,
      model,
      choices: [{ index: 0, delta, finish_reason }],
      llm: { backend, model },
    };
  }
}
