// Work between two barriers: everything is done once, whatever shares threads have and in which order they come.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { boundsOf } from './balance.js';
import { alone, inParts, share, type Team } from './sharing.js';

/** Threads of one process, that come one after the other: who comes first takes whatever the others offered before. */
function teamOf(shares: readonly number[]): Team[] {
  const offered = shares.map(() => -1);
  const bounds = boundsOf(shares);
  return shares.map((_, index) => ({
    index,
    size: shares.length,
    bounds,
    barrier: () => undefined,
    offer: () => void (offered[index] = 0),
    take: (thread, parts) => {
      const next = offered[thread] as number;
      if (next < 0 || next >= parts) return -1;
      offered[thread] = next + 1;
      return next;
    },
  }));
}

const someShares = fc.array(fc.integer({ min: 1, max: 4096 }), { minLength: 2, maxLength: 6 });

/** How often each of `total` things was done. */
function tally(total: number): { readonly counts: number[]; readonly work: (from: number, to: number) => void } {
  const counts = Array.from({ length: total }, () => 0);
  const work = (from: number, to: number): void => {
    assert.ok(from < to && to <= total, `${from} to ${to} of ${total}`);
    for (let i = from; i < to; i++) counts[i] = (counts[i] as number) + 1;
  };
  return { counts, work };
}

test('inParts does everything once, in whole units', () => {
  const work = fc.constantFrom(1, 1000, 400_000, 3_000_000);
  fc.assert(
    fc.property(
      someShares,
      fc.integer({ min: 1, max: 700 }),
      fc.constantFrom(1, 2, 8, 16),
      work,
      (shares, total, unit, unitWork) => {
        const { counts, work: count } = tally(total);
        for (const team of teamOf(shares)) {
          inParts(team, total, unitWork, unit, (from, to) => {
            assert.ok(from % unit === 0 && (to % unit === 0 || to === total));
            count(from, to);
          });
        }
        assert.ok(
          counts.every((done) => done === 1),
          JSON.stringify(counts),
        );
      },
    ),
  );
});

test('shares cover everything once, and are as large as they are told', () => {
  fc.assert(
    fc.property(someShares, fc.integer({ min: 1, max: 700 }), fc.constantFrom(1, 4, 16), (shares, total, unit) => {
      const { counts, work } = tally(total);
      const whole = shares.reduce((sum, one) => sum + one, 0);
      for (const team of teamOf(shares)) {
        const [from, to] = share(team, total, unit);
        if (from < to) work(from, to);
        assert.ok(Math.abs(to - from - (total * (shares[team.index] as number)) / whole) <= 2 * unit);
      }
      assert.ok(counts.every((done) => done === 1));
    }),
  );
});

test('one thread does all of it at once', () => {
  assert.deepEqual(share(alone, 10, 4), [0, 10]);
  const ranges: number[][] = [];
  inParts(alone, 10, 1e9, 4, (...range) => ranges.push(range));
  assert.deepEqual(ranges, [[0, 10]]);
});
