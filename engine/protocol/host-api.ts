// What crosses the port between a page and the host. Calls go over comlink (`HostApi`, narrow on purpose: comlink
// walks any property path, so the host exposes an object with exactly these methods); each answer streams over a
// MessagePort of its own (`StreamMessage` host -> page, `StreamControl` page -> host).
// Errors cross as `Reply` values, because comlink rebuilds thrown errors without our fields.

import type { ChatCompletionChunk } from './chat.js';
import type { EngineErrorShape } from './errors.js';
import type { EngineState, LoadedModel } from './state.js';

export const protocolVersion = 1;

export type Reply<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: EngineErrorShape };

export interface HelloRequest {
  readonly protocolVersion: number;
  readonly tabId: string;
  /** Name of the Web Lock that this tab holds for as long as it lives. */
  readonly lifeLock: string;
  /** Settings of the site; the first tab to say hello sets them, others must agree or are told. */
  readonly settings: EngineSettings;
}

export interface EngineSettings {
  /** URL of the catalogue (`models.json`), absolute. */
  readonly catalogueUrl: string;
  /** Id in the catalogue or URL of the model loaded when nobody chose one. */
  readonly defaultModel: string;
  /** 'auto' takes the ladder; a device pins it. */
  readonly device: 'auto' | 'webgpu' | 'wasm';
  /** Base URL of an OpenAI-compatible endpoint ("https://host/v1"), null for none. */
  readonly cloudUrl: string | null;
  readonly cloudModel: string | null;
}

export interface LoadRequest {
  /** Catalogue id, or URL of a pack directory or a GGUF file. */
  readonly model: string;
  readonly device?: 'auto' | 'webgpu' | 'wasm';
}

export interface HostApi {
  hello(request: unknown): Promise<Reply<EngineState>>;
  state(): Promise<Reply<EngineState>>;
  /** Resolves when the model answers; progress is in the state. A load under way for the same model is joined. */
  load(request: unknown): Promise<Reply<LoadedModel>>;
  unload(): Promise<Reply<null>>;
  /** Begins an answer; everything after the acceptance is told on the port. The host closes the port at the end. */
  complete(request: unknown, port: MessagePort): Promise<Reply<{ readonly requestId: string }>>;
  setCloudAllowed(allowed: unknown): Promise<Reply<null>>;
  /** The heartbeat. */
  ping(): Promise<Reply<{ readonly hostId: string }>>;
  /** The tab leaves: everything of it is freed at once. */
  goodbye(): Promise<Reply<null>>;
}

export type StreamMessage =
  | { readonly type: 'queued'; readonly place: number }
  | { readonly type: 'started' }
  | { readonly type: 'chunk'; readonly sequence: number; readonly chunk: ChatCompletionChunk }
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly error: EngineErrorShape };

export interface StreamControl {
  readonly type: 'abort';
}
