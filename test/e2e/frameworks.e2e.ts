// The chat in pages of React, Vue, Svelte and plain HTML, as examples/ has them: the framework sets a property, hears an
// event and re-renders; the answer comes from the embedded model.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withKit } from './support.js';

for (const framework of ['html', 'react', 'vue', 'svelte']) {
  test(`${framework}: a property goes in, an event comes out, an answer is there`, async () => {
    await withKit({}, async (kit) => {
      const page = await kit.context.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      await page.goto(`${kit.origin}/examples/${framework}/`);
      // What a framework sets before the element is there it sets as an attribute, under its own spelling of the name.
      await page.waitForFunction(() => customElements.get('llm-chat') !== undefined);
      await page.getByLabel('Short answers').check();
      await page.waitForFunction(() => document.querySelector('llm-chat')?.systemPrompt === 'Answer briefly.');
      await page.locator('llm-chat textarea').fill('What is the capital of France?');
      await page.keyboard.press('Enter');
      await page.locator('#count').getByText('2 messages').waitFor({ timeout: 60_000 });
      const said = await page.evaluate(() => document.querySelector('llm-chat')?.messages.at(-1)?.content);
      assert.match(said ?? '', /Paris/);
      assert.deepEqual(faults, []);
    });
  });
}
