// A host that sends no headers at all (GitHub Pages), with the kit in a folder below the pages, as docs/hosting.md says:
// one line of script beside the pages brings the service worker there, and it isolates pages and workers, answers
// `llm/v1/` for the pages' folder, and keeps pages and kit for offline use.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type * as Client from '../../engine/client/index.js';
import { distFolder } from '../../server/static-server.mjs';
import { withKit, type Kit } from './support.js';

const files: Readonly<Record<string, readonly [type: string, text: string]>> = {
  '/site/': ['text/html', '<!doctype html><title>A site</title><link rel="icon" href="data:,"><p>Hello</p>'],
  '/site/llm-sw.js': ['text/javascript', "importScripts('./llm-elements/sw.js');"],
  '/site/own-worker.js': [
    'text/javascript',
    `postMessage({ isolated: crossOriginIsolated, shared: typeof SharedArrayBuffer === 'function' });`,
  ],
  '/site/account.json': ['application/json', '{"secret": 1}'],
};

async function withPlainHost(body: (kit: Kit) => Promise<void>): Promise<void> {
  const handle: NonNullable<Parameters<typeof withKit>[0]>['handle'] = (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const file = files[path];
    if (file === undefined) return false;
    response.writeHead(200, { 'Content-Type': file[0] }).end(file[1]);
    return true;
  };
  await withKit({ handle, mounts: { '/site/llm-elements/': distFolder }, policy: null }, body);
}

/** Opens the site's page and does there what docs/hosting.md says. */
async function visit(kit: Kit): Promise<Page> {
  const page = await kit.context.newPage();
  await page.goto(`${kit.origin}/site/`);
  return page;
}

const register = (page: Page, isolate: 'credentialless' | 'require-corp') =>
  page.evaluate(async (isolate) => {
    const client = (await import(new URL('./llm-elements/client.js', location.href).href)) as typeof Client;
    window.engine = await client.connect({ device: 'wasm' });
    const kit = await client.registerServiceWorker({ url: './llm-sw.js', engine: window.engine, pages: true, isolate });
    const endpoint = await kit.endpoint();
    return { needsReload: kit.needsReload, endpoint, scope: kit.registration.scope };
  }, isolate);

/** Waits until all that this visit used is kept. @returns what could not be */
const keep = (page: Page, isolate: 'credentialless' | 'require-corp') =>
  page.evaluate(async (isolate) => {
    const client = (await import(new URL('./llm-elements/client.js', location.href).href)) as typeof Client;
    const { engine } = window;
    return await (await client.registerServiceWorker({ url: './llm-sw.js', engine, pages: true, isolate })).keep();
  }, isolate);

/** What page and a worker of the page's own may do. */
const seen = (page: Page) =>
  page.evaluate(async () => {
    const worker = new Worker('./own-worker.js');
    const inWorker = await new Promise<unknown>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = () => resolve('blocked');
    });
    const page = { isolated: crossOriginIsolated, shared: typeof SharedArrayBuffer === 'function' };
    return { page, inWorker };
  });

const ask = (page: Page, endpoint: string) =>
  page.evaluate(async (endpoint) => {
    const response = await fetch(`${endpoint}/chat/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], temperature: 0, max_tokens: 4 }),
    });
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    return choices[0]?.message.content ?? '';
  }, endpoint);

for (const isolation of ['credentialless', 'require-corp'] as const) {
  test(`a host without headers, isolated by the service worker (${isolation}), then gone`, async () => {
    await withPlainHost(async (kit) => {
      const page = await visit(kit);
      const no = { isolated: false, shared: false };
      const yes = { isolated: true, shared: true };
      assert.deepEqual(await seen(page), { page: no, inWorker: no });
      const first = await register(page, isolation);
      const endpoint = `${kit.origin}/site/llm/v1`;
      assert.deepEqual(first, { needsReload: true, endpoint, scope: `${kit.origin}/site/` });
      const said = await ask(page, endpoint);
      assert.notEqual(said, '');

      await page.reload();
      assert.deepEqual(await seen(page), { page: yes, inWorker: yes });
      assert.equal((await register(page, isolation)).needsReload, false);
      assert.equal(await ask(page, endpoint), said, 'the engine starts in an isolated page, too');
      // What the page's script fetched is the visitor's, and is not kept.
      await page.evaluate(async () => void (await (await fetch('./account.json')).text()));

      await page.evaluate(async () => {
        await (await navigator.serviceWorker.ready).update(); // the same build: nothing comes of it
      });
      if (isolation === 'require-corp') return;
      assert.deepEqual(await keep(page, isolation), []);
      await page.close();
      await kit.endEngine();
      kit.server.closeAllConnections();
      await new Promise((done) => kit.server.close(done));
      const offline = await visit(kit);
      assert.deepEqual((await seen(offline)).page, yes);
      await register(offline, isolation);
      assert.equal(await ask(offline, endpoint), said);
      const account = await offline.evaluate(() => fetch('./account.json').catch(() => 'failed'));
      assert.equal(account, 'failed');
    });
  });
}
