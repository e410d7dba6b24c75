// Offline: after one visit the page comes back and answers with the server gone. The server is stopped for real, not
// only hidden, and the page is reloaded without its HTTP cache.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as Client from '../../engine/client/index.js';
import { answer, clientPage, withKit } from './support.js';

test('after one visit the kit works with the server gone', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    const before = await answer(page, 'Write a story about a brave mouse');
    const missing = await page.evaluate(async () => {
      const client = (await import(new URL('/client.js', location.href).href)) as typeof Client;
      const worker = await client.registerServiceWorker({ pages: true, engine: window.engine });
      return await worker.keep();
    });
    assert.deepEqual(missing, [], 'everything this visit used is kept');
    await page.close();
    await kit.endEngine(); // the next one is started from what was kept
    kit.server.closeAllConnections();
    await new Promise((done) => kit.server.close(done));
    const offline = await clientPage(kit);
    assert.equal(await answer(offline, 'Write a story about a brave mouse'), before);
    assert.equal(
      await offline.evaluate(async () => (await fetch('/never-seen.txt').catch(() => null))?.status ?? 'failed'),
      'failed',
      'the server is really gone',
    );
  });
});
