// A tab of an isolated page lends the engine a worker with threads, under the strict policy: the model is computed there,
// and goes on with another tab's when the lender leaves. Where headers refuse memory that is shared, or a worker, one thread
// computes the same answer and the state says that it is one.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { randomGguf } from '../../bench/lab/random-gguf.js';
import { isolationHeaders } from '../../server/headers.mjs';
import { holdAnswers, SharedEngine, tabEngine } from './engine-worker.js';
import { begin, longAnswer, outcome } from './faults-support.js';
import { clientPage, stateOf, until, withKit, type Kit } from './support.js';

const skip = availableParallelism() < 2 && 'threads need two cores';

interface Headers {
  /** COOP and COEP on everything; the default. */
  readonly isolate?: boolean;
  readonly handle?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** Tests with a model that threads are for: the embedded one is too small. Untrained, so what it says is not asserted. */
async function withLargerModel(run: (kit: Kit) => Promise<void>, headers: Headers = {}): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'llm-elements-lending-'));
  try {
    writeFileSync(join(folder, 'model.gguf'), randomGguf('smollm2-135m'));
    await withKit({ isolate: true, mounts: { '/lending/': folder }, ...headers }, run);
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

/**
 * Tokens of an answer that is held in its middle. The helper may send eight tokens before each of the engine's turns and compute
 * eight more before it waits, so ten turns are at most 88 tokens, however fast the machine is.
 */
const long = 240;

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
      await begin(staying, longAnswer(long));
      const whole = await outcome(staying);
      const hold = await holdAnswers(await SharedEngine.of(kit), { turns: 10 }); // an untrained model says few words
      await begin(staying, longAnswer(long));
      await hold.held();
      assert.ok((await hold.tokens()) < long, 'the answer is under way');
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
    await begin(next, longAnswer(long));
    await hold.held();
    const { hostId } = await stateOf(next);
    await elected.close();
    const { code } = await outcome(next);
    assert.equal(code, null);
    assert.notEqual((await stateOf(next)).hostId, hostId);
    await withThreads(next);
  });
});

/** Serves the helper's script, the first `isolated` times with the header that a worker of an isolated page needs. */
function helperScript(isolated: number): Required<Pick<Headers, 'handle'>> & { readonly asked: () => number } {
  const script = readFileSync(join(import.meta.dirname, '../../dist/helper-worker.js'));
  let asked = 0;
  return {
    asked: () => asked,
    handle: (request, response) => {
      if (request.url?.split('?', 1)[0] !== '/helper-worker.js') return false;
      asked += 1;
      const headers = { 'Content-Type': 'text/javascript', 'Cache-Control': 'no-store' };
      response.writeHead(200, { ...headers, ...(asked <= isolated ? isolationHeaders : {}) }).end(script);
      return true;
    },
  };
}

/** Loads, answers, and says so with one thread. */
async function assertAlone(kit: Kit): Promise<void> {
  const page = await clientPage(kit);
  await page.evaluate(() => window.engine.load('/lending/model.gguf'));
  await until(
    page,
    ({ status }) => status.kind === 'ready' && /WebAssembly .*SIMD, 1 thread$/.test(status.model.deviceName),
    'it is computed with one thread',
  );
  await begin(page, longAnswer(4));
  assert.equal((await outcome(page)).code, null);
}

test('without COOP and COEP one thread computes, and the state says so', async () => {
  await withLargerModel(
    async (kit) => {
      const page = await clientPage(kit);
      assert.equal(await page.evaluate(() => crossOriginIsolated), false);
      await assertAlone(kit);
    },
    { isolate: false },
  );
});

test('a helper whose script comes without COEP is refused by the browser: one thread computes', { skip }, async () => {
  const { asked, handle } = helperScript(0);
  await withLargerModel(assertAlone, { handle });
  assert.equal(asked(), 1);
});

test('a helper whose threads are refused computes alone', { skip }, async () => {
  const { asked, handle } = helperScript(1);
  await withLargerModel(assertAlone, { handle });
  assert.ok(asked() > 1, 'it asked for threads');
});
