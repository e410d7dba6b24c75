// Models kept on the device, in real Chromium and without a service worker: the second visit asks for no shard, a
// damaged copy is found out and fetched anew, and what is stored answers with the server's files gone.

import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { packToGguf } from '../../bench/lab/pack-to-gguf.js';
import { answer, clientPage, refusal, until, untilPage, withKit, type Kit } from './support.js';

const question = 'Write a story about a brave mouse';
const isShard = (url: string): boolean => /\/[0-9a-f]{64}\.(bin|json)$/.test(url);

/** The engine ends with its last page, and not half a minute later. */
async function leave(kit: Kit, page: Page): Promise<void> {
  await page.close();
  await kit.endEngine();
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
    await leave(kit, page);

    asked = [];
    page = await clientPage(kit);
    assert.equal(await answer(page, question), before);
    assert.deepEqual(asked, [], 'nothing was fetched again');
    await leave(kit, page);

    gone = true;
    page = await clientPage(kit);
    assert.equal(await answer(page, question), before);
    await leave(kit, page);

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

const packFolder = join(import.meta.dirname, '../../models/default/pack');

/** Sends shards a little at a time, until told to hurry. */
function slowly() {
  const asked: { url: string; range: string | undefined }[] = [];
  const control = { slow: true, asked, open: 0 };
  const handle = (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = request.url ?? '';
    if (!url.endsWith('.bin')) return false;
    asked.push({ url, range: request.headers.range });
    if (!control.slow) return false;
    const bytes = readFileSync(join(packFolder, url.split('/').at(-1) ?? ''));
    response.writeHead(200, { 'Content-Length': bytes.length, ETag: '"slow"' });
    let at = 0;
    control.open += 1;
    const timer = setInterval(() => {
      response.write(bytes.subarray(at, at + 120_000));
      at += 120_000;
      if (at > 2_500_000) clearInterval(timer); // the last bytes never come
    }, 30);
    response.on('close', () => {
      control.open -= 1;
      clearInterval(timer);
    });
    return true;
  };
  return { handle, control };
}

test('a download is seen, paused, resumed and cancelled by every tab, and goes on after a reload', async () => {
  const { handle, control } = slowly();
  await withKit({ handle }, async (kit) => {
    const [one, two] = [await clientPage(kit), await clientPage(kit)];
    const loading = one
      .evaluate(async () => (await window.engine.load('default')).id)
      .catch((error: Error) => error.message);
    const running = await until(
      two,
      ({ status }) =>
        status.kind === 'loading' && status.loadedBytes > 1_000_000 && status.bytesPerSecond !== undefined,
      'another tab sees bytes and their rate',
    );
    assert.ok(running.status.kind === 'loading' && (running.status.secondsLeft ?? 0) > 0);
    assert.ok(running.status.totalBytes > 2_500_000);
    await two.evaluate(() => window.engine.models.pause());
    await until(one, ({ status }) => status.kind === 'loading' && status.phase === 'paused', 'paused for all');
    for (let tries = 0; control.open > 0 && tries < 300; tries++) await one.waitForTimeout(100);
    assert.equal(control.open, 0, 'the transfer has ended');
    await one.evaluate(() => window.engine.models.resume());
    await until(one, ({ status }) => status.kind === 'loading' && status.phase === 'downloading', 'resumed');
    await until(one, ({ status }) => status.kind === 'loading' && status.loadedBytes > 2_400_000, 'one piece has come');
    await untilPage(
      one,
      async (least) => (await window.engine.models.storage()).models.some(({ storedBytes }) => storedBytes > least),
      2_000_000,
      'one piece is stored',
    );
    await two.evaluate(() => window.engine.models.cancel());
    assert.match(await loading, /stopped/);
    await until(one, ({ status }) => status.kind === 'idle', 'all tabs are told');
    const kept = await one.evaluate(() => window.engine.models.storage());
    assert.ok((kept.models[0]?.storedBytes ?? 0) > 2_000_000, JSON.stringify(kept));
    await one.close();
    await leave(kit, two);

    control.slow = false;
    control.asked.length = 0;
    const again = await clientPage(kit);
    await again.evaluate(async () => void (await window.engine.load('default')));
    assert.deepEqual(
      control.asked.map(({ range }) => range),
      ['bytes=2097152-'],
      'only what was missing came',
    );
  });
});

test('what is kept is listed and deleted; limits and pinned keys are obeyed before the first byte of weights', async () => {
  const asked: string[] = [];
  const handle = (request: IncomingMessage): boolean => {
    if (isShard(request.url ?? '')) asked.push(request.url ?? '');
    return false;
  };
  await withKit({ handle }, async (kit) => {
    let page = await clientPage(kit, { device: 'wasm', maxDownload: 1_000_000 });
    const large = await refusal(page, { load: 'default' });
    assert.equal(large.code, 'model-too-large');
    assert.match(large.message, /3 MiB; 1 MiB are allowed/);
    await leave(kit, page);
    page = await clientPage(kit, { device: 'wasm', trustedKeys: ['ab'.repeat(32)] });
    assert.match((await refusal(page, { load: 'default' })).message, /not signed/);
    await leave(kit, page);
    assert.deepEqual(asked, []);

    page = await clientPage(kit);
    await answer(page, question);
    const before = await page.evaluate(() => window.engine.models.storage());
    assert.equal(before.kind, 'opfs');
    const [model] = before.models;
    assert.ok(model && model.storedBytes >= model.byteLength && model.byteLength > 2_000_000, JSON.stringify(before));
    await page.evaluate((source) => window.engine.models.delete(source), model.source);
    await until(page, ({ status }) => status.kind === 'idle', 'a deleted model is freed');
    const after = await page.evaluate(() => window.engine.models.storage());
    assert.deepEqual(after.models, []);
    const gone = await page.evaluate(
      (source) => window.engine.models.delete(source).catch((error: { code: string }) => error.code),
      model.source,
    );
    assert.equal(gone, 'model-not-found');
    asked.length = 0;
    await answer(page, question);
    assert.ok(asked.length >= 3, 'it was fetched again');
  });
});

test('a GGUF file that the visitor chose runs, is kept, and runs again by its name without the file', async () => {
  const gguf = await packToGguf(packFolder);
  const handle = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.url !== '/chosen.gguf') return false;
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(gguf);
    return true;
  };
  await withKit({ handle }, async (kit) => {
    let page = await clientPage(kit);
    const loaded = await page.evaluate(async () => {
      const blob = await (await fetch('/chosen.gguf')).blob();
      return window.engine.load(new File([blob], 'chosen.gguf', { lastModified: 7 }));
    });
    assert.match(loaded.id, /^file:chosen\.gguf\?size=\d+&time=7$/);
    const said = await answer(page, question);
    assert.ok(said.length > 20);
    await untilPage(
      page,
      async (id) => {
        const { models } = await window.engine.models.storage();
        return models.some(({ source, storedBytes, byteLength }) => source === id && storedBytes >= byteLength);
      },
      loaded.id,
      'it is kept whole',
    );
    await leave(kit, page);
    page = await clientPage(kit);
    await page.evaluate(async (id) => void (await window.engine.load(id)), loaded.id);
    assert.equal(await answer(page, question), said);
  });
});
