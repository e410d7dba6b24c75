// The guides' own code, read from README.md and docs/ and run as it stands there, on a page of a site that has the kit
// under /llm-elements/, with the strict content security policy. Whoever changes a guide changes this test.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { distFolder } from '../../server/static-server.mjs';
import { blockWith } from '../docs/documents.js';
import { withKit, type Kit } from './support.js';

interface Site {
  readonly kit: Kit;
  /** A page whose body is `html` and whose module script is `script`; what it prints, and whatever it complains about. */
  open(html: string, script?: string): Promise<Opened>;
}
interface Opened {
  readonly page: Page;
  readonly printed: readonly string[];
  readonly complaints: readonly string[];
  /** Waits until the script has run to its end; fails with its error. */
  ended(): Promise<void>;
}

async function withSite(body: (site: Site) => Promise<void>): Promise<void> {
  const files = new Map<string, readonly [type: string, text: string]>();
  const handle: NonNullable<Parameters<typeof withKit>[0]>['handle'] = (request, response) => {
    if (request.url?.startsWith('/llm-elements/sw.js')) response.setHeader('Service-Worker-Allowed', '/');
    const file = files.get(request.url ?? '');
    if (file === undefined) return false;
    response.writeHead(200, { 'Content-Type': file[0] }).end(file[1]);
    return true;
  };
  await withKit({ handle, mounts: { '/llm-elements/': distFolder } }, async (kit) => {
    const open = async (html: string, script = ''): Promise<Opened> => {
      const name = `/page-${files.size}`;
      const tag = `<script type="module" src="${name}.js"></script>`;
      const head = '<meta charset="utf-8" /><link rel="icon" href="data:," /><title>A site</title>';
      files.set(`${name}.html`, ['text/html', `<!doctype html><html lang="en">${head}${html}${script && tag}`]);
      files.set(`${name}.js`, ['text/javascript', `${script}\n;console.debug('ended');`]);
      const page = await kit.context.newPage();
      const [printed, complaints]: [string[], string[]] = [[], []];
      let done = (): void => undefined;
      let failed = (_: Error): void => undefined;
      const ended = new Promise<void>((resolve, reject) => ([done, failed] = [resolve, reject]));
      ended.catch(() => undefined); // a test that does not wait for it looks at the complaints
      page.on('console', (message) => {
        if (message.type() === 'debug' && message.text() === 'ended') done();
        else if (message.type() === 'log') printed.push(message.text());
        else complaints.push(message.text());
      });
      page.on('pageerror', (error) => {
        complaints.push(error.message);
        failed(error);
      });
      page.on('request', (request) => {
        if (!request.url().startsWith(kit.origin) && !/^(blob|data):/.test(request.url()))
          complaints.push(request.url());
      });
      await page.goto(`${kit.origin}${name}.html`);
      return { page, printed, complaints, ended: () => ended };
    };
    await body({ kit, open });
  });
}

/** Asks in the page's chat; the answer that is then there. */
async function ask(page: Page, text: string): Promise<string> {
  await page.locator('llm-chat textarea').fill(text);
  const before = await page.evaluate(() => {
    const chat = document.querySelector('llm-chat');
    if (chat) chat.temperature = 0; // what it says is the same in every run
    return chat?.messages.length ?? 0;
  });
  await page.keyboard.press('Enter');
  const said = await page.waitForFunction(
    (count) => {
      const chat = document.querySelector('llm-chat');
      const newest = chat?.messages.at(-1);
      return chat?.busy === false && chat.messages.length > count && newest?.role === 'assistant' && newest.content;
    },
    before,
    { timeout: 60_000 },
  );
  return String(await said.jsonValue());
}

const kitTag = '<script type="module" src="/llm-elements/llm-elements.js"></script>';
const question = 'What is the capital of France?';

test('the two lines of the README are a chat, and the console stays empty', async () => {
  await withSite(async ({ open }) => {
    const { page, printed, complaints } = await open(blockWith('README.md', 'html', '<script'));
    assert.notEqual(await ask(page, question), '');
    assert.deepEqual([printed, complaints], [[], []]);
  });
});

