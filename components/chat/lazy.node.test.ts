// Parts that are fetched later: once, for all who ask; a failure is told in words, is not tried again by itself, and the next
// press tries again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReactiveElement } from 'lit';
import type { EngineError } from '../../engine/protocol/errors.js';
import { Lazy } from './lazy.js';

function lazy(load: () => Promise<string>) {
  const told: EngineError[] = [];
  const seen = { renders: 0, told };
  const host = { requestUpdate: () => (seen.renders += 1) } as unknown as ReactiveElement;
  return { seen, part: new Lazy(host, load, (error) => told.push(error)) };
}

test('a part is fetched once for all who ask, and the element renders when it is there', async () => {
  let loads = 0;
  const { seen, part } = lazy(async () => `part ${String(++loads)}`);
  part.want();
  const asked = Promise.all([part.get(), part.get()]);
  assert.equal(part.part, null);
  assert.deepEqual(await asked, ['part 1', 'part 1']);
  assert.equal(part.part, 'part 1');
  assert.equal(seen.renders, 1);
  part.drop();
  assert.equal(part.part, null);
  assert.equal(await part.get(), 'part 2');
});

test('a part that cannot be fetched is told once, and fetched by the next press', async () => {
  let loads = 0;
  const { seen, part } = lazy(async () => {
    loads += 1;
    if (loads === 1) throw new TypeError('Failed to fetch dynamically imported module');
    return 'part';
  });
  assert.equal(await part.get(), null);
  assert.equal(part.part, null);
  assert.deepEqual(
    seen.told.map(({ code, message }) => [code, message]),
    [['network', 'A part of the chat could not be loaded.']],
  );
  part.want(); // each render wants it: a failure must not be tried again with each
  part.want();
  assert.equal(loads, 1);
  assert.equal(await part.get(), 'part');
  assert.equal(seen.told.length, 1);
});

test('a part that is fetched before anybody waits for it says nothing where that fails', async () => {
  let loads = 0;
  const { seen, part } = lazy(async () => {
    loads += 1;
    if (loads < 3) throw new TypeError('Failed to fetch dynamically imported module');
    return 'part';
  });
  part.soon();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([loads, part.failed, seen.told.length], [1, false, 0]);
  part.soon();
  assert.equal(await part.get(), null); // somebody waits for the one that is under way
  assert.deepEqual([loads, part.failed, seen.told.length], [2, true, 1]);
  assert.equal(await part.get(), 'part');
});
