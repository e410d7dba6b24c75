// Repositories of safetensors over real HTTP: quantised while they stream into the store, opened from there afterwards,
// and what is wrong with a repository, in words.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { FileServer } from '../../../test/support/file-server.js';
import { hfCheckpoint } from '../../../test/support/hf-checkpoint.js';
import { MemoryPieces } from '../../../test/support/memory-pieces.js';
import { randomModel, smallSpec } from '../../../test/support/memory-model.js';
import { writeSafeTensors, type SafeTensorInput } from '../../../test/support/safetensors-writer.js';
import { EngineError } from '../../protocol/errors.js';
import { blobSource } from '../byte-source.js';
import { systemClock } from '../download/retry.js';
import type { Model, ModelSpec } from '../model.js';
import { openTensorModel, type OpenModelOptions } from '../open-model.js';
import { dequantise, quantise } from '../quantise.js';
import { localLocks } from '../store/locks.js';
import { ModelStore } from '../store/model-store.js';
import { readSafeTensors } from './safetensors.js';

const spec: ModelSpec = { ...smallSpec, layers: 2 };
const truth = randomModel(spec);
const server = new FileServer();
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const folder = '/ORG/NAME/resolve/main/';
const put = (name: string, bytes: Uint8Array): unknown => server.files.set(folder + name, bytes);
let tensors: Map<string, SafeTensorInput>;
let records = new Map<string, Uint8Array<ArrayBuffer>>();

before(() => server.open());
after(() => server.close());
beforeEach(async () => {
  const checkpoint = await hfCheckpoint(truth);
  tensors = checkpoint.tensors;
  server.files.clear();
  put('config.json', text(checkpoint.config));
  put('model.safetensors', writeSafeTensors(tensors));
  put('tokenizer.json', text({ version: '1.0', model: { vocab: { a: 0 } } }));
  put('tokenizer_config.json', text({ eos_token: '</s>' }));
  put('chat_template.jinja', new TextEncoder().encode('{{ messages }}'));
  put('generation_config.json', text({ do_sample: true, temperature: 0.6, eos_token_id: [3, 5] }));
  records = new Map();
  server.asked.length = 0;
});
afterEach(() => {
  server.interfere = () => false;
});

const storeOver = (): Promise<ModelStore> =>
  ModelStore.open({ pieces: new MemoryPieces(records), locks: localLocks(), now: () => 1 });
const clock = { ...systemClock, sleep: () => Promise.resolve() };
const open = (options: OpenModelOptions = {}): Promise<Model> =>
  openTensorModel({ kind: 'url', url: server.origin + folder }, { clock, shardLimit: 2 ** 14, ...options });

async function assertQuantised(model: Model): Promise<void> {
  assert.deepEqual(model.spec, spec);
  for (const [name, { shape }] of truth.tensors) {
    const values = dequantise(await truth.readTensor(name));
    const tensor = await model.readTensor(name);
    if (shape.length === 1) {
      assert.deepEqual(dequantise(tensor), values, name);
      continue;
    }
    const kind = name === 'embedding' ? 'q8' : 'q4';
    assert.equal(tensor.kind, kind);
    const { quants, scales } = quantise(kind, values);
    assert.deepEqual(tensor, { kind, shape, quants, scales }, name);
  }
}

async function settled(store: ModelStore): Promise<void> {
  for (let i = 0; i < 300 && !store.find(server.origin + folder)?.manifest; i++) {
    await new Promise((done) => setTimeout(done, 10));
  }
}

test('quantised while it streams, then read from the store alone, template and advice with it', async () => {
  const store = await storeOver();
  const first = await open({ store });
  await assertQuantised(first);
  await settled(store);
  first.close();
  assert.deepEqual(first.generationDefaults, { temperature: 0.6, endIds: [3, 5] });
  server.asked.length = 0;
  const second = await open({ store: await storeOver() });
  await assertQuantised(second);
  assert.ok(server.asked.every(({ path, range }) => !path.endsWith('model.safetensors') || range === 'bytes=0-3'));
  assert.deepEqual(second.tokenizerFiles, first.tokenizerFiles);
  assert.equal((second.tokenizerFiles as { config: { chat_template: string } }).config.chat_template, '{{ messages }}');
  assert.deepEqual(second.generationDefaults, first.generationDefaults);
  assert.equal(second.identity.id, first.identity.id);
  assert.match(second.identity.quantisation, /q4, embedding q8.*squared error 0\.\d+ %/);
  assert.equal(second.identity.name, 'ORG/NAME');
  server.interfere = (_, response) => {
    response.destroy();
    return true;
  };
  await assertQuantised(await open({ store: await storeOver() }));
});

test('weights that changed under the same address are taken anew', async () => {
  const store = await storeOver();
  await assertQuantised(await open({ store }));
  await settled(store);
  const other = randomModel(spec, { seed: 4 });
  put('model.safetensors', writeSafeTensors((await hfCheckpoint(other)).tensors));
  const model = await open({ store: await storeOver() });
  assert.deepEqual(dequantise(await model.readTensor('finalNorm')), dequantise(await other.readTensor('finalNorm')));
});

test('in several parts, and without a store', async () => {
  const names = [...tensors.keys()];
  const weightMap = Object.fromEntries(names.map((name, i) => [name, `part-${i % 3}.safetensors`]));
  for (const part of [0, 1, 2]) {
    put(`part-${part}.safetensors`, writeSafeTensors(new Map([...tensors].filter((_, i) => i % 3 === part))));
  }
  server.files.delete(`${folder}model.safetensors`);
  put('model.safetensors.index.json', text({ weight_map: weightMap }));
  await assertQuantised(await open());
});

test('what is missing or wrong is said with its address', async () => {
  const fails = async (code: string, message: RegExp): Promise<void> => {
    await assert.rejects(open(), (thrown) => {
      assert.ok(thrown instanceof EngineError);
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.message, message);
      assert.notEqual(thrown.hint, '');
      return true;
    });
  };
  server.files.delete(`${folder}tokenizer.json`);
  await fails('model-not-found', /NAME\/resolve\/main\/tokenizer\.json/);
  put('tokenizer.json', new TextEncoder().encode('<!doctype html>'));
  await fails('model-invalid', /tokenizer\.json: it is no JSON/);
  put('config.json', text({ model_type: 'mamba' }));
  await fails('model-unsupported', /mamba/);
  server.files.delete(`${folder}config.json`);
  await fails('model-not-found', /manifest\.json/); // neither a pack nor a repository
});

test('index files that point elsewhere are refused', async () => {
  put('model.safetensors.index.json', text({ weight_map: { a: '../../secret' } }));
  await assert.rejects(open(), { code: 'model-invalid' });
});

test('fuzzed: any header gives tensors or an EngineError, and nothing is read beyond the file', async () => {
  const sound = writeSafeTensors(new Map([...tensors].slice(0, 3)));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 6 }), async (changes) => {
      const bytes = sound.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      try {
        await readSafeTensors(blobSource(new Blob([bytes]), 'x'));
      } catch (thrown) {
        assert.ok(thrown instanceof EngineError, String(thrown));
      }
    }),
    { numRuns: 2_000 },
  );
});
