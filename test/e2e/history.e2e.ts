// Conversations kept on the device, with the real engine and the embedded model under the strict policy: an answer that a
// reload cut off comes back with its words and goes on, a file's cost is counted by the model's own tokenizer, what lies in
// the browser's storage is sealed, another tab finds it by a word, and erasing everything leaves nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strictPolicy } from '../../server/static-server.mjs';
import type * as Client from '../../engine/client/index.js';
import { holdAnswers, SharedEngine } from './engine-worker.js';
import { untilPage, withKit } from './support.js';

const html = `<!doctype html><html lang="en"><title>history</title><link rel="icon" href="/icon.svg"><script type="module" src="/define.js"></script>
  <llm-engine device="wasm"><llm-chat id="talk" history></llm-chat></llm-engine></html>`;

const handle: NonNullable<Parameters<typeof withKit>[0]>['handle'] = (request, response) => {
  if (request.url !== '/history.html') return false;
  response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Security-Policy': strictPolicy }).end(html);
  return true;
};

test('a conversation outlives a reload, and nobody else can read it', { timeout: 180_000 }, async () => {
  await withKit({ handle }, async (kit) => {
    const page = await kit.context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${kit.origin}/history.html`);
    const chat = page.locator('llm-chat');
    const field = page.getByRole('textbox', { name: 'Message' });
    const hold = await holdAnswers(await SharedEngine.of(kit), 30);
    await field.fill('Write a story about a brave hedgehog');
    await page.keyboard.press('Enter');
    const answer = chat.locator('article[aria-label="Assistant"]');
    await hold.held();
    // It is written at least once a second while it grows.
    await untilPage(
      page,
      async (least) => {
        const client = (await import(new URL('/client.js', location.href).href)) as typeof Client;
        const { conversations } = await client.connect({ device: 'wasm' });
        const [one] = (await conversations.list()).conversations;
        if (one === undefined) return false;
        return ((await conversations.read(one.id)).nodes.at(-1)?.message.content?.length ?? 0) > least;
      },
      40,
      'some of the answer is written',
    );
    await page.reload();
    await hold.letGo();
    await answer.waitFor({ timeout: 30_000 });
    assert.match(await chat.locator('article').first().innerText(), /brave hedgehog/);
    const before = await page.evaluate(() => document.querySelector('llm-chat')?.messages.at(-1)?.content ?? '');
    assert.ok(before.length > 10, before);
    assert.notEqual(await answer.getAttribute('data-status'), 'done', 'it was cut off');
    await chat.getByRole('button', { name: 'Continue' }).click();
    await page.waitForFunction(
      (length) => {
        const shown = document.querySelector('llm-chat');
        return shown?.busy === false && (shown.messages.at(-1)?.content?.length ?? 0) > length;
      },
      before.length,
      { timeout: 60_000 },
    );
    const after = await page.evaluate(() => document.querySelector('llm-chat')?.messages.at(-1)?.content ?? '');
    assert.ok(after.startsWith(before), `${before} | ${after}`);

    const lies = await page.evaluate(async () => {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open('llm-elements-conversations');
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(new Error('not opened'));
      });
      const all = await new Promise<unknown[]>((resolve, reject) => {
        const reading = database.transaction('bodies').objectStore('bodies').getAll();
        reading.onsuccess = () => resolve(reading.result as unknown[]);
        reading.onerror = () => reject(new Error('not read'));
      });
      database.close();
      const texts = all.map((body) => new TextDecoder('latin1').decode(body as ArrayBuffer));
      return { count: all.length, readable: texts.some((text) => text.includes('hedgehog') || text.includes('role')) };
    });
    assert.deepEqual(lies, { count: 1, readable: false });

    const other = await kit.context.newPage();
    await other.goto(`${kit.origin}/history.html`);
    await other.getByRole('button', { name: 'Conversations' }).click();
    await other.getByRole('searchbox').fill('HEDGEHOG');
    await other.locator('llm-chat .kept .open').waitFor({ timeout: 20_000 });
    await other.locator('llm-chat .kept .open').click();
    await other.locator('llm-chat article[aria-label="Assistant"]').waitFor();

    const counted = await page.evaluate(async () => {
      const file = new DataTransfer();
      file.items.add(new File(['one two three four five'], 'numbers.txt'));
      const drop = { bubbles: true, composed: true, cancelable: true, dataTransfer: file };
      const root = document.querySelector('llm-chat')?.shadowRoot;
      root?.querySelector('textarea')?.dispatchEvent(new DragEvent('drop', drop));
      for (let waited = 0; waited < 600; waited++) {
        const text = root?.querySelector('[part=attachment]')?.textContent ?? '';
        if (/\d+ token/.test(text)) return text.replace(/\s+/g, ' ').trim();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return '';
    });
    assert.match(counted, /^numbers\.txt \d+ tokens$/, 'exact, by the loaded model');
    assert.deepEqual(complaints, []);
  });
});
