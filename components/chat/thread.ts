// The messages of one conversation: what each says (entries.ts) on the tree that says where it stands (tree.ts). Kept by
// Conversation, which asks the engine; changed by a visitor through turns/thread-changes.ts. A changed entry is another
// object, so that what did not change need not be rendered again. Knows no engine and no element.

import type { AnswerEntry, Entry } from './entries.js';
import { add, emptyTree, lineOf, placeOf, siblingsOf, type Tree } from './tree.js';

export class Thread {
  readonly entries: Map<string, Entry>;
  #tree: Tree;
  /** Of the newest tree and entries; null when they changed. */
  #line: readonly Entry[] | null = null;

  constructor(tree = emptyTree, entries = new Map<string, Entry>()) {
    this.#tree = tree;
    this.entries = entries;
  }

  get tree(): Tree {
    return this.#tree;
  }

  /** The line that is shown, oldest first. */
  get line(): readonly Entry[] {
    return (this.#line ??= lineOf(this.#tree).flatMap((id) => this.entries.get(id) ?? []));
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
    this.entries.set(entry.id, entry);
    this.plant(add(this.#tree, entry.id, parent));
    return entry;
  }

  /** @returns the answer as it is now; null where it is gone */
  change(id: string, update: (answer: AnswerEntry) => AnswerEntry): AnswerEntry | null {
    const entry = this.entries.get(id);
    if (entry?.kind !== 'answer') return null;
    const changed = update(entry);
    this.entries.set(id, changed);
    // An answer grows at the end of the line, a token at a time: nothing else moves.
    this.#line = this.#line?.at(-1) === entry ? [...this.#line.slice(0, -1), changed] : null;
    return changed;
  }

  /** Another shape; `entries` holds what stands in it. */
  plant(tree: Tree): void {
    this.#tree = tree;
    this.#line = null;
  }
}
