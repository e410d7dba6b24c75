// Models kept on the device, in real Chromium and without a service worker: the second visit asks for no shard, a
// damaged copy is found out and fetched anew, and what is stored answers with the server's files gone.

import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { answer, clientPage, withKit } from './support.js';

const question = 'Write a story about a brave mouse';
const isShard = (url: string): boolean => /\/[0-9a-f]{64}\.(bin|json)$/.test(url);

/** Ends the engine's worker with its last page. */
async function leave(page: Page): Promise<void> {
  await page.close();
  await new Promise((done) => setTimeout(done, 500));
}

test('the second visit reads the model from the device, also when the server has lost it', async () => {
  let asked: string[] = [];
  let gone = false;
  const handle = (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = request.url ?? '';
    if (isShard(url)) asked.push(url);
    if (!gone || !(isShard(url) || url.endsWith('manifest.json'))) return false;
    response.destroy();
    return true;
  };
  await withKit({ handle }, async (kit) => {
    let page = await clientPage(kit);
    const before = await answer(page, question);
    assert.ok(asked.length >= 3, 'two tokenizer files and a shard were fetched');
    await leave(page);

    asked = [];
    page = await clientPage(kit);
    assert.equal(await answer(page, question), before);
    assert.deepEqual(asked, [], 'nothing was fetched again');
    await leave(page);

    gone = true;
    page = await clientPage(kit);
    assert.equal(await answer(page, question), before);
    await leave(page);

    gone = false;
    page = await kit.context.newPage();
    await page.goto(`${kit.origin}/blank.html`);
    const flipped = await page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle('llm-elements-weights-1');
      let count = 0;
      for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) {
        if (!/^[0-9a-f]{64}\.\d+$/.test(name)) continue;
        const handle = await folder.getFileHandle(name);
        const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        const stream = await handle.createWritable();
        await stream.write(bytes);
        await stream.close();
        count++;
      }
      return count;
    });
    assert.ok(flipped >= 4, `${flipped} pieces were spoilt`);
    await page.close();
    asked = [];
    page = await clientPage(kit);
    assert.equal(await answer(page, question), before);
    assert.ok(asked.length >= 3, 'every damaged file was fetched anew');
  });
});
