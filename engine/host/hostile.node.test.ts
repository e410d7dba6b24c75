// Everything that a page can send to a host, made up: arguments of calls, messages on the ports that a call hands over,
// messages on the broker's channel and on a link. Refused with a typed error or dropped, and the engine is as it was:
// no model is opened, no state changes, the next good call is answered.

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { HostPage, scope, startHost } from '../../test/support/host-page.js';
import { brokerChannelName, linkChannelName } from '../protocol/brokering.js';
import { engineErrorCodes } from '../protocol/errors.js';
import type { HostMethod } from '../protocol/host-api.js';
import { parseReply } from '../protocol/page-messages.js';
import { allReplies } from '../protocol/rare-replies.js';
import type { EngineState } from '../protocol/state.js';
import { Broker } from './broker.js';

const pause = (milliseconds = 30): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What a port can carry at all; the browser refuses the rest before anybody sees it. */
const cloneable = (value: unknown): boolean => {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
};
const anything = fc
  .anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true })
  .filter(cloneable);

/** Methods that take an argument, and what of arbitrary values they may take. */
const judged: readonly (readonly [HostMethod, (value: unknown) => boolean])[] = [
  ['hello', () => false],
  ['load', () => false],
  ['cancelLoad', (value) => typeof value === 'string'],
  ['pauseLoad', (value) => typeof value === 'boolean'],
  ['deleteModel', (value) => typeof value === 'string'],
  ['complete', () => false],
  ['countTokens', () => false],
  ['setCloudAllowed', (value) => typeof value === 'boolean'],
  ['setVisibility', (value) => typeof value === 'boolean'],
  ['offerHelper', () => false],
  ['setPreferences', (value) => typeof value === 'object' && value !== null && Object.keys(value).length === 0],
  ['listConversations', (value) => typeof value === 'object'],
  ['readConversation', (value) => typeof value === 'string'],
  ['writeConversation', () => false],
  ['deleteConversation', (value) => typeof value === 'string'],
  ['profile', (value) => value === undefined || typeof value === 'boolean'],
];

const facts = ({ sequence: _grows, ...state }: EngineState): unknown => state;

async function stateFrom(page: HostPage): Promise<EngineState> {
  const reply = parseReply(allReplies.state, await page.call('state'));
  assert.ok(reply.ok);
  return reply.value;
}

/** A host that no model may be opened in, with one tab that said hello. */
async function guarded() {
  let opened = 0;
  const { host, grant } = startHost({
    openModel: () => {
      opened += 1;
      return Promise.reject(new Error('no message of this test may come so far'));
    },
  });
  grant();
  const page = new HostPage(host);
  assert.ok((await page.hello('a')).ok);
  await page.call('models'); // the catalogue is read, and the state at rest
  const before = facts(await stateFrom(page));
  return {
    host,
    page,
    unchanged: async (): Promise<void> => {
      assert.deepEqual(facts(await stateFrom(page)), before);
      assert.equal(opened, 0);
    },
  };
}

/** Offers a helper, as soon as the last offer is taken back. @returns the tab's end of the port for orders */
async function offered(page: HostPage): Promise<MessagePort> {
  for (let tries = 0; ; tries++) {
    const { port1, port2 } = new MessageChannel();
    const { ok } = (await page.call('offerHelper', { threads: 2 }, port2)) as { ok: boolean };
    if (ok) return port1;
    port1.close();
    assert.ok(tries < 200, 'the last offer was not taken back');
    await pause(5);
  }
}

