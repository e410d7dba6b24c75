// What the elements need of an engine, and no more: a seam, so that stories and tests put a scripted engine in its place
// and no element can reach past the client. The client's `Engine` satisfies it (engine-store.ts hands it in).
// Types only.

import type { ChatCompletionChunk, ChatCompletionRequest } from '../../engine/protocol/chat.js';
import type { EngineState } from '../../engine/protocol/state.js';

export interface StreamRequest extends Omit<ChatCompletionRequest, 'stream'> {
  readonly stream: true;
}

export interface EngineLike {
  /** This tab among the ids in `state.generating` and `state.waiting`. */
  readonly tabId: string;
  readonly state: EngineState;
  /** Calls back with every new state until the returned function is called. */
  subscribe(listener: (state: EngineState) => void): () => void;
  /** Resolves when the model answers; progress is in the state. Aborting gives the load up. */
  load(model: string, options?: { readonly signal?: AbortSignal }): Promise<unknown>;
  readonly chat: {
    readonly completions: {
      create(
        request: StreamRequest,
        options?: { readonly signal?: AbortSignal },
      ): Promise<AsyncIterable<ChatCompletionChunk>>;
    };
  };
  readonly cloud: { allow(allowed: boolean): Promise<unknown> };
}

/** The attributes of `<llm-engine>`; what is absent is the client's default. */
export interface EngineSettings {
  /** Catalogue id or URL of the model loaded when nobody chose one. */
  readonly model?: string;
  readonly device?: 'auto' | 'webgpu' | 'wasm';
  readonly cloudUrl?: string;
  readonly cloudModel?: string;
  readonly workerUrl?: string;
  readonly catalogueUrl?: string;
}

export type Connect = (settings: EngineSettings) => Promise<EngineLike>;
