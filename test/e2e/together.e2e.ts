// Two tabs that are answered at the same time by one model on WebGPU: both see it, both are told what they are told alone,
// and one that stops leaves the other as it is. (Software WebGPU; how fast it is, bench/lab measures.)

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { holdAnswers, SharedEngine } from './engine-worker.js';
import { answer, clientPage, until, withKit } from './support.js';

const asks = ['Tell me a story about a lighthouse', 'How do I embed the chat in a page?'] as const;
const limits = { max_tokens: 48 };

/** Asks with a stream; when each piece came, by this machine's clock. */
const stream = (page: Page, content: string, stopAfter = Infinity) =>
  page.evaluate(
    async ({ content, stopAfter }) => {
      const stop = new AbortController();
      const times: number[] = [];
      let text = '';
      let code = 'none';
      try {
        const chunks = await window.engine.chat.completions.create(
          { messages: [{ role: 'user', content }], temperature: 0, max_tokens: 48, stream: true },
          { signal: stop.signal },
        );
        for await (const chunk of chunks) {
          const piece = chunk.choices[0].delta.content;
          if (!piece) continue;
          text += piece;
          if (times.push(performance.timeOrigin + performance.now()) === stopAfter) stop.abort();
        }
      } catch (error) {
        code = (error as { code: string }).code;
      }
      return { text, times, code };
    },
    { content, stopAfter: Number.isFinite(stopAfter) ? stopAfter : 1e9 },
  );

test('two tabs are answered at the same time, each as if it were alone', { timeout: 300_000 }, async () => {
  await withKit({}, async (kit) => {
    const options = { device: 'webgpu' };
    const [one, two] = [await clientPage(kit, options), await clientPage(kit, options)];
    await one.evaluate(async () => void (await window.engine.load('default', { device: 'webgpu' })));
    const alone = [await answer(one, asks[0], limits), await answer(two, asks[1], limits)];

    const hold = await holdAnswers(await SharedEngine.of(kit), 4);
    const answering = [stream(one, asks[0]), stream(two, asks[1])] as const;
    const { generating } = await until(one, (state) => state.generating.length === 2, 'both are answered');
    await hold.held();
    await hold.letGo();
    const tabs = await Promise.all([one, two].map((page) => page.evaluate(() => window.engine.tabId)));
    assert.deepEqual(generating.map(({ tabId }) => tabId).sort(), [...tabs].sort());
    const said = await Promise.all(answering);
    assert.deepEqual(
      said.map(({ text }) => text),
      alone,
    );
    const begun = Math.max(...said.map(({ times }) => times[0] ?? Infinity));
    const first = Math.min(...said.map(({ times }) => times.at(-1) ?? -Infinity));
    assert.ok(begun < first, 'pieces of both come beside each other: neither ends before the other begins');

    // One stops in the middle: the other goes on to the same end.
    const [whole, stopped] = await Promise.all([stream(one, asks[0]), stream(two, asks[1], 2)]);
    assert.deepEqual([whole.text, whole.code, stopped.code], [alone[0], 'none', 'aborted']);
    await until(one, (state) => state.generating.length === 0, 'both are over');
  });
});