describe('a host under attack', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  test('property: a call with any argument at all is refused in typed words', async () => {
    const { host, page, unchanged } = await guarded();
    ends.push(
      () => page.port.close(),
      () => host.close(),
    );
    const calls = fc.sample(fc.tuple(fc.constantFrom(...judged), anything), 300);
    for (const [[method, allowed], value] of calls) {
      if (allowed(value)) continue;
      const reply = (await page.call(method, value)) as { ok: boolean; error: { code: string; message: string } };
      assert.equal(reply.ok, false, `${method} took ${fc.stringify(value)}`);
      assert.equal(reply.error.code, 'invalid-request', `${method}: ${reply.error.message}`);
      assert.ok(reply.error.message.length < 3_000);
    }
    await unchanged();
  });

  test('a port is one tab’s for good: a second hello, in another tab’s name, changes nothing', async () => {
    const { host, page, unchanged } = await guarded();
    ends.push(
      () => page.port.close(),
      () => host.close(),
    );
    const other = new HostPage(host);
    ends.push(() => other.port.close());
    assert.ok((await other.hello('b')).ok);
    const again = await other.hello('a');
    assert.equal(!again.ok && again.error.code, 'invalid-request');
    assert.equal((await stateFrom(page)).tabs, 2, 'the tab of that name is still here');
    await other.call('goodbye');
    await unchanged();
  });

  test('property: any first message on an answer’s port ends that answer and nothing else', async () => {
    const { host, page } = await guarded();
    ends.push(
      () => page.port.close(),
      () => host.close(),
    );
    for (const message of fc.sample(anything, 30)) {
      const { port1, port2 } = new MessageChannel();
      const ended = new Promise<{ type: string; error?: { code: string } }>((resolve) => {
        port1.onmessage = ({ data }: MessageEvent) => {
          if (data.type === 'error') resolve(data);
        };
      });
      port1.postMessage(message);
      await page.call('complete', { messages: [{ role: 'user', content: 'x' }], stream: true }, port2);
      const { error } = await ended;
      assert.ok((engineErrorCodes as readonly string[]).includes(error?.code ?? ''), JSON.stringify(error));
      port1.close();
    }
    const state = await stateFrom(page);
    assert.deepEqual([state.generating, state.waiting], [[], []]);
  });

  test('property: any message on a helper’s port takes back at most that offer', async () => {
    const { host, page, unchanged } = await guarded();
    ends.push(
      () => page.port.close(),
      () => host.close(),
    );
    for (const message of fc.sample(anything, 30)) {
      const port1 = await offered(page);
      const again = new MessageChannel();
      const twice = (await page.call('offerHelper', { threads: 2 }, again.port2)) as { error?: { code: string } };
      assert.equal(twice.error?.code, 'invalid-request', 'a tab has one offer at a time');
      again.port1.close();
      port1.postMessage(message);
      port1.close();
    }
    await unchanged();
  });

  test('property: any message on the broker’s channel or a link leaves the host and its other tabs alone', async () => {
    const { host, page, unchanged } = await guarded();
    const hostId = host.id;
    const broker = new Broker({
      scope,
      hostId,
      attach: (port, left) => host.attach(port, left),
      openChannel: (name) => new BroadcastChannel(name),
    });
    const strangers = [new BroadcastChannel(brokerChannelName(scope))];
    ends.push(
      () => broker.close(),
      () => page.port.close(),
      () => host.close(),
      () => strangers.forEach((channel) => channel.close()),
    );
    const brokered = fc.record({
      type: fc.constantFrom('connect', 'accepted', 'here', 'close'),
      link: fc.oneof(fc.string({ minLength: 101 }), fc.constantFrom('', 'a b', '#', 'x/y'), anything),
      hostId: anything,
    });
    for (const message of fc.sample(fc.oneof(anything, brokered), 300)) strangers[0]?.postMessage(message);
    await pause();
    assert.equal(broker.links, 0, 'none of these was a question for a link');

    const link = 'a-stranger';
    const channel = new BroadcastChannel(linkChannelName(scope, hostId, link));
    strangers.push(channel);
    const linked = fc.record(
      {
        type: fc.constantFrom('message', 'close', 'open'),
        to: fc.constantFrom('host', 'page', 'other'),
        port: fc.oneof(fc.integer({ min: -2, max: 5 }), anything),
        data: fc.oneof(
          anything,
          fc.record({
            id: fc.string(),
            type: fc.constant('APPLY'),
            path: fc.array(fc.string()),
            argumentList: anything,
          }),
        ),
        opens: fc.oneof(
          anything,
          fc.record({ port: fc.integer({ min: -1, max: 300 }), argument: fc.integer({ min: -1, max: 2 }) }),
        ),
      },
      { requiredKeys: ['type', 'to', 'port'] },
    );
    for (const message of fc.sample(fc.oneof(anything, linked), 600)) {
      if (broker.links === 0) {
        strangers[0]?.postMessage({ type: 'connect', link });
        await pause(5);
      }
      channel.postMessage(message);
    }
    await pause();
    await unchanged();
    assert.ok(broker.links <= 1);
  });
});
