// What becomes of the shape of a conversation (tree.ts) when its versions are switched, messages are deleted and put back,
// or all of it is read from what was kept. Pure: ids in, a new tree out. Called by thread-changes.ts. An unknown id is a
// caller's mistake and throws.

import { placeOf, siblingsOf, type Place, type Tree } from '../tree.js';

/** The tree of many messages at once, each after the one it follows: `add` for each would copy the tree as often. */
export function treeOf(places: Iterable<readonly [id: string, parent: Place]>): Tree {
  const parents = new Map<string, Place>();
  const children = new Map<Place, string[]>();
  const shown = new Map<Place, string>();
  for (const [id, parent] of places) {
    if (parents.has(id)) throw new Error(`“${id}” is in the tree already.`);
    if (parent !== null && !parents.has(parent)) throw new Error(`“${parent}” is not in the tree.`);
    parents.set(id, parent);
    const beside = children.get(parent);
    if (beside === undefined) children.set(parent, [id]);
    else beside.push(id);
    shown.set(parent, id);
  }
  return { parents, children, shown };
}

/** Shows the line that this message is part of; behind it, what was shown there last. */
export function show(tree: Tree, id: string): Tree {
  const shown = new Map(tree.shown);
  for (let at: Place = id; at !== null;) {
    const parent: Place = placeOf(tree, at);
    shown.set(parent, at);
    at = parent;
  }
  return { ...tree, shown };
}

/** The message and all that follows it on every branch, each after the one it follows. */
export function withAllBehind(tree: Tree, id: string): string[] {
  placeOf(tree, id);
  const found = [id];
  for (let at = 0; at < found.length; at++) found.push(...(tree.children.get(found[at] ?? '') ?? []));
  return found;
}

/** What was cut out, with all it takes to put it back. */
export interface Cut {
  readonly id: string;
  readonly parent: Place;
  /** Its place among its siblings. */
  readonly index: number;
  readonly wasShown: boolean;
  readonly branch: Tree;
}

/** Takes a message out, with all that follows it; its neighbour is shown in its place. */
export function cut(tree: Tree, id: string): { readonly tree: Tree; readonly cut: Cut } {
  const parent = placeOf(tree, id);
  const siblings = siblingsOf(tree, id);
  const index = siblings.indexOf(id);
  const gone = new Set(withAllBehind(tree, id));
  const parents = new Map(tree.parents);
  const children = new Map(tree.children);
  const shown = new Map(tree.shown);
  const branch = {
    parents: new Map<string, Place>(),
    children: new Map<Place, readonly string[]>(),
    shown: new Map<Place, string>(),
  };
  for (const one of gone) {
    branch.parents.set(one, placeOf(tree, one));
    parents.delete(one);
    const behind = children.get(one);
    if (behind === undefined) continue;
    branch.children.set(one, behind);
    branch.shown.set(one, shown.get(one) ?? '');
    children.delete(one);
    shown.delete(one);
  }
  const left = siblings.filter((sibling) => sibling !== id);
  const neighbour = left[Math.min(index, left.length - 1)];
  const wasShown = tree.shown.get(parent) === id;
  if (neighbour === undefined) {
    children.delete(parent);
    shown.delete(parent);
  } else {
    children.set(parent, left);
    if (wasShown) shown.set(parent, neighbour);
  }
  return { tree: { parents, children, shown }, cut: { id, parent, index, wasShown, branch } };
}

/** Puts back what was cut out, where it was. The same tree where there is no such place any more. */
export function putBack(tree: Tree, { id, parent, index, wasShown, branch }: Cut): Tree {
  if (tree.parents.has(id) || (parent !== null && !tree.parents.has(parent))) return tree;
  const siblings = [...(tree.children.get(parent) ?? [])];
  siblings.splice(index, 0, id);
  const shown = new Map([...tree.shown, ...branch.shown]);
  if (wasShown || siblings.length === 1) shown.set(parent, id);
  return {
    parents: new Map([...tree.parents, ...branch.parents]),
    children: new Map([...tree.children, ...branch.children]).set(parent, siblings),
    shown,
  };
}
