// A conversation as it is kept on the device or exported (engine/protocol/conversations.ts), and back. Pure; used by
// conversation.ts. An answer that was being written when it was kept comes back as interrupted: it can be continued.

import type { ChatMessage } from '../../engine/protocol/chat.js';
import type { Conversation as Kept, ConversationNode } from '../../engine/protocol/conversations.js';
import { fromMessage, isOpen, type AnswerEntry, type Entry } from './entries.js';
import { Thread } from './thread.js';

/** What a conversation is called and when it began. */
export interface ConversationFacts {
  readonly id: string;
  /** Given by the visitor; '' where nobody named it. */
  readonly title: string;
  readonly created: number;
}

/** Characters of a title made of the first message. */
const longestTitle = 80;

export function toRecord({ id, title, created }: ConversationFacts, thread: Thread, updated: number): Kept {
  return {
    id,
    title: title || titleFrom(thread.line),
    created,
    updated,
    nodes: thread.all.map((entry) => toNode(entry, thread.parentOf(entry.id))),
    leaf: thread.line.at(-1)?.id ?? null,
  };
}

export function fromRecord({ nodes, leaf }: Kept): Thread {
  const thread = Thread.of(nodes.map((node) => [toEntry(node), node.parent]));
  if (leaf !== null) thread.show(leaf);
  return thread;
}

/** The first words of the visitor, else the name of the first file. */
export function titleFrom(line: readonly Entry[]): string {
  for (const entry of line) {
    if (entry.kind !== 'user') continue;
    const text = (entry.text.trim() || entry.attachments[0]?.name || '').replace(/\s+/g, ' ');
    const letters = [...text];
    return letters.length <= longestTitle
      ? text
      : `${letters
          .slice(0, longestTitle - 1)
          .join('')
          .trimEnd()}…`;
  }
  return '';
}

function toNode(entry: Entry, parent: string | null): ConversationNode {
  const { id, created } = entry;
  const place = { id, parent, created };
  switch (entry.kind) {
    case 'system':
      return { ...place, message: { role: 'system', content: entry.text } };
    case 'tool':
      return { ...place, message: { role: 'tool', content: entry.text, tool_call_id: entry.callId } };
    case 'user':
      return {
        ...place,
        message: { role: 'user', content: entry.text },
        ...(entry.attachments.length === 0 ? {} : { attachments: [...entry.attachments] }),
      };
    case 'answer':
      return { ...place, message: answerMessage(entry), ...answerFacts(entry) };
  }
}

function answerMessage({ text, toolCalls }: AnswerEntry): ChatMessage {
  return {
    role: 'assistant',
    content: text === '' ? null : text,
    ...(toolCalls.length === 0 ? {} : { tool_calls: [...toolCalls] }),
  };
}

function answerFacts(answer: AnswerEntry): Omit<ConversationNode, 'id' | 'parent' | 'created' | 'message'> {
  const { status, provenance, cloudFrom, usage, tokensPerSecond, finishReason } = answer;
  const open = status === 'interrupted' || isOpen(answer);
  return {
    status: open ? 'open' : status === 'failed' || status === 'stopped' ? status : 'done',
    ...(provenance === null ? {} : { provenance: { backend: provenance.backend, model: provenance.model } }),
    ...(cloudFrom === null ? {} : { cloudFrom }),
    ...(usage === null ? {} : { usage: { ...usage } }),
    ...(tokensPerSecond === null ? {} : { tokensPerSecond }),
    ...(finishReason === null ? {} : { finishReason }),
  };
}

function toEntry({ id, created, message, attachments = [], ...facts }: ConversationNode): Entry {
  const entry = fromMessage(message, { id, created });
  if (entry.kind === 'user') return { ...entry, attachments };
  if (entry.kind !== 'answer') return entry;
  const { status = 'done', provenance = null, cloudFrom = null, usage = null } = facts;
  const { tokensPerSecond = null, finishReason = null } = facts;
  return {
    ...entry,
    status: status === 'open' ? 'interrupted' : status,
    provenance,
    cloudFrom,
    usage,
    tokensPerSecond,
    finishReason,
  };
}
