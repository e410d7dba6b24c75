// What a conversation consists of, and how it goes to and from OpenAI's shapes. Pure; used by conversation.ts, which
// changes entries, by turns/message.ts, which shows them, and by record.ts, which has them kept.

import type {
  ChatMessage,
  CompletionUsage,
  FinishReason,
  Provenance,
  Tool,
  ToolCall,
} from '../../engine/protocol/chat.js';
import type { Attachment } from '../../engine/protocol/conversations.js';
import type { EngineErrorShape } from '../../engine/protocol/errors.js';
import { withFiles } from './files-in-text.js';

/** `interrupted`: the page was left while it was written. */
export type AnswerStatus = 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed' | 'interrupted';

interface Placed {
  /** Unique, also among the conversations kept on the device. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

export interface UserEntry extends Placed {
  readonly kind: 'user';
  readonly text: string;
  /** Text files put to it; a model reads them before the text. */
  readonly attachments: readonly Attachment[];
}

export interface AnswerEntry extends Placed {
  readonly kind: 'answer';
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
  /** The tokens of `text`, where all of them are known: an answer that broke off goes on from exactly there. */
  readonly tokenIds: readonly number[] | null;
}

export interface ToolEntry extends Placed {
  readonly kind: 'tool';
  readonly callId: string;
  readonly text: string;
}

export interface SystemEntry extends Placed {
  readonly kind: 'system';
  readonly text: string;
}

export type Entry = UserEntry | AnswerEntry | ToolEntry | SystemEntry;

export interface ConversationSettings {
  readonly systemPrompt: string;
  readonly tools: readonly Tool[];
  readonly temperature: number | null;
  readonly maxTokens: number | null;
}

export const newAnswer = (place: Placed): AnswerEntry => ({
  kind: 'answer',
  ...place,
  text: '',
  toolCalls: [],
  status: 'waiting',
  provenance: null,
  cloudFrom: null,
  usage: null,
  tokensPerSecond: null,
  finishReason: null,
  error: null,
  tokenIds: [],
});

/** It has words, and more could follow them. */
export const canContinue = ({ status, text, toolCalls, finishReason }: AnswerEntry): boolean =>
  text.trim() !== '' &&
  toolCalls.length === 0 &&
  (status === 'stopped' ||
    status === 'failed' ||
    status === 'interrupted' ||
    (status === 'done' && finishReason === 'length'));

/** Being written or waited for. */
export const isOpen = (entry: Entry | undefined): boolean =>
  entry?.kind === 'answer' && (entry.status === 'waiting' || entry.status === 'streaming');

export function fromMessage(message: ChatMessage, place: Placed): Entry {
  switch (message.role) {
    case 'system':
      return { kind: 'system', ...place, text: message.content };
    case 'user':
      return { kind: 'user', ...place, text: message.content, attachments: [] };
    case 'tool':
      return { kind: 'tool', ...place, callId: message.tool_call_id, text: message.content };
    case 'assistant':
      return {
        ...newAnswer(place),
        tokenIds: null,
        text: message.content ?? '',
        toolCalls: message.tool_calls ?? [],
        status: 'done',
      };
  }
}

/** The entry as a message; null for an answer that holds nothing a model should read. */
export function toMessage(entry: Entry): ChatMessage | null {
  switch (entry.kind) {
    case 'system':
      return { role: 'system', content: entry.text };
    case 'user':
      return { role: 'user', content: withFiles(entry.text, entry.attachments) };
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
