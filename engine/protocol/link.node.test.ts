// A link between a tab and a host: what goes in at one end comes out at the other, ports among it; nobody who writes on
// its channel can do more than end it. Node's ports and channels are the browsers'.

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { parseAttachOrder, parseBrokerMessage, parseLinkMessage, parseTabWorkerReport } from './brokering.js';
import { isEngineQuestion, parseLentEngine } from './lending.js';
import { LinkEnd } from './link.js';

const pause = (milliseconds = 20): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 5) {
    assert.ok(waited < 5_000, `not reached: ${holds}`);
    await pause(5);
  }
}

const ends: (() => void)[] = [];

/** Both ends of a link, the ports that tab and host hold, and what came out of them. */
function linked() {
  const name = crypto.randomUUID();
  const tab = new MessageChannel();
  const host = new MessageChannel();
  const ended: string[] = [];
  const page = new LinkEnd(new BroadcastChannel(name), 'page', tab.port2, () => ended.push('page'));
  const other = new LinkEnd(new BroadcastChannel(name), 'host', host.port2, () => ended.push('host'));
  const atHost: MessageEvent[] = [];
  const atPage: unknown[] = [];
  host.port1.onmessage = (event: MessageEvent): void => void atHost.push(event);
  tab.port1.onmessage = ({ data }: MessageEvent): void => void atPage.push(data);
  const stranger = new BroadcastChannel(name);
  ends.push(() => {
    page.end();
    other.end();
    stranger.close();
    tab.port1.close();
    host.port1.close();
  });
  return { tab: tab.port1, host: host.port1, page, other, atHost, atPage, ended, stranger };
}

const call = (port: MessagePort | null) => ({
  id: '1',
  type: 'APPLY',
  path: ['complete'],
  argumentList: [
    { type: 'RAW', value: { messages: [] } },
    { type: 'RAW', value: port },
  ],
});

/** Sends a call with a port, and gives both ends of that port's way. */
async function opened({ tab, atHost }: ReturnType<typeof linked>) {
  const { port1, port2 } = new MessageChannel();
  const before = atHost.length;
  tab.postMessage(call(port2), [port2]);
  await until(() => atHost.length > before);
  const event = atHost.at(-1);
  const [port] = event?.ports ?? [];
  assert.ok(port, 'a port came out at the host');
  assert.equal((event?.data as ReturnType<typeof call>).argumentList[1]?.value, port);
  return { ours: port1, theirs: port };
}

