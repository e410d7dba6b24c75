// A conversation as it is kept on the device or exported (engine/protocol/conversations.ts), and back. Called by what keeps,
// saves and opens conversations. An answer that was being written when it was kept comes back as interrupted: it can be
// continued.

import type { ChatMessage } from '../../engine/protocol/chat.js';
import type { Conversation as Kept, ConversationNode } from '../../engine/protocol/conversations.js';
import type { Conversation } from './conversation.js';
import { fromMessage, isOpen, type AnswerEntry, type Entry } from './entries.js';
import { allOf, show, threadOf } from './turns/thread-changes.js';

/** Characters of a title made of the first message. */
const longestTitle = 80;

/** As it is kept. */
export function recordOf({ facts, thread }: Conversation): Kept {
  const { id, title, created } = facts;
  return {
    id,
    title: title || titleFrom(thread.line),
    created,
    updated: Date.now(),
    nodes: allOf(thread).map((entry) => toNode(entry, thread.parentOf(entry.id))),
    leaf: thread.line.at(-1)?.id ?? null,
  };
}

/** Goes on with a kept one; a running request is ended. */
export function openRecord(conversation: Conversation, { id, title, created, nodes, leaf }: Kept): void {
  const thread = threadOf(nodes.map((node) => [toEntry(node), node.parent]));
  if (leaf !== null) show(thread, leaf);
  conversation.open(thread, { id, title, created });
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
