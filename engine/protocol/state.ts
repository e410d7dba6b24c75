// The state of the one engine of a site, as every tab sees it. The host publishes it (whole, small, without any
// content of conversations) over BroadcastChannel and answers it to late tabs; elements render it.

import type { EngineErrorShape } from './errors.js';
import type { VisitorPreferences } from './preferences.js';

/** Asking for this model asks for the cloud endpoint; no model of a catalogue may be called so. */
export const cloudModelId = 'cloud';

export interface ModelListing {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Pack directory or GGUF file. Absolute. */
  readonly url: string;
  readonly byteLength: number;
  readonly licence: string;
  readonly contextLength: number;
  readonly quantisation: string;
  readonly parameters: number;
  readonly languages: readonly string[];
}

/** A model kept on this device, whole or in part. */
export interface KeptModel {
  /** Its address, or `file:...` for a file that a visitor chose. `deleteModel` takes it, and so does `load`. */
  readonly source: string;
  readonly name: string;
  /** What the weights are kept as, and what requantising them cost. */
  readonly quantisation: string;
  readonly byteLength: number;
  readonly storedBytes: number;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
}

export interface StorageReport {
  /** Where models are kept; `none` where this browser keeps nothing for this page. */
  readonly kind: 'opfs' | 'opfs-sync' | 'indexeddb' | 'memory' | 'none';
  /** Bytes of the whole origin in use and allowed, null where the browser does not say. */
  readonly usage: number | null;
  readonly quota: number | null;
  readonly models: readonly KeptModel[];
}

export interface LoadedModel {
  readonly id: string;
  readonly name: string;
  readonly backend: 'local' | 'cloud';
  readonly decoder: string;
  readonly device: 'webgpu' | 'wasm' | 'cloud';
  readonly deviceName: string;
  readonly contextLength: number;
  readonly weightBytes: number;
  readonly loadMilliseconds: number;
}

export type EngineStatus =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'loading';
      readonly modelId: string;
      readonly modelName: string;
      /** `paused`: a visitor paused the download; what is here stays. */
      readonly phase: 'downloading' | 'paused' | 'preparing';
      readonly loadedBytes: number;
      readonly totalBytes: number;
      /** Of the last seconds; absent while unknown. */
      readonly bytesPerSecond?: number;
      readonly secondsLeft?: number;
    }
  | { readonly kind: 'ready'; readonly model: LoadedModel }
  | { readonly kind: 'failed'; readonly error: EngineErrorShape };

/**
 * How a model of the catalogue would do on this device, before it is loaded: computed from what was measured here and
 * from the catalogue's sizes, not tried.
 */
export interface ModelVerdict {
  readonly modelId: string;
  /**
   * `well`: faster than people read. `slow`: slower than that. `too-large`: its weights and context do not fit the
   * memory that this device gives. `no-device`: nothing here can compute it. `unknown`: the catalogue says too little.
   */
  readonly tier: 'well' | 'slow' | 'too-large' | 'no-device' | 'unknown';
  /** Where it would run; null where it would not, or is not known. */
  readonly device: 'webgpu' | 'wasm' | null;
  /** Expected; null where nothing was measured. */
  readonly tokensPerSecond: number | null;
}

/** Figures of the newest finished or running request and counters since the engine began. No content. */
export interface EngineMetrics {
  /** Milliseconds from admission to the first token; null before the first answer. */
  readonly timeToFirstToken: number | null;
  /** Decode tokens a second of the newest answer, first token excluded; null before. */
  readonly tokensPerSecond: number | null;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalCompletionTokens: number;
  readonly requests: number;
  readonly kvBytes: number;
  /** Context tokens used by the newest request, prompt and answer. */
  readonly contextTokens: number;
  /** Over the newest answers (at most 100); the middle one. Null before the first. */
  readonly tokensPerSecondP50: number | null;
  /** Nine answers in ten were at least this fast. */
  readonly tokensPerSecondP90: number | null;
  readonly timeToFirstTokenP50: number | null;
  /** Nine answers in ten began within this time. */
  readonly timeToFirstTokenP90: number | null;
  /** Requests that wait. */
  readonly queueLength: number;
  /** Weights, keys and values on the graphics card; 0 where the model runs elsewhere. */
  readonly gpuBytes: number;
  /** Keys and values where the decoder computes, and those put aside on disk. */
  readonly kvHotBytes: number;
  readonly kvColdBytes: number;
  /** Prompt tokens of all requests, and those of them whose keys and values were there already. */
  readonly totalPromptTokens: number;
  readonly cachedPromptTokens: number;
  /** Tokens guessed ahead, and those of them that the model would have chosen. */
  readonly drafted: number;
  readonly accepted: number;
  /** Answers that another device, or the cloud, had to take over. */
  readonly fallbacks: number;
  /**
   * A rough estimate over all answers: time computed times the power that such a device usually draws (see
   * metrics/energy.ts). Null before the first answer; the cloud's energy is not in it.
   */
  readonly energyJoules: number | null;
}

