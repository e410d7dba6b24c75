// The small records over a scripted database whose connections take their time: order is kept, and a failure costs one call.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SettingsDatabase, type SettingsConnection } from './settings-database.js';

test('an old choice never comes after a new one, nor after everything was erased', async () => {
  const kept = new Map<string, unknown>();
  const opening: ((connection: SettingsConnection) => void)[] = [];
  let closed = 0;
  const connection: SettingsConnection = {
    get: async (_store, key) => kept.get(key),
    put: async (_store, value, key) => kept.set(key, value),
    delete: async (_store, key) => kept.delete(key),
    close: () => void closed++,
  };
  const database = new SettingsDatabase('test', () => new Promise((resolve) => opening.push(resolve)));
  const calls = [database.put('consent', true), database.put('consent', false), database.delete('consent')];
  // Whichever connection is there first: the last one that is being opened, in the worst case.
  const settled = Promise.all(calls).then(() => true);
  const turn = (): Promise<void> => new Promise((resume) => setTimeout(resume));
  for (let over = false; !over; over = await Promise.race([settled, turn().then(() => false)])) {
    opening.pop()?.(connection);
  }
  assert.deepEqual([kept.size, closed], [0, 3]);
});

test('one that fails is told to its own caller, and the next one goes on', async () => {
  let opens = 0;
  const database = new SettingsDatabase('test', async () => {
    if (++opens === 1) throw new DOMException('not here', 'SecurityError');
    return { get: async () => 'there', put: async () => null, delete: async () => null, close: () => undefined };
  });
  const refused = database.put('consent', true);
  const next = database.get('consent');
  await assert.rejects(refused, { name: 'SecurityError' });
  assert.equal(await next, 'there');
});
