// A medium that is lost under its users: opened again once for all of them, and only for a loss.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lasting } from './lasting.js';

class Medium {
  lost = false;
  closed = false;
  readonly #records = new Map<string, number>();

  constructor(readonly number: number) {}

  async put(name: string, value: number): Promise<number> {
    if (this.lost) throw new DOMException('cleared', 'NotFoundError');
    if (value < 0) throw new DOMException('full', 'QuotaExceededError');
    this.#records.set(name, value);
    return this.#records.size;
  }

  close(): void {
    this.closed = true;
  }
}

test('is opened again once for all calls that find it lost, closed, and used from then on', async () => {
  const opened: Medium[] = [];
  const medium = await lasting(async () => {
    opened.push(new Medium(opened.length));
    return opened.at(-1) as Medium;
  });
  assert.equal(await medium.put('a', 1), 1);
  if (opened[0]) opened[0].lost = true;
  const sizes = await Promise.all([medium.put('a', 1), medium.put('b', 2), medium.put('c', 3)]);
  assert.deepEqual(sizes.sort(), [1, 2, 3], 'the new one was empty');
  assert.deepEqual([opened.length, medium.number, opened[0]?.closed, opened[1]?.closed], [2, 1, true, false]);
  medium.close();
  assert.equal(opened[1]?.closed, true);
});

test('other failures go through, and so does one that opening does not mend', async () => {
  let opens = 0;
  const medium = await lasting(async () => {
    const made = new Medium(++opens);
    made.lost = true;
    return made;
  });
  await assert.rejects(medium.put('a', 1), { name: 'NotFoundError' });
  assert.equal(opens, 2);
  const sound = await lasting(async () => new Medium(0));
  await assert.rejects(sound.put('a', -1), { name: 'QuotaExceededError' });
});
