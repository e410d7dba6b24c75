// A site puts up a newer build of the kit: pages keep the build that they have, whole, until a visitor clicks; no answer
// is cut by it, neither of the page nor of /v1 in another tab; other tabs are told. And without any service worker: a tab
// of the newer build has an engine of its own. The newer build is a copy of dist/ with a few bytes changed.

import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type * as Client from '../../engine/client/index.js';
import { distFolder } from '../../server/static-server.mjs';
import { engineBuild, stampKit } from '../../sw/stamp-kit.mjs';
import { holdAnswers, SharedEngine } from './engine-worker.js';
import { answer, clientPage, stateOf, until, withKit, type Kit } from './support.js';

declare global {
  interface Window {
    worker: Client.KitServiceWorker;
    tokens: number;
  }
}

/** The kit out of a folder whose content the body may change. */
async function withSite(body: (kit: Kit, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-elements-site-'));
  try {
    await cp(distFolder, folder, { recursive: true });
    await withKit({ root: folder }, (kit) => body(kit, folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Another build: the demo page says something else, and its style is new. */
async function publish(folder: string): Promise<void> {
  for (const [file, from, to] of [
    ['index.html', '<title>', '<title>Newer: '],
    ['blank.html', '<title>', '<title>Newer: '],
    ['demo.css', ':root {', ':root { --newer: 1;'],
  ] as const) {
    const path = join(folder, file);
    await writeFile(path, (await readFile(path, 'utf8')).replace(from, to));
  }
  await stampKit(folder);
}

const isNewer = (page: Page): Promise<{ page: boolean; style: boolean }> =>
  page.evaluate(() => ({
    page: document.title.startsWith('Newer'),
    style: getComputedStyle(document.documentElement).getPropertyValue('--newer') === '1',
  }));

/** The demo, with its service worker in charge and its own offer of updates. */
async function openDemo(kit: Kit): Promise<Page> {
  const page = await kit.context.newPage();
  await page.goto(`${kit.origin}/index.html`);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  return page;
}

test('a newer build waits for a click, whole; two tabs; a running stream of /v1 is not cut', async () => {
  await withSite(async (kit, folder) => {
    const demo = await openDemo(kit);
    const other = await openDemo(kit);
    const asking = await clientPage(kit);
    await asking.evaluate(async () => {
      const client = (await import(new URL('/client.js', location.href).href)) as typeof Client;
      window.worker = await client.registerServiceWorker({ engine: window.engine, pages: true });
      await window.worker.endpoint();
      await window.engine.load('default');
    });
    await publish(folder);
    await demo.reload();
    assert.deepEqual(await isNewer(demo), { page: false, style: false }, 'what holds goes on');
    await demo.getByRole('button', { name: 'Update' }).waitFor();
    await other.getByRole('button', { name: 'Update' }).waitFor();

    const hold = await holdAnswers(await SharedEngine.of(kit), 8);
    const reading = asking.evaluate(async () => {
      window.tokens = 0;
      const response = await fetch(`${await window.worker.endpoint()}/chat/completions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({
          messages: [{ role: 'user', content: 'Tell me a long story' }],
          stream: true,
          max_tokens: 800,
          logit_bias: { '0': -100, '1': -100, '5': -100, '6': -100 },
        }),
      });
      let text = '';
      const decoder = new TextDecoder();
      const reader = response.body?.getReader();
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
        text += decoder.decode(part.value, { stream: true });
        window.tokens += 1;
      }
      return text;
    });
    await hold.held();
    await asking.waitForFunction(() => window.tokens > 0);
    const said: string[] = [];
    await demo.exposeFunction('noteBar', (text: string) => said.push(text));
    await demo.evaluate(() => {
      const bar = document.querySelector('#update');
      const note = (globalThis as unknown as { noteBar: (text: string) => void }).noteBar;
      if (bar) new MutationObserver(() => note(bar.textContent ?? '')).observe(bar, { childList: true });
    });
    await demo.evaluate(() => document.querySelector<HTMLButtonElement>('#update button')?.click());
    await demo.getByText('Updating when the answer is finished …').waitFor();
    await hold.letGo();
    const text = await reading;
    assert.match(text.slice(-1000), /"finish_reason":"length"[^]*data: \[DONE\]/, 'it came to its own end');
    await demo.waitForFunction(() => document.title.startsWith('Newer'));
    assert.deepEqual(
      [...new Set(said)],
      ['Updating when the answer is finished …'],
      'and nothing else until it is reloaded',
    );
    assert.deepEqual(await isNewer(demo), { page: true, style: true }, 'the newer build, all of it');
    assert.equal(await demo.locator('#update').innerText(), '');

    await other.getByText('A newer version is in use in another tab.').waitFor();
    assert.deepEqual(await isNewer(other), { page: false, style: false }, 'nobody reloads it unasked');
    assert.notEqual((await answer(asking, 'Hello')).trim(), '', 'pages of the old build go on');
    await other.getByRole('button', { name: 'Update' }).click();
    await other.waitForFunction(() => document.title.startsWith('Newer'));

    // What was taken over is whole: it opens with the server gone.
    for (const page of [demo, other, asking]) await page.close();
    kit.server.closeAllConnections();
    await new Promise((done) => kit.server.close(done));
    const offline = await openDemo(kit);
    assert.deepEqual(await isNewer(offline), { page: true, style: true });
  });
});

test('a server in the middle of an update changes nothing, and once it is done the newer build comes', async () => {
  await withSite(async (kit, folder) => {
    const demo = await openDemo(kit);
    const whole = await readFile(join(folder, 'demo.js'));
    await writeFile(join(folder, 'demo.js'), `${whole.toString()}\n// newer`);
    await publish(folder);
    await writeFile(join(folder, 'demo.js'), whole); // this file has not arrived yet
    const failed = await demo.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const found = new Promise<ServiceWorkerState>((resolve) => {
        registration.addEventListener('updatefound', () => {
          const { installing: worker } = registration;
          worker?.addEventListener('statechange', () => {
            if (worker.state !== 'installing') resolve(worker.state);
          });
        });
      });
      registration.update().catch(() => undefined); // it cannot be installed
      return await found;
    });
    assert.equal(failed, 'redundant');
    await demo.reload();
    assert.deepEqual(await isNewer(demo), { page: false, style: false });
    await writeFile(join(folder, 'demo.js'), `${whole.toString()}\n// newer`);
    await demo.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
    await demo.getByRole('button', { name: 'Update' }).click();
    await demo.waitForFunction(() => document.title.startsWith('Newer'));
  });
});

test('a tab with a newer engine does not join the engine of an older tab, and each ends with its tabs', async () => {
  await withSite(async (kit, folder) => {
    const old = await clientPage(kit);
    await answer(old, 'Hello');
    const before = await engineBuild(folder);
    const engine = join(folder, 'engine-worker.js');
    await writeFile(engine, `${await readFile(engine, 'utf8')}\n// newer`);
    const after = await engineBuild(folder);
    const scripts = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.js'));
    const texts = new Map<string, string>();
    for (const file of scripts) texts.set(file, await readFile(join(folder, file), 'utf8'));
    // A file that holds the build, or names one that does, has another hash in its name then, as a real build would give it.
    const renamed = new Map<string, string>();
    for (let known = -1; known < renamed.size;) {
      known = renamed.size;
      for (const [file, text] of texts) {
        const name = basename(file);
        const other = [before, ...renamed.keys()].some((part) => text.includes(part));
        if (other && file.startsWith(`chunks${sep}`)) {
          renamed.set(name, name.replace(/\.js$/, `-${after.slice(0, 8)}.js`));
        }
      }
    }
    for (const file of scripts) {
      let text = (texts.get(file) ?? '').replaceAll(before, after);
      for (const [name, other] of renamed) text = text.replaceAll(name, other);
      await writeFile(join(folder, file), text);
      const other = renamed.get(basename(file));
      if (other !== undefined) await rename(join(folder, file), join(folder, dirname(file), other));
    }
    const newer = await clientPage(kit);
    await answer(newer, 'Hello');
    const [one, two] = await Promise.all([stateOf(old), stateOf(newer)]);
    assert.notEqual(one.hostId, two.hostId);
    assert.deepEqual([one.tabs, two.tabs], [1, 1]);
    const session = await kit.browser.newBrowserCDPSession();
    const engines = async (): Promise<string[]> => {
      const { targetInfos } = await session.send('Target.getTargets');
      return targetInfos.filter(({ type }) => type === 'shared_worker').map(({ url }) => new URL(url).search);
    };
    assert.deepEqual((await engines()).sort(), [`?build=${before}`, `?build=${after}`].sort());
    await old.close();
    // An engine waits some seconds for a page to come back.
    for (let tries = 0; (await engines()).length > 1 && tries < 600; tries++) await newer.waitForTimeout(100);
    assert.deepEqual(await engines(), [`?build=${after}`]);
    await until(newer, ({ status }) => status.kind === 'ready', 'the newer one lives on');
  });
});
