import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../protocol/errors.js';
import { FairQueue, patience } from './fair-queue.js';

const drain = (queue: FairQueue<string>): string[] => {
  const out: string[] = [];
  for (let item = queue.next(); item !== null; item = queue.next()) out.push(item);
  return out;
};

describe('FairQueue', () => {
  test('serves tabs in turn, and the oldest request of each first', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a1', 'a2', 'a3']) queue.add('a', item);
    for (const item of ['b1', 'b2']) queue.add('b', item);
    queue.add('c', 'c1');
    assert.deepEqual(drain(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  test('lets a tab that was never served go before one that was', () => {
    const queue = new FairQueue<string>();
    queue.add('a', 'a1');
    queue.add('a', 'a2');
    assert.equal(queue.next(), 'a1');
    queue.add('b', 'b1');
    assert.deepEqual(drain(queue), ['b1', 'a2']);
  });

  test('says busy at the limits and keeps nothing of what it refused', () => {
    const queue = new FairQueue<string>({ total: 3, perTab: 2 });
    queue.add('a', 'a1');
    queue.add('a', 'a2');
    const isBusy = (error: unknown): boolean => error instanceof EngineError && error.code === 'busy';
    assert.throws(() => queue.add('a', 'a3'), isBusy);
    queue.add('b', 'b1');
    assert.throws(() => queue.add('c', 'c1'), isBusy);
    assert.deepEqual(drain(queue), ['a1', 'b1', 'a2']);
  });

  test('forgets a tab with all its requests', () => {
    const queue = new FairQueue<string>();
    queue.add('a', 'a1');
    queue.add('b', 'b1');
    queue.add('a', 'a2');
    assert.deepEqual(queue.removeTab('a'), ['a1', 'a2']);
    assert.equal(queue.length, 1);
    assert.deepEqual(drain(queue), ['b1']);
  });

  test('serves a better rank first, whichever tab asks, and asks for the rank anew each time', () => {
    const ranks: Record<string, number> = { a1: 2, a2: 0, b1: 1, c1: 0 };
    const queue = new FairQueue<string>(undefined, (item) => ranks[item] ?? 0);
    for (const item of ['a1', 'a2', 'b1', 'c1']) queue.add(item.slice(0, 1), item);
    assert.deepEqual(
      queue.inOrder().map(({ item }) => item),
      ['a2', 'c1', 'b1', 'a1'],
    );
    ranks['b1'] = 0;
    assert.deepEqual(drain(queue), ['a2', 'b1', 'c1', 'a1']);
  });

  test('lets nobody starve: who was overtaken often enough is first', () => {
    const queue = new FairQueue<string>(undefined, (item) => (item === 'last' ? 2 : 0));
    queue.add('a', 'last');
    let served = 0;
    for (let next = ''; next !== 'last'; served++) {
      queue.add('b', `b${served}`);
      queue.add('c', `c${served}`);
      next = queue.next() ?? '';
      queue.next();
      assert.ok(served < patience, 'it waited too long');
    }
    assert.ok(served > 1, 'it did not wait at all');
  });

  test('leaves whom nobody lets in where they are', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a1', 'b1']) queue.add(item.slice(0, 1), item);
    assert.equal(
      queue.next((item) => item === 'b1'),
      'b1',
    );
    assert.equal(
      queue.next(() => false),
      null,
    );
    assert.deepEqual(drain(queue), ['a1']);
  });

  test('property: the order told is the order served; nothing is lost or doubled; no tab waits two turns of another', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), tab: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ do: fc.constant('next' as const), tab: fc.constant('') }),
      fc.record({ do: fc.constant('remove' as const), tab: fc.nat(20).map(String) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new FairQueue<string>({ total: 1000, perTab: 1000 });
        const waiting = new Set<string>();
        let made = 0;
        for (const { do: action, tab } of steps) {
          if (action === 'add') {
            const item = `${tab}${made++}`;
            queue.add(tab, item);
            waiting.add(item);
          } else if (action === 'next') {
            const told = queue.inOrder()[0]?.item ?? null;
            const served = queue.next();
            assert.equal(served, told);
            if (served !== null) assert.ok(waiting.delete(served));
          } else {
            const item = [...waiting][Number(tab)];
            if (item !== undefined) assert.equal(queue.remove(item), waiting.delete(item));
          }
          assert.equal(queue.length, waiting.size);
        }
        const told = queue.inOrder().map(({ item }) => item);
        const served = drain(queue);
        assert.deepEqual(told, served);
        assert.deepEqual(new Set(served), waiting);
        for (const [index, item] of served.entries()) {
          const rest = served.slice(index + 1);
          const again = rest.findIndex((other) => other[0] === item[0]);
          if (again < 0) continue;
          // Between two servings of one tab, every other tab that still waits afterwards came once.
          const between = new Set(rest.slice(0, again).map((other) => other[0]));
          for (const other of rest.slice(again)) assert.ok(other[0] === item[0] || between.has(other[0]));
        }
      }),
    );
  });
});
