// What the elements need of an engine, and no more: a seam, so that stories and tests put a scripted engine in its place
// and no element can reach past the client. The client's `Engine` satisfies it (engine-store.ts hands it in).
// Types only.

import type { ChatCompletionChunk, ChatCompletionRequest, ChatMessage } from '../../engine/protocol/chat.js';
import type { ModelStorage } from '../../engine/client/index.js';
import type {
  Conversation,
  ConversationList,
  ConversationQuery,
  TokenCount,
} from '../../engine/protocol/conversations.js';
import type { Erasure, KeptReport } from '../../engine/protocol/kept-data.js';
import type { PreferencesChange } from '../../engine/protocol/preferences.js';
import type { ProfileReport } from '../../engine/protocol/profile.js';
import type { EngineState } from '../../engine/protocol/state.js';

export interface StreamRequest extends Omit<ChatCompletionRequest, 'stream'> {
  readonly stream: true;
}

export interface EngineLike {
  /** This tab among the ids in `state.generating` and `state.waiting`. */
  readonly tabId: string;
  readonly state: EngineState;
  /** The settings that hold for all tabs. */
  readonly settings: { readonly defaultModel: string; readonly maxDownload?: number };
  /** Calls back with every new state until the returned function is called. */
  subscribe(listener: (state: EngineState) => void): () => void;
  /** Resolves when the model answers; progress is in the state. Aborting gives the load up. */
  load(
    model: string | Blob,
    options?: { readonly signal?: AbortSignal; readonly confirmed?: boolean },
  ): Promise<unknown>;
  readonly models: {
    /** What is kept on this device. */
    storage(): Promise<ModelStorage>;
    delete(source: string): Promise<unknown>;
    /** Fills `state.verdicts`. */
    assess(): Promise<unknown>;
    /** The download under way, for all tabs. */
    pause(): Promise<unknown>;
    resume(): Promise<unknown>;
    cancel(): Promise<unknown>;
  };
  readonly chat: {
    readonly completions: {
      create(
        request: StreamRequest,
        options?: { readonly signal?: AbortSignal },
      ): Promise<AsyncIterable<ChatCompletionChunk>>;
    };
  };
  /** What a prompt of these messages costs: exact where a model is loaded, else estimated. */
  countTokens(request: { readonly messages: readonly ChatMessage[] }): Promise<TokenCount>;
  /** What this device keeps of conversations. */
  readonly conversations: {
    list(query?: ConversationQuery): Promise<ConversationList>;
    read(id: string): Promise<Conversation>;
    write(conversation: Conversation, removed?: readonly string[]): Promise<Conversation>;
    delete(id: string): Promise<unknown>;
  };
  /** Acts at once, for all tabs. */
  setPreferences(change: PreferencesChange): Promise<unknown>;
  /** All that this site keeps on this device for the kit. */
  kept(): Promise<KeptReport>;
  eraseAll(): Promise<Erasure>;
  /** The kernels' times. @param running begins anew or ends the measuring; absent: leaves it */
  profile(running?: boolean): Promise<ProfileReport>;
  readonly cloud: { allow(allowed: boolean): Promise<unknown> };
}
