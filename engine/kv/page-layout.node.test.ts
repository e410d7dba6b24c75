// The layout's arithmetic against the figures it was designed to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstFloatPage, int8LayerLayout, pageBytes } from './page-layout.js';

const llama1b = { layers: 16, kvHeads: 8, headSize: 64 };

test('an int8 page of Llama-3.2-1B takes 552 KiB, a float page 2 MiB', () => {
  assert.equal(pageBytes(llama1b, true), 552 * 1024);
  assert.equal(pageBytes(llama1b, false), 2 * 2 ** 20);
});

test('the parts of a layer follow each other, each at a multiple of four bytes', () => {
  for (const kvHeads of [1, 2, 3, 5, 8]) {
    for (const headSize of [8, 24, 64, 80, 128, 256]) {
      const { keyTable, keyQuants, valueScales, valueQuants, byteLength } = int8LayerLayout({
        layers: 1,
        kvHeads,
        headSize,
      });
      const places = [keyTable, keyQuants, valueScales, valueQuants, byteLength];
      assert.ok(places.every((place, i) => place % 4 === 0 && (i === 0 || place > (places[i - 1] ?? 0))));
    }
  }
});

test('the page of the query and the one before it are floats', () => {
  assert.deepEqual([0, 31, 32, 63, 64, 95, 96].map(firstFloatPage), [0, 0, 0, 0, 1, 1, 2]);
});
