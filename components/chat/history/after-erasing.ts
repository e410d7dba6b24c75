// What of a conversation may be kept after the visitor erased everything while it was open: what was said since. What was
// erased stays on the screen, in this page's memory, and nowhere else. Pure; called by keeper.ts.

import type { Conversation } from '../../../engine/protocol/conversations.js';

/** Characters of a title made of the first question that is left, as record.ts makes one. */
const longestTitle = 80;

/** @param erased messages that were there when everything was erased */
export function saidSince(conversation: Conversation, erased: ReadonlySet<string>): Conversation {
  const nodes = conversation.nodes
    .filter(({ id }) => !erased.has(id))
    .map((node) => (node.parent !== null && erased.has(node.parent) ? { ...node, parent: null } : node));
  const { leaf } = conversation;
  return {
    ...conversation,
    nodes,
    leaf: leaf !== null && !erased.has(leaf) ? leaf : (nodes.at(-1)?.id ?? null),
    title: titleOf(nodes), // the other one is made of what was erased
  };
}

function titleOf(nodes: Conversation['nodes']): string {
  const first = nodes.find(({ message }) => message.role === 'user')?.message.content ?? '';
  return [...first.trim().replace(/\s+/g, ' ')].slice(0, longestTitle).join('');
}
