// The oracle itself against independent ones: PyTorch's logits for every architecture, a numpy forward pass of
// stories260K, and llama.cpp's greedy text.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { greedyOptions } from '../../engine/decoders/choose.js';
import type { Choice, Decoder } from '../../engine/decoders/decoder.js';
import { EngineError } from '../../engine/protocol/errors.js';
import { architectures } from '../../engine/weights/architectures.js';
import { errorAgainst, fixtureModel } from '../fixtures/fixture-models.js';
import { readFixtures } from '../fixtures/fixtures-node.js';
import { createReferenceDecoder } from './reference-decoder.js';
import { sharedPath, skipWithoutShared } from './shared-node.js';
import { stories260k } from './stories260k.js';

const skip = skipWithoutShared;

async function open(): Promise<Decoder> {
  const model = await stories260k((path) => readFile(sharedPath(path)));
  assert.ok(model);
  return createReferenceDecoder(model);
}

interface Reference {
  readonly greedy_from_bos: { readonly ids: number[] };
  readonly logits_for_first_8_ids: number[][];
  readonly prompted: { readonly prompt_ids: number[]; readonly ids: number[] };
}
const reference = (): Reference =>
  JSON.parse(
    readFileSync(sharedPath('data/testvectors/generated/stories260K-reference.json'), 'utf8'),
  ) as unknown as Reference;

async function continueGreedily(decoder: Decoder, prompt: readonly number[], length: number): Promise<number[]> {
  const sequence = decoder.openSequence();
  const ids = [...prompt];
  let tokens: readonly number[] = prompt;
  while (ids.length < length) {
    const [choice]: readonly Choice[] = await sequence.append({ tokens, at: 'last', choose: greedyOptions });
    assert.ok(choice);
    ids.push(choice.id);
    tokens = [choice.id];
  }
  sequence.release();
  return ids;
}

const fixtures = readFixtures();

test('there is a fixture of every architecture, and of each fact that tells layers apart', () => {
  const specs = fixtures.map(({ spec }) => spec);
  assert.deepEqual(new Set(specs.map((spec) => spec.architecture)), new Set(Object.keys(architectures)));
  for (const field of [
    'rotarySize',
    'slidingWindow',
    'fullAttentionEvery',
    'attentionScale',
    'logitSoftCap',
  ] as const) {
    assert.ok(
      specs.some((spec) => spec[field] !== undefined),
      field,
    );
  }
  for (const kind of ['none', 'linear', 'llama3', 'yarn', 'longrope']) {
    assert.ok(
      specs.some((spec) => spec.ropeScaling.kind === kind),
      kind,
    );
  }
});

for (const fixture of fixtures) {
  // PyTorch computes in float32: some 1e-13 is its own rounding.
  test(`${fixture.name}: logits agree with PyTorch`, async () => {
    const decoder = await createReferenceDecoder(fixtureModel(fixture));
    const error = errorAgainst(fixture, await decoder.logits(fixture.tokens));
    assert.ok(error < 1e-11, `normalised mean squared error ${error}`);
  });
}

test('logits of the first eight positions agree with numpy to 1e-4', { skip }, async () => {
  const { greedy_from_bos, logits_for_first_8_ids } = reference();
  const decoder = await open();
  const logits = await decoder.logits(greedy_from_bos.ids.slice(0, 8));
  logits_for_first_8_ids.forEach((row, position) => {
    row.forEach((expected, id) => {
      assert.ok(Math.abs(expected - (logits[position * row.length + id] ?? Number.NaN)) < 1e-4, `${position}:${id}`);
    });
  });
});

test('greedy ids from BOS and after a prompt are the reference ones', { skip }, async () => {
  const { greedy_from_bos, prompted } = reference();
  const decoder = await open();
  assert.deepEqual(await continueGreedily(decoder, [1], greedy_from_bos.ids.length), greedy_from_bos.ids);
  assert.deepEqual(await continueGreedily(decoder, prompted.prompt_ids, prompted.ids.length), prompted.ids);
});

test('truncating, aborting and overflowing leave a sequence as the contract says', { skip }, async () => {
  const decoder = await open();
  const sequence = decoder.openSequence();
  const [first] = await sequence.append({ tokens: [1, 403, 407], at: 'last', choose: greedyOptions });
  await sequence.append({ tokens: [5, 6, 7], at: 'none' });
  sequence.truncate(2);
  assert.equal(sequence.length, 2);
  assert.deepEqual(await sequence.append({ tokens: [407], at: 'last', choose: greedyOptions }), [first]);
  const code = (expected: string) => (error: unknown) => error instanceof EngineError && error.code === expected;
  await assert.rejects(sequence.append({ tokens: [1], at: 'none', signal: AbortSignal.abort() }), code('aborted'));
  await assert.rejects(
    sequence.append({ tokens: new Array<number>(512).fill(1), at: 'none' }),
    code('prompt-too-long'),
  );
  assert.equal(sequence.length, 3);
  assert.ok(decoder.holding.kvBytes > 0);
  sequence.release();
  sequence.release();
  assert.deepEqual(decoder.holding, { tokens: 0, kvBytes: 0 });
  await assert.rejects(sequence.append({ tokens: [1], at: 'none' }), code('invalid-request'));
});
