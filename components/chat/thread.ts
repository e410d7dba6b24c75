// The messages of one conversation: what each says (entries.ts) on the tree that says where it stands (tree.ts). Kept by
// Conversation, which asks the engine; read by record.ts. A changed entry is another object, so that what did not change
// need not be rendered again. Knows no engine and no element.

import type { AnswerEntry, Entry } from './entries.js';
import {
  add,
  cut,
  emptyTree,
  lineOf,
  placeOf,
  putBack,
  show,
  siblingsOf,
  treeOf,
  withAllBehind,
  type Cut,
  type Tree,
} from './tree.js';

/** A message that was deleted, with all that followed it. */
export interface Deleted {
  readonly cut: Cut;
  readonly entries: readonly Entry[];
}

export class Thread {
  #tree: Tree = emptyTree;
  #entries = new Map<string, Entry>();
  /** Of the newest tree and entries; null when they changed. */
  #line: readonly Entry[] | null = [];

  /** @param entries each after the one it follows, with what that is */
  static of(entries: Iterable<readonly [entry: Entry, parent: string | null]>): Thread {
    const thread = new Thread();
    const all = [...entries];
    for (const [entry] of all) thread.#entries.set(entry.id, entry);
    thread.#plant(treeOf(all.map(([{ id }, parent]) => [id, parent])));
    return thread;
  }

  get tree(): Tree {
    return this.#tree;
  }

  /** The line that is shown, oldest first. */
  get line(): readonly Entry[] {
    return (this.#line ??= lineOf(this.#tree).flatMap((id) => this.#entries.get(id) ?? []));
  }

  /** Every message on every branch, each after the one it follows. */
  get all(): readonly Entry[] {
    const ordered: Entry[] = [];
    const open = [...(this.#tree.children.get(null) ?? [])].reverse();
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) ordered.push(entry);
      open.push(...[...(this.#tree.children.get(id) ?? [])].reverse());
    }
    return ordered;
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** The message that this one follows; null for a first one. */
  parentOf(id: string): string | null {
    return placeOf(this.#tree, id);
  }

  /** Those that stand beside it, itself included, in the order they were made. */
  siblingsOf(id: string): readonly string[] {
    return siblingsOf(this.#tree, id);
  }

  /** @param parent what it follows; absent: the end of the line that is shown */
  add<Added extends Entry>(entry: Added, parent: string | null = this.line.at(-1)?.id ?? null): Added {
    this.#entries.set(entry.id, entry);
    this.#plant(add(this.#tree, entry.id, parent));
    return entry;
  }

  /** @returns the answer as it is now; null where it is gone */
  change(id: string, update: (answer: AnswerEntry) => AnswerEntry): AnswerEntry | null {
    const entry = this.#entries.get(id);
    if (entry?.kind !== 'answer') return null;
    const changed = update(entry);
    this.#entries.set(id, changed);
    // An answer grows at the end of the line, a token at a time: nothing else moves.
    this.#line = this.#line?.at(-1) === entry ? [...this.#line.slice(0, -1), changed] : null;
    return changed;
  }

  /** The message and what follows it on every branch; what is shown elsewhere or not at all does not count. */
  countFrom(id: string): number {
    return withAllBehind(this.#tree, id).filter((one) => {
      const kind = this.#entries.get(one)?.kind;
      return kind === 'user' || kind === 'answer';
    }).length;
  }

  /** Shows the branch with this message. */
  show(id: string): void {
    this.#plant(show(this.#tree, id));
  }

  delete(id: string): Deleted {
    const { tree, cut: piece } = cut(this.#tree, id);
    this.#plant(tree);
    const entries = [...piece.branch.parents.keys()].flatMap((gone) => this.#entries.get(gone) ?? []);
    for (const entry of entries) this.#entries.delete(entry.id);
    return { cut: piece, entries };
  }

  /** @returns false where the place it stood in is gone, too */
  putBack({ cut: piece, entries }: Deleted): boolean {
    const tree = putBack(this.#tree, piece);
    if (tree === this.#tree) return false;
    for (const entry of entries) this.#entries.set(entry.id, entry);
    this.#plant(tree);
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#plant(emptyTree);
  }

  #plant(tree: Tree): void {
    this.#tree = tree;
    this.#line = null;
  }
}
