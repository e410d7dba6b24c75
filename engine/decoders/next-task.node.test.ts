// Turns of the event loop: in the order of the calls, and none keeps the process alive.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTask } from './next-task.js';

test('everybody gets a turn of their own, in order', async () => {
  const seen: string[] = [];
  const turns = ['a', 'b', 'c'].map(async (name) => {
    await nextTask();
    seen.push(name);
    await Promise.resolve();
    seen.push(`after ${name}`);
  });
  await Promise.all(turns);
  assert.deepEqual(seen, ['a', 'after a', 'b', 'after b', 'c', 'after c']);
});
