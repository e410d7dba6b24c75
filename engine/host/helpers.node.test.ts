// Lending: orders, ends, and what a tab may not send. Node's own MessageChannel stands for the browser's.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { EngineError } from '../protocol/errors.js';
import { Helpers } from './helpers.js';

interface Tab {
  readonly gone: AbortController;
  readonly orders: MessagePort;
  readonly next: () => Promise<{ type: string; id: string }>;
}

function offer(helpers: Helpers, threads: unknown = 4): Tab {
  const { port1, port2 } = new MessageChannel();
  const gone = new AbortController();
  const heard: { type: string; id: string }[] = [];
  const waiting: ((order: { type: string; id: string }) => void)[] = [];
  port1.onmessage = ({ data }: MessageEvent) => {
    const order = data as { type: string; id: string };
    const wake = waiting.shift();
    if (wake) wake(order);
    else heard.push(order);
  };
  try {
    helpers.offer({ threads }, port2, gone.signal);
  } catch (error) {
    port1.close();
    throw error;
  }
  const next = (): Promise<{ type: string; id: string }> => {
    const early = heard.shift();
    return early ? Promise.resolve(early) : new Promise((resolve) => waiting.push(resolve));
  };
  return { gone, orders: port1, next };
}

const leave = (tab: Tab): void => {
  tab.gone.abort(new EngineError('aborted', 'The tab was closed.'));
  tab.orders.close();
};
const isLost = (error: unknown): boolean => error instanceof EngineError && error.code === 'helper-lost';

test('nothing is started before it is borrowed; giving back ends it', async () => {
  const helpers = new Helpers();
  assert.equal(helpers.borrow(), null);
  const tab = offer(helpers);
  const helper = helpers.borrow();
  assert.equal(helper?.threads, 4);
  const started = await tab.next();
  assert.equal(started.type, 'start');
  helper?.giveBack();
  helper?.giveBack();
  assert.deepEqual(await tab.next(), { type: 'stop', id: started.id });
  assert.equal(helper?.gone.aborted, false);
  leave(tab);
});

test("a tab's end ends its helpers, and the next tab's is borrowed", () => {
  const helpers = new Helpers();
  const first = offer(helpers, 2);
  const second = offer(helpers, 8);
  const helper = helpers.borrow();
  assert.equal(helper?.threads, 8, 'the newest tab lends');
  leave(second);
  assert.ok(helper?.gone.aborted && isLost(helper.gone.reason));
  const other = helpers.borrow();
  assert.equal(other?.threads, 2);
  leave(first);
  assert.equal(helpers.borrow(), null);
});

for (const [what, message] of [
  ['a failure', (id: string) => ({ type: 'failed', id })],
  ['nonsense', () => ({ type: 'failed', id: 'no id!' })],
  ['anything else', () => 'hello'],
] as const) {
  test(`a page that reports ${what} lends no more`, async () => {
    const helpers = new Helpers();
    const tab = offer(helpers);
    const helper = helpers.borrow();
    assert.ok(helper);
    const { id } = await tab.next();
    tab.orders.postMessage(message(id));
    await once(helper.gone, 'abort');
    assert.ok(isLost(helper.gone.reason));
    assert.equal(helpers.borrow(), null);
    leave(tab);
  });
}

test('bad offers are refused', () => {
  const helpers = new Helpers();
  for (const threads of [1, 65, 2.5, '4']) {
    assert.throws(() => offer(helpers, threads), { code: 'invalid-request' });
  }
  assert.throws(() => helpers.offer({ threads: 2 }, {}, new AbortController().signal), { code: 'invalid-request' });
  assert.equal(helpers.borrow(), null);
});
