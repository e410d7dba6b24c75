// The generator against its authors' known answers, and the draw's shape.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { philox4x32, uniformAt } from './philox.js';

test('known answers of Random123 (kat_vectors, philox4x32 10)', () => {
  assert.deepEqual(philox4x32([0, 0, 0, 0], [0, 0]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const ones = 0xffffffff;
  assert.deepEqual(
    philox4x32([ones, ones, ones, ones], [ones, ones]),
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  );
  assert.deepEqual(
    philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  );
});

test('draws are in [0, 1), fit f32 exactly and differ by seed and by position', () => {
  const seen = new Set<number>();
  for (const seed of [0, 1, 2 ** 32, 2 ** 53 - 1]) {
    for (let position = 0; position < 500; position++) {
      const u = uniformAt(seed, position);
      assert.ok(u >= 0 && u < 1);
      assert.equal(Math.fround(u), u);
      seen.add(u);
    }
  }
  assert.ok(seen.size > 1990, `2000 draws of 2^24 values should hardly ever repeat: ${seen.size} distinct`);
});
