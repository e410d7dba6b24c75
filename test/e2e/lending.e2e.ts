// A tab of an isolated page lends the engine a worker with threads, under the strict policy: the model is computed there,
// and goes on with another tab's when the lender leaves.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { randomGguf } from '../../bench/lab/random-gguf.js';
import { holdAnswers, SharedEngine, tabEngine } from './engine-worker.js';
import { begin, longAnswer, outcome } from './faults-support.js';
import { clientPage, stateOf, until, withKit, type Kit } from './support.js';

const skip = availableParallelism() < 2 && 'threads need two cores';

/** Tests with a model that threads are for: the embedded one is too small. Untrained, so what it says is not asserted. */
async function withLargerModel(run: (kit: Kit) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'llm-elements-lending-'));
  try {
    writeFileSync(join(folder, 'model.gguf'), randomGguf('smollm2-135m'));
    await withKit({ isolate: true, mounts: { '/lending/': folder } }, run);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const withThreads = (page: Page) =>
  until(
    page,
    ({ status }) => status.kind === 'ready' && /WebAssembly .*SIMD, [2-8] threads/.test(status.model.deviceName),
    'it is computed with threads',
  );

/** Resolves when the engine knows what this tab lends: its calls are heard in their order. */
const offered = (page: Page): Promise<unknown> => page.evaluate(() => window.engine.models.storage());

test(
  'a tab lends threads; when it leaves in mid-answer, the answer goes on with the next tab’s',
  { skip },
  async () => {
    await withLargerModel(async (kit) => {
      const staying = await clientPage(kit);
      await offered(staying);
      const lending = await clientPage(kit); // the newest offer is taken
      await offered(lending);
      await staying.evaluate(() => window.engine.load('/lending/model.gguf'));
      await withThreads(staying);
      assert.deepEqual(await staying.evaluate(() => window.engine.state.notes), []);
      await begin(staying, longAnswer(40));
      const whole = await outcome(staying);
      const hold = await holdAnswers(await SharedEngine.of(kit), { turns: 10 }); // an untrained model says few words
      await begin(staying, longAnswer(40));
      await hold.held();
      await lending.close();
      await until(staying, ({ tabs }) => tabs === 1, 'the lender is gone');
      await hold.letGo();
      const { text, code } = await outcome(staying);
      assert.equal(code, null, 'whoever reads the answer notices nothing');
      assert.equal(text, whole.text);
      await withThreads(staying);
      const gone = /tab whose processor cores were used has gone/;
      await until(staying, ({ notes }) => gone.test(notes.join(' ')), 'a note says why');
    });
  },
);

test('an elected tab lends its engine threads; the tab that takes over lends its own', { skip }, async () => {
  await withLargerModel(async (kit) => {
    const elected = await clientPage(kit, { device: 'wasm', host: 'tab' });
    await offered(elected);
    const next = await clientPage(kit, { device: 'wasm', host: 'tab' });
    await next.evaluate(() => window.engine.load('/lending/model.gguf'));
    await withThreads(next);
    const hold = await holdAnswers(tabEngine(elected), { turns: 10 });
    await begin(next, longAnswer(40));
    await hold.held();
    const { hostId } = await stateOf(next);
    await elected.close();
    const { code } = await outcome(next);
    assert.equal(code, null);
    assert.notEqual((await stateOf(next)).hostId, hostId);
    await withThreads(next);
  });
});
