// What the page remembers of the figures, and the line drawn of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noMetrics } from '../../engine/protocol/state.js';
import { extentOf, History, valuesOf } from './history.js';
import { pointsOf } from './sparkline.js';

const at = (tokensPerSecond: number | null) => ({ ...noMetrics, requests: 1, tokensPerSecond });

test('keeps one sample a second, the newest of each, and drops the oldest', () => {
  let now = 0;
  const history = new History(() => now, 3);
  assert.equal(history.add(noMetrics), false, 'nothing was asked yet');
  for (const [time, speed] of [
    [0, 1],
    [400, 2],
    [999, 3],
    [1_000, 4],
    [2_500, 5],
    [4_000, 6],
  ] as const) {
    now = time;
    history.add(at(speed));
  }
  assert.deepEqual(
    history.samples.map(({ time, speed }) => [time, speed]),
    [
      [1_000, 4],
      [2_500, 5],
      [4_000, 6],
    ],
  );
});

test('what did not change is no sample', () => {
  let now = 0;
  const history = new History(() => now);
  history.add(at(5));
  now = 10_000;
  assert.equal(history.add(at(5)), false);
  assert.equal(history.samples.length, 1);
});

test('values that were not there yet are left out', () => {
  let now = 0;
  const history = new History(() => now);
  for (const speed of [null, 3]) {
    history.add({ ...at(speed), queueLength: speed ?? 0 });
    now += 2_000;
  }
  assert.deepEqual(valuesOf(history.samples, 'speed'), [3]);
  assert.equal(extentOf([]), null);
});

test('property: a line has a point for each value, inside its box, the highest value highest', () => {
  const values = fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), { minLength: 2, maxLength: 100 });
  fc.assert(
    fc.property(values, (list) => {
      const points = pointsOf(list)
        .split(' ')
        .map((point) => point.split(',').map(Number) as [number, number]);
      assert.equal(points.length, list.length);
      for (const [x, y] of points) assert.ok(x >= 0 && x <= 100 && y >= 2 && y <= 22);
      const top = Math.min(...points.map(([, y]) => y));
      assert.equal(points[list.indexOf(Math.max(...list))]?.[1], top);
    }),
  );
});
