// What is let go is empty; letting go twice, or of the other half of it, is no error.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { letGo } from './let-go.js';

test('memory that was let go is gone from every view', () => {
  const buffer = new ArrayBuffer(64);
  const [a, b] = [new Uint8Array(buffer, 0, 32), new Uint16Array(buffer, 32)];
  letGo(a);
  letGo(b);
  letGo(a);
  assert.deepEqual([a.length, b.length, buffer.byteLength], [0, 0, 0]);
});

test('an empty view is left alone', () => {
  letGo(new Uint8Array(0));
});
