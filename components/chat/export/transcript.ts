// A conversation as a file: Markdown to read (the line that is shown), JSON to open again (every branch). Pure; fetched when
// somebody saves or opens one (export.ts).
// Format of the JSON: {"format": "llm-elements conversation", "version": 1, "conversation": ...} with the conversation as in
// engine/protocol/conversations.ts. A file is a stranger's: it is checked against that schema, gets a new id, and nothing of it
// reaches the model that the visitor does not see. So its system messages, which no chat shows, are left out.

import { parseConversation, type Conversation, type ConversationNode } from '../../../engine/protocol/conversations.js';
import { EngineError } from '../../../engine/protocol/errors.js';

const format = 'llm-elements conversation';
const version = 1;
/** Characters of a file that is opened, which are no more than its bytes. */
const longestFile = 40_000_000;

export interface OpenedFile {
  readonly conversation: Conversation;
  /** System messages that were left out. */
  readonly instructions: number;
}

/** Headings and remarks, in the visitor's language. */
export interface TranscriptWords {
  readonly you: string;
  readonly assistant: string;
  readonly cloud: string;
  readonly onDevice: string;
  readonly file: (name: string) => string;
}

export function toMarkdown(conversation: Conversation, words: TranscriptWords): string {
  const parts = [`# ${oneLine(conversation.title) || words.assistant}`];
  for (const { message, attachments = [], provenance } of lineOf(conversation)) {
    if (message.role === 'user') {
      parts.push(`## ${words.you}`);
      for (const { name, text } of attachments) parts.push(`${words.file(oneLine(name))}\n\n${fenced(text)}`);
      if (message.content !== '') parts.push(message.content);
    } else if (message.role === 'assistant') {
      const { content } = message;
      const who = provenance === undefined ? '' : provenance.backend === 'cloud' ? words.cloud : words.onDevice;
      const by = provenance === undefined ? '' : ` (${who}, ${oneLine(provenance.model)})`;
      if (content) parts.push(`## ${words.assistant}${by}`, content);
    }
  }
  return `${parts.join('\n\n')}\n`;
}

export const toJson = (conversation: Conversation): string =>
  `${JSON.stringify({ format, version, conversation }, null, 1)}\n`;

/** @throws EngineError `invalid-request` in words for the visitor, where it is no conversation of ours */
export function fromJson(text: string, newId: () => string): OpenedFile {
  checkLength(text.length);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw noConversation('It is no JSON.');
  }
  const file = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  if (file['format'] !== format) throw noConversation('It was not saved by this chat.');
  if (file['version'] !== version) throw noConversation('It was saved by another version of this chat.');
  // Opened twice, it is two conversations: neither writes over the other.
  const whole = { ...parseConversation(file['conversation'], 'the file'), id: newId() };
  const conversation = withoutInstructions(whole);
  return { conversation, instructions: whole.nodes.length - conversation.nodes.length };
}

/** @throws EngineError `invalid-request` for what is too long to be a conversation, before all of it is read */
export function checkLength(length: number): void {
  if (length > longestFile) throw noConversation('It is too large.');
}

/** What followed a system message follows what that one followed. */
function withoutInstructions(conversation: Conversation): Conversation {
  const instead = new Map<string, string | null>();
  const nodes: ConversationNode[] = [];
  /** @returns the nearest message before it that stays; null: none */
  const staying = (id: string | null): string | null =>
    id === null ? null : (instead.get(id) ?? (instead.has(id) ? null : id));
  for (const node of conversation.nodes) {
    const parent = staying(node.parent);
    if (node.message.role === 'system') instead.set(node.id, parent);
    else nodes.push(parent === node.parent ? node : { ...node, parent });
  }
  return {
    ...conversation,
    nodes,
    leaf: nodes.length === 0 ? null : (staying(conversation.leaf) ?? nodes.at(-1)?.id ?? null),
  };
}

/** A file's name that every system takes. */
export function fileName(title: string, extension: 'md' | 'json'): string {
  const name = title
    .normalize('NFC')
    .replace(/[\p{C}\\/:*?"<>|.]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return `${[...name].slice(0, 60).join('').trim() || 'conversation'}.${extension}`;
}

function lineOf({ nodes, leaf }: Conversation): readonly ConversationNode[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const line: ConversationNode[] = [];
  for (let node = byId.get(leaf ?? ''); node !== undefined; node = byId.get(node.parent ?? '')) line.push(node);
  return line.reverse();
}

function fenced(text: string): string {
  const longest = (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text.replace(/\n$/, '')}\n${fence}`;
}

const oneLine = (text: string): string => text.replace(/[\s\p{C}]+/gu, ' ').trim();

const noConversation = (why: string): EngineError =>
  new EngineError('invalid-request', `This file holds no conversation that could be opened. ${why}`, {
    hint: 'Choose a file that was saved with “Save as JSON”.',
  });
