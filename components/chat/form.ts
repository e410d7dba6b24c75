// What a form gets of a chat: the whole conversation as JSON (OpenAI's messages), or the newest answer as text. Pure;
// `<llm-chat>` hands it to its ElementInternals. Source: HTML standard, "Form-associated custom elements".
// What a browser keeps to restore a form lies on its disk unsealed, so that no conversation may be in it: the state is the
// id under which the conversation is kept sealed, or nothing.

import type { ChatMessage } from '../../engine/protocol/chat.js';

export type FormValueKind = 'conversation' | 'answer';

/** Null, nothing is submitted, where nobody has said anything. */
export function formValue(messages: readonly ChatMessage[], kind: FormValueKind): string | null {
  if (kind === 'answer')
    return messages.findLast(({ role, content }) => role === 'assistant' && content)?.content ?? null;
  return messages.length === 0 ? null : JSON.stringify(messages);
}
