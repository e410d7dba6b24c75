// The state of the one engine of a site, as every tab sees it. The host publishes it (whole, small, without any
// content of conversations) over BroadcastChannel and answers it to late tabs; elements render it.

import type { EngineErrorShape } from './errors.js';

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
}

export interface EngineState {
  /** Grows with every publication of one host; a tab drops what is older than what it has. */
  readonly sequence: number;
  /** Identity of the host's life; another value means that the host was replaced. */
  readonly hostId: string;
  readonly status: EngineStatus;
  readonly models: readonly ModelListing[];
  /** The tab whose request runs, and those waiting in line, by tab id. */
  readonly generating: { readonly tabId: string; readonly requestId: string } | null;
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
  /** Model loads since this host began (the tests' proof that tabs share one). */
  readonly loads: number;
  readonly metrics: EngineMetrics;
  /**
   * What the engine decided on its own and why, in plain words, newest last: the step down to another device, an
   * answer that the cloud took over. At most eight; empty when all went as asked.
   */
  readonly notes: readonly string[];
}
