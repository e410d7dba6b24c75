import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { noMetrics } from '../protocol/state.js';
import { EngineCounters, type Holdings } from './answer-meter.js';
import { usualWatts } from './energy.js';
import { percentile } from './percentile.js';

const nothing: Holdings = { kvHotBytes: 0, kvColdBytes: 0, gpuBytes: 0, queueLength: 0 };

function start() {
  const clock = { now: 0 };
  return { clock, counters: new EngineCounters(() => clock.now) };
}

test('measures TTFT from admission, without the load, and speed without the first token', () => {
  const { clock, counters } = start();
  const meter = counters.begin();
  assert.equal(counters.snapshot(nothing).timeToFirstToken, null);
  clock.now += 500;
  meter.loaded(300);
  meter.prefilled(12, 5);
  clock.now += 100;
  meter.tokens(1);
  assert.equal(counters.snapshot(nothing).tokensPerSecond, null);
  clock.now += 1000;
  meter.tokens(4);
  assert.deepEqual(counters.snapshot({ kvHotBytes: 77, kvColdBytes: 3, gpuBytes: 99, queueLength: 2 }), {
    ...noMetrics,
    timeToFirstToken: 300,
    tokensPerSecond: 4,
    promptTokens: 12,
    completionTokens: 5,
    totalCompletionTokens: 5,
    totalPromptTokens: 12,
    cachedPromptTokens: 5,
    requests: 1,
    kvBytes: 77,
    kvHotBytes: 77,
    kvColdBytes: 3,
    gpuBytes: 99,
    queueLength: 2,
    contextTokens: 17,
  });
});

test('counts over all answers and shows the newest that has something to show', () => {
  const { clock, counters } = start();
  const first = counters.begin();
  first.tokens(3);
  const second = counters.begin();
  assert.equal(counters.snapshot(nothing).completionTokens, 3); // the second one still waits
  clock.now = 10;
  second.tokens(1);
  second.tokens(0); // an incomplete character is no token yet
  const { completionTokens, totalCompletionTokens, requests } = counters.snapshot(nothing);
  assert.deepEqual([completionTokens, totalCompletionTokens, requests], [1, 4, 2]);
});

test('a prompt that is told twice, at the prefill and at the end, counts once', () => {
  const { counters } = start();
  const meter = counters.begin();
  meter.prefilled(12, 5);
  meter.prefilled(12, 0);
  const { totalPromptTokens, cachedPromptTokens } = counters.snapshot(nothing);
  assert.deepEqual([totalPromptTokens, cachedPromptTokens], [12, 5]);
});

describe('over the newest answers', () => {
  /** Answers whose speed is 1, 2, 3 ... tokens a second, begun after as many milliseconds. */
  function answers(count: number) {
    const { clock, counters } = start();
    for (let n = 1; n <= count; n++) {
      const meter = counters.begin();
      clock.now += n;
      meter.tokens(1);
      clock.now += 1000;
      meter.tokens(n);
      meter.end();
    }
    return counters.snapshot(nothing);
  }

  test('the middle one, and what nine in ten do better than', () => {
    const figures = answers(10);
    assert.deepEqual([figures.tokensPerSecondP50, figures.timeToFirstTokenP50], [5, 5]);
    assert.deepEqual([figures.tokensPerSecondP90, figures.timeToFirstTokenP90], [1, 9]);
  });

  test('older ones than the last hundred are forgotten', () => {
    assert.equal(answers(300).timeToFirstTokenP50, 250);
  });

  test('an answer without a token spoils nothing', () => {
    const { counters } = start();
    counters.begin().end();
    assert.equal(counters.snapshot(nothing).timeToFirstTokenP50, null);
  });
});

describe('the energy', () => {
  test('is the time computed times the usual power, and null before anything was', () => {
    const { clock, counters } = start();
    const meter = counters.begin();
    clock.now += 5_000; // it waits
    assert.equal(counters.snapshot(nothing).energyJoules, null);
    meter.computes('webgpu');
    clock.now += 2_000;
    meter.end();
    clock.now += 9_000;
    assert.equal(counters.snapshot(nothing).energyJoules, 2 * usualWatts.webgpu);
  });

  test('answers at once share the device; the cloud costs this device nothing', () => {
    const { clock, counters } = start();
    const meters = [counters.begin(), counters.begin(), counters.begin()];
    meters[0]?.computes('wasm');
    meters[1]?.computes('wasm');
    meters[2]?.computes('cloud');
    clock.now += 1_000;
    meters[0]?.end();
    meters[1]?.end();
    clock.now += 1_000;
    meters[2]?.end();
    assert.equal(counters.snapshot(nothing).energyJoules, usualWatts.wasm);
  });

  test('a device that takes over is a fallback', () => {
    const { counters } = start();
    const meter = counters.begin();
    meter.computes('webgpu');
    assert.equal(counters.snapshot(nothing).fallbacks, 0);
    meter.computes('wasm');
    assert.equal(counters.snapshot(nothing).fallbacks, 1);
  });
});

test('property: a percentile is one of the values, and as many as it says do not exceed it', () => {
  const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (list, share) => {
      const found = percentile(list, share);
      assert.ok(found !== null && list.includes(found));
      assert.ok(list.filter((value) => value <= found).length >= share * list.length);
    }),
  );
  assert.equal(percentile([], 0.5), null);
});
