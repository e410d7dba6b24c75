// Rotary tables against the definitions. That they also agree with transformers is shown by the fixtures' logits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotaryAmplitude, rotaryFrequencies, rotaryTables } from './rotary.js';

const plain = { rotarySize: 8, ropeTheta: 10_000, ropeScaling: { kind: 'none' } } as const;

const near = (actual: ArrayLike<number>, expected: readonly number[]): void => {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => assert.ok(Math.abs((actual[i] ?? NaN) - value) <= 1e-7 * Math.abs(value)));
};

test('frequencies fall by the root of theta', () => {
  near(rotaryFrequencies(plain, 128), [1, 0.1, 0.01, 0.001]);
});

test('linear scaling divides every frequency', () => {
  near(
    rotaryFrequencies({ ...plain, ropeScaling: { kind: 'linear', factor: 4 } }, 128),
    [0.25, 0.025, 0.0025, 0.00025],
  );
});

test('factors divide each frequency by its own', () => {
  const ropeScaling = { kind: 'factors', factors: [1, 2, 4, 8] } as const;
  near(rotaryFrequencies({ ...plain, ropeScaling }, 128), [1, 0.05, 0.0025, 0.000125]);
});

test('llama3 scaling leaves short waves, stretches long ones and blends between', () => {
  const ropeScaling = {
    kind: 'llama3',
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContextLength: 128,
  } as const;
  // Turns within 128 positions: 20.4 (left alone), 2.04 (blended), 0.204 and 0.0204 (stretched).
  const blend = ((128 * 0.1) / (2 * Math.PI) - 1) / 3;
  near(rotaryFrequencies({ ...plain, ropeScaling }, 128), [1, (1 - blend) * 0.0125 + blend * 0.1, 0.01 / 8, 0.001 / 8]);
});

test('tables hold the angle of each position and frequency', () => {
  const { cosines, sines } = rotaryTables(plain, 3);
  assert.equal(cosines.length, 3 * 4);
  near(
    cosines.subarray(8),
    [2, 0.2, 0.02, 0.002].map((angle) => Math.fround(Math.cos(angle))),
  );
  near(
    sines.subarray(8),
    [2, 0.2, 0.02, 0.002].map((angle) => Math.fround(Math.sin(angle))),
  );
});

test('yarn leaves what turns often, stretches what hardly turns, and scales the amplitude', () => {
  const ropeScaling = {
    kind: 'yarn',
    factor: 4,
    originalContextLength: 2048,
    betaFast: 32,
    betaSlow: 1,
    attentionFactor: 1.25,
  } as const;
  // Indices that turn 32 times and once in 2,048 positions: 1.007 and 2.513, so 1 and 3; index 2 is half stretched.
  near(rotaryFrequencies({ ...plain, ropeScaling }, 128), [1, 0.1, 0.01 * (0.5 / 4 + 0.5), 0.001 / 4]);
  assert.equal(rotaryAmplitude(ropeScaling), 1.25);
  assert.equal(rotaryTables({ ...plain, ropeScaling }, 1).cosines[0], 1.25);
});

test('longrope takes the short factors within the length it began with, the long ones beyond', () => {
  const ropeScaling = {
    kind: 'longrope',
    shortFactors: [1, 1, 2, 2],
    longFactors: [1, 4, 8, 16],
    originalContextLength: 4096,
    attentionFactor: 1.19,
  } as const;
  near(rotaryFrequencies({ ...plain, ropeScaling }, 4096), [1, 0.1, 0.005, 0.0005]);
  near(rotaryFrequencies({ ...plain, ropeScaling }, 4097), [1, 0.025, 0.00125, 0.0000625]);
  assert.equal(rotaryAmplitude(ropeScaling), 1.19);
});
