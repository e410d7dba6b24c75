// What a conversation consists of, and how it goes to and from OpenAI's shapes. Pure; used by conversation.ts, which
// changes entries, and by message.ts, which shows them.

import type {
  ChatMessage,
  CompletionUsage,
  FinishReason,
  Provenance,
  Tool,
  ToolCall,
} from '../../engine/protocol/chat.js';
import type { EngineErrorShape } from '../../engine/protocol/errors.js';
import type { StreamRequest } from '../internal/engine.js';

export type AnswerStatus = 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed';

export interface UserEntry {
  readonly kind: 'user';
  readonly id: number;
  readonly text: string;
}

export interface AnswerEntry {
  readonly kind: 'answer';
  readonly id: number;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly status: AnswerStatus;
  /** Who wrote the newest part; null before the first chunk and for messages that the page set. */
  readonly provenance: Provenance | null;
  /** Offset in `text` from which on the cloud wrote; null for none of it. */
  readonly cloudFrom: number | null;
  readonly usage: CompletionUsage | null;
  /** Decode tokens a second, the first one excluded; null where too few came to tell. */
  readonly tokensPerSecond: number | null;
  readonly finishReason: FinishReason | null;
  readonly error: EngineErrorShape | null;
}

export interface ToolEntry {
  readonly kind: 'tool';
  readonly id: number;
  readonly callId: string;
  readonly text: string;
}

export interface SystemEntry {
  readonly kind: 'system';
  readonly id: number;
  readonly text: string;
}

export type Entry = UserEntry | AnswerEntry | ToolEntry | SystemEntry;

export interface ConversationSettings {
  readonly systemPrompt: string;
  readonly tools: readonly Tool[];
  readonly temperature: number | null;
  readonly maxTokens: number | null;
}

export const newAnswer = (id: number): AnswerEntry => ({
  kind: 'answer',
  id,
  text: '',
  toolCalls: [],
  status: 'waiting',
  provenance: null,
  cloudFrom: null,
  usage: null,
  tokensPerSecond: null,
  finishReason: null,
  error: null,
});

export function fromMessage(message: ChatMessage, id: number): Entry {
  switch (message.role) {
    case 'system':
      return { kind: 'system', id, text: message.content };
    case 'user':
      return { kind: 'user', id, text: message.content };
    case 'tool':
      return { kind: 'tool', id, callId: message.tool_call_id, text: message.content };
    case 'assistant':
      return { ...newAnswer(id), text: message.content ?? '', toolCalls: message.tool_calls ?? [], status: 'done' };
  }
}

/** The entry as a message; null for an answer that holds nothing a model should read. */
export function toMessage(entry: Entry): ChatMessage | null {
  switch (entry.kind) {
    case 'system':
    case 'user':
      return { role: entry.kind, content: entry.text };
    case 'tool':
      return { role: 'tool', content: entry.text, tool_call_id: entry.callId };
    case 'answer':
      if (entry.toolCalls.length > 0) {
        return { role: 'assistant', content: entry.text === '' ? null : entry.text, tool_calls: [...entry.toolCalls] };
      }
      return entry.text === '' ? null : { role: 'assistant', content: entry.text };
  }
}

export function withSystemPrompt(messages: readonly ChatMessage[], systemPrompt: string): ChatMessage[] {
  if (systemPrompt === '' || messages[0]?.role === 'system') return [...messages];
  return [{ role: 'system', content: systemPrompt }, ...messages];
}

export const toRequest = (messages: ChatMessage[], settings: ConversationSettings): StreamRequest => ({
  messages,
  stream: true,
  ...(settings.tools.length === 0 ? {} : { tools: [...settings.tools] }),
  ...(settings.temperature === null ? {} : { temperature: settings.temperature }),
  ...(settings.maxTokens === null ? {} : { max_tokens: settings.maxTokens }),
});

/** Tool calls stream in pieces: the same index again continues that call's arguments. */
export function mergeCalls(
  before: readonly ToolCall[],
  pieces: readonly (ToolCall & { readonly index: number })[],
): readonly ToolCall[] {
  const calls = [...before];
  for (const { index, ...piece } of pieces) {
    // An index beyond the end would leave holes; whoever sent it means the next one.
    const place = Math.min(index, calls.length);
    const open = calls[place];
    calls[place] =
      open === undefined
        ? piece
        : {
            ...open,
            function: {
              name: open.function.name || piece.function.name,
              arguments: open.function.arguments + piece.function.arguments,
            },
          };
  }
  return calls;
}

export function cloudOffset(answer: AnswerEntry, provenance: Provenance, content: string): number | null {
  if (answer.cloudFrom !== null || provenance.backend !== 'cloud' || content === '') return answer.cloudFrom;
  return answer.text.length;
}