describe('LinkEnd', () => {
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  test('carries messages both ways, in order and whole', async () => {
    const link = linked();
    for (let n = 0; n < 50; n++) link.tab.postMessage({ n, bytes: new Uint8Array(n) });
    link.host.postMessage({ reply: 1 });
    await until(() => link.atHost.length === 50 && link.atPage.length === 1);
    assert.deepEqual(
      link.atHost.map(({ data }) => data.n),
      Array.from({ length: 50 }, (_, n) => n),
    );
    assert.equal(link.atHost[49]?.data.bytes.length, 49);
    assert.deepEqual(link.atPage, [{ reply: 1 }]);
  });

  test('carries the ports of calls, and forgets them when the answer has ended', async () => {
    const link = linked();
    const [one, two] = [await opened(link), await opened(link)];
    const heard: unknown[] = [];
    one.ours.onmessage = ({ data }: MessageEvent): void => void heard.push(['one', data]);
    two.ours.onmessage = ({ data }: MessageEvent): void => void heard.push(['two', data]);
    const stops: unknown[] = [];
    two.theirs.onmessage = ({ data }: MessageEvent): void => void stops.push(data);
    one.theirs.postMessage({ type: 'started' });
    two.theirs.postMessage({ type: 'queued', place: 1 });
    assert.deepEqual([link.page.ports, link.other.ports], [3, 3]);
    await until(() => heard.length === 2);
    one.theirs.postMessage({ type: 'done' });
    two.ours.postMessage({ type: 'abort' });
    await until(() => link.page.ports === 1 && link.other.ports === 1 && stops.length === 1);
    assert.deepEqual(heard, [
      ['one', { type: 'started' }],
      ['two', { type: 'queued', place: 1 }],
      ['one', { type: 'done' }],
    ]);
    assert.deepEqual(stops, [{ type: 'abort' }]);
    assert.deepEqual([link.page.ports, link.other.ports], [1, 1]);
    for (const { ours, theirs } of [one, two]) [ours, theirs].forEach((port) => port.close());
  });

  test('ends for both when either end closes its port', async () => {
    for (const side of ['tab', 'host'] as const) {
      const link = linked();
      link[side].close();
      await until(() => link.ended.length === 2);
      assert.deepEqual(link.ended.sort(), ['host', 'page']);
      assert.deepEqual([link.page.ports, link.other.ports], [0, 0]);
    }
  });

  test('ends when a tab hands over a port that is no argument of a call', async () => {
    const link = linked();
    const { port2 } = new MessageChannel();
    link.tab.postMessage({ port: port2 }, [port2]);
    await until(() => link.ended.length === 2);
    assert.deepEqual(link.ended.sort(), ['host', 'page']);
  });

  test('ends when ports are opened twice, or without end', async () => {
    const twice = linked();
    const opens = (port: number) => ({
      type: 'message',
      to: 'host',
      port: 0,
      data: call(null),
      opens: { port, argument: 1 },
    });
    twice.stranger.postMessage(opens(1));
    await until(() => twice.other.ports === 2);
    twice.stranger.postMessage(opens(1));
    await until(() => twice.ended.includes('host'));
    const many = linked();
    for (let port = 1; port < 200; port++) many.stranger.postMessage(opens(port));
    await until(() => many.ended.includes('host'));
    for (const { ports } of [...many.atHost, ...twice.atHost]) ports[0]?.close();
  });

  test('property: strangers on the channel make nothing come out but data, and no port at the page', async () => {
    const link = linked();
    const messages = fc.sample(
      fc.oneof(
        fc.anything(),
        fc.record(
          {
            type: fc.constantFrom('message', 'close', 'opens'),
            to: fc.constantFrom('page', 'page', 'host', 'nobody'),
            port: fc.oneof(
              fc.integer({ min: 1, max: 9 }),
              fc.anything().filter((port) => port !== 0),
            ),
            data: fc.anything(),
            opens: fc.record({ port: fc.integer({ min: 0, max: 9 }), argument: fc.constantFrom(0, 1, 2) }),
          },
          { requiredKeys: ['type', 'to', 'port'] },
        ),
      ),
      400,
    );
    for (const message of messages) {
      try {
        link.stranger.postMessage(message);
      } catch (error) {
        assert.equal((error as Error).name, 'DataCloneError');
      }
    }
    link.host.postMessage('still here');
    await until(() => link.ended.length > 0 || link.atPage.at(-1) === 'still here');
    // Ports other than 0 are named above, and none is open: nothing of it may come out.
    assert.deepEqual(link.atHost, []);
  });
});

test('property: whatever is posted, the readers of broker, link, worker and lending take it or drop it, and throw nothing', () => {
  const readers = [parseBrokerMessage, parseLinkMessage, parseAttachOrder, parseTabWorkerReport, parseLentEngine];
  fc.assert(
    fc.property(fc.anything(), (value) => {
      for (const read of readers) assert.equal(read(value), null);
      assert.equal(isEngineQuestion(value), false);
    }),
  );
  const link = { type: 'connect', link: 'a.1' };
  assert.deepEqual(parseBrokerMessage(link), link);
  for (const wrong of [
    { ...link, link: 'a/b' },
    { ...link, more: 1 },
    { ...link, type: 'Connect' },
    { type: 'connect' },
  ]) {
    assert.equal(parseBrokerMessage(wrong), null);
  }
});
