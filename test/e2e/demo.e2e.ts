// The demo page as a visitor meets it: two script tags, the elements, the embedded model, the strict content security
// policy, no network beyond the page's own server. What the model says is not asserted, that it says something is.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { strictPolicy } from '../../server/static-server.mjs';
import type * as Client from '../../engine/client/index.js';
import { holdAnswers, SharedEngine } from './engine-worker.js';
import { withKit, type Kit } from './support.js';

/** The demo; everything it reports as an error, and every request to another origin, is collected. */
async function openDemo(kit: Kit): Promise<{ page: Page; complaints: string[] }> {
  const page = await kit.context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(kit.origin)) complaints.push(`asked ${request.url()}`);
  });
  await page.goto(`${kit.origin}/index.html`);
  return { page, complaints };
}

const send = async (page: Page, text: string): Promise<void> => {
  await page.getByRole('textbox', { name: 'Message' }).fill(text);
  await page.keyboard.press('Enter');
};

/** The newest answer, once it is complete. */
async function lastAnswer(page: Page, number: number): Promise<string> {
  const answer = page.locator('llm-chat article[aria-label="Assistant"]').nth(number);
  await answer.waitFor({ timeout: 30_000 });
  await page.waitForFunction(
    (index) => {
      const articles = document
        .querySelector('llm-chat')
        ?.shadowRoot?.querySelectorAll('article[aria-label="Assistant"]');
      return articles?.[index]?.getAttribute('aria-busy') === 'false';
    },
    number,
    { timeout: 90_000 },
  );
  return (await answer.innerText()).trim();
}

test('a visitor chats, with nothing asked of any other server', async () => {
  await withKit({}, async (kit) => {
    const { page, complaints } = await openDemo(kit);
    await send(page, 'What is the capital of France?');
    const answer = await lastAnswer(page, 0);
    assert.match(answer, /On this device/);
    assert.ok(answer.length > 'On this device'.length + 5, `it says something: ${answer}`);
    await send(page, 'Thank you');
    await lastAnswer(page, 1);
    await page
      .locator('llm-metrics')
      .getByText(/tok\/s/)
      .first()
      .waitFor();
    await page.locator('llm-model-picker').getByText('In use', { exact: true }).waitFor();
    assert.deepEqual(complaints, []);
  });
});

test('the page has no fault of accessibility, in any look of the gallery', async () => {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await withKit({}, async (kit) => {
    const { page, complaints } = await openDemo(kit);
    await page
      .locator('llm-privacy')
      .getByText(/stays on this device/i)
      .first()
      .waitFor();
    await page.evaluate(axe);
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      for (const look of await page.locator('.looks label').all()) {
        const name = await look.innerText();
        await look.click();
        const found = await page.evaluate(async () => {
          const { axe: checker } = window as unknown as { axe: { run(): Promise<AxeResults> } };
          const { violations } = await checker.run();
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 100)).join(' ')}`);
        });
        assert.deepEqual(found, [], `${name}, ${scheme}`);
      }
    }
    assert.match(await page.locator('#theme-css').innerText(), /--llm-accent/);
    assert.deepEqual(complaints, []);
  });
});

test('stop, new chat, and reload', async () => {
  await withKit({}, async (kit) => {
    const { page, complaints } = await openDemo(kit);
    const hold = await holdAnswers(await SharedEngine.of(kit), 4);
    await send(page, 'Write a long story about a lighthouse and a whale');
    await hold.held();
    await page.getByRole('button', { name: 'Stop answering' }).click();
    await lastAnswer(page, 0);
    await hold.letGo();
    await page.getByRole('button', { name: 'Send' }).waitFor();
    await page.getByRole('button', { name: 'New chat' }).click();
    assert.equal(await page.locator('llm-chat article').count(), 0);
    await send(page, 'Hello');
    await lastAnswer(page, 0);
    await page.reload();
    await send(page, 'Hello');
    await lastAnswer(page, 0);
    assert.deepEqual(complaints, []);
  });
});

test('two tabs of the demo share one load, and both say so', async () => {
  await withKit({}, async (kit) => {
    const first = await openDemo(kit);
    await send(first.page, 'Hello');
    await lastAnswer(first.page, 0);
    const second = await openDemo(kit);
    await send(second.page, 'Hello');
    await lastAnswer(second.page, 0);
    await second.page.waitForFunction(() =>
      /Tabs sharing it 2/.test(
        document.querySelector('llm-metrics')?.shadowRoot?.textContent?.replace(/\s+/g, ' ') ?? '',
      ),
    );
    assert.deepEqual([...first.complaints, ...second.complaints], []);
  });
});

test('a model that cannot be had is said in plain words in the chat', async () => {
  const html = `<!doctype html><html lang="en"><title>missing</title><script type="module" src="/define.js"></script>
    <llm-engine model="/models/nothing-here/"><llm-chat></llm-chat></llm-engine></html>`;
  const handle: NonNullable<Parameters<typeof withKit>[0]>['handle'] = (request, response) => {
    if (request.url !== '/missing.html') return false;
    response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Security-Policy': strictPolicy }).end(html);
    return true;
  };
  await withKit({ handle }, async (kit) => {
    const page = await kit.context.newPage();
    await page.goto(`${kit.origin}/missing.html`);
    await send(page, 'Hello');
    await page
      .locator('llm-chat')
      .getByText(/There is nothing at/)
      .first()
      .waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Try again' }).first().waitFor();
  });
});

test('after one visit the demo opens and answers offline', async () => {
  await withKit({}, async (kit) => {
    const { page } = await openDemo(kit);
    await send(page, 'Hello');
    await lastAnswer(page, 0);
    // The page tells the service worker to keep what this visit used; asked as the page asks, it says when that is done.
    const missing = await page.evaluate(async () => {
      const client = (await import(new URL('/client.js', location.href).href)) as typeof Client;
      return await (await client.registerServiceWorker({ engine: await client.connect(), pages: true })).keep();
    });
    assert.deepEqual(missing, []);
    await page.close();
    await kit.endEngine();
    kit.server.closeAllConnections();
    await new Promise((done) => kit.server.close(done));
    const offline = await openDemo(kit);
    await send(offline.page, 'Hello');
    assert.match(await lastAnswer(offline.page, 0), /On this device/);
  });
});
