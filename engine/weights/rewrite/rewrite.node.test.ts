// GGUF files over real HTTP into a store in memory: rewritten while they are read, opened from the store afterwards, gone
// on with after a kill at any write, read from the source where the copy is damaged or has no room.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { FileServer } from '../../../test/support/file-server.js';
import { ggufFile, ggufParts } from '../../../test/support/gguf-model.js';
import { writeGguf } from '../../../test/support/gguf-writer.js';
import { Killed, MemoryPieces, type MemoryPiecesOptions } from '../../../test/support/memory-pieces.js';
import { randomModel } from '../../../test/support/memory-model.js';
import { systemClock } from '../download/retry.js';
import { DownloadSwitch } from '../download/switch.js';
import type { Model, ModelSpec } from '../model.js';
import { openTensorModel, type OpenModelOptions } from '../open-model.js';
import { dequantise } from '../quantise.js';
import { partLengths } from '../tensor-layout.js';
import { localLocks } from '../store/locks.js';
import { ModelStore } from '../store/model-store.js';

const spec: ModelSpec = {
  architecture: 'llama',
  layers: 2,
  hiddenSize: 128,
  feedForwardSize: 256,
  heads: 4,
  kvHeads: 2,
  headSize: 32,
  vocabularySize: 600,
  contextLength: 128,
  rmsNormEpsilon: Math.fround(1e-5),
  ropeTheta: 10_000,
  ropeScaling: { kind: 'none' },
  tiedHead: true,
};
const truth = randomModel(spec, { kind: 'q4', embeddingKind: 'q8' });
const shardLimit = 2 ** 15;

const server = new FileServer();
let gguf: Uint8Array<ArrayBuffer>;
let records = new Map<string, Uint8Array<ArrayBuffer>>();
let notes: string[] = [];
const path = '/model.gguf';

before(async () => {
  await server.open();
  gguf = await ggufFile(truth);
});
after(() => server.close());
beforeEach(() => {
  server.files.set(path, gguf);
  server.asked.length = 0;
  server.sent = 0;
  records = new Map();
  notes = [];
});
afterEach(() => {
  server.interfere = () => false;
});

const storeOver = (pieces = new MemoryPieces(records)): Promise<ModelStore> =>
  ModelStore.open({ pieces, locks: localLocks(), now: () => Date.now() });

async function open(store: ModelStore, more: OpenModelOptions = {}): Promise<Model> {
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  const options = { store, clock, shardLimit, onNote: (text: string) => notes.push(text), ...more };
  return openTensorModel({ kind: 'url', url: server.origin + path }, options);
}

async function assertSame(model: Model): Promise<void> {
  assert.deepEqual(model.spec, spec);
  for (const name of truth.tensors.keys()) {
    assert.deepEqual(await model.readTensor(name), await truth.readTensor(name), name);
    await assertSamePlaced(model, name);
  }
}

/** The same, read to a place that the caller has; the bytes around it stay. */
async function assertSamePlaced(model: Model, name: string): Promise<void> {
  if (model.readTensorInto === undefined) return;
  const wanted = await truth.readTensor(name);
  const { data, scales } = partLengths(wanted.kind, wanted.shape);
  const memory = new Uint8Array(data + scales + 3).fill(0xa5);
  const target = { data: memory.subarray(1, 1 + data), scales: memory.subarray(2 + data, 2 + data + scales) };
  await model.readTensorInto(name, target);
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);
  const quantised = 'quants' in wanted;
  assert.deepEqual(target.data, bytes(quantised ? wanted.quants : wanted.data), name);
  if (quantised) assert.deepEqual(target.scales, bytes(wanted.scales), name);
  assert.deepEqual([memory[0], memory[1 + data], memory.at(-1)], [0xa5, 0xa5, 0xa5], name);
  await assert.rejects(model.readTensorInto(name, { ...target, data: memory.subarray(0, data + 1) }), RangeError);
}

const textOf = ({ tokenizerFiles }: Model) =>
  tokenizerFiles.kind === 'gguf' ? [...tokenizerFiles.metadata] : assert.fail('another kind of tokenizer');

/** Until the journal calls the model whole. */
async function settled(store: ModelStore, dead: () => boolean = () => false): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (store.find(server.origin + path)?.manifest || dead()) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error('never whole');
}

test('read for the first time it is rewritten, and the next time it comes from the store alone', async () => {
  const store = await storeOver();
  const first = await open(store);
  await assertSame(first);
  await settled(store);
  first.close();
  const { id } = first.identity;
  assert.ok((store.find(server.origin + path)?.files.length ?? 0) > 5);

  server.asked.length = 0;
  const second = await open(await storeOver());
  await assertSame(second);
  assert.equal(second.identity.id, id);
  assert.deepEqual(
    server.asked.map(({ range }) => range),
    ['bytes=0-3'],
  );

  server.interfere = (_, response) => {
    response.destroy();
    return true;
  };
  await assertSame(await open(await storeOver()));
  // JSON has no -0.
  assert.equal(JSON.stringify(textOf(second)), JSON.stringify(textOf(first)));
  assert.deepEqual(notes, []);
});

