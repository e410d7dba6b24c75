// Choosing: order of operations, exact truncation against a slow and obvious oracle, the distribution of draws.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../protocol/errors.js';
import { chooseToken, greedyOptions } from './choose.js';
import type { ChooseOptions } from './decoder.js';

const plain: ChooseOptions = { ...greedyOptions, temperature: 1, seed: 7 };
const logits = (...values: number[]): Float32Array => Float32Array.from(values);

const anyLogits = fc
  .array(fc.oneof(fc.float({ min: -20, max: 20, noNaN: true }), fc.constantFrom(0, 1, -Infinity)), {
    minLength: 1,
    maxLength: 60,
  })
  .filter((row) => row.some(Number.isFinite))
  .map((row) => Float32Array.from(row));

/** Ids that may be drawn, by the definitions and a full sort. */
function admissible(row: Float32Array, options: ChooseOptions): Map<number, number> {
  const ids = [...row.keys()].sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b);
  const top = Math.max(...row);
  const weight = (id: number): number => Math.exp(((row[id] ?? 0) - top) / options.temperature);
  const afterTopK = options.topK > 0 ? ids.slice(0, options.topK) : ids;
  const total = afterTopK.reduce((sum, id) => sum + weight(id), 0);
  const kept: number[] = [];
  let mass = 0;
  for (const id of afterTopK) {
    if (options.topP < 1 && kept.length > 0 && mass >= options.topP * total) break;
    kept.push(id);
    mass += weight(id);
  }
  const last = kept.filter((id) => weight(id) >= options.minP && weight(id) > 0);
  const sum = last.reduce((s, id) => s + weight(id), 0);
  return new Map(last.map((id) => [id, weight(id) / sum]));
}

test('greedy takes the greatest logit, the lowest id among equals, whatever the seed and the cuts', () => {
  assert.equal(chooseToken(logits(1, 3, 3, 2), { ...plain, temperature: 0 }, 0).id, 1);
  fc.assert(
    fc.property(anyLogits, fc.nat(), fc.nat(5), (row, seed, topK) => {
      const id = chooseToken(row, { ...plain, temperature: 0, seed, topK, topP: 0.1 }, seed).id;
      assert.equal(id, row.indexOf(Math.max(...row)));
    }),
  );
});

test('a draw is always among what top-k, top-p and min-p leave, and the same for the same seed and position', () => {
  fc.assert(
    fc.property(
      anyLogits,
      fc.record({
        temperature: fc.constantFrom(0.2, 0.7, 1, 1.9),
        topK: fc.nat(20),
        topP: fc.constantFrom(0, 0.3, 0.9, 1),
        minP: fc.constantFrom(0, 0.05, 0.5, 1),
        seed: fc.nat(),
      }),
      fc.nat(10_000),
      (row, cuts, position) => {
        const options = { ...plain, ...cuts };
        const { id } = chooseToken(row, options, position);
        assert.ok(admissible(row, options).has(id), `${id} was cut away`);
        assert.equal(chooseToken(row, options, position).id, id);
      },
    ),
    { numRuns: 500 },
  );
});

test('draws follow the distribution (chi-square over 20 000 fixed positions, each set of cuts)', () => {
  const row = logits(2, 1, 0.5, 0, -1, -2, 1.7, 0.2);
  const cuts: Partial<ChooseOptions>[] = [{}, { temperature: 0.6 }, { topK: 4 }, { topP: 0.8 }, { minP: 0.2 }];
  for (const cut of [...cuts, { temperature: 1.4, topK: 6, topP: 0.9, minP: 0.1 }]) {
    const options = { ...plain, ...cut };
    const expected = admissible(row, options);
    const draws = 20_000;
    const seen = new Map<number, number>();
    for (let position = 0; position < draws; position++) {
      const { id } = chooseToken(row, options, position);
      seen.set(id, (seen.get(id) ?? 0) + 1);
    }
    let chiSquare = 0;
    for (const [id, p] of expected) chiSquare += ((seen.get(id) ?? 0) - p * draws) ** 2 / (p * draws);
    // 24.3 is the 99.9th percentile at 7 degrees of freedom, the most there are here; the seed is fixed.
    assert.ok(chiSquare < 24.3, `${JSON.stringify(cut)}: chi-square ${chiSquare}`);
    assert.ok([...seen.keys()].every((id) => expected.has(id)));
  }
});

