// The packer end to end: directories and GGUF files in, packs out, opened again by the engine's own reader.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Model, ModelSpec, WeightTensor } from '../../engine/weights/model.js';
import { openTensorModel } from '../../engine/weights/open-model.js';
import { dequantise, quantise } from '../../engine/weights/quantise.js';
import { expectedTensors } from '../../engine/weights/tensor-layout.js';
import { ggufFile } from '../../test/support/gguf-model.js';
import { fixtureModel } from '../../test/fixtures/fixture-models.js';
import { readFixtures } from '../../test/fixtures/fixtures-node.js';
import { hfCheckpoint } from '../../test/support/hf-checkpoint.js';
import { asFloat32, randomModel } from '../../test/support/memory-model.js';
import { writeSafeTensors } from '../../test/support/safetensors-writer.js';
import { directoryUrl, fetchFromDirectory } from './file-source.js';
import { openGgufInput } from './gguf-input.js';
import { openHfInput } from './hf-input.js';
import { writePack, type PackOptions } from './write-pack.js';

const spec: ModelSpec = {
  architecture: 'llama',
  layers: 2,
  hiddenSize: 64,
  feedForwardSize: 96,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  vocabularySize: 40,
  contextLength: 128,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: { kind: 'none' },
  tiedHead: true,
};

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packer-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function saveAsHf(model: Model, name: string, dtype: 'F32' | 'BF16' = 'F32', extra = {}): Promise<string> {
  const directory = await mkdtemp(join(folder, `${name}-`));
  const { config, tensors } = await hfCheckpoint(model, dtype);
  await writeFile(join(directory, 'model.safetensors'), writeSafeTensors(tensors));
  await writeFile(join(directory, 'config.json'), JSON.stringify({ ...config, ...extra }));
  await writeFile(join(directory, 'tokenizer.json'), '{"version":"1.0","model":{"vocab":{"a":0}}}');
  await writeFile(join(directory, 'tokenizer_config.json'), '{"eos_token":"</s>"}');
  await writeFile(join(directory, 'chat_template.jinja'), '{{ messages }}');
  await writeFile(
    join(directory, 'generation_config.json'),
    '{"do_sample":true,"temperature":0.6,"top_p":0.9,"eos_token_id":[3,5]}',
  );
  return directory;
}

const defaults = { quant: 'q4', embedding: 'q8', tensors: [], scales: 'search' } as const;

async function pack(directory: string, options: Partial<PackOptions> = {}) {
  const out = await mkdtemp(join(folder, 'pack-'));
  const input = await (directory.endsWith('.gguf') ? openGgufInput(directory) : openHfInput(directory));
  try {
    return { out, report: await writePack(input, { ...defaults, ...options, out }) };
  } finally {
    await input.close();
  }
}

const openPacked = (out: string): Promise<Model> =>
  openTensorModel({ kind: 'url', url: directoryUrl }, { fetch: fetchFromDirectory(out) });

const values = async (model: Model, name: string): Promise<Float32Array> => dequantise(await model.readTensor(name));

test('a directory of transformers becomes a pack with its facts, tokenizer, template and advice', async () => {
  const model = randomModel(spec);
  const { out } = await pack(await saveAsHf(model, 'llama'), { licence: 'MIT', revision: 3 });
  const opened = await openPacked(out);
  assert.deepEqual(opened.spec, spec);
  assert.equal(opened.identity.licence, 'MIT');
  assert.equal(opened.identity.quantisation, 'q4, embedding q8');
  assert.deepEqual(opened.generationDefaults, { temperature: 0.6, topP: 0.9, endIds: [3, 5] });
  assert.equal(opened.tokenizerFiles.kind, 'tokenizer-json');
  assert.deepEqual((opened.tokenizerFiles as { config: unknown }).config, {
    eos_token: '</s>',
    chat_template: '{{ messages }}',
  });
  for (const [name, shape] of expectedTensors(spec)) {
    const expected = await values(model, name);
    const tensor: WeightTensor = await opened.readTensor(name);
    assert.equal(tensor.kind, shape.length === 1 ? 'f32' : name === 'embedding' ? 'q8' : 'q4', name);
    const got = dequantise(tensor);
    let error = 0;
    let norm = 0;
    got.forEach((value, i) => {
      error += (value - (expected[i] as number)) ** 2;
      norm += (expected[i] as number) ** 2;
    });
    assert.ok(error / norm < (tensor.kind === 'q4' ? 0.01 : 1e-4), `${name}: ${error / norm}`);
  }
});

