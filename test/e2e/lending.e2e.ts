// A tab of an isolated page lends the engine a worker with threads, under the strict policy: the model is computed there,
// and goes on with another tab's when the lender leaves.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { randomGguf } from '../../bench/lab/random-gguf.js';
import { answer, clientPage, stateOf, withKit } from './support.js';

const skip = availableParallelism() < 2 && 'threads need two cores';

test('a model of some size is computed by the threads that a tab lends, and by the next tab’s', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-elements-lending-'));
  try {
    // Of an untrained model of this shape, because threads are not for models as small as the embedded one.
    writeFileSync(join(folder, 'model.gguf'), randomGguf('smollm2-135m'));
    await withKit({ isolate: true, mounts: { '/lending/': folder } }, async (kit) => {
      const lender = await clientPage(kit);
      const next = await clientPage(kit);
      await lender.evaluate(() => window.engine.load('/lending/model.gguf'));
      const loaded = await stateOf(lender);
      assert.equal(loaded.status.kind, 'ready');
      assert.match(loaded.status.model.deviceName, /WebAssembly .*SIMD, [2-8] threads/);
      assert.equal(await lender.evaluate(() => window.engine.state.notes.length), 0);
      await answer(next, 'Hello', { max_tokens: 4 }); // its words are random

      // The newest offer was taken: with that tab goes the worker, and the other one's takes over.
      await next.close();
      await answer(lender, 'Hello', { max_tokens: 4 });
      const after = await stateOf(lender);
      assert.equal(after.status.kind, 'ready');
      assert.match(after.status.model.deviceName, /threads/);
      assert.match(after.notes.join(' '), /tab whose processor cores were used has gone/);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
