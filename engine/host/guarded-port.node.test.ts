// Hostile and malformed messages on a tab's port: refused with a typed error where they name an id, dropped where not,
// never seen by the host's calls.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hostMethods } from '../protocol/host-api.js';
import { TabSession, type SessionCalls } from './tab-session.js';

const locks = {
  request: () => new Promise(() => undefined),
} as unknown as LockManager;

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A session whose calls are counted, and the page's end of its port. */
function session() {
  const called: string[] = [];
  const calls = Object.fromEntries(
    hostMethods.map((method) => [
      method,
      async () => {
        called.push(method);
        return null;
      },
    ]),
  ) as unknown as SessionCalls;
  const { port1, port2 } = new MessageChannel();
  const replies: unknown[] = [];
  port2.onmessage = ({ data }: MessageEvent): void => void replies.push(data);
  const made = new TabSession(port1, calls, () => undefined);
  /** Until so many replies have come; a short while more shows that no others do. */
  const replied = async (count: number): Promise<void> => {
    for (let waited = 0; replies.length < count && waited < 5_000; waited += 10) await pause(10);
    await pause(30);
    assert.equal(replies.length, count);
  };
  const close = (): void => {
    made.end('The test is over.');
    port2.close();
  };
  return { session: made, page: port2, called, replies, replied, close };
}

const apply = (path: unknown, argumentList: unknown = []) => ({ id: 'x', type: 'APPLY', path, argumentList });

describe('a port under attack', () => {
  test('follows no property path but the named methods, and none of the other kinds of message', async () => {
    const { page, called, replies, replied, close } = session();
    const hostile = [
      apply(['hello', 'constructor']),
      apply(['constructor', 'constructor'], [{ type: 'RAW', value: 'return 1' }]),
      apply(['__proto__', 'toString']),
      apply(['toString']),
      apply([]),
      apply('ping'),
      apply(['ping'], [{ type: 'HANDLER', name: 'throw', value: { isError: false, value: 1 } }]),
      apply(['ping'], Array(1000).fill({ type: 'RAW', value: 0 })),
      { id: 'x', type: 'GET', path: ['ping'] },
      { id: 'x', type: 'SET', path: ['ping'], value: { type: 'RAW', value: 1 } },
      { id: 'x', type: 'CONSTRUCT', path: ['ping'], argumentList: [] },
      { id: 'x', type: 'ENDPOINT' },
      { id: 'x', type: 'RELEASE' },
    ];
    for (const message of hostile) page.postMessage(message);
    await replied(hostile.length);
    assert.deepEqual(called, []);
    for (const reply of replies) {
      assert.deepEqual(Object.keys(reply as object).sort(), ['id', 'type', 'value']);
      assert.equal((reply as { value: { error: { code: string } } }).value.error.code, 'invalid-request');
    }
    page.postMessage(apply(['ping']));
    await replied(hostile.length + 1);
    assert.deepEqual(called, ['ping']);
    close();
  });

  test('answers nothing but hello and ping before hello, and nothing after the end', async () => {
    const { session: tab, page, called, replied, close } = session();
    for (const method of hostMethods) if (method !== 'goodbye') page.postMessage(apply([method]));
    await replied(hostMethods.length - 1);
    assert.deepEqual(called, ['hello', 'ping']);
    tab.attach({ protocolVersion: 1, tabId: 'a', lifeLock: 'l', settings: {} as never }, locks);
    page.postMessage(apply(['state']));
    await replied(hostMethods.length);
    assert.equal(called.at(-1), 'state');
    tab.end('gone');
    page.postMessage(apply(['unload']));
    await pause(50);
    assert.equal(called.at(-1), 'state');
    close();
  });

  test('property: any message at all leaves the port alive and the calls untouched', async () => {
    const { page, called, replies, close } = session();
    const messages = fc.sample(
      fc.oneof(
        fc.anything(),
        fc.record(
          {
            id: fc.oneof(fc.string(), fc.anything()),
            type: fc.constantFrom('APPLY', 'GET', 'SET', 'CONSTRUCT', 'ENDPOINT', 'RELEASE', 'apply'),
            path: fc.oneof(fc.array(fc.string()), fc.anything()),
            argumentList: fc.anything(),
          },
          { requiredKeys: [] },
        ),
      ),
      400,
    );
    for (const message of messages) {
      try {
        page.postMessage(message);
      } catch (error) {
        assert.equal((error as Error).name, 'DataCloneError'); // the browser refuses it before we see it
      }
    }
    page.postMessage({ id: 'last', type: 'APPLY', path: ['ping'], argumentList: [] });
    const answered = (): boolean => replies.some((reply) => (reply as { id?: unknown }).id === 'last');
    for (let waited = 0; !answered() && waited < 5_000; waited += 10) await pause(10);
    assert.ok(answered());
    assert.deepEqual(called, ['ping']);
    close();
  });
});
