// What reads and shows answers is fetched when somebody turns to writing: not before, and never in the way of the answer.
// Where it cannot be fetched, the words stand there as they came, are said, and the next message tries again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { withKit } from './support.js';

const html = `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>Late</title>
  <script type="module" src="/llm-elements.js"></script>
  <llm-engine device="wasm"><llm-chat temperature="0" max-tokens="12"></llm-chat></llm-engine>`;

const say = async (page: Page): Promise<void> => {
  await page.locator('llm-chat textarea').fill('What is the capital of France?');
  await page.locator('llm-chat textarea').press('Enter');
};

/** The conversation has so many messages, and nobody writes. */
const rests = (page: Page, messages: number) =>
  page.waitForFunction((count) => {
    const chat = document.querySelector('llm-chat');
    return chat !== null && !chat.busy && chat.messages.length === count;
  }, messages);

test('markdown comes with the focus; where it cannot, the plain words are shown and the next message tries again', async () => {
  const asked: string[] = [];
  let gone = true;
  await withKit(
    {
      policy: null,
      handle: (request, response) => {
        if (request.url === '/late.html') {
          response.writeHead(200, { 'Content-Type': 'text/html' }).end(html);
          return true;
        }
        if (request.url?.startsWith('/chunks/markdown-') !== true) return false;
        asked.push(request.url);
        if (gone) request.socket.destroy();
        return gone;
      },
    },
    async (kit) => {
      const page = await kit.context.newPage();
      await page.goto(`${kit.origin}/late.html`);
      const chat = page.locator('llm-chat');
      await chat.locator('textarea').waitFor();
      await page.waitForFunction(() => {
        const status = document.querySelector('llm-chat')?.shadowRoot?.querySelector('[part=header] .status');
        return status?.textContent.trim() !== '';
      });
      assert.deepEqual(asked, [], 'nobody has turned to the field');
      const failed = page.waitForEvent('requestfailed');
      await chat.locator('textarea').focus();
      assert.match((await failed).url(), /markdown-/);
      assert.equal(await chat.locator('[part=error]').count(), 0, 'nobody waits for it');
      await say(page);
      await rests(page, 2);
      const [, answer] = await page.evaluate(() => document.querySelector('llm-chat')?.messages ?? []);
      assert.ok(answer?.content, 'the engine answered');
      await chat.getByText('A part of the chat could not be loaded.').waitFor();
      assert.equal(await chat.locator('[part~=assistant-message] .bubble').textContent(), answer.content);
      assert.equal(await chat.locator('[part~=user-message] .bubble').count(), 1);

      gone = false;
      await say(page);
      await rests(page, 4);
      await chat.locator('[part=meta]').nth(1).waitFor();
      assert.equal(await chat.locator('.answer').count(), 2);
      assert.equal(await chat.locator('[part~=assistant-message] .bubble').count(), 0);
      assert.equal(await chat.locator('[part=error]').count(), 0);
    },
  );
});