test('f32 keeps every bit, and so does keep', async () => {
  const model = randomModel(spec);
  const directory = await saveAsHf(model, 'llama');
  for (const quant of ['f32', 'keep'] as const) {
    const { out, report } = await pack(directory, { quant, embedding: quant });
    const opened = await openPacked(out);
    for (const name of expectedTensors(spec).keys()) {
      assert.deepEqual(await values(opened, name), await values(model, name), name);
    }
    assert.ok(report.tensors.every(({ error }) => error === 0));
  }
});

test('weights that already lie on the grid are packed exactly, with either choice of scales', async () => {
  const onGrid = randomModel(spec, { kind: 'f32', seed: 5 });
  // As quantisation-aware training leaves them: rounded by the rule, saved as float32.
  const snapped = new Map<string, WeightTensor>();
  for (const [name, { shape }] of onGrid.tensors) {
    const tensor = await onGrid.readTensor(name);
    const kind = name === 'embedding' ? 'q8' : 'q4';
    if (shape.length === 1) {
      snapped.set(name, tensor);
      continue;
    }
    const blocks = quantise(kind, dequantise(tensor), 'rule');
    const data = dequantise({ kind, shape: shape as [number, number], ...blocks });
    snapped.set(name, { kind: 'f32', shape, data });
  }
  const model: Model = { ...onGrid, readTensor: (name) => Promise.resolve(snapped.get(name) as WeightTensor) };
  const directory = await saveAsHf(model, 'snapped');
  for (const scales of ['rule', 'search'] as const) {
    const { out, report } = await pack(directory, { scales });
    assert.ok(report.tensors.every(({ error }) => error === 0));
    const opened = await openPacked(out);
    for (const name of expectedTensors(spec).keys()) {
      assert.deepEqual(await values(opened, name), await values(model, name), name);
    }
  }
});

test('bfloat16, biases and an untied head of qwen2 arrive', async () => {
  const qwen: ModelSpec = { ...spec, architecture: 'qwen2', tiedHead: false, rmsNormEpsilon: 1e-6 };
  const model = randomModel(qwen, { kind: 'q4' }); // q4 values fit bfloat16's 8 bits only nearly
  const { out } = await pack(await saveAsHf(model, 'qwen', 'BF16'), { quant: 'f32', embedding: 'f32' });
  const opened = await openPacked(out);
  assert.deepEqual(opened.spec, qwen);
  for (const name of ['head', 'layers.1.queryBias', 'layers.0.down']) {
    const expected = await values(model, name);
    (await values(opened, name)).forEach((value, i) => {
      assert.ok(Math.abs(value - (expected[i] as number)) <= Math.abs(expected[i] as number) / 128, name);
    });
  }
});

test('every architecture arrives as it was: fused matrices split, norms with their 1, its facts in the manifest', async () => {
  for (const fixture of readFixtures()) {
    if (!['mistral-window', 'qwen3-tied', 'gemma3', 'phi4-mini-partial-q8', 'phi3-longrope'].includes(fixture.name))
      continue;
    const model = await asFloat32(fixtureModel(fixture));
    const { out } = await pack(await saveAsHf(model, fixture.name), { quant: 'f32', embedding: 'f32' });
    const opened = await openPacked(out);
    const { attentionScale, ...facts } = opened.spec;
    const { attentionScale: scale, ...expected } = model.spec;
    assert.deepEqual(facts, expected, fixture.name);
    assert.ok(Math.abs((attentionScale ?? 1) - (scale ?? 1)) < 1e-12);
    for (const name of expectedTensors(model.spec).keys()) {
      assert.deepEqual(await values(opened, name), await values(model, name), `${fixture.name} ${name}`);
    }
  }
});

test('single tensors take the kind of the last pattern that matches; undivided rows become f16', async () => {
  const odd: ModelSpec = { ...spec, feedForwardSize: 40 };
  const directory = await saveAsHf(randomModel(odd), 'odd');
  const tensors = [
    { pattern: '*.query', kind: 'q8' },
    { pattern: 'layers.1.*', kind: 'f16' },
  ] as const;
  const { out, report } = await pack(directory, { tensors });
  const { tensors: facts } = await openPacked(out);
  assert.equal(facts.get('layers.0.query')?.kind, 'q8');
  assert.equal(facts.get('layers.1.query')?.kind, 'f16');
  assert.equal(facts.get('layers.0.down')?.kind, 'f16');
  assert.equal(report.tensors.find(({ name }) => name === 'layers.0.down')?.insteadOf, 'q4');
});

