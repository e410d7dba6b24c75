// How fast an answer came, told from when its parts reached the page: only where that says something.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ChatCompletionChunk } from '../../engine/protocol/chat.js';
import { readAnswer } from './ask.js';

/** @param times milliseconds at which a token each reaches the page */
async function rateOf(times: readonly number[]): Promise<number | null> {
  let clock = 0;
  async function* answer(): AsyncGenerator<ChatCompletionChunk> {
    for (const time of times) {
      clock = 1_000 + time;
      yield await Promise.resolve({
        id: 'one',
        object: 'chat.completion.chunk',
        created: 0,
        model: 'demo',
        choices: [{ index: 0, delta: { content: 'a ' }, finish_reason: null }],
        llm: { backend: 'local', model: 'demo' },
      });
    }
  }
  const rate = await readAnswer(
    answer(),
    () => clock,
    () => true,
  );
  return rate === null ? null : Math.round(rate);
}

const steady = (count: number, step: number) => Array.from({ length: count }, (_, index) => index * step);

describe('how fast an answer came', () => {
  test('is its tokens after the first by the time that they took', async () => {
    assert.equal(await rateOf(steady(41, 25)), 40);
    assert.equal(await rateOf(steady(1_001, 1)), 1_000);
  });

  test('leaves out what came in one go while the page was busy', async () => {
    assert.equal(await rateOf([...Array.from({ length: 30 }, () => 0), ...steady(41, 25)]), 40);
  });

  test('is not told of an answer that is too short to tell', async () => {
    assert.equal(await rateOf([]), null);
    assert.equal(await rateOf([0]), null);
    assert.equal(await rateOf([0, 0, 0, 0, 0, 0, 0, 0, 0, 2]), null);
    assert.equal(await rateOf(steady(3, 200)), null);
  });
});
