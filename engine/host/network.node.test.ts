// A load that lost the network waits for it where the browser says that there is none, and nowhere else.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { EngineError } from '../protocol/errors.js';
import { untilOnline } from './network.js';

const world = globalThis as { navigator?: unknown; addEventListener?: unknown; removeEventListener?: unknown };
const before = Object.getOwnPropertyDescriptors(globalThis) as unknown as Record<
  string,
  PropertyDescriptor | undefined
>;

/** A browser that says so. @returns tells that the network is back, and who listens for it */
function browser(onLine: boolean): { back: () => void; listening: Set<() => void> } {
  const listening = new Set<() => void>();
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(world, name, { value, configurable: true, writable: true });
  };
  define('navigator', { onLine });
  define('addEventListener', (_type: string, listener: () => void) => listening.add(listener));
  define('removeEventListener', (_type: string, listener: () => void) => listening.delete(listener));
  return { listening, back: () => [...listening].forEach((listener) => listener()) };
}

afterEach(() => {
  for (const name of ['navigator', 'addEventListener', 'removeEventListener']) {
    const was = before[name];
    if (was === undefined) Reflect.deleteProperty(world, name);
    else Object.defineProperty(world, name, was);
  }
});

const never = (): AbortSignal => new AbortController().signal;

test('offline: it says so, and goes on when the network is back', async () => {
  const { back, listening } = browser(false);
  let told = 0;
  const waiting = untilOnline(never(), () => void told++);
  assert.deepEqual([told, listening.size], [1, 1]);
  back();
  assert.equal(await waiting, true);
  assert.equal(listening.size, 0);
});

test('online, it is the server that fails: nobody waits', async () => {
  browser(true);
  assert.equal(await untilOnline(never(), () => assert.fail('nothing is away')), false);
});

test('who stops the load stops the waiting', async () => {
  const { listening } = browser(false);
  const stop = new AbortController();
  const waiting = untilOnline(stop.signal, () => undefined);
  stop.abort(new EngineError('aborted', 'stopped'));
  await assert.rejects(waiting, { code: 'aborted' });
  assert.equal(listening.size, 0);
});