test('many small shards, parts cut across them: the same tensors', async () => {
  const model = randomModel(spec);
  const directory = await saveAsHf(model, 'llama');
  const { out, report } = await pack(directory, { quant: 'f32', embedding: 'q8', shardLimit: 4096 });
  assert.ok(report.manifest.shards.length > 20);
  const opened = await openPacked(out);
  const whole = await openPacked((await pack(directory, { quant: 'f32' })).out);
  for (const name of expectedTensors(spec).keys()) {
    assert.deepEqual(await opened.readTensor(name), await whole.readTensor(name), name);
  }
});

test('the same input gives the same files, and an earlier pack in the place goes', async () => {
  const directory = await saveAsHf(randomModel(spec), 'llama');
  const first = await pack(directory);
  const second = await pack(directory);
  assert.deepEqual((await readdir(first.out)).sort(), (await readdir(second.out)).sort());
  assert.deepEqual(await readFile(join(first.out, 'manifest.json')), await readFile(join(second.out, 'manifest.json')));
  const input = await openHfInput(directory);
  await writeFile(join(first.out, 'note.txt'), 'stays');
  await writePack(input, { ...defaults, out: first.out, quant: 'q8' });
  await input.close();
  const files = await readdir(first.out);
  assert.equal(files.filter((file) => file.endsWith('.bin')).length, 1);
  assert.ok(files.includes('note.txt'));
});

test('a GGUF file is packed without loss, its tokenizer with it', async () => {
  for (const kind of ['q4', 'q8', 'f16'] as const) {
    const model = randomModel(spec, { kind });
    const path = join(folder, `${kind}.gguf`);
    await writeFile(path, await ggufFile(model));
    const { out, report } = await pack(path, { quant: 'keep', embedding: 'keep' });
    assert.ok(report.tensors.every(({ error }) => error === 0));
    const opened = await openPacked(out);
    assert.equal(opened.tokenizerFiles.kind, 'gguf');
    assert.equal(
      (opened.tokenizerFiles as { metadata: ReadonlyMap<string, unknown> }).metadata.get('tokenizer.ggml.model'),
      'llama',
    );
    for (const name of expectedTensors(spec).keys()) {
      assert.deepEqual(await opened.readTensor(name), await model.readTensor(name), `${kind} ${name}`);
    }
  }
});

test('a NaN weight, an unknown architecture, a bias we do not run, a missing tensor: refused by name', async () => {
  const model = randomModel(spec);
  const poisoned: Model = {
    ...model,
    async readTensor(name) {
      const tensor = await model.readTensor(name);
      if (name === 'layers.1.up' && tensor.kind === 'f32') tensor.data[70] = Number.NaN;
      return tensor;
    },
  };
  await assert.rejects(pack(await saveAsHf(poisoned, 'nan')), { code: 'model-invalid', message: /layers\.1\.up.*NaN/ });
  await assert.rejects(pack(await saveAsHf(model, 'gemma', 'F32', { model_type: 'gemma3' })), {
    code: 'model-unsupported',
    message: /gemma3/,
  });
  await assert.rejects(pack(await saveAsHf(model, 'bias', 'F32', { attention_bias: true })), {
    code: 'model-unsupported',
  });
  await assert.rejects(pack(await saveAsHf(model, 'untied', 'F32', { tie_word_embeddings: false })), {
    code: 'model-invalid',
    message: /lm_head/,
  });
  const scaling = { rope_scaling: { rope_type: 'dynamic', factor: 2 } };
  await assert.rejects(pack(await saveAsHf(model, 'dynamic', 'F32', scaling)), {
    code: 'model-unsupported',
    message: /dynamic/,
  });
});

test('the command line packs, verifies, and fails with words and exit code 1', { timeout: 120_000 }, async () => {
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', resolve(import.meta.dirname, 'pack.ts'), ...args]);
  const directory = await saveAsHf(randomModel(spec), 'llama');
  const out = join(folder, 'by-command');
  const { stdout } = await run(directory, '--out', out, '--name', 'Tiny', '--licence', 'MIT', '--tensor', '*.down=q8');
  assert.match(stdout, /Tiny, q4, embedding q8, down q8, MIT/);
  assert.match(stdout, /verified/);
  const [shard] = (await readdir(out)).filter((file) => file.endsWith('.bin'));
  const bytes = await readFile(join(out, String(shard)));
  bytes[1000] = (bytes[1000] as number) ^ 1;
  await writeFile(join(out, String(shard)), bytes);
  await assert.rejects(run('verify', out), (error: { code: number; stderr: string }) => {
    assert.equal(error.code, 1);
    assert.match(error.stderr, /SHA-256/);
    return true;
  });
  await assert.rejects(run(directory, '--out', out, '--quant', 'q5'), { code: 1, stderr: /--quant is "q5"/ });
});