test('a file that changed on the server is rewritten anew', async () => {
  const store = await storeOver();
  await assertSame(await open(store));
  await settled(store);
  const other = randomModel(spec, { kind: 'q4', embeddingKind: 'q8', seed: 5 });
  server.files.set(path, await ggufFile(other));
  const model = await open(await storeOver());
  assert.deepEqual(await model.readTensor('embedding'), await other.readTensor('embedding'));
});

test('tensors in any order, and all at once, while it is being rewritten', async () => {
  const model = await open(await storeOver());
  const names = [...model.tensors.keys()].reverse();
  const tensors = await Promise.all(names.map((name) => model.readTensor(name)));
  for (const [i, name] of names.entries()) assert.deepEqual(tensors[i], await truth.readTensor(name), name);
});

test('killed at any write, it goes on behind the last whole shard, and the result is right', async () => {
  const counting = new MemoryPieces(new Map());
  const store = await storeOver(counting);
  const whole = await open(store);
  await assertSame(whole);
  await settled(store);
  const all = counting.writes;
  const sentByAll = server.sent;
  const killed = async (options: MemoryPiecesOptions): Promise<void> => {
    records = new Map();
    const dying = new MemoryPieces(records, options);
    try {
      const dyingStore = await storeOver(dying);
      const model = await open(dyingStore);
      for (const name of model.tensors.keys()) await model.readTensor(name);
      await settled(dyingStore, () => dying.dead);
      model.close();
    } catch (thrown) {
      if (!(thrown instanceof Killed) && !((thrown as Error).cause instanceof Killed)) throw thrown;
    }
    // The dead worker's leftovers must not write any more.
    assert.ok(dying.dead);
    const next = await storeOver();
    const model = await open(next);
    await assertSame(model);
    await settled(next);
    model.close();
    await assertSame(await open(await storeOver()));
  };
  for (let dieAt = 2; dieAt <= all; dieAt += 2) {
    await killed({ dieAt, lastWrite: dieAt % 4 === 0 ? 'torn' : 'whole' });
  }
  // Late kills leave little to do again.
  records = new Map();
  server.sent = 0;
  await killed({ dieAt: all - 12, lastWrite: 'torn' });
  assert.ok(server.sent < 2.5 * sentByAll);
});

test('after a kill, rows that lie in whole shards are not fetched again', async () => {
  const store = await storeOver();
  const big = randomModel({ ...spec, vocabularySize: 24_000 }, { kind: 'q8' });
  const file = await ggufFile(big);
  server.files.set(path, file);
  const rowBytes = (spec.hiddenSize / 32) * 34;
  // The third piece of the embedding never comes; the samples that go into the identity are small.
  server.interfere = (request) => {
    const [, from, to] = /=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
    return Number(from) > 1_900_000 && Number(to) - Number(from) > 100_000;
  };
  const model = await open(store);
  const reading = model.readTensor('embedding').catch(() => undefined);
  for (let i = 0; i < 300 && (store.find(server.origin + path)?.files.length ?? 0) < 20; i++) {
    await new Promise((done) => setTimeout(done, 10));
  }
  model.close();
  await reading;
  const kept = store.find(server.origin + path)?.files.length ?? 0;
  assert.ok(kept >= 20, `${kept} shards are kept`);
  server.interfere = () => false;
  server.asked.length = 0;
  const again = await open(await storeOver());
  assert.deepEqual(await again.readTensor('embedding'), await big.readTensor('embedding'));
  const first = server.asked
    .map(({ range }) => Number(/=(\d+)-/.exec(range ?? '')?.[1] ?? 0))
    .filter((from) => from > 2 ** 20)
    .sort((one, two) => one - two);
  const rowsKept = Math.floor((kept * shardLimit) / spec.hiddenSize);
  assert.ok((first[0] ?? 0) >= Math.min(2 ** 20, rowsKept * rowBytes), `from ${first[0]}, ${rowsKept} rows were kept`);
});

test('a damaged copy is found out, the tensor read from the source, and the copy made anew next time', async () => {
  const store = await storeOver();
  await assertSame(await open(store));
  await settled(store);
  const stored = store.find(server.origin + path);
  const piece = records.get(`${stored?.files[4]?.key}.0`) as Uint8Array;
  piece[5] = (piece[5] as number) ^ 1;
  const model = await open(await storeOver());
  for (const name of truth.tensors.keys()) await assertSamePlaced(model, name);
  await assertSame(model);
  assert.match(notes.join(' '), /damaged/);
  const next = await storeOver();
  assert.equal(next.find(server.origin + path), null);
  await assertSame(await open(next));
  await settled(next);
});

