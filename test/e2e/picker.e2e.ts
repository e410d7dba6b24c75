// The picker with the real engine and a real keyboard: load, keep, delete after a question, with the focus never lost; and
// the site's settings that a visitor meets there.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { packToGguf } from '../../bench/lab/pack-to-gguf.js';
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

/** Waits until something has the focus: it moves when a question has been opened or closed, or a list has changed. */
async function untilFocused(page: Page, wanted: string): Promise<void> {
  for (let tries = 0; (await focused(page)) !== wanted && tries < 300; tries++) await page.waitForTimeout(100);
  assert.equal(await focused(page), wanted);
}

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
    await untilFocused(page, 'radio'); // the button that loaded is gone, its card has the focus

    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'Delete');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await untilFocused(page, 'Keep it');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await untilFocused(page, 'Delete');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await untilFocused(page, 'Keep it');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('No model is kept on this device yet.').waitFor();
    await untilFocused(page, 'radio');
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

test('a GGUF of the visitor’s own: chosen with the button, dropped, refused when it is none, first come gives way', async () => {
  const gguf = await packToGguf(join(import.meta.dirname, '../../models/default/pack'));
  const folder = mkdtempSync(join(tmpdir(), 'llm-elements-'));
  const files = {
    mine: join(folder, 'mine.gguf'),
    notes: join(folder, 'notes.gguf'),
    dropped: join(folder, 'dropped.gguf'),
  };
  writeFileSync(files.mine, gguf);
  writeFileSync(files.dropped, gguf);
  writeFileSync(files.notes, 'Milk, bread, a book on owls.');
  /** A download that does not end by itself. */
  let asked: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => (asked = resolve));
  const handle = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.url !== '/slow.gguf') return false;
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': '400000000' });
    response.write(Buffer.from('GGUF'));
    asked();
    return true;
  };
  try {
    await withKit({ handle }, async (kit) => {
      const { page, faults } = await pickerPage(kit, 'device="wasm"');
      const inUse = (name: string) =>
        page.locator(`[part=model][data-current] input[value^="file:${name}?"]`).waitFor();
      await page.getByText('A model of your own').click();
      const choose = async (path: string) => {
        const chooser = page.waitForEvent('filechooser');
        await page.getByRole('button', { name: 'Choose a file' }).click();
        await (await chooser).setFiles(path);
      };
      await page.getByRole('textbox', { name: 'Address of a model' }).fill(`${kit.origin}/slow.gguf`);
      await page.keyboard.press('Enter');
      await slow;
      await choose(files.mine);
      await inUse('mine.gguf');
      assert.equal(await page.locator('[part=error]').count(), 0, 'that the first gave way is no failure');

      await choose(files.notes);
      await page
        .locator('[part=error]')
        .getByText(/notes\.gguf/)
        .waitFor();
      await inUse('mine.gguf');

      await dropFile(page, files.dropped);
      await inUse('dropped.gguf');
      assert.equal(await page.locator('[part=error]').count(), 0);
      assert.deepEqual(faults, []);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Drags a file from the disk onto the picker, as the browser's own drag does. */
async function dropFile(page: Page, path: string): Promise<void> {
  const box = await page.locator('llm-model-picker fieldset').boundingBox();
  if (box === null) throw new Error('no picker');
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: box.x + 20, y: box.y + 20, data });
  }
  await session.detach();
}
