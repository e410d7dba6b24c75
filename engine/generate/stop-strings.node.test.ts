// Stop strings: never given out, never missed, whatever the pieces.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StopScanner } from './stop-strings.js';

function scan(stops: readonly string[], pieces: readonly string[]): { text: string; stopped: boolean } {
  const scanner = new StopScanner(stops);
  let out = '';
  for (const piece of pieces) {
    const { text, stopped } = scanner.push(piece);
    out += text;
    if (stopped) return { text: out, stopped };
  }
  return { text: out + scanner.flush(), stopped: false };
}

test('text before a stop string comes, the stop string and the rest do not', () => {
  assert.deepEqual(scan(['\n\n'], ['one\n', '\ntwo']), { text: 'one', stopped: true });
  assert.deepEqual(scan(['END'], ['the E', 'N', 'D of it']), { text: 'the ', stopped: true });
  assert.deepEqual(scan(['END'], ['the E', 'N']), { text: 'the EN', stopped: false });
  assert.deepEqual(scan([''], ['anything']), { text: 'anything', stopped: false });
});

test('what may be a stop string waits, and comes when it is none', () => {
  const scanner = new StopScanner(['abab!']);
  assert.deepEqual(scanner.push('xab'), { text: 'x', stopped: false });
  assert.deepEqual(scanner.push('ab'), { text: '', stopped: false });
  assert.deepEqual(scanner.push('ab'), { text: 'ab', stopped: false });
  assert.deepEqual(scanner.push('!'), { text: '', stopped: true });
});

test('the result is the same however the text is cut, and agrees with a search in the whole text', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 30 });
  const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(letters, stops, fc.array(fc.nat(30), { maxLength: 10 }), (text, stopStrings, cuts) => {
      const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
      const pieces = places.slice(1).map((to, i) => text.slice(places[i], to));
      const ends = stopStrings
        .filter((stop) => text.includes(stop))
        .map((stop) => ({ at: text.indexOf(stop), end: text.indexOf(stop) + stop.length }))
        .sort((a, b) => a.end - b.end || a.at - b.at);
      const expected =
        ends[0] === undefined ? { text, stopped: false } : { text: text.slice(0, ends[0].at), stopped: true };
      assert.deepEqual(scan(stopStrings, pieces), expected);
    }),
    { numRuns: 2000 },
  );
});