test('without room it runs all the same, and a note says that it is not kept', async () => {
  const store = await storeOver(new MemoryPieces(records, { room: 100_000 }));
  await assertSame(await open(store));
  assert.match(notes.join(' '), /no room/i);
});

test('paused, nothing is asked for; resumed, all arrives', async () => {
  const control = new DownloadSwitch();
  const big = randomModel({ ...spec, vocabularySize: 24_000 }, { kind: 'q8' });
  server.files.set(path, await ggufFile(big));
  control.set(true);
  const model = await open(await storeOver(), { control });
  const reading = model.readTensor('finalNorm');
  await new Promise((done) => setTimeout(done, 100));
  const before = server.asked.length;
  await new Promise((done) => setTimeout(done, 100));
  assert.equal(server.asked.length, before);
  control.set(false);
  assert.deepEqual(await reading, await big.readTensor('finalNorm'));
});

test('types that our layout cannot hold are requantised once, and the error is in the model’s own words', async () => {
  const fixtures = JSON.parse(
    readFileSync(new URL('../../../test/fixtures/ggml-blocks.json', import.meta.url), 'utf8'),
  ) as { type: string; blocks: string }[];
  const blocks = Buffer.from(fixtures.find(({ type }) => type === 'Q6_K')?.blocks ?? '', 'base64');
  const wide = randomModel({ ...spec, hiddenSize: 256, headSize: 64 });
  const parts = await ggufParts(wide);
  const rows = spec.vocabularySize;
  const data = new Uint8Array(rows * 210);
  for (let row = 0; row < rows; row++) data.set(blocks.subarray((row % 6) * 210, ((row % 6) + 1) * 210), row * 210);
  const tensors = parts.tensors.map((tensor) =>
    tensor.name === 'token_embd.weight' ? { ...tensor, type: 14, data } : tensor,
  );
  server.files.set(path, writeGguf({ ...parts, tensors }));
  const store = await storeOver();
  const first = await open(store);
  assert.match(first.identity.quantisation, /Q6_K as q8/);
  const embedding = await first.readTensor('embedding');
  assert.equal(embedding.kind, 'q8');
  await settled(store);
  const second = await open(await storeOver());
  assert.match(second.identity.quantisation, /Q6_K as q8.*squared error 0\.0\d+ %/);
  assert.deepEqual(dequantise(await second.readTensor('embedding')), dequantise(embedding));
});

test('a page that pins keys takes no file that cannot be signed', async () => {
  const store = await storeOver();
  await assert.rejects(open(store, { trustedKeys: ['a'.repeat(64)] }), { code: 'model-invalid', message: /signed/ });
});

test('a chosen file is rewritten, too, and found again when it is chosen again', async () => {
  const store = await storeOver();
  const file = new File([gguf], 'mine.gguf', { lastModified: 5 });
  const model = await openTensorModel({ kind: 'file', blob: file }, { store, shardLimit });
  await assertSame(model);
  for (let i = 0; i < 300 && !store.find('file:mine.gguf?size=' + gguf.length + '&time=5')?.manifest; i++) {
    await new Promise((done) => setTimeout(done, 10));
  }
  const again = await openTensorModel({ kind: 'file', blob: file }, { store: await storeOver(), shardLimit });
  await assertSame(again);
  assert.equal(again.identity.id, model.identity.id);
});

test('a copy that an earlier or later release of the kit made, and this one cannot read, is made anew', async () => {
  const store = await storeOver();
  await assertSame(await open(store));
  await settled(store);
  const entry = store.find(server.origin + path);
  assert.ok(entry);
  const bytes = new TextEncoder().encode('{"format":"llm-elements-pack","formatVersion":2}');
  const manifest = { key: createHash('sha256').update(bytes).digest('hex'), byteLength: bytes.length };
  await store.record({ ...entry, manifest });
  await store.put(entry.source, manifest, 0, bytes);
  const next = await storeOver();
  await assertSame(await open(next));
  await settled(next);
  assert.notEqual(next.find(server.origin + path)?.manifest?.key, manifest.key);
});

test('two engines that rewrite the same file at once do the work once, and the copy stays whole', async () => {
  const locks = localLocks();
  const all = async (pieces: MemoryPieces): Promise<number> => {
    const store = await ModelStore.open({ pieces, locks, now: () => Date.now() });
    const model = await open(store);
    await assertSame(model);
    await settled(store);
    model.close();
    return pieces.writes;
  };
  const once = await all(new MemoryPieces(new Map()));
  const [one = 0, two = 0] = await Promise.all([0, 1].map(() => all(new MemoryPieces(records))));
  assert.ok(one + two < 1.3 * once, `${one} + ${two} writes where one engine takes ${once}`);
  server.asked.length = 0;
  await assertSame(await open(await storeOver()));
  assert.equal(server.asked.length, 1);
});
