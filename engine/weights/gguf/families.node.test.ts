// GGUF files of every architecture that we run: facts and tensors, as llama.cpp's converter writes them, and what
// llama.cpp says on them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fixtureModel } from '../../../test/fixtures/fixture-models.js';
import { readFixtures } from '../../../test/fixtures/fixtures-node.js';
import { ggufParts } from '../../../test/support/gguf-model.js';
import { writeGguf, type GgufWriterFile, type GgufWriterValue } from '../../../test/support/gguf-writer.js';
import { families, familyFile } from '../../../test/interop/family-files.js';
import { createReferenceDecoder } from '../../../test/support/reference-decoder.js';
import { createTokenizer } from '../../tokenizer/create-tokenizer.js';
import { blobSource } from '../byte-source.js';
import type { Model, ModelSpec } from '../model.js';
import { openGguf } from './gguf-model.js';

const open = (file: GgufWriterFile): Promise<Model> => openGguf(blobSource(new Blob([writeGguf(file)]), 'model.gguf'));
const fixtures = readFixtures();
const named = (name: string) => {
  const fixture = fixtures.find((one) => one.name === name);
  assert.ok(fixture);
  return fixture;
};

/** The file holds 32-bit numbers. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === 'number' ? Number(one.toPrecision(6)) : one)));

for (const name of [
  'llama-yarn',
  'llama-linear-mha',
  'mistral-window-q4',
  'qwen3-tied',
  'qwen3-q4',
  'gemma3',
  'gemma3-softcap-q8',
  'phi3-window',
  'phi3-longrope',
  'phi4-mini-partial-q4',
]) {
  test(`${name}: facts, and every tensor bit for bit`, async () => {
    const model = fixtureModel(named(name));
    const opened = await open(await ggufParts(model));
    assert.deepEqual(rounded(opened.spec), rounded(model.spec));
    assert.deepEqual([...opened.tensors.values()], [...model.tensors.values()]);
    for (const tensor of model.tensors.keys()) {
      assert.deepEqual(await opened.readTensor(tensor), await model.readTensor(tensor), tensor);
    }
  });
}

interface LlamaCppRow {
  readonly file: string;
  readonly prompt: string;
  readonly promptIds: readonly number[];
  readonly ids: readonly number[];
}
const llamaCpp = readFileSync(new URL('../../../test/interop/families.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as LlamaCppRow);

for (const name of Object.keys(families)) {
  test(`${name}: llama.cpp's greedy text is ours, but for near-ties`, async () => {
    const row = llamaCpp.find(({ file }) => file === `${name}.gguf`);
    assert.ok(row);
    const model = await openGguf(blobSource(new Blob([await familyFile(name)]), row.file));
    assert.deepEqual(createTokenizer(model.tokenizerFiles).encode(row.prompt), row.promptIds);
    const ids = row.ids.slice(0, 24);
    const logits = await (await createReferenceDecoder(model)).logits([...row.promptIds, ...ids.slice(0, -1)]);
    ids.forEach((id, i) => {
      const at = row.promptIds.length - 1 + i;
      const choices = logits.subarray(at * 257, (at + 1) * 257);
      const short = Math.max(...choices) - (choices[id] ?? -Infinity);
      assert.ok(short < 0.002, `token ${i} lies ${short} below our likeliest`);
    });
  });
}

type Changes = Record<string, GgufWriterValue | null>;
const openWith = async (name: string, changes: Changes, layers?: number): Promise<ModelSpec> => {
  const fixture = named(name);
  const spec = layers === undefined ? fixture.spec : { ...fixture.spec, layers };
  const parts = await ggufParts(fixtureModel({ ...fixture, spec }));
  const kept = parts.metadata.filter(([key]) => !(key in changes));
  const added = Object.entries(changes).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]));
  return (await open({ ...parts, metadata: [...kept, ...added] })).spec;
};
const number = (value: number): GgufWriterValue => ({ type: 'uint32', value });
const float = (value: number): GgufWriterValue => ({ type: 'float32', value });

test('Gemma 3 as its converter writes it: every sixth layer sees all, heads scale by their size', async () => {
  const silent = { 'gemma3.attention.sliding_window_pattern': null, 'gemma3.attention.scale': null };
  const plain = await openWith('gemma3', silent, 7);
  assert.deepEqual(
    [plain.fullAttentionEvery, plain.slidingRopeTheta, plain.attentionScale, plain.logitSoftCap],
    [6, 10_000, undefined, undefined],
  );
  // The 27B is told by its layers: 96 / 4 = 24 where a head has 32 numbers.
  const large = await openWith('gemma3', silent, 62);
  assert.equal(large.attentionScale, 1 / Math.sqrt(24));
  const whole = await openWith('gemma3', { 'gemma3.attention.sliding_window': null });
  assert.deepEqual([whole.slidingWindow, whole.slidingRopeTheta], [undefined, undefined]);
  const base = await openWith('gemma3', { 'gemma3.rope.freq_base_swa': float(5000) });
  assert.equal(base.slidingRopeTheta, 5000);
});

test('a pattern given layer by layer is taken when it is regular', async () => {
  const key = 'gemma3.attention.sliding_window_pattern';
  const flags = (...value: boolean[]): Changes => ({ [key]: { type: 'bools', value } });
  assert.equal((await openWith('gemma3', flags(true, true, false, true))).fullAttentionEvery, 3);
  assert.equal((await openWith('gemma3', flags(true, true, true, true))).fullAttentionEvery, undefined);
  for (const irregular of [flags(false, true, true, true), flags(true, false)]) {
    await assert.rejects(openWith('gemma3', irregular), { code: 'model-unsupported', message: /order of their own/ });
  }
});

test('a window of zero is none, and Qwen has none', async () => {
  assert.equal(
    (await openWith('phi3-window', { 'phi3.attention.sliding_window': number(0) })).slidingWindow,
    undefined,
  );
  assert.equal(
    (await openWith('qwen3-tied', { 'qwen3.attention.sliding_window': number(9) })).slidingWindow,
    undefined,
  );
});

test('cosines grow by attn_factor whatever the kind of scaling', async () => {
  const { ropeScaling } = await openWith('llama-linear-mha', { 'llama.rope.scaling.attn_factor': float(1.5) });
  assert.deepEqual(ropeScaling, { kind: 'factors', factors: Array<number>(8).fill(4), attentionFactor: 1.5 });
  const yarn = await openWith('llama-yarn', {
    'llama.rope.scaling.attn_factor': null,
    'llama.rope.scaling.yarn_beta_fast': null,
    'llama.rope.scaling.yarn_beta_slow': null,
    'llama.rope.scaling.original_context_length': null,
  });
  assert.deepEqual(yarn.ropeScaling, {
    kind: 'yarn',
    factor: 4,
    originalContextLength: 128,
    betaFast: 32,
    betaSlow: 1,
    attentionFactor: 0.1 * Math.log(4) + 1,
  });
});

test('what a family cannot have is refused by its name', async () => {
  const cases: [string, Changes, RegExp][] = [
    ['qwen3-tied', { 'qwen3.rope.dimension_count': number(12) }, /12 of 24/],
    ['gemma3', { 'gemma3.attn_logit_softcapping': float(50) }, /soft cap on attention/],
    ['phi3-longrope', { 'phi3.rope.scaling.type': { type: 'string', value: 'su' } }, /"su"/],
  ];
  for (const [name, changes, message] of cases) {
    await assert.rejects(openWith(name, changes), { code: 'model-unsupported', message });
  }
  const parts = await ggufParts(fixtureModel(named('phi3-longrope')));
  const lame = { ...parts, tensors: parts.tensors.filter((tensor) => tensor.name !== 'rope_factors_short.weight') };
  await assert.rejects(open(lame), { code: 'model-invalid', message: /0 rotary factors/ });
});

test('progress of a file with joined matrices and rotary factors ends at its size', async () => {
  const bytes = writeGguf(await ggufParts(fixtureModel(named('phi4-mini-partial-q4'))));
  const seen: number[] = [];
  const model = await openGguf(blobSource(new Blob([bytes]), 'model.gguf'), undefined, ({ loadedBytes }) => {
    seen.push(loadedBytes);
  });
  for (const name of model.tensors.keys()) await model.readTensor(name);
  assert.deepEqual(
    seen.toSorted((a, b) => a - b),
    seen,
  );
  assert.equal(seen.at(-1), bytes.length);
});
