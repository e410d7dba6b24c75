import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineCounters } from './answer-meter.js';

test('measures TTFT from admission, without the load, and speed without the first token', () => {
  let now = 1000;
  const counters = new EngineCounters(() => now);
  const meter = counters.begin();
  assert.equal(counters.snapshot(0).timeToFirstToken, null);
  now += 500;
  meter.loaded(300);
  meter.prefilled(12);
  now += 100;
  meter.tokens(1);
  assert.equal(counters.snapshot(0).tokensPerSecond, null);
  now += 1000;
  meter.tokens(4);
  assert.deepEqual(counters.snapshot(77), {
    timeToFirstToken: 300,
    tokensPerSecond: 4,
    promptTokens: 12,
    completionTokens: 5,
    totalCompletionTokens: 5,
    requests: 1,
    kvBytes: 77,
    contextTokens: 17,
  });
});

test('counts over all answers and shows the newest that has something to show', () => {
  let now = 0;
  const counters = new EngineCounters(() => now);
  const first = counters.begin();
  first.tokens(3);
  const second = counters.begin();
  assert.equal(counters.snapshot(0).completionTokens, 3); // the second one still waits
  now = 10;
  second.tokens(1);
  second.tokens(0); // an incomplete character is no token yet
  const { completionTokens, totalCompletionTokens, requests } = counters.snapshot(0);
  assert.deepEqual([completionTokens, totalCompletionTokens, requests], [1, 4, 2]);
});
