// The shape of a conversation: which message follows which. A question asked in other words and an answer asked for again
// stand beside what was there (branches), and of several that follow the same message one is shown. From that comes the
// line that a person reads and a model is sent. Pure: knows ids and nothing of messages; every change is a new tree.
// Called by thread.ts; what only a visitor's later changes need (cutting, switching) is turns/tree-changes.ts. An unknown
// id is a caller's mistake and throws.

/** Null stands for the beginning, which first messages follow. */
export type Place = string | null;

export interface Tree {
  readonly parents: ReadonlyMap<string, Place>;
  /** What follows a message, in the order it was added. */
  readonly children: ReadonlyMap<Place, readonly string[]>;
  /** Which of them is shown; one for every message that is followed at all. */
  readonly shown: ReadonlyMap<Place, string>;
}

export const emptyTree: Tree = { parents: new Map(), children: new Map(), shown: new Map() };

/** The messages shown, first to last. */
export function lineOf({ shown }: Tree): string[] {
  const line: string[] = [];
  for (let next = shown.get(null); next !== undefined; next = shown.get(next)) line.push(next);
  return line;
}

/** Adds a message behind `parent` and shows it there. */
export function add(tree: Tree, id: string, parent: Place): Tree {
  if (tree.parents.has(id)) throw new Error(`“${id}” is in the tree already.`);
  if (parent !== null) placeOf(tree, parent);
  return {
    parents: new Map(tree.parents).set(id, parent),
    children: new Map(tree.children).set(parent, [...(tree.children.get(parent) ?? []), id]),
    shown: new Map(tree.shown).set(parent, id),
  };
}

/** Those that follow the same message, this one among them. */
export function siblingsOf(tree: Tree, id: string): readonly string[] {
  return tree.children.get(placeOf(tree, id)) ?? [];
}

/** Where a message stands: what it follows. */
export function placeOf({ parents }: Tree, id: string): Place {
  const parent = parents.get(id);
  if (parent === undefined) throw new Error(`“${id}” is not in the tree.`);
  return parent;
}
