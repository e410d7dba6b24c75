// What the fault tests share: an answer that is under way in a page while something is broken, and what became of it.
// docs/faults.md names the test for each fault.

import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { RecoveryState } from '../../engine/protocol/state.js';

interface Watched {
  text: string;
  chunks: number;
  code: string | null;
  ended: Promise<void>;
  told: RecoveryState[];
}

declare global {
  interface Window {
    watched: Watched;
  }
}

/** Whatever ends an answer of the embedded model: the answers of these tests are to go on until their limit. */
const endless = { '0': -100, '1': -100, '5': -100, '6': -100 };

/** Greedy, and as long as it says: what it gives is the same every time. */
export const longAnswer = (max_tokens: number) => ({
  messages: [{ role: 'user', content: 'Tell me a long story about a lighthouse' }],
  temperature: 0,
  max_tokens,
  logit_bias: endless,
});

/** Begins an answer that goes on in the page, and notes what the state says meanwhile. */
export async function begin(page: Page, request: Record<string, unknown>): Promise<void> {
  await page.evaluate((asked) => {
    const watched: Watched = { text: '', chunks: 0, code: null, ended: Promise.resolve(), told: [] };
    window.watched = watched;
    const stop = window.engine.subscribe(({ recovering }) => {
      if (recovering !== null && JSON.stringify(watched.told.at(-1)) !== JSON.stringify(recovering)) {
        watched.told.push(recovering);
      }
    });
    watched.ended = (async () => {
      try {
        const completions = window.engine.chat.completions;
        const stream = await completions.create({ ...asked, stream: true } as Parameters<typeof completions.create>[0]);
        for await (const chunk of stream as AsyncIterable<{ choices: readonly [{ delta: { content?: string } }] }>) {
          watched.text += chunk.choices[0].delta.content ?? '';
          watched.chunks += 1;
        }
      } catch (error) {
        watched.code = (error as { code?: string }).code ?? String(error);
      }
      stop();
    })();
  }, request);
}

/** Waits until so many pieces of the answer are here. */
export const reach = (page: Page, chunks: number): Promise<unknown> =>
  page.waitForFunction((wanted) => window.watched.chunks >= wanted || window.watched.code !== null, chunks, {
    polling: 10,
    timeout: 60_000,
  });

export interface Outcome {
  readonly text: string;
  /** Of the error that the reader saw; null when it saw none. */
  readonly code: string | null;
  /** All that the state said was being mended, in order. */
  readonly told: readonly RecoveryState[];
}

/** The answer's end. */
export const outcome = (page: Page): Promise<Outcome> =>
  page.evaluate(async () => {
    await window.watched.ended;
    const { text, code, told } = window.watched;
    return { text, code, told };
  });

/** The whole answer of one that is left alone. */
export async function undisturbed(page: Page, request: Record<string, unknown>): Promise<string> {
  await begin(page, request);
  const { text, code } = await outcome(page);
  assert.equal(code, null);
  assert.ok(text.length > 50, text);
  return text;
}

/** What this device keeps of models: it must be the same after a fault. */
export const kept = (page: Page): Promise<readonly { source: string; storedBytes: number }[]> =>
  page.evaluate(async () =>
    (await window.engine.models.storage()).models.map(({ source, storedBytes }) => ({ source, storedBytes })),
  );
