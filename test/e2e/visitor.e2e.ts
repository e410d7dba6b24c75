// What a visitor chooses, keeps and erases, in the built kit with the embedded model: choices hold in every tab at once
// and outlive the engine; erasing everything leaves each of the kit's stores empty, looked at from outside of the kit.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Page } from 'playwright-core';
import type * as Client from '../../engine/client/index.js';
import type { KeptReport } from '../../engine/protocol/kept-data.js';
import { noPreferences } from '../../engine/protocol/preferences.js';
import { holdAnswers, SharedEngine } from './engine-worker.js';
import { answer, clientPage, stateOf, until, withKit } from './support.js';

test('a choice holds in every tab at once, and in the next life of the engine', async () => {
  await withKit({}, async (kit) => {
    const [choosing, watching] = [await clientPage(kit, {}), await clientPage(kit, {})];
    await choosing.evaluate(() => window.engine.setPreferences({ device: 'wasm', maxTokens: 3, temperature: 0 }));
    const seen = await until(watching, ({ preferences }) => preferences.maxTokens === 3, 'the other tab hears of it');
    assert.deepEqual(seen.preferences, { ...noPreferences, device: 'wasm', maxTokens: 3, temperature: 0 });
    const limited = await watching.evaluate(async () => {
      const messages = [{ role: 'user' as const, content: 'Tell me a long story' }];
      const { usage, choices } = await window.engine.chat.completions.create({ messages });
      return { tokens: usage?.completion_tokens, reason: choices[0].finish_reason };
    });
    assert.deepEqual(limited, { tokens: 3, reason: 'length' });
    await until(
      watching,
      ({ status, metrics }) =>
        status.kind === 'ready' && status.model.device === 'wasm' && (metrics.energyJoules ?? 0) > 0,
      'it is on WebAssembly, and what it cost is told',
    );
    // The engine goes with its last page; a new one reads what was kept.
    await choosing.close();
    await watching.close();
    await kit.endEngine();
    const later = await clientPage(kit, {});
    assert.equal((await stateOf(later)).preferences.maxTokens, 3);
    await later.evaluate(() => window.engine.setPreferences({ maxTokens: null }));
    const last = await until(later, ({ preferences }) => preferences.maxTokens === null, 'the limit is taken back');
    assert.equal(last.preferences.device, 'wasm');
  });
});

/** What lies in this origin, counted by the page itself and not by the kit. */
const found = (page: Page): Promise<Record<string, number>> =>
  page.evaluate(async () => {
    const counts: Record<string, number> = { caches: 0, opfs: 0 };
    for (const name of await caches.keys())
      counts['caches'] = (counts['caches'] ?? 0) + (await (await caches.open(name)).keys()).length;
    const folders = [await navigator.storage.getDirectory()];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for await (const entry of folder.values()) {
        if (entry instanceof FileSystemDirectoryHandle) folders.push(entry);
        else counts['opfs'] = (counts['opfs'] ?? 0) + 1;
      }
    }
    for (const { name = '' } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error(name));
      });
      for (const store of database.objectStoreNames) {
        const count = await new Promise<number>((resolve, reject) => {
          const request = database.transaction(store).objectStore(store).count();
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error ?? new Error(store));
        });
        counts[`${name} ${store}`] = count;
      }
      database.close();
    }
    return counts;
  });

const items = ({ parts }: KeptReport): Record<string, number> =>
  Object.fromEntries(parts.map(({ kind, items: count }) => [kind, count]));

test('erasing everything empties every store of the kit, in all tabs, and the kit works on', async () => {
  await withKit({}, async (kit) => {
    const [erasing, watching] = [await clientPage(kit), await clientPage(kit)];
    assert.notEqual(await answer(erasing, 'Hello'), '');
    await erasing.evaluate(async () => {
      await window.engine.setPreferences({ temperature: 0.5 });
      const message = { role: 'user' as const, content: 'A secret' };
      const [created, updated] = [Date.now(), Date.now()];
      const nodes = [{ id: 'n', parent: null, created, message }];
      await window.engine.conversations.write({ id: 'c', title: 'A secret', created, updated, nodes, leaf: 'n' });
      // What the kit's service worker would keep, without waiting for one.
      await (await caches.open('llm-elements-pages-1')).put('/kept', new Response('kept'));
      await (await caches.open('the-sites-own')).put('/own', new Response('own'));
    });
    const before = await erasing.evaluate(() => window.engine.kept());
    assert.deepEqual(before.unreadable, []);
    const kept = items(before);
    assert.deepEqual([kept['models'], kept['conversations'], kept['preferences']], [1, 1, 1]);
    assert.ok((before.parts.find(({ kind }) => kind === 'models')?.bytes ?? 0) > 2e6);
    assert.ok((await found(erasing))['opfs'] !== 0);

    const erasure = await erasing.evaluate(() => window.engine.eraseAll());
    assert.deepEqual(erasure.left, []);
    const after = await erasing.evaluate(() => window.engine.kept());
    assert.deepEqual(
      Object.values(items(after)).filter((count) => count !== 0),
      [],
    );
    const left = Object.entries(await found(erasing)).filter(([, count]) => count !== 0);
    assert.deepEqual(left, [['caches', 1]], "only the site's own cache is there");
    // Its steps are told one by one.
    await until(
      watching,
      ({ status, preferences, changes }) =>
        status.kind === 'idle' && isDeepStrictEqual(preferences, noPreferences) && changes.conversations > 1,
      'the other tab hears of it',
    );
    assert.notEqual(await answer(watching, 'Hello'), '', 'the next request loads the model anew');
  });
});

test('what is kept for use offline is erased, and kept again by the next page that uses the kit', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    const register = (on: Page) =>
      on.evaluate(async () => {
        const client = (await import(new URL('/client.js', location.href).href)) as typeof Client;
        const { endpoint, keep } = await client.registerServiceWorker({ engine: window.engine });
        await endpoint(); // it is active and has this page
        return await keep();
      });
    const files = (on: Page): Promise<number> =>
      on.evaluate(async () => {
        let count = 0;
        for (const name of await caches.keys()) count += (await (await caches.open(name)).keys()).length;
        return count;
      });
    assert.deepEqual(await register(page), []);
    const before = await files(page);
    assert.ok(before > 20, `${before} files`);
    const erasure = await page.evaluate(() => window.engine.eraseAll());
    assert.ok(erasure.erased.includes('pages'));
    assert.ok((await files(page)) < 5, 'all but what was fetched since');
    const next = await clientPage(kit);
    assert.deepEqual(await register(next), []);
    assert.ok((await files(next)) >= before - 5, 'whole again');
  });
});

test('an answer that runs is stopped when everything is erased', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    await page.evaluate(() => window.engine.load('default'));
    // Some seconds for the whole answer, at the least.
    await (await holdAnswers(await SharedEngine.of(kit), Infinity)).letGo({ slowly: 50 });
    const outcome = await page.evaluate(async () => {
      try {
        const stream = await window.engine.chat.completions.create({
          messages: [{ role: 'user', content: 'Tell me a long story' }],
          stream: true,
          max_tokens: 900,
          logit_bias: { '1': -100, '5': -100, '6': -100 },
        });
        let erased: Promise<unknown> | null = null;
        for await (const chunk of stream) if (chunk.choices[0].delta.content) erased ??= window.engine.eraseAll();
        return 'ended';
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
    assert.equal(outcome, 'aborted');
    await until(
      page,
      ({ status, generating }) => status.kind === 'idle' && generating.length === 0,
      'nothing is loaded, and nothing runs',
    );
  });
});
