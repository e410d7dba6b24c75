// The one script tag: it registers what the page has and nothing else, from another origin, under a strict policy, in
// shadow roots that it is told of, and twice without harm.

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { browserFlags, findBrowser } from '../../server/browser.mjs';
import { createStaticServer, distFolder, listen } from '../../server/static-server.mjs';

interface Sites {
  readonly page: Page;
  readonly cdn: string;
  /** Names of the files of the kit that were fetched. */
  readonly fetched: readonly string[];
  readonly complaints: readonly string[];
  readonly told: readonly string[];
}

async function withPage(
  body: (cdn: string) => string,
  run: (sites: Sites) => Promise<void>,
  policies = 'lit-html llm-elements',
): Promise<void> {
  const fetched: string[] = [];
  const kit = createStaticServer({
    root: distFolder,
    mounts: { '/copy/': distFolder },
    policy: null,
    handle: (request: IncomingMessage, response: ServerResponse) => {
      fetched.push((request.url ?? '').split('?')[0] ?? '');
      response.setHeader('Access-Control-Allow-Origin', '*');
      return false;
    },
  });
  const cdn = `http://localhost:${await listen(kit)}`;
  const site = createServer((request, response) => {
    if (request.url !== '/') return void response.writeHead(404).end();
    response
      .writeHead(200, {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': `default-src 'none'; script-src ${cdn} 'wasm-unsafe-eval'; worker-src blob:; connect-src ${cdn}; style-src 'self'; require-trusted-types-for 'script'; trusted-types ${policies}`,
      })
      .end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>A site</title>${body(cdn)}`);
  });
  const origin = `http://localhost:${await listen(site)}`;
  const browser = await chromium.launch({ executablePath: findBrowser(), args: browserFlags(), headless: true });
  try {
    const page = await browser.newPage();
    const [complaints, told]: [string[], string[]] = [[], []];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (/Content.Security|Trusted/.test(message.text())) complaints.push(message.text());
      else told.push(message.text());
    });
    await page.goto(`${origin}/`);
    await run({ page, cdn, fetched, complaints, told });
  } finally {
    await browser.close();
    for (const server of [kit, site]) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }
}

const defined = (page: Page, tag: string) =>
  page.evaluate((name) => customElements.whenDefined(name).then(() => true), tag);
const isDefined = (page: Page, tag: string) => page.evaluate((name) => customElements.get(name) !== undefined, tag);
const chunks = (fetched: readonly string[], name: string) =>
  fetched.filter((file) => file.includes(`/chunks/${name}-`));

test('registers the elements of the page, later ones when they come, and no others', async () => {
  const body = (cdn: string) => `<script type="module" src="${cdn}/llm-elements.js"></script><llm-status></llm-status>`;
  await withPage(body, async ({ page, fetched, complaints }) => {
    await defined(page, 'llm-status');
    assert.equal(await isDefined(page, 'llm-chat'), false);
    assert.deepEqual(chunks(fetched, 'model-picker'), []);
    assert.deepEqual(chunks(fetched, 'chat'), []);
    await page.evaluate(() => document.body.append(document.createElement('llm-chat')));
    await defined(page, 'llm-chat');
    await page.locator('llm-chat textarea').waitFor();
    assert.equal(await isDefined(page, 'llm-model-picker'), false);
    assert.deepEqual(chunks(fetched, 'engine'), [], 'no <llm-engine>, nothing of it');
    assert.deepEqual(complaints, []);
  });
});

test('registers <llm-engine> before the elements that ask it, wherever it stands', async () => {
  const body = (cdn: string) =>
    `<script type="module" src="${cdn}/llm-elements.js"></script><llm-status></llm-status><llm-engine><llm-status></llm-status></llm-engine>`;
  await withPage(body, async ({ page, complaints }) => {
    await defined(page, 'llm-status');
    assert.equal(await isDefined(page, 'llm-engine'), true);
    assert.deepEqual(complaints, []);
  });
});

test('looks into a shadow root when it is told of it', async () => {
  const body = (cdn: string) => `<script type="module" src="${cdn}/llm-elements.js"></script><p></p>`;
  await withPage(body, async ({ page, cdn, complaints }) => {
    await page.waitForLoadState('load');
    await page.evaluate(async (from) => {
      const root = document.querySelector('p')?.attachShadow({ mode: 'open' });
      root?.append(document.createElement('llm-metrics'));
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (customElements.get('llm-metrics') !== undefined) throw new Error('it was not told yet');
      const { autoload } = (await import(`${from}/llm-elements.js`)) as { autoload(root: ShadowRoot | null): void };
      autoload(root ?? null);
    }, cdn);
    await defined(page, 'llm-metrics');
    assert.deepEqual(complaints, []);
  });
});

test('a second copy of the kit leaves the first in place and says so', async () => {
  const body = (cdn: string) => `<script type="module" src="${cdn}/llm-elements.js"></script><llm-status></llm-status>`;
  await withPage(
    body,
    async ({ page, cdn, complaints, told }) => {
      await defined(page, 'llm-status');
      await page.evaluate((from) => import(`${from}/define.js`), cdn); // the same copy: nothing to say
      assert.equal(told.length, 0, told.join('\n'));
      await page.evaluate((from) => import(`${from}/copy/define.js`), cdn);
      assert.ok(
        told.some((line) => line.includes('<llm-status> was registered by another copy')),
        told.join('\n'),
      );
      assert.deepEqual(complaints, []);
      // Two copies of Lit make the policy of its name twice.
    },
    "lit-html llm-elements 'allow-duplicates'",
  );
});
