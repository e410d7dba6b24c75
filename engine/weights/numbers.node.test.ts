// half.ts, quantise.ts, sha256.ts: the arithmetic that formats stand on.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHalf, isFiniteHalf, toHalf } from './half.js';
import { checkScales, dequantise, quantise } from './quantise.js';
import { plainSha256, sha256 } from './sha256.js';

test('every binary16 survives the way to a number and back', () => {
  for (let bits = 0; bits < 65_536; bits++) {
    const value = fromHalf(bits);
    if (Number.isNaN(value)) assert.ok(Number.isNaN(fromHalf(toHalf(value))));
    else assert.equal(toHalf(value), bits);
  }
});

test('known binary16 values', () => {
  const known: [number, number][] = [
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65519, 0x7bff],
    [65520, 0x7c00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000], // a tie, to even
    [1.5 * 2 ** -24, 0x0002],
    [1 / 3, 0x3555],
    [1 + 2 ** -11, 0x3c00], // ties to even, both ways
    [1 + 3 * 2 ** -11, 0x3c02],
    [-0, 0x8000],
    [Infinity, 0x7c00],
  ];
  for (const [value, bits] of known) assert.equal(toHalf(value), bits, String(value));
  assert.ok(!isFiniteHalf(toHalf(Infinity)) && isFiniteHalf(0x7bff));
});

test('rounding to binary16 picks a nearest value', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: Math.fround(-65_000), max: Math.fround(65_000) }), (value) => {
      const bits = toHalf(value);
      const distance = Math.abs(fromHalf(bits) - value);
      for (const other of [bits - 1, bits + 1]) {
        if (other < 0 || (other & 0x7fff) >= 0x7c00) continue;
        assert.ok(distance <= Math.abs(fromHalf(other) - value));
      }
    }),
  );
});

const finite = fc.float({ noNaN: true, min: Math.fround(-1000), max: Math.fround(1000) });
const block = fc.array(finite, { minLength: 32, maxLength: 32 }).map((values) => Float32Array.from(values));

for (const [kind, steps, codes] of [
  ['q4', 16, 7],
  ['q8', 256, 127],
] as const) {
  test(`${kind}: the error stated is the error made, the search never loses to the rule, and errors stay small`, () => {
    fc.assert(
      fc.property(block, (values) => {
        const searched = quantise(kind, values, 'search');
        const ruled = quantise(kind, values, 'rule');
        assert.ok(searched.squaredError <= ruled.squaredError);
        let error = 0;
        const back = dequantise({ kind, shape: [1, 32], quants: searched.quants, scales: searched.scales });
        back.forEach((value, i) => {
          error += (value - (values[i] as number)) ** 2;
        });
        const peak = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        // dequantise rounds to float32, so the sums differ in the last digits.
        assert.ok(Math.abs(error - searched.squaredError) <= 1e-5 * peak ** 2 + 1e-12);
        // Half a step an element, a step being the whole range over the codes, and a little for the scale's rounding.
        assert.ok(Math.sqrt(searched.squaredError / 32) <= peak / codes + 1e-4, `${steps} steps`);
      }),
    );
  });

  test(`${kind}: what lies on the rule's grid comes back bit for bit, by search as by rule`, () => {
    fc.assert(
      fc.property(block, (values) => {
        const first = quantise(kind, values, 'rule');
        const snapped = dequantise({ kind, shape: [1, 32], quants: first.quants, scales: first.scales });
        for (const choice of ['rule', 'search'] as const) {
          const again = quantise(kind, snapped, choice);
          assert.equal(again.squaredError, 0);
          const back = dequantise({ kind, shape: [1, 32], quants: again.quants, scales: again.scales });
          assert.deepEqual(back, snapped);
        }
      }),
    );
  });
}

test('q4 by hand: codes, nibble order and a negative scale', () => {
  const values = Float32Array.from({ length: 32 }, (_, i) => (i === 3 ? 8 : i === 4 ? -7 : i === 31 ? 1 : 0));
  const { quants, scales } = quantise('q4', values);
  assert.equal(fromHalf(scales[0] as number), -1);
  assert.equal(quants[0], 0x88);
  assert.equal(quants[1], 0x08); // element 2: code 0 + 8; element 3: code -8 + 8 in the high nibble
  assert.equal(quants[2], 0x8f); // element 4: code 7 + 8 in the low nibble
  assert.equal(quants[15], 0x78);
});

test('weights that no scale can hold are refused, and so are scales that are no numbers', () => {
  const spoilt = new Float32Array(32);
  for (const value of [Number.NaN, Infinity, 1e9]) {
    spoilt[7] = value;
    assert.throws(() => quantise('q4', spoilt), { code: 'model-invalid' });
  }
  assert.throws(() => {
    checkScales(Uint16Array.of(0x3c00, 0x7e00), 'layers.0.up', 'a file');
  }, /scale 1 of the tensor layers\.0\.up/);
});

test('SHA-256 agrees with another implementation, with WebCrypto and without', async () => {
  const hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      assert.equal(plainSha256(bytes), hex(bytes));
      assert.equal(await sha256(Uint8Array.from(bytes)), hex(bytes));
    }),
  );
  for (const length of [0, 55, 56, 63, 64, 119, 120, 1_000_003]) {
    const bytes = new Uint8Array(length + 5).fill(0xa5).subarray(5);
    assert.equal(plainSha256(bytes), hex(bytes));
  }
});

test('without WebCrypto, as on a page served over plain HTTP, hashes are the same', async () => {
  const real = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  try {
    const text = Uint8Array.from(new TextEncoder().encode('abc'));
    assert.equal(await sha256(text), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  } finally {
    if (real !== undefined) Object.defineProperty(globalThis, 'crypto', real);
  }
});
