// When one thread computes instead of all: scripted passes, no clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from './pace.js';

/** Makes passes of a machine on which all threads, and one, take so long. @returns which way each was made */
function make(pace: Pace, passes: number, all: number, one: number): boolean[] {
  return Array.from({ length: passes }, () => {
    const { together } = pace;
    pace.took(together ? all : one);
    return together;
  });
}

const share = (ways: readonly boolean[]): number => ways.filter(Boolean).length / ways.length;

test('all threads compute while they are quicker, whatever one pass takes now and then', () => {
  const pace = new Pace(2);
  for (let i = 0; i < 50; i++) {
    assert.equal(share(make(pace, 15, 5, 8)), 1);
    assert.equal(share(make(pace, 1, 60, 8)), 1);
  }
});

test('on a machine that becomes busy one thread goes on, and all try again more and more seldom', () => {
  const pace = new Pace(2);
  make(pace, 20, 5, 8);
  const ways = make(pace, 1000, 100, 12);
  assert.ok(share(ways.slice(0, 100)) < 0.1, `${share(ways.slice(0, 100))}`);
  assert.ok(share(ways.slice(500)) < 0.02, `${share(ways.slice(500))}`);
});

test('when the machine is quiet again, so are all threads back after at most 128 passes', () => {
  const pace = new Pace(2);
  make(pace, 20, 5, 8);
  make(pace, 1000, 30, 12);
  make(pace, 128, 5, 8);
  assert.equal(share(make(pace, 300, 5, 8)), 1);
});

test('texts that grow are no busy machine', () => {
  const pace = new Pace(2);
  let together = 0;
  for (let position = 0; position < 4000; position++) {
    const all = 5 + position / 200;
    together += pace.together ? 1 : 0;
    pace.took(pace.together ? all : 1.8 * all);
  }
  assert.ok(together > 3950, `${together}`);
});

test('a short text after a long one, and a long one after it', () => {
  const pace = new Pace(3);
  for (let i = 0; i < 20; i++) {
    assert.ok(share(make(pace, 100, 5, 12)) > 0.9);
    assert.ok(share(make(pace, 100, 25, 60)) > 0.9);
  }
});
