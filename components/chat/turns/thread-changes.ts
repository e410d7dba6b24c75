// What a visitor changes in a conversation beside talking: another version shown, messages deleted and put back. Functions
// over a Thread (thread.ts); called by turns.ts, and by record.ts for reading what was kept. Refusing while an answer is
// written is Conversation's matter.

import type { Entry } from '../entries.js';
import { Thread } from '../thread.js';
import { cut, putBack as putBackInTree, show as showInTree, treeOf, withAllBehind, type Cut } from './tree-changes.js';

/** A message that was deleted, with all that followed it. */
export interface Deleted {
  readonly cut: Cut;
  readonly entries: readonly Entry[];
}

/** @param placed each after the one it follows, with what that is */
export function threadOf(placed: readonly (readonly [entry: Entry, parent: string | null])[]): Thread {
  return new Thread(
    treeOf(placed.map(([{ id }, parent]) => [id, parent])),
    new Map(placed.map(([entry]) => [entry.id, entry])),
  );
}

/** Every message on every branch, each after the one it follows. */
export function allOf({ tree, entries }: Thread): readonly Entry[] {
  const ordered: Entry[] = [];
  const open = [...(tree.children.get(null) ?? [])].reverse();
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const entry = entries.get(id);
    if (entry !== undefined) ordered.push(entry);
    open.push(...[...(tree.children.get(id) ?? [])].reverse());
  }
  return ordered;
}

/** The message and what follows it on every branch; what is shown elsewhere or not at all does not count. */
export function countFrom({ tree, entries }: Thread, id: string): number {
  return withAllBehind(tree, id).filter((one) => {
    const kind = entries.get(one)?.kind;
    return kind === 'user' || kind === 'answer';
  }).length;
}

/** Shows the branch with this message. */
export function show(thread: Thread, id: string): void {
  thread.plant(showInTree(thread.tree, id));
}

/** Deletes a message with all that follows it. @returns what `putBack` takes */
export function deleteFrom(thread: Thread, id: string): Deleted {
  const { tree, cut: piece } = cut(thread.tree, id);
  thread.plant(tree);
  const entries = [...piece.branch.parents.keys()].flatMap((gone) => thread.entries.get(gone) ?? []);
  for (const entry of entries) thread.entries.delete(entry.id);
  return { cut: piece, entries };
}

/** Undoes `deleteFrom`; nothing where the place it stood in is gone, too. */
export function putBack(thread: Thread, { cut: piece, entries }: Deleted): void {
  const tree = putBackInTree(thread.tree, piece);
  if (tree === thread.tree) return;
  for (const entry of entries) thread.entries.set(entry.id, entry);
  thread.plant(tree);
}
