// The picker with the real engine and a real keyboard: load, keep, delete after a question, with the focus never lost; and
// the site's settings that a visitor meets there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { strictPolicy } from '../../server/static-server.mjs';
import { withKit, type Kit } from './support.js';

/** A page with the picker in an engine with these attributes, under the strict policy; its faults are collected. */
async function pickerPage(kit: Kit, attributes: string): Promise<{ page: Page; faults: string[] }> {
  const page = await kit.context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  await page.route('**/picker.html', (route) =>
    route.fulfill({
      contentType: 'text/html',
      headers: { 'Content-Security-Policy': strictPolicy },
      body: `<!doctype html><html lang="en"><title>picker</title><script type="module" src="/define.js"></script>
        <llm-engine ${attributes}><llm-model-picker></llm-model-picker></llm-engine></html>`,
    }),
  );
  await page.goto(`${kit.origin}/picker.html`);
  await page.getByText('No model is kept on this device yet.').waitFor();
  return { page, faults };
}

const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const element = document.querySelector('llm-model-picker')?.shadowRoot?.activeElement;
    return element instanceof HTMLInputElement ? element.type : (element?.textContent?.trim() ?? 'nothing');
  });

test('a visitor loads and deletes a model with the keyboard alone', async () => {
  await withKit({}, async (kit) => {
    const { page, faults } = await pickerPage(kit, 'device="wasm"');
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'radio');
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    assert.match(await focused(page), /^Load/);
    await page.keyboard.press('Enter');
    await page.getByText(/^On this device: /).waitFor({ timeout: 30_000 });
    await page.getByText('1 model is kept on this device').waitFor();
    assert.equal(await focused(page), 'radio', 'the button that loaded is gone, its card has the focus');

    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'Delete');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    assert.equal(await focused(page), 'Keep it');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    assert.equal(await focused(page), 'Delete');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('No model is kept on this device yet.').waitFor();
    assert.equal(await focused(page), 'radio');
    assert.deepEqual(faults, []);
  });
});

test('what the site set for the engine is said and obeyed', async () => {
  await withKit({}, async (kit) => {
    const limited = await pickerPage(kit, 'device="wasm" max-download="1"');
    await limited.page.getByText('Larger than this site allows (1 MB).').waitFor();
    await limited.page.getByRole('radio').first().check();
    await limited.page.getByRole('button', { name: /^Load \(/ }).click();
    await limited.page
      .locator('[part=error]')
      .getByText(/are allowed here/)
      .waitFor();
    await limited.page.close();
    await kit.endEngine();
    const pinned = await pickerPage(kit, `device="wasm" trusted-keys="${'AB'.repeat(32)} ${'cd'.repeat(32)}"`);
    await pinned.page.getByRole('radio').first().check();
    await pinned.page.getByRole('button', { name: /^Load \(/ }).click();
    await pinned.page
      .locator('[part=error]')
      .getByText(/not signed/)
      .waitFor();
    assert.deepEqual([...limited.faults, ...pinned.faults], []);
  });
});
