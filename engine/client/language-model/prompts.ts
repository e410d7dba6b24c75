// What a caller of the Prompt API may write as a prompt, read into messages of ours. Source: the Prompt API (W3C Web
// Machine Learning CG, "Validating and canonicalizing a prompt"). Called by the session. What goes wrong is the error
// that the standard names: TypeError for a wrong shape, `NotSupportedError` for what only other models read.

import type { ChatMessage } from '../../protocol/chat.js';

export type LanguageModelRole = 'system' | 'user' | 'assistant';

export interface LanguageModelContent {
  readonly type: 'text' | 'image' | 'audio' | 'tool-call' | 'tool-response';
  readonly value: unknown;
}

export interface LanguageModelMessage {
  readonly role: LanguageModelRole;
  readonly content: string | readonly LanguageModelContent[];
  /** The answer goes on from this text. Only for the last message, which must be the assistant's. */
  readonly prefix?: boolean;
}

export type LanguageModelPrompt = string | readonly LanguageModelMessage[];

export interface ReadPrompt {
  readonly messages: readonly ChatMessage[];
  /** What the answer begins with; '' for nothing. */
  readonly prefix: string;
}

/** @param initial of `create()`: the first message may be the system's; afterwards none may */
export function readPrompt(prompt: LanguageModelPrompt, initial: boolean): ReadPrompt {
  const given: readonly unknown[] = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
  if (!Array.isArray(given)) throw new TypeError('A prompt is a text or a list of messages.');
  if (given.length === 0 && !initial) throw new TypeError('The prompt has no messages.');
  const messages: ChatMessage[] = [];
  let prefix = '';
  given.forEach((value: unknown, i) => {
    if (typeof value !== 'object' || value === null) throw new TypeError(`Message ${i} of the prompt is no object.`);
    const { role, content, prefix: isPrefix } = value as Partial<LanguageModelMessage>;
    const text = textOf(content, i);
    if (isPrefix === true) {
      if (initial || role !== 'assistant' || i < given.length - 1) {
        throw new DOMException('Only the last message of a prompt, by the assistant, can be a prefix.', 'SyntaxError');
      }
      prefix = text;
      return;
    }
    if (role === 'system') {
      if (!initial) throw new DOMException('A system message belongs into initialPrompts.', 'NotSupportedError');
      if (i > 0) throw new TypeError('The system message is the first of initialPrompts.');
    } else if (role !== 'user' && role !== 'assistant') {
      throw new TypeError(`Message ${i} of the prompt has no role: system, user or assistant.`);
    }
    messages.push({ role, content: text });
  });
  if (!initial && messages.length === 0) throw new TypeError('The prompt has nothing but a prefix.');
  return { messages, prefix };
}

function textOf(content: unknown, i: number): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw new TypeError(`Message ${i} of the prompt has no content.`);
  return content
    .map((part: unknown) => {
      const { type, value } = (part ?? {}) as Partial<LanguageModelContent>;
      if (type === 'text' && typeof value === 'string') return value;
      if (type === 'text') throw new TypeError(`Message ${i} of the prompt has a text that is none.`);
      throw new DOMException('The model on this device reads only text.', 'NotSupportedError');
    })
    .join('');
}