test('penalties and bias change logits before anything else, once for each token or each occurrence', () => {
  const greedy = { ...plain, temperature: 0 };
  const twice = { ...greedy, penalised: [0, 0] };
  assert.equal(chooseToken(logits(2, 1), { ...twice, presencePenalty: 0.9 }, 0).id, 0);
  assert.equal(chooseToken(logits(2, 1), { ...twice, presencePenalty: 1.1 }, 0).id, 1);
  assert.equal(chooseToken(logits(2, 1), { ...twice, frequencyPenalty: 0.6 }, 0).id, 1);
  assert.equal(chooseToken(logits(2, 1), { ...twice, frequencyPenalty: 0.4 }, 0).id, 0);
  assert.equal(chooseToken(logits(2, 1.2), { ...twice, repetitionPenalty: 2 }, 0).id, 1);
  assert.equal(chooseToken(logits(-1, -1.5), { ...twice, repetitionPenalty: 2 }, 0).id, 1);
  assert.equal(chooseToken(logits(2, 1), { ...greedy, logitBias: new Map([[1, 1.5]]) }, 0).id, 1);
  // Nothing lingers in the scratch, and the caller's logits are left alone.
  const row = logits(2, 1);
  chooseToken(row, { ...twice, frequencyPenalty: 2 }, 0);
  assert.deepEqual([...row], [2, 1]);
  assert.equal(chooseToken(row, { ...greedy, frequencyPenalty: 2 }, 0).id, 0);
});

test('log-probabilities are those before temperature and cuts: natural, normalised, likeliest first', () => {
  fc.assert(
    fc.property(anyLogits, fc.nat(8), fc.constantFrom(0, 0.5, 1.5), (row, logprobs, temperature) => {
      const choice = chooseToken(row, { ...plain, temperature, topK: 1, logprobs }, 3);
      const sum = row.reduce((s, x) => s + Math.exp(x), 0);
      assert.equal(choice.logprob?.id, choice.id);
      assert.ok(Math.abs((choice.logprob?.logprob ?? 0) - ((row[choice.id] ?? 0) - Math.log(sum))) < 1e-4);
      const listed = choice.alternatives ?? [];
      assert.equal(listed.length, Math.min(logprobs, row.length));
      const sorted = [...row.keys()].sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b);
      assert.deepEqual(
        listed.map((entry) => entry.id),
        sorted.slice(0, listed.length),
      );
    }),
  );
  assert.deepEqual(chooseToken(logits(1, 2), plain, 0).alternatives, undefined);
});

test('logits that are not numbers are a defect that is told, not a token', () => {
  for (const row of [logits(1, Number.NaN, 3), logits(Number.NaN), logits(1, Infinity), logits(-Infinity, -Infinity)]) {
    for (const temperature of [0, 1]) {
      assert.throws(
        () => chooseToken(row, { ...plain, temperature }, 0),
        (error) => error instanceof EngineError && error.code === 'internal',
      );
    }
  }
});

test('150 000 logits take milliseconds, also where top-p keeps much of them', () => {
  const row = Float32Array.from({ length: 150_000 }, (_, i) => Math.sin(i * 12.9898) * 4);
  const options = { ...plain, topK: 40, topP: 0.9 };
  const time = (of: ChooseOptions): number => {
    chooseToken(row, of, 0);
    const begin = process.cpuUsage(); // this process's time, so that a busy machine fails nothing
    for (let position = 0; position < 5; position++) chooseToken(row, of, position);
    const { user, system } = process.cpuUsage(begin);
    return (user + system) / 1000 / 5;
  };
  // Milliseconds, far above what is seen on a slow core (about 5 and 40).
  assert.ok(time(options) < 60);
  assert.ok(time({ ...plain, topP: 0.9 }) < 400);
});

test('a mask allows its tokens alone, greedy and drawn; tokens beyond its last word are forbidden', () => {
  const logits = Float32Array.from({ length: 70 }, (_, id) => id);
  const allowed = new Uint32Array(2);
  allowed[0] = 1 << 3;
  allowed[1] = 1 << 1;
  assert.equal(chooseToken(logits, { ...greedyOptions, allowed }, 0).id, 33);
  for (let position = 0; position < 50; position++) {
    const { id } = chooseToken(logits, { ...greedyOptions, temperature: 100, allowed }, position);
    assert.ok(id === 3 || id === 33);
  }
  assert.throws(() => chooseToken(logits, { ...greedyOptions, allowed: new Uint32Array(3) }, 0), /no token/);
});
