// The Prompt API on the shipped kit with the embedded model, under the strict policy: create with progress, an answer held
// to a schema and to a pattern, streaming, clone. The model is small; that its JSON is valid is the engine's doing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as LanguageModels from '../../engine/client/language-model/index.js';
import { strictPolicy } from '../../server/static-server.mjs';
import { withKit } from './support.js';

test('a program written for the Prompt API runs with the kit', async () => {
  await withKit({}, async (kit) => {
    const page = await kit.context.newPage();
    await page.route('**/prompt.html', (route) =>
      route.fulfill({
        contentType: 'text/html',
        headers: { 'Content-Security-Policy': strictPolicy },
        body: '<!doctype html><html lang="en"><title>prompt</title></html>',
      }),
    );
    await page.addInitScript('globalThis.__name = (named) => named'); // what the compiler of this test calls
    await page.goto(`${kit.origin}/prompt.html`);
    const seen = await page.evaluate(async () => {
      const kitModule = (await import(new URL('/language-model.js', location.href).href)) as typeof LanguageModels;
      const installed = kitModule.installLanguageModel({ replace: true, device: 'wasm' });
      const { LanguageModel } = globalThis as unknown as { LanguageModel: LanguageModels.LanguageModelClass };
      const before = await LanguageModel.availability();
      const progress: number[] = [];
      const session = await LanguageModel.create({
        temperature: 0,
        initialPrompts: [{ role: 'system', content: 'You are a friendly assistant on a web page.' }],
        monitor: (monitor) => {
          monitor.addEventListener('downloadprogress', (event) => progress.push((event as ProgressEvent).loaded));
        },
      });
      const after = await LanguageModel.availability();
      const copy = await session.clone();
      const plain = await session.prompt('What is the capital of France?');
      const schema = {
        type: 'object',
        properties: {
          city: { type: 'string', maxLength: 20 },
          people: { type: 'integer', minimum: 1, maximum: 99_999_999 },
          tags: { type: 'array', items: { enum: ['big', 'small', 'old'] }, minItems: 1, maxItems: 2 },
        },
        required: ['city', 'people', 'tags'],
      };
      const json = await copy.prompt('Paris is a big old city of 2000000 people.', { responseConstraint: schema });
      const verdict = await copy.prompt('Is Paris big?', { responseConstraint: /(?:yes|no), (?:I am sure|perhaps)\./ });
      let streamed = '';
      for await (const piece of copy.promptStreaming('Write a story about a brave mouse', {
        responseConstraint: /[^\n]{40}/,
      }))
        streamed += piece;
      return {
        installed,
        before,
        after,
        progress,
        plain,
        json,
        verdict,
        streamed,
        used: copy.contextUsage,
        window: copy.contextWindow,
      };
    });
    assert.equal(seen.installed, true);
    assert.deepEqual([seen.before, seen.after], ['downloadable', 'available']);
    assert.equal(seen.progress[0], 0);
    assert.equal(seen.progress.at(-1), 1);
    assert.match(seen.plain, /Paris/);
    const value = JSON.parse(seen.json) as { city: string; people: number; tags: string[] };
    assert.deepEqual(Object.keys(value), ['city', 'people', 'tags']);
    assert.ok([...value.city].length <= 20);
    assert.ok(Number.isInteger(value.people) && value.people >= 1);
    assert.ok(value.tags.length >= 1 && value.tags.every((tag) => ['big', 'small', 'old'].includes(tag)));
    assert.match(seen.verdict, /^(yes|no), (I am sure|perhaps)\.$/);
    assert.match(seen.streamed, /^[^\n]{40}$/);
    assert.ok(seen.used > 0 && seen.used <= seen.window);
  });
});
