// The elements' classes and events, without registering anything: for those who choose their own moment (define/ does
// it at once) or want the types.

export { LlmChat } from './chat/chat.js';
export { LlmEngine } from './engine/engine.js';
export { LlmMetrics } from './metrics/metrics.js';
export { LlmModelPicker } from './model-picker/model-picker.js';
export { LlmPrivacy } from './privacy/privacy.js';
export { LlmConsentEvent, LlmErasedEvent, type LlmConsentDetail } from './privacy/privacy.events.js';
export { LlmSettings } from './settings/settings.js';
export { LlmSettingsChangeEvent } from './settings/settings.events.js';
export { LlmStatus } from './status/status.js';
export {
  LlmAttachEvent,
  LlmDeleteEvent,
  LlmErrorEvent,
  LlmExportEvent,
  LlmMessageEvent,
  LlmSendEvent,
  LlmStateChangeEvent,
  LlmToolCallEvent,
  type LlmAttachDetail,
  type LlmDeleteDetail,
  type LlmExportDetail,
  type LlmMessageDetail,
  type LlmSendDetail,
  type LlmToolCallDetail,
} from './internal/events.js';
export { llmLanguage, llmWords } from './internal/llm-words.js';
export type { SomeWords } from './internal/words/catalogue.js';
export type { EngineLike } from './internal/engine.js';
