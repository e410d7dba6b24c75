// Two tabs may hold the same conversation: what one writes must not lose what the other wrote. Messages are only ever
// added, finished or deleted, so two versions become one by putting their messages together, and of two copies of one
// answer the one that has come further stays. Pure; called by conversation-store.ts with what is kept and what a page writes.

import type { Conversation, ConversationNode } from '../protocol/conversations.js';

/**
 * The written version, with the messages that only the kept one has; not those in `removed` nor what follows them.
 */
export function merge(kept: Conversation | null, written: Conversation, removed: readonly string[]): Conversation {
  if (kept === null) return written;
  const own = new Set(written.nodes.map(({ id }) => id));
  const known = new Map(kept.nodes.map((node) => [node.id, node]));
  const nodes = written.nodes.map((node) => further(known.get(node.id), node));
  const dropped = new Set(removed.filter((id) => !own.has(id)));
  const foreign: ConversationNode[] = [];
  for (const node of kept.nodes) {
    if (own.has(node.id)) continue;
    // What follows a deleted message goes with it, whoever wrote it.
    if (dropped.has(node.id) || (node.parent !== null && dropped.has(node.parent))) dropped.add(node.id);
    else foreign.push(node);
  }
  if (foreign.length === 0) return { ...written, nodes, created: Math.min(kept.created, written.created) };
  return {
    ...written,
    created: Math.min(kept.created, written.created),
    nodes: inOrder([...nodes, ...foreign]),
    leaf: written.leaf ?? foreign.at(-1)?.id ?? null,
  };
}

/** A tab that read an answer in the middle has only its beginning: what another one kept of it since is not cut off. */
function further(kept: ConversationNode | undefined, written: ConversationNode): ConversationNode {
  if (kept?.message.role !== 'assistant' || written.message.role !== 'assistant') return written;
  const [before, now] = [kept.message.content ?? '', written.message.content ?? ''];
  if (!before.startsWith(now)) return written;
  const ended = written.status === 'open' && kept.status !== 'open';
  return before.length > now.length || ended ? { ...kept, parent: written.parent } : written;
}

/** Each after the one it follows; siblings in the order they were made. */
function inOrder(nodes: readonly ConversationNode[]): ConversationNode[] {
  const after = new Map<string | null, ConversationNode[]>();
  for (const node of nodes) after.set(node.parent, [...(after.get(node.parent) ?? []), node]);
  const ordered: ConversationNode[] = [];
  const open: ConversationNode[] = [];
  const put = (parent: string | null): void => {
    const children = [...(after.get(parent) ?? [])].sort((one, other) => one.created - other.created);
    open.push(...children.reverse());
  };
  put(null);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    ordered.push(node);
    put(node.id);
  }
  return ordered;
}
