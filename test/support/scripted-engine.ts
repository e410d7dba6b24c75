// An engine that follows a script, for stories and for the elements' tests: same shape as the client's, no worker, no
// model, no device. Tests drive it by hand (`tokens` off) or let it write at a pace (stories).
// It stands for the engine only where an element is tested; the end-to-end tests use the real one.

import type { EngineLike, StreamRequest } from '../../components/internal/engine.js';
import type { ChatCompletionChunk, FinishReason, Provenance, ToolCall } from '../../engine/protocol/chat.js';
import { EngineError, type EngineErrorShape } from '../../engine/protocol/errors.js';
import type { EngineState, LoadedModel, ModelListing } from '../../engine/protocol/state.js';

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
  status: { kind: 'idle' },
  models: demoModels,
  generating: null,
  waiting: [],
  tabs: 1,
  cloud: { endpoint: null, allowed: false, active: false },
  loads: 0,
  metrics: {
    timeToFirstToken: null,
    tokensPerSecond: null,
    promptTokens: 0,
    completionTokens: 0,
    totalCompletionTokens: 0,
    requests: 0,
    kvBytes: 0,
    contextTokens: 0,
  },
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
  readonly settings = { defaultModel: 'default' };
  /** Every request, as it arrived. */
  readonly requests: StreamRequest[] = [];
  /** Every model asked for. */
  readonly loads: string[] = [];
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

  get state(): EngineState {
    return this.#state;
  }

  readonly #script: Script;
  readonly #listeners = new Set<(state: EngineState) => void>();
  #state: EngineState;
  /** Held back until `release`, while not null. */
  #gate: { readonly promise: Promise<void>; readonly open: () => void } | null = null;

  constructor(script: Script = {}) {
    this.#script = script;
    this.#state = { ...initialState, ...(script.models ? { models: script.models } : {}), ...script.state };
  }

  subscribe(listener: (state: EngineState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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

  async load(model: string, options: { readonly signal?: AbortSignal } = {}): Promise<LoadedModel> {
    this.loads.push(model);
    const listing = this.#state.models.find(({ id }) => id === model);
    const totalBytes = listing?.byteLength ?? 0;
    const modelName = listing?.name ?? model;
    const before = this.#state.status;
    const time = this.#script.loadTime ?? 0;
    try {
      for (let part = 0; time > 0 && part < 20; part++) {
        this.update({
          status: {
            kind: 'loading',
            modelId: model,
            modelName,
            phase: 'downloading',
            loadedBytes: (totalBytes * part) / 20,
            totalBytes,
          },
        });
        await pause(time / 20, options.signal);
      }
    } catch (thrown) {
      this.update({ status: before });
      throw thrown;
    }
    if (this.#script.loadError !== undefined) {
      this.update({ status: { kind: 'failed', error: this.#script.loadError } });
      throw EngineError.from(this.#script.loadError);
    }
    const loaded = { ...demoLoaded, id: model, name: modelName };
    this.update({ status: { kind: 'ready', model: loaded }, loads: this.#state.loads + 1 });
    return loaded;
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
    this.update({ generating: { tabId: this.tabId, requestId: String(this.requests.length) } });
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
      this.update({ generating: null });
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