/** Before the first request. */
export const noMetrics: EngineMetrics = {
  timeToFirstToken: null,
  tokensPerSecond: null,
  promptTokens: 0,
  completionTokens: 0,
  totalCompletionTokens: 0,
  requests: 0,
  kvBytes: 0,
  contextTokens: 0,
  tokensPerSecondP50: null,
  tokensPerSecondP90: null,
  timeToFirstTokenP50: null,
  timeToFirstTokenP90: null,
  queueLength: 0,
  gpuBytes: 0,
  kvHotBytes: 0,
  kvColdBytes: 0,
  totalPromptTokens: 0,
  cachedPromptTokens: 0,
  drafted: 0,
  accepted: 0,
  fallbacks: 0,
  energyJoules: null,
};

/** Where the engine lives: a SharedWorker of its own, or a dedicated worker of the tab that was elected. */
export type EngineHome = 'shared-worker' | 'tab';

/** What broke. `offline`: a download or the cloud's answer lost the network. */
export const recoveryCauses = ['device-lost', 'out-of-memory', 'engine-lost', 'storage-lost', 'offline'] as const;
export type RecoveryCause = (typeof recoveryCauses)[number];

/**
 * Something broke and the engine mends it by itself: elements show `message` as it is. Null again when all works; it
 * stays with `gave-up` until a request or a load works again.
 */
export interface RecoveryState {
  readonly cause: RecoveryCause;
  /** What happened and what is done about it, in plain words. */
  readonly message: string;
  /** 1 is the first. */
  readonly attempt: number;
  readonly attemptsAllowed: number;
  /** `reloading`: the same again; `stepping-down`: on the next device of the ladder. */
  readonly action: 'reloading' | 'stepping-down' | 'gave-up';
}

/** A request that is being answered. */
export interface RunningRequest {
  readonly tabId: string;
  readonly requestId: string;
}

export interface EngineState {
  /** Grows with every publication of one host; a tab drops what is older than what it has. */
  readonly sequence: number;
  /** Identity of the host's life; another value means that the host was replaced. */
  readonly hostId: string;
  readonly host: EngineHome;
  readonly status: EngineStatus;
  readonly models: readonly ModelListing[];
  /** Of the catalogue's models, once somebody asked for them (`assess`); empty before. */
  readonly verdicts: readonly ModelVerdict[];
  /** What the visitor chose for this site. */
  readonly preferences: VisitorPreferences;
  /**
   * Grow when what is kept on this device changed, so that elements look again; `erased` grows before everything is erased,
   * so that nobody who still has something of it in memory keeps it once more.
   */
  readonly changes: { readonly storage: number; readonly conversations: number; readonly erased: number };
  /** Requests being answered right now, oldest first; empty while the engine is free. */
  readonly generating: readonly RunningRequest[];
  /** Those waiting in line by tab id, next first. */
  readonly waiting: readonly string[];
  /** Tabs attached. */
  readonly tabs: number;
  readonly cloud: {
    /** Host name of the endpoint the site set, null when it set none. */
    readonly endpoint: string | null;
    /** The visitor's switch. */
    readonly allowed: boolean;
    /** A request is at the endpoint right now. */
    readonly active: boolean;
  };
  /** Not null while something that broke is being mended. */
  readonly recovering: RecoveryState | null;
  /** Model loads since this host began (the tests' proof that tabs share one). */
  readonly loads: number;
  readonly metrics: EngineMetrics;
  /**
   * What the engine decided on its own and why, in plain words, newest last: the step down to another device, an
   * answer that the cloud took over. At most eight; empty when all went as asked.
   */
  readonly notes: readonly string[];
}
