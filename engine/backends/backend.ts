// The backend contract: messages in, text deltas out, able to continue a partial answer. This is all that routing
// knows of whoever answers, so a fallback in mid-answer is one backend handing its text to the next. Three makers:
// `local/` (generate over a decoder), `prompt-api/` (later), `cloud/` (an OpenAI-compatible endpoint).

import type { ChatMessage, FinishReason, LogprobEntry, ToolCall } from '../protocol/chat.js';
import type { CompletionRequest } from '../protocol/text-completion.js';

export interface BackendInfo {
  readonly kind: 'local' | 'cloud';
  readonly modelId: string;
  readonly modelName: string;
  /** Whether prompts leave this device. */
  readonly leavesDevice: boolean;
}

export interface BackendRequest {
  readonly completion: CompletionRequest;
  /** Text of an answer that another backend began and this one continues; '' to begin. */
  readonly partialAnswer: string;
  /** The tokens of that text, where the same model said it: it goes on as if it had not been interrupted. */
  readonly partialIds?: readonly number[];
  readonly signal: AbortSignal;
}

export type BackendEvent =
  /** The prompt was read; its length in tokens where the backend knows it. */
  | { readonly type: 'prefilled'; readonly promptTokens: number; readonly cachedTokens: number }
  | {
      readonly type: 'delta';
      /** Text to append; may be '' while a character is incomplete. */
      readonly text: string;
      /** Tokens this delta stands for (a cloud endpoint does not say: 1 a message). */
      readonly tokens: number;
      /** The model's own ids of them; absent where they are not known (the cloud). */
      readonly ids?: readonly number[];
      readonly logprobs?: readonly LogprobEntry[];
    }
  | {
      readonly type: 'end';
      readonly finishReason: FinishReason;
      readonly promptTokens: number;
      readonly completionTokens: number;
      readonly toolCalls?: readonly ToolCall[];
    };

export interface Backend {
  readonly info: BackendInfo;
  /**
   * Answers. The iterable ends after exactly one 'end' event, or throws an EngineError. Returning early from the
   * iteration, or aborting the signal, frees everything the request held.
   */
  stream(request: BackendRequest): AsyncIterable<BackendEvent>;
  /** Tokens of the prompt that these messages make, whether it fits or not. Absent where only others could tell. */
  countTokens?(messages: readonly ChatMessage[]): number;
  dispose(): Promise<void>;
}
