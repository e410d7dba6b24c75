// The two lines of HTML where sites put them: in a folder deep below the pages, under a <base>, twice, in a frame; and where
// they cannot work (a sandboxed frame, a page without scripts), what a visitor is told. From a CDN: autoload.e2e.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Frame, Page } from 'playwright-core';
import { distFolder } from '../../server/static-server.mjs';
import { withKit, type Kit } from './support.js';

const tag = '<script type="module" src="/blog/assets/llm/llm-elements.js"></script>';
const page = (body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>A blog</title>${body}`;
const files: Readonly<Record<string, string>> = {
  '/blog/post.html': page(`${tag}<llm-chat temperature="0"></llm-chat>`),
  '/blog/base.html': page(`<base href="/nowhere/">${tag}<llm-chat temperature="0"></llm-chat>`),
  '/blog/twice.html': page(`${tag}${tag.replace('.js', '.js?again')}<llm-chat temperature="0"></llm-chat>`),
  '/blog/framed.html': page('<iframe src="/blog/post.html" width="600" height="500" title="The chat"></iframe>'),
  '/blog/sandboxed.html': page('<iframe sandbox="allow-scripts" src="/blog/post.html" title="The chat"></iframe>'),
  '/blog/words.html': page(`${tag}<llm-chat>This chat needs JavaScript.</llm-chat>`),
};

const withBlog = (body: (kit: Kit) => Promise<void>): Promise<void> =>
  withKit(
    {
      policy: null,
      mounts: { '/blog/assets/llm/': distFolder },
      handle: (request, response) => {
        response.setHeader('Access-Control-Allow-Origin', '*'); // a sandboxed frame is of no origin
        const file = files[request.url ?? ''];
        if (file === undefined) return false;
        response.writeHead(200, { 'Content-Type': 'text/html' }).end(file);
        return true;
      },
    },
    body,
  );

const ask = async (place: Page | Frame): Promise<void> => {
  await place.locator('llm-chat textarea').fill('What is the capital of France?');
  await place.locator('llm-chat textarea').press('Enter');
};

test('in a folder, under a <base>, twice and in a frame: an answer, and nothing in the console', async () => {
  await withBlog(async (kit) => {
    for (const name of ['post', 'base', 'twice', 'framed']) {
      const opened = await kit.context.newPage();
      const said: string[] = [];
      opened.on('console', (message) => said.push(message.text()));
      opened.on('pageerror', (error) => said.push(error.message));
      await opened.goto(`${kit.origin}/blog/${name}.html`);
      const place = name === 'framed' ? opened.frames()[1] : opened;
      assert.ok(place, 'the frame is there');
      await ask(place);
      await place.locator('llm-chat').getByText('On this device').first().waitFor({ timeout: 60_000 });
      assert.deepEqual(said, [], name);
      await opened.close();
    }
  });
});

test('where the browser refuses site data the chat says so in plain words', async () => {
  await withBlog(async (kit) => {
    const opened = await kit.context.newPage();
    await opened.goto(`${kit.origin}/blog/sandboxed.html`);
    const frame = opened.frames()[1];
    assert.ok(frame, 'the frame is there');
    await ask(frame);
    await frame.locator('llm-chat').getByText('open it in a tab of its own').first().waitFor({ timeout: 30_000 });
  });
});

test('what stands between the tags is shown where no script runs', async () => {
  await withBlog(async (kit) => {
    const context = await kit.browser.newContext({ javaScriptEnabled: false });
    const opened = await context.newPage();
    await opened.goto(`${kit.origin}/blog/words.html`);
    assert.match(await opened.locator('body').innerText(), /This chat needs JavaScript/);
  });
});
