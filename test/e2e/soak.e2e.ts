// Two hundred tabs come and go, each in its own way and most of them in the middle of something; afterwards the engine
// holds what it held before: sessions, places in line, sequences' pages, ports, locks, memory. Ports and memory are
// counted inside the worker, over the DevTools protocol, after a collection.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame, Page } from 'playwright-core';
import type * as Client from '../../engine/client/index.js';
import { SharedEngine } from './engine-worker.js';
import { answer, clientPage, type stateOf, until, withKit, type Kit } from './support.js';

/** Frames of one page are tabs like any others to the engine, and cost no process of their own. */
const framesOfPage = 20;

/** What lives in the engine's worker, after a collection. */
const look = (engine: SharedEngine): Promise<{ ports: number; signals: number; heapBytes: number }> =>
  engine.attached(async (send) => {
    const count = async (name: string): Promise<number> => {
      type Remote = { result: { objectId: string; value: number } };
      const objectGroup = 'count';
      const { result } = await send<Remote>('Runtime.evaluate', { expression: `${name}.prototype`, objectGroup });
      const { objects } = await send<{ objects: { objectId: string } }>('Runtime.queryObjects', {
        prototypeObjectId: result.objectId,
        objectGroup,
      });
      const counted = await send<Remote>('Runtime.callFunctionOn', {
        objectId: objects.objectId,
        functionDeclaration: 'function () { return this.length; }',
        returnByValue: true,
      });
      await send('Runtime.releaseObjectGroup', { objectGroup });
      return counted.result.value;
    };
    const [ports, signals] = [await count('MessagePort'), await count('AbortSignal')];
    const { usedSize } = await send<{ usedSize: number }>('Runtime.getHeapUsage');
    return { ports, signals, heapBytes: usedSize };
  });

type Doing = 'nothing' | 'asking' | 'asking twice';
const doings: readonly Doing[] = ['asking', 'nothing', 'asking twice'];

/** Connects in a page or a frame, and leaves it in the middle of something. */
const occupy = (where: Page | Frame, doing: Doing, host: string): Promise<void> =>
  where.evaluate(
    async ({ doing, host }) => {
      const client = (await import(new URL('/client.js', location.href).href)) as typeof Client;
      window.engine = await client.connect({ device: 'wasm', host: host as 'auto' | 'tab' });
      if (doing === 'nothing') return;
      const request = {
        messages: [{ role: 'user' as const, content: 'Tell me a long story' }],
        stream: true as const,
        max_tokens: 900,
        logit_bias: { '1': -100, '5': -100, '6': -100 },
      };
      // Admitted: the first few run, the others wait in line, whoever gets there.
      await window.engine.chat.completions.create(request);
      if (doing === 'asking twice') void window.engine.chat.completions.create(request);
    },
    { doing, host },
  );

const kinds = ['close', 'navigate', 'reload', 'crash'] as const;

/** One page that comes and goes. */
async function page(kit: Kit, number: number, host: string): Promise<void> {
  const opened = await kit.context.newPage();
  await opened.goto(`${kit.origin}/blank.html`);
  await occupy(opened, doings[number % doings.length] ?? 'nothing', host);
  const kind = kinds[number % kinds.length];
  if (kind === 'navigate') await opened.goto('about:blank');
  else if (kind === 'reload') await opened.reload();
  else if (kind === 'crash') {
    const gone = new Promise((done) => opened.once('crash', done));
    const session = await kit.context.newCDPSession(opened);
    void session.send('Page.crash').catch(() => undefined); // the reply dies with the page
    await gone;
  }
  await opened.close();
}

/** One page with many frames: some are torn out, some are sent elsewhere, the rest goes with the page. */
async function frames(kit: Kit, host: string): Promise<void> {
  const opened = await kit.context.newPage();
  await opened.goto(`${kit.origin}/blank.html`);
  await opened.evaluate(async (count) => {
    const loaded = Array.from({ length: count }, () => {
      const frame = document.createElement('iframe');
      frame.src = '/blank.html';
      document.body.append(frame);
      return new Promise((done) => frame.addEventListener('load', done, { once: true }));
    });
    await Promise.all(loaded);
  }, framesOfPage);
  const inside = opened.frames().filter((frame) => frame !== opened.mainFrame());
  assert.equal(inside.length, framesOfPage);
  await Promise.all(inside.map((frame, n) => occupy(frame, doings[n % doings.length] ?? 'nothing', host)));
  await opened.evaluate(() => {
    for (const [n, frame] of [...document.querySelectorAll('iframe')].entries()) {
      if (n % 3 === 0) frame.remove();
      else if (n % 3 === 1) frame.src = 'about:blank';
    }
  });
  await opened.close();
}

