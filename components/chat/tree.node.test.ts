// The tree of messages under any sequence of what a person can do with it: the line is always one line through it, nothing
// is lost but what was deleted, and what was deleted comes back as it was.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { add, emptyTree, lineOf, siblingsOf, type Tree } from './tree.js';
import { cut, putBack, show, treeOf, withAllBehind } from './turns/tree-changes.js';

/** A number picks one of what is there, so that every sequence makes sense. */
const step = fc.record({
  do: fc.constantFrom('append', 'branch', 'show', 'cut') as fc.Arbitrary<'append' | 'branch' | 'show' | 'cut'>,
  pick: fc.nat(1_000),
});
const steps = fc.array(step, { maxLength: 60 });

function grow(script: readonly { readonly do: 'append' | 'branch' | 'show' | 'cut'; readonly pick: number }[]): Tree {
  let tree = emptyTree;
  for (const [index, { do: what, pick }] of script.entries()) {
    const all = [...tree.parents.keys()];
    const one = all[pick % Math.max(1, all.length)];
    const id = `m${String(index)}`;
    if (what === 'append' || one === undefined) tree = add(tree, id, lineOf(tree).at(-1) ?? null);
    else if (what === 'branch') tree = add(tree, id, tree.parents.get(one) ?? null);
    else if (what === 'show') tree = show(tree, one);
    else tree = cut(tree, one).tree;
  }
  return tree;
}

function sound(tree: Tree): void {
  const listed = [...tree.children.values()].flat();
  assert.deepEqual([...listed].sort(), [...tree.parents.keys()].sort(), 'each message stands in one place');
  for (const [parent, children] of tree.children) {
    assert.ok(children.length > 0);
    assert.ok(children.includes(tree.shown.get(parent) ?? ''), 'one of those that follow is shown');
    for (const child of children) assert.equal(tree.parents.get(child), parent);
  }
  assert.equal(tree.shown.size, tree.children.size);
  const line = lineOf(tree);
  for (const [index, id] of line.entries()) assert.equal(tree.parents.get(id), line[index - 1] ?? null);
  assert.equal(tree.children.get(line.at(-1) ?? null), undefined, 'the line goes to an end');
}

describe('tree of messages', () => {
  test('is sound after anything', () => {
    fc.assert(fc.property(steps, (script) => sound(grow(script))));
  });

  test('a message shown is on the line, and nothing else changed', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (script, pick) => {
        const tree = grow(script);
        const all = [...tree.parents.keys()];
        const one = all[pick % Math.max(1, all.length)];
        if (one === undefined) return;
        const shown = show(tree, one);
        sound(shown);
        assert.ok(lineOf(shown).includes(one));
        assert.deepEqual(shown.parents, tree.parents);
        assert.deepEqual(siblingsOf(shown, one), siblingsOf(tree, one));
      }),
    );
  });

  test('what was cut out comes back as it was; only what follows it went with it', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (script, pick) => {
        const tree = grow(script);
        const all = [...tree.parents.keys()];
        const one = all[pick % Math.max(1, all.length)];
        if (one === undefined) return;
        const gone = withAllBehind(tree, one);
        const less = cut(tree, one);
        sound(less.tree);
        assert.equal(less.tree.parents.size, tree.parents.size - gone.length);
        const again = putBack(less.tree, less.cut);
        sound(again);
        assert.deepEqual(new Map([...again.parents].sort()), new Map([...tree.parents].sort()));
        assert.deepEqual(lineOf(again), lineOf(tree));
        for (const [parent, children] of tree.children) assert.deepEqual(again.children.get(parent), children);
        for (const [parent, child] of tree.shown) assert.equal(again.shown.get(parent), child);
      }),
    );
  });

  test('what was cut out of a place that is gone stays out', () => {
    const tree = add(add(emptyTree, 'question', null), 'answer', 'question');
    const first = cut(tree, 'answer');
    const second = cut(first.tree, 'question');
    assert.equal(putBack(second.tree, first.cut), second.tree);
    assert.deepEqual(lineOf(putBack(putBack(second.tree, second.cut), first.cut)), ['question', 'answer']);
  });

  test('an edited question and an answer asked for again are branches', () => {
    let tree = add(add(emptyTree, 'q1', null), 'a1', 'q1');
    tree = add(tree, 'a2', 'q1');
    assert.deepEqual(siblingsOf(tree, 'a2'), ['a1', 'a2']);
    tree = add(add(tree, 'q2', null), 'b1', 'q2');
    assert.deepEqual(lineOf(tree), ['q2', 'b1']);
    assert.deepEqual(lineOf(show(tree, 'q1')), ['q1', 'a2'], 'the answer that was shown last');
    assert.deepEqual(lineOf(show(tree, 'a1')), ['q1', 'a1']);
  });

  test('an unknown id is refused', () => {
    assert.throws(() => show(emptyTree, 'x'), /not in the tree/);
    assert.throws(() => add(emptyTree, 'x', 'y'), /not in the tree/);
    assert.throws(() => add(add(emptyTree, 'x', null), 'x', null), /already/);
  });
});

test('many messages at once are the same tree, in a moment', () => {
  const few = [
    ['a', null],
    ['b', 'a'],
    ['c', 'a'],
    ['d', 'b'],
    ['e', null],
  ] as const;
  assert.deepEqual(
    treeOf(few),
    few.reduce((tree, [id, parent]) => add(tree, id, parent), emptyTree),
  );
  assert.throws(
    () =>
      treeOf([
        ['a', null],
        ['a', null],
      ]),
    /already/,
  );
  assert.throws(
    () =>
      treeOf([
        ['a', 'b'],
        ['b', null],
      ]),
    /not in the tree/,
  );
  const start = performance.now();
  const line = Array.from({ length: 20_000 }, (_, i) => [`n${i}`, i === 0 ? null : `n${i - 1}`] as const);
  assert.equal(lineOf(treeOf(line)).length, 20_000);
  assert.ok(performance.now() - start < 5_000);
});
