// The network may go at any moment: under a download, under the cloud's answer, under a stream of `/v1`, whose service
// worker may be stopped as well. What came is kept, the reader is told, and the next request works. A service worker that
// is updated in mid-answer: update.e2e.ts. What servers get wrong: engine/weights/download. The table: docs/faults.md.

import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type * as Client from '../../engine/client/index.js';
import { strictPolicy } from '../../server/static-server.mjs';
import { holdAnswers, SharedEngine } from './engine-worker.js';
import { begin, kept, longAnswer, outcome, undisturbed } from './faults-support.js';
import { answer, clientPage, refusal, stateOf, until, withKit } from './support.js';

const packFolder = join(import.meta.dirname, '../../models/default/pack');

test('a download that breaks off again and again goes on where it was, by itself; without any network it ends in words', async () => {
  const network = { breaks: 3, gone: false, asked: [] as (string | undefined)[], open: [] as ServerResponse[] };
  const handle = (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = request.url ?? '';
    if (!/\.(bin|json)$/.test(url)) return false;
    if (network.gone) {
      response.destroy();
      return true;
    }
    if (!url.endsWith('.bin')) return false;
    network.asked.push(request.headers.range);
    if (network.breaks === 0) return false;
    network.breaks -= 1;
    const bytes = readFileSync(join(packFolder, url.split('/').at(-1) ?? ''));
    const from = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(from > 0 ? 206 : 200, {
      'Content-Length': bytes.length - from,
      ETag: '"pack"',
      ...(from > 0 && range),
    });
    response.write(bytes.subarray(from, 2_200_000));
    network.open.push(response);
    return true;
  };
  await withKit({ handle }, async (kit) => {
    const page = await clientPage(kit);
    const answered = answer(page, 'Hello');
    // A connection breaks when what was sent on it has arrived: what has not is the browser's to throw away.
    for (let broken = 1; broken <= 3; broken++) {
      await until(
        page,
        ({ status }) => status.kind === 'loading' && status.loadedBytes >= 2_190_000 && network.open.length === broken,
        `all that came before break ${broken}`,
      );
      network.open.at(-1)?.destroy();
    }
    assert.notEqual((await answered).trim(), '');
    assert.equal(network.breaks, 0);
    assert.deepEqual(network.asked, [undefined, ...Array<string>(3).fill('bytes=2097152-')]);
    const before = await kept(page);

    network.gone = true;
    const lost = await refusal(page, { load: '/models/elsewhere/' });
    assert.ok(['network', 'model-not-found'].includes(lost.code), lost.code);
    assert.ok(lost.message.length > 10 && lost.hint.length > 10);
    assert.notEqual((await answer(page, 'Hello', { model: 'default' })).trim(), '', 'what is kept needs no network');
    assert.deepEqual(await kept(page), before);
  });
});

test('the cloud’s connection breaks in mid-answer: what came stands, the error says so, this device answers next', async () => {
  const answers: ServerResponse[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.url !== '/v1/chat/completions') return false;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const content of ['From ', 'far '])
      response.write(
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`,
      );
    answers.push(response);
    return true;
  };
  await withKit({ handle, policy: strictPolicy }, async (kit) => {
    const page = await clientPage(kit, { device: 'wasm', cloudUrl: `${kit.origin}/v1` });
    await answer(page, 'Hello');
    const before = await kept(page);
    await page.evaluate(() => window.engine.cloud.allow(true));
    await begin(page, { messages: [{ role: 'user', content: 'Hello' }], model: 'cloud' });
    await page.waitForFunction(() => window.watched.text === 'From far ');
    answers.at(-1)?.destroy();
    const { text, code } = await outcome(page);
    assert.equal(text, 'From far ');
    assert.ok(code === 'network' || code === 'cloud-failed', String(code));
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
    await until(
      page,
      ({ cloud, generating }) => cloud.allowed && !cloud.active && generating.length === 0,
      'the cloud is still allowed, and nothing runs',
    );
    assert.deepEqual(await kept(page), before);
  });
});

/** Begins a stream of `/v1` in the page: its text grows in `window.watched`. */
async function beginHttp(page: Page, request: Record<string, unknown>): Promise<void> {
  await page.evaluate(async (asked) => {
    const client = (await import(new URL('/client.js', location.href).href)) as typeof Client;
    const worker = await client.registerServiceWorker({ engine: window.engine });
    const base = await worker.endpoint();
    window.watched = { text: '', chunks: 0, code: null, ended: Promise.resolve(), told: [] };
    window.watched.ended = (async () => {
      try {
        const response = await fetch(`${base}/chat/completions`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ ...asked, stream: true }),
        });
        const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
        let rest = '';
        for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
          const lines = (rest + part.value).split('\n\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            if (!line.startsWith('data: {')) continue;
            const chunk = JSON.parse(line.slice(6)) as {
              error?: { code: string };
              choices?: { delta: { content?: string } }[];
            };
            if (chunk.error) window.watched.code = chunk.error.code;
            window.watched.text += chunk.choices?.[0]?.delta.content ?? '';
            window.watched.chunks += 1;
          }
        }
      } catch (error) {
        window.watched.code = String(error);
      }
    })();
  }, request);
}

test('a stream of /v1: the engine dies and it goes on whole; its service worker is stopped and the next one works', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    const whole = await undisturbed(page, longAnswer(800));
    const before = await kept(page);
    const { hostId } = await stateOf(page);
    const first = await SharedEngine.of(kit);
    const hold = await holdAnswers(first, 20);
    await beginHttp(page, longAnswer(800));
    await hold.held();
    await first.kill();
    assert.deepEqual(await outcome(page), { text: whole, code: null, told: [] });
    await until(page, (state) => state.status.kind === 'ready' && state.hostId !== hostId, 'it is loaded again');

    const session = await kit.context.newCDPSession(page);
    await session.send('ServiceWorker.enable');
    const second = await holdAnswers(await SharedEngine.of(kit), 20);
    await beginHttp(page, longAnswer(800));
    await second.held();
    await session.send('ServiceWorker.stopAllWorkers');
    const broken = await outcome(page);
    await second.letGo();
    assert.ok(whole.startsWith(broken.text), 'what came stands');
    assert.match(broken.code ?? '', /network|TypeError/);
    await until(page, ({ generating, waiting }) => generating.length + waiting.length === 0, 'nothing runs for nobody');
    await beginHttp(page, longAnswer(100));
    assert.equal((await outcome(page)).code, null);
    assert.deepEqual(await kept(page), before);
  });
});
