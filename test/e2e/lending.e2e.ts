// A tab of an isolated page lends the engine a worker with threads, under the strict policy: the model is computed there,
// and goes on with another tab's when the lender leaves.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { randomGguf } from '../../bench/lab/random-gguf.js';
import { begin, longAnswer, outcome, reach } from './faults-support.js';
import { clientPage, stateOf, withKit, type Kit } from './support.js';

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

async function assertThreads(page: Page): Promise<void> {
  const { status } = await stateOf(page);
  assert.equal(status.kind, 'ready');
  assert.match(status.model.deviceName, /WebAssembly .*SIMD, [2-8] threads/);
}

test(
  'a tab lends threads; when it leaves in mid-answer, the answer goes on with the next tab’s',
  { skip },
  async () => {
    await withLargerModel(async (kit) => {
      const staying = await clientPage(kit);
      const lending = await clientPage(kit); // the newest offer is taken
      await staying.evaluate(() => window.engine.load('/lending/model.gguf'));
      await assertThreads(staying);
      assert.deepEqual(await staying.evaluate(() => window.engine.state.notes), []);
      await begin(staying, longAnswer(40));
      const whole = await outcome(staying);
      await begin(staying, longAnswer(40));
      await reach(staying, 1); // what an untrained model says makes few words
      await lending.close();
      const { text, code } = await outcome(staying);
      assert.equal(code, null, 'whoever reads the answer notices nothing');
      assert.equal(text, whole.text);
      await assertThreads(staying);
      assert.match((await stateOf(staying)).notes.join(' '), /tab whose processor cores were used has gone/);
    });
  },
);

test('an elected tab lends its engine threads; the tab that takes over lends its own', { skip }, async () => {
  await withLargerModel(async (kit) => {
    const elected = await clientPage(kit, { device: 'wasm', host: 'tab' });
    const next = await clientPage(kit, { device: 'wasm', host: 'tab' });
    await next.evaluate(() => window.engine.load('/lending/model.gguf'));
    await assertThreads(next);
    await begin(next, longAnswer(40));
    await reach(next, 1);
    const { hostId } = await stateOf(next);
    await elected.close();
    const { code } = await outcome(next);
    assert.equal(code, null);
    assert.notEqual((await stateOf(next)).hostId, hostId);
    await assertThreads(next);
  });
});
