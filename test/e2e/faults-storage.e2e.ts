// What this device keeps may go or go wrong under us: everything cleared in mid-answer, no room left, records damaged, the
// key of the conversations lost. What can be fetched is fetched again, what cannot is told, the rest is as it was, and the
// next request works. Damaged pieces of a model: stored-model.e2e.ts. The table: docs/faults.md.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { holdAnswers, SharedEngine } from './engine-worker.js';
import { begin, kept, longAnswer, outcome, undisturbed } from './faults-support.js';
import { answer, clientPage, until, withKit } from './support.js';

/** Writes a conversation of one message under this id. */
const keep = (page: Page, id: string): Promise<unknown> =>
  page.evaluate(
    async (id) =>
      window.engine.conversations.write({
        id,
        title: id,
        created: 1,
        updated: 2,
        nodes: [{ id: 'm', parent: null, message: { role: 'user', content: `What ${id} said` }, created: 1 }],
        leaf: 'm',
      }),
    id,
  );

/** Of all conversations: what is readable, and why the rest is not. */
const conversations = (page: Page): Promise<Record<string, string>> =>
  page.evaluate(async () => {
    const { conversations } = await window.engine.conversations.list();
    return Object.fromEntries(conversations.map((one) => [one.id, one.readable ? one.title : one.reason]));
  });

/** Changes records of one object store; a record becomes `garbage`, or is deleted. */
const spoil = (page: Page, database: string, store: string, key: string, garbage?: unknown): Promise<void> =>
  page.evaluate(
    async ({ database, store, key, garbage }) => {
      const open = indexedDB.open(database);
      await new Promise((done, failed) => {
        open.onsuccess = done;
        open.onerror = failed;
      });
      const transaction = open.result.transaction(store, 'readwrite');
      if (garbage === undefined) transaction.objectStore(store).delete(key);
      else transaction.objectStore(store).put(garbage, key);
      await new Promise((done, failed) => {
        transaction.oncomplete = done;
        transaction.onerror = failed;
      });
      open.result.close();
    },
    { database, store, key, garbage },
  );

test('everything that is kept is cleared in mid-answer: it ends well, and what comes next is a first visit', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    const whole = await undisturbed(page, longAnswer(800));
    await keep(page, 'before');
    const before = await kept(page);
    assert.ok(before.length === 1 && (before[0]?.storedBytes ?? 0) > 2_000_000);
    const session = await kit.context.newCDPSession(page);
    const engine = await SharedEngine.of(kit);
    const hold = await holdAnswers(engine, 20);
    await begin(page, longAnswer(800));
    await hold.held();
    await session.send('Storage.clearDataForOrigin', { origin: kit.origin, storageTypes: 'all' });
    await hold.letGo();
    const { text, code } = await outcome(page);
    assert.deepEqual([text, code], [whole, null]);
    assert.deepEqual(await kept(page), [], 'nothing is claimed that is not there');
    assert.deepEqual(await conversations(page), {});
    await keep(page, 'after');
    assert.deepEqual(await conversations(page), { after: 'after' });
    assert.notEqual((await answer(page, 'Hello')).trim(), '');

    await engine.kill(); // the next engine reads what there is
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
    assert.deepEqual(await kept(page), before, 'fetched and kept again');
    assert.deepEqual(await conversations(page), { after: 'after' });
  });
});

test('no room on the device: the model runs from memory, and that is said; with room it is kept', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    const session = await kit.context.newCDPSession(page);
    await session.send('Storage.overrideQuotaForOrigin', { origin: kit.origin, quotaSize: 100_000 });
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
    const { notes } = await until(page, (state) => state.notes.length > 0, 'a note says why');
    assert.match(notes.join(' '), /room|kept/);
    assert.ok((await kept(page)).every(({ storedBytes }) => storedBytes < 100_000));
    await session.send('Storage.overrideQuotaForOrigin', { origin: kit.origin });
    await (await SharedEngine.of(kit)).kill();
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
    const [model] = await kept(page);
    assert.ok((model?.storedBytes ?? 0) > 2_000_000);
  });
});

test('the key of the conversations is lost, records are garbage: those are told, all else is as it was', async () => {
  await withKit({}, async (kit) => {
    let page = await clientPage(kit);
    const said = await answer(page, 'Hello');
    const before = await kept(page);
    for (const id of ['one', 'two']) await keep(page, id);
    await page.evaluate(() => window.engine.setPreferences({ temperature: 0.5 }));
    const name = 'llm-elements-conversations';
    await spoil(page, name, 'bodies', 'two', new Uint8Array(40).buffer);
    await spoil(page, 'llm-elements', 'settings', 'cloud-consent', { endpoint: 7 });
    const damaged = await page.evaluate(() =>
      window.engine.conversations.read('two').catch((error: { code: string }) => error.code),
    );
    assert.equal(damaged, 'conversation-unreadable');
    assert.match(JSON.stringify(await page.evaluate(() => window.engine.conversations.read('one'))), /What one said/);

    await spoil(page, name, 'keys', 'key');
    await (await SharedEngine.of(kit)).kill();
    await page.close();
    page = await clientPage(kit);
    assert.deepEqual(await conversations(page), { one: 'key-lost', two: 'key-lost' });
    await keep(page, 'three');
    await page.evaluate(() => window.engine.conversations.delete('one'));
    assert.deepEqual(await conversations(page), { two: 'key-lost', three: 'three' });
    assert.deepEqual(await kept(page), before);
    assert.equal(await page.evaluate(() => window.engine.state.preferences.temperature), 0.5);
    assert.equal(await answer(page, 'Hello'), said);
  });
});
