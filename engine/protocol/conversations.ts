// Conversations that are kept on the device, as they cross the port: a tree of messages, because a question can be asked
// in other words and answered more than once, and nothing of that is lost. The host keeps them (engine/conversations),
// pages read and write them whole. One definition with schemas for both sides, and for a file that somebody imports.
// Limits keep a hostile page or file from filling memory; a refused conversation changes nothing.

import * as v from 'valibot';
import { messageSchema } from './chat.js';
import { check } from './check.js';

/** Characters of a conversation's messages and files together: a long one has some hundred thousand. */
const longestConversation = 16_000_000;
const mostNodes = 20_000;

const nodeId = v.pipe(v.string(), v.regex(/^[\w.-]{1,100}$/, 'this is no id'));
const time = v.pipe(v.number(), v.finite(), v.minValue(0));
const tokens = v.pipe(v.number(), v.finite(), v.minValue(0));

/** A text file that the visitor put to a message. */
const attachmentSchema = v.object({
  name: v.pipe(v.string(), v.maxLength(500)),
  text: v.pipe(v.string(), v.maxLength(4_000_000)),
  /** Of the file as it was chosen. */
  byteLength: time,
});
export type Attachment = Readonly<v.InferOutput<typeof attachmentSchema>>;

const nodeSchema = v.object({
  id: nodeId,
  /** The message that this one follows; null for the first. Several may follow the same: those are branches. */
  parent: v.nullable(nodeId),
  message: messageSchema,
  /** Milliseconds since 1970. */
  created: time,
  attachments: v.exactOptional(v.pipe(v.array(attachmentSchema), v.maxLength(100))),
  /** Of an answer: how it ended. `open`: it was still being written when it was kept. */
  status: v.exactOptional(v.picklist(['done', 'stopped', 'failed', 'open'])),
  provenance: v.exactOptional(
    v.object({ backend: v.picklist(['local', 'cloud']), model: v.pipe(v.string(), v.maxLength(2_000)) }),
  ),
  /** Offset in the text from which on the cloud wrote. */
  cloudFrom: v.exactOptional(tokens),
  usage: v.exactOptional(v.object({ prompt_tokens: tokens, completion_tokens: tokens, total_tokens: tokens })),
  tokensPerSecond: v.exactOptional(tokens),
  finishReason: v.exactOptional(v.picklist(['stop', 'length', 'tool_calls'])),
});
export type ConversationNode = Readonly<v.InferOutput<typeof nodeSchema>>;

export const conversationSchema = v.pipe(
  v.object({
    id: nodeId,
    /** '' where nobody named it. */
    title: v.pipe(v.string(), v.maxLength(500)),
    /** Milliseconds since 1970. */
    created: time,
    updated: time,
    /** Each message stands after the one it follows. */
    nodes: v.pipe(v.array(nodeSchema), v.maxLength(mostNodes)),
    /** The newest message of the branch that is shown; null while there is none. */
    leaf: v.nullable(nodeId),
  }),
  v.check(({ nodes, leaf }) => isTree(nodes, leaf), 'its messages do not form a tree'),
  v.check(({ nodes }) => charactersOf(nodes) <= longestConversation, 'it is too long to be kept'),
);
export type Conversation = Readonly<v.InferOutput<typeof conversationSchema>>;

function isTree(nodes: readonly ConversationNode[], leaf: string | null): boolean {
  const seen = new Set<string>();
  for (const { id, parent } of nodes) {
    if (seen.has(id) || (parent !== null && !seen.has(parent))) return false;
    seen.add(id);
  }
  return leaf === null ? nodes.length === 0 : seen.has(leaf);
}

function charactersOf(nodes: readonly ConversationNode[]): number {
  let sum = 0;
  for (const { message, attachments = [] } of nodes) {
    sum += message.content?.length ?? 0;
    for (const { text } of attachments) sum += text.length;
  }
  return sum;
}

const querySchema = v.object({
  /** Words that must all occur, in the title or in messages; absent or blank: every conversation. */
  text: v.exactOptional(v.pipe(v.string(), v.maxLength(1_000))),
  limit: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000))),
});
export type ConversationQuery = Readonly<v.InferOutput<typeof querySchema>>;

const writeSchema = v.object({
  conversation: conversationSchema,
  /** Messages that this page deleted. What else is kept and not in `conversation` came from another tab and stays. */
  removed: v.exactOptional(v.pipe(v.array(nodeId), v.maxLength(mostNodes))),
  /** `EngineState.changes.erased` as the page knows it: what it wrote before it heard of an erasure is not kept. */
  erased: v.exactOptional(time),
});
export type ConversationWrite = Readonly<v.InferOutput<typeof writeSchema>>;

const summarySchema = v.variant('readable', [
  v.object({
    readable: v.literal(true),
    id: nodeId,
    title: v.string(),
    created: time,
    updated: time,
    /** In all branches. */
    messages: time,
    /** Where a search found its words: the text around them; '' otherwise. */
    excerpt: v.string(),
  }),
  v.object({
    readable: v.literal(false),
    id: nodeId,
    updated: time,
    /** `key-lost`: the browser no longer has the key it was written under. `damaged`: what is kept is not whole. */
    reason: v.picklist(['key-lost', 'damaged']),
  }),
]);
export type ConversationSummary = Readonly<v.InferOutput<typeof summarySchema>>;

export const conversationListSchema = v.object({
  /** Newest first. Those that cannot be read are told when everything is asked for. */
  conversations: v.pipe(v.array(summarySchema), v.maxLength(1_000)),
  /** That fit the query, more than the limit perhaps. */
  total: time,
  /** Where they are kept: `memory` is gone with the last tab, `none` keeps nothing. */
  kind: v.picklist(['indexeddb', 'memory', 'none']),
});
export type ConversationList = Readonly<v.InferOutput<typeof conversationListSchema>>;

const countSchema = v.object({
  messages: v.pipe(v.array(messageSchema), v.maxLength(10_000)),
});
export type CountTokensRequest = v.InferOutput<typeof countSchema>;

export const tokenCountSchema = v.object({
  /** Of the prompt that these messages make. */
  tokens,
  /** Tokens that the model reads, answer included; null while no model is loaded. */
  contextLength: v.nullable(tokens),
  /** Counted by the loaded model's tokenizer; otherwise estimated from the text's length. */
  exact: v.boolean(),
});
export type TokenCount = Readonly<v.InferOutput<typeof tokenCountSchema>>;

/** @throws EngineError `invalid-request` naming the field */
export const parseConversation = (value: unknown, what = 'the conversation'): Conversation =>
  check(conversationSchema, value, what);

/** @throws EngineError `invalid-request` naming the field */
export const parseConversationQuery = (value: unknown): ConversationQuery => check(querySchema, value, 'the query');

/** @throws EngineError `invalid-request` naming the field */
export const parseConversationWrite = (value: unknown): ConversationWrite => check(writeSchema, value, 'the request');

/** @throws EngineError `invalid-request` naming the field */
export const parseCountTokens = (value: unknown): CountTokensRequest => check(countSchema, value, 'the request');
