// The client's public face: what a page imports from `llm-elements/client`, and what the elements build on.

export { connect, type ConnectOptions } from './connect.js';
export { Engine, LlmStateChangeEvent, type LoadOptions } from './engine.js';
export { Completions, type RequestOptions } from './completions.js';
export { ChatCompletionStream } from './chat-stream.js';
export { EngineError, engineErrorCodes, type EngineErrorCode, type EngineErrorShape } from '../protocol/errors.js';
export { LlmUpdateEvent, type UpdateState, type Updates } from './updates.js';
export { registerServiceWorker, type KitServiceWorker, type ServiceWorkerOptions } from './service-worker.js';
export { cloudModelId } from '../protocol/state.js';
export { Models, type ModelStorage } from './models.js';
export { Conversations } from './conversations.js';
export type {
  Attachment,
  Conversation,
  ConversationList,
  ConversationNode,
  ConversationQuery,
  ConversationSummary,
  TokenCount,
} from '../protocol/conversations.js';
export type {
  EngineMetrics,
  EngineState,
  EngineStatus,
  KeptModel,
  LoadedModel,
  ModelListing,
  RecoveryState,
  StorageReport,
} from '../protocol/state.js';
export type { EngineSettings } from '../protocol/host-api.js';
export type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionInput,
  ChatCompletionRequest,
  ChatMessage,
  CompletionUsage,
  FinishReason,
  LogprobEntry,
  Provenance,
  Tool,
  ToolCall,
} from '../protocol/chat.js';