test('the client, as the README and docs/events.md use it', async () => {
  await withSite(async ({ open }) => {
    const readme = await open('', blockWith('README.md', 'js', 'console.log(chunk'));
    await readme.ended();
    assert.ok(readme.printed.join('').length > 3, 'a story is printed');
    const around = 'const { signal } = new AbortController(); const show = (text) => console.log(text);\n';
    const events = await open('', around + blockWith('docs/events.md', 'js', 'show(chunk'));
    await events.ended();
    assert.ok(events.printed.join('').length > 3);
    const connected = "import { connect } from '/llm-elements/client.js';\nconst engine = await connect();\n";
    const print = '\nconsole.log(JSON.stringify(JSON.parse(choices[0].message.content)));';
    const structured = await open('', connected + blockWith('docs/events.md', 'js', 'response_format') + print);
    await structured.ended();
    const found = JSON.parse(structured.printed[0] ?? '') as Record<string, unknown>;
    assert.deepEqual(Object.keys(found).sort(), ['dollars', 'people', 'place']);
    for (const { complaints } of [readme, events, structured]) assert.deepEqual(complaints, []);
  });
});

test('events, page tools, words and looks, as the guides use them', async () => {
  await withSite(async ({ open }) => {
    const scripts = [
      blockWith('docs/events.md', 'js', "document.querySelector('llm-chat')"),
      blockWith('docs/events.md', 'js', 'set_theme'),
      blockWith('docs/theming.md', 'js', 'llmWords('),
    ];
    const html = `${kitTag}<llm-chat temperature="0"></llm-chat>`;
    const { page, printed, complaints, ended } = await open(html, scripts.join('\n'));
    await ended();
    assert.notEqual(await ask(page, 'Switch to dark mode'), '');
    assert.ok(
      printed.some((line) => line.startsWith('user Switch to dark mode')),
      printed.join('\n'),
    );
    assert.ok(printed.some((line) => /^assistant/.test(line)));
    // A message of more than 500 characters is not sent, as the listener says.
    await page.locator('llm-chat textarea').fill('x'.repeat(501));
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.querySelector('llm-chat')?.busy), false);
    await page.getByRole('button', { name: 'Ask', exact: true }).waitFor();
    const tools = await page.evaluate(() =>
      document.querySelector('llm-chat')?.tools.map(({ function: { name } }) => name),
    );
    assert.deepEqual(tools, ['set_theme']);
    assert.deepEqual(complaints, []);
  });
});

test("the Prompt API's session of docs/events.md", async () => {
  await withSite(async ({ open }) => {
    const print = "\nconsole.log('said:', await session.prompt('Is it old?', { responseConstraint: /yes|no/ }));";
    const { printed, complaints, ended } = await open('', blockWith('docs/events.md', 'js', 'languageModel()') + print);
    await ended();
    assert.match(printed.at(-1) ?? '', /^said: (yes|no)$/);
    assert.equal(printed.filter((line) => /^[\d.]+$/.test(line)).at(-1), '1', 'the download was told to its end');
    assert.deepEqual(complaints, []);
  });
});

test("OpenAI's package, as docs/openai.md uses it, behind the README's service worker", async () => {
  const register = blockWith('README.md', 'js', 'registerServiceWorker(');
  assert.ok(blockWith('docs/openai.md', 'js', 'registerServiceWorker(').includes(register), 'one way to register');
  const bundled = await build({
    stdin: {
      contents: `${register}\n${blockWith('docs/openai.md', 'js', 'new OpenAI(')}`,
      resolveDir: join(import.meta.dirname, '../..'),
    },
    bundle: true,
    external: ['/llm-elements/*'],
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  await withSite(async ({ open }) => {
    const { printed, complaints, ended } = await open('', bundled.outputFiles[0]?.text ?? '');
    await ended();
    assert.ok(printed.join('').trim().length > 3, printed.join(''));
    assert.deepEqual(complaints, []);
  });
});

test("the request of docs/openai.md in the demo's console", async () => {
  const request = blockWith('docs/openai.md', 'js', "fetch('./llm/v1");
  await withSite(async ({ kit }) => {
    const page = await kit.context.newPage();
    await page.goto(`${kit.origin}/index.html`);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null, undefined, { timeout: 30_000 });
    const printed = page.waitForEvent('console', { predicate: (message) => message.type() === 'log', timeout: 60_000 });
    await page.evaluate(`(async () => {${request}})()`);
    assert.ok((await printed).text().length > 3);
  });
});
