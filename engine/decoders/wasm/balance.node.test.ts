// What share of a pass each thread gets: scripted cores, no clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Balance, boundsOf, wholeShare } from './balance.js';

/** Makes passes on cores of such speeds: each takes its share's time, and waits for the slowest. @returns the last pass's time */
function make(balance: Balance, passes: number, speeds: readonly number[]): number {
  let last = 0;
  for (let i = 0; i < passes; i++) {
    const times = balance.shares.map((share, thread) => share / wholeShare / (speeds[thread] as number));
    last = Math.max(...times);
    balance.took(
      last,
      times.map((time) => last - time),
    );
  }
  return last;
}

test('threads begin with equal shares, and keep them on cores that are alike', () => {
  const balance = new Balance(2);
  assert.deepEqual(balance.shares, [wholeShare / 2, wholeShare / 2]);
  make(balance, 50, [1, 1]);
  assert.deepEqual(balance.shares, [wholeShare / 2, wholeShare / 2]);
});

test('cores that are not alike get shares after their speed within a quarter of a second of tokens', () => {
  for (const speeds of [
    [1, 0.69],
    [0.5, 1],
    [1, 1, 0.4, 0.4],
  ]) {
    const balance = new Balance(speeds.length);
    const ideal = 1 / speeds.reduce((sum, speed) => sum + speed, 0);
    const took = make(balance, 50, speeds);
    assert.ok(took < 1.03 * ideal, `${took} against ${ideal}`);
  }
});

test('a core that is slow for a while gets its share back', () => {
  const balance = new Balance(2);
  make(balance, 50, [1, 0.6]);
  const took = make(balance, 50, [1, 1]);
  assert.ok(took < 0.515, `${took}`);
});

test('one pass that is held up changes little', () => {
  const balance = new Balance(2);
  balance.took(50, [46, 0]);
  assert.ok(Math.abs((balance.shares[0] as number) / wholeShare - 0.5) < 0.02);
});

test('whatever is told, shares are of the whole, and nobody is left without one', () => {
  const time = fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.constantFrom(0, Infinity, NaN, -1));
  const pass = fc.tuple(time, fc.array(time, { maxLength: 9 }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(pass, { maxLength: 60 }), (threads, passes) => {
      const balance = new Balance(threads);
      for (const [took, waited] of passes) balance.took(took, waited);
      const { shares } = balance;
      const total = shares.reduce((sum, share) => sum + share, 0);
      assert.ok(Math.abs(total - wholeShare) <= threads, `${total}`);
      for (const share of shares) assert.ok(share >= wholeShare / (8 * threads), `${shares}`);
    }),
  );
});

test('bounds begin at 0, end at 1, and are as far apart as shares are large', () => {
  assert.deepEqual(boundsOf([1]), [0, 1]);
  assert.deepEqual(boundsOf([1, 3]), [0, 0.25, 1]);
  assert.deepEqual(boundsOf([512, 512, 1024]), [0, 0.25, 0.5, 1]);
});