/** Runs `count` pieces of work, so many at a time. */
async function inTurns(count: number, atOnce: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) await work(number);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Locks of the engine, held and waited for: what this page sees are those of the whole origin. */
const locks = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const { held = [], pending = [] } = await navigator.locks.query();
    return [...held, ...pending].filter(({ name }) => name?.startsWith('llm-elements')).length;
  });

/** Locks once they are so few, or have been the same for a second. */
async function settledLocks(page: Page, wanted?: number): Promise<number> {
  let [last, same] = [await locks(page), 0];
  for (let tries = 0; tries < 600 && (wanted === undefined ? same < 10 : last > wanted); tries++) {
    await page.waitForTimeout(100);
    const now = await locks(page);
    same = now === last ? same + 1 : 0;
    last = now;
  }
  return last;
}

for (const { host, pages, framed, title } of [
  { host: 'auto', pages: 20, framed: 9, title: 'two hundred tabs come and go, and a SharedWorker is as it was' },
  { host: 'tab', pages: 8, framed: 1, title: 'tabs come and go around an elected tab, and its engine is as it was' },
]) {
  test(title, async () => {
    await withKit({ isolate: true }, async (kit) => {
      const staying = await clientPage(kit, { device: 'wasm', host });
      await answer(staying, 'Hello');
      const first = await until(
        staying,
        ({ status, metrics }) => status.kind === 'ready' && metrics.contextTokens > 0 && metrics.kvBytes > 0,
        'what the answer took is told',
      );
      assert.ok(first.status.kind === 'ready');
      const pages32 = Math.ceil(first.metrics.contextTokens / 32);
      // Some finished answers are kept for their next turn; two hundred of them would be ten times as much.
      const keptForLater = (first.metrics.kvBytes / pages32) * (first.status.model.contextLength / 32) * 4;
      // One of each kind first: what is made once and kept is no leak.
      await frames(kit, host);
      await page(kit, 0, host);
      const rest = await until(staying, atRest, 'the engine is at rest', 120);
      const inspector = host === 'auto' ? await SharedEngine.of(kit) : null;
      const before = { locks: await settledLocks(staying), inside: inspector && (await look(inspector)) };
      const began = Date.now();
      await inTurns(pages, 4, (number) => page(kit, number, host));
      await inTurns(framed, 2, () => frames(kit, host));
      const seconds = (Date.now() - began) / 1000;
      const after = await until(staying, atRest, 'the engine is at rest again', 120);
      console.log(`  ${pages + framed * framesOfPage} tabs in ${seconds.toFixed(1)} s`);
      assert.equal(after.hostId, rest.hostId, 'the same engine');
      assert.ok(after.metrics.kvBytes <= keptForLater, `no sequence is left: ${after.metrics.kvBytes}`);
      assert.ok((await settledLocks(staying, before.locks)) <= before.locks, 'no lock is left');
      if (inspector && before.inside) {
        let inside = await look(inspector);
        for (let tries = 0; tries < 120 && inside.ports > before.inside.ports; tries++) {
          await staying.waitForTimeout(500); // a port whose page crashed is collected once the browser has told of it
          inside = await look(inspector);
        }
        console.log(`  before ${JSON.stringify(before.inside)}, after ${JSON.stringify(inside)}`);
        assert.equal(inside.ports, before.inside.ports, 'no port is left');
        assert.ok(inside.signals - before.inside.signals <= 8, 'no listener is left behind by its tab');
        assert.ok(inside.heapBytes - before.inside.heapBytes < 4_000_000, 'memory does not grow with tabs that went');
      }
      assert.notEqual((await answer(staying, 'Hello')).trim(), '', 'and it answers');
    });
  });
}

const atRest = ({ tabs, generating, waiting }: Awaited<ReturnType<typeof stateOf>>): boolean =>
  tabs === 1 && generating.length === 0 && waiting.length === 0;
