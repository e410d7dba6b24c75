// ONNX repositories over real HTTP: found, downloaded in verified parts, opened from the store without the network, and what
// is wrong with one, in words. What a graph computes is tested with the decoder (decoders/onnx/graph-decoder.test.ts).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { FileServer } from '../../../test/support/file-server.js';
import { MemoryPieces } from '../../../test/support/memory-pieces.js';
import { randomModel, smallSpec } from '../../../test/support/memory-model.js';
import { graphInMemory, transformersConfig } from '../../../test/support/onnx-repository.js';
import { EngineError } from '../../protocol/errors.js';
import { systemClock } from '../download/retry.js';
import { openModel, openTensorModel, type OpenModelOptions } from '../open-model.js';
import { localLocks } from '../store/locks.js';
import { ModelStore } from '../store/model-store.js';
import { isGraphModel, type GraphModel } from './graph-model.js';
import { partLength } from './graph-store.js';

const spec = smallSpec;
const server = new FileServer();
const folder = '/ORG/NAME/resolve/main/';
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const put = (name: string, bytes: Uint8Array): unknown => server.files.set(folder + name, bytes);
const dataFile = 'model_q4.onnx_data';
let graph: Uint8Array<ArrayBuffer>;
let data: Uint8Array<ArrayBuffer>;
let records = new Map<string, Uint8Array<ArrayBuffer>>();

before(async () => {
  await server.open();
  const built = await graphInMemory(randomModel(spec, { kind: 'q4' }), { dataFile, context: 64 });
  ({ graph } = built);
  // More than two parts: what the graph does not read may lie behind what it does.
  data = new Uint8Array(2 * partLength + 54_321);
  data.set(built.data);
  for (let i = built.data.length; i < data.length; i += 97) data[i] = i;
});
after(() => server.close());
beforeEach(() => {
  server.files.clear();
  put('config.json', text(transformersConfig(randomModel(spec), 64)));
  put('tokenizer.json', text({ version: '1.0', model: { vocab: { a: 0 } } }));
  put('tokenizer_config.json', text({ eos_token: '</s>' }));
  put('chat_template.jinja', new TextEncoder().encode('{{ messages }}'));
  put('generation_config.json', text({ do_sample: true, temperature: 0.6, eos_token_id: [3, 5] }));
  put('onnx/model_q4.onnx', graph);
  put(`onnx/${dataFile}`, data);
  records = new Map();
  server.asked.length = 0;
  server.sent = 0;
});
afterEach(() => {
  server.interfere = () => false;
});

const storeOver = (): Promise<ModelStore> =>
  ModelStore.open({ pieces: new MemoryPieces(records), locks: localLocks(), now: () => 1 });
const clock = { ...systemClock, sleep: () => Promise.resolve() };
const notes: string[] = [];

async function open(options: OpenModelOptions = {}, address = folder): Promise<GraphModel> {
  const model = await openModel(
    { kind: 'url', url: server.origin + address },
    { clock, onNote: (note) => notes.push(note), ...options },
  );
  assert.ok(isGraphModel(model));
  return model;
}

async function assertWhole(model: GraphModel): Promise<void> {
  assert.deepEqual(model.graph.externalData, [{ path: dataFile, byteLength: data.length }]);
  assert.deepEqual(await model.readFile('model_q4.onnx'), graph);
  assert.deepEqual(await model.readFile(dataFile), data);
}

async function untilListed(store: ModelStore, source = server.origin + folder): Promise<void> {
  for (let i = 0; i < 500 && (store.find(source)?.manifest ?? null) === null; i++) {
    await new Promise((done) => setTimeout(done, 10));
  }
  assert.ok(store.find(source)?.manifest, 'the list was written');
}

const refusal = (code: string, what: RegExp) => (error: unknown) =>
  error instanceof EngineError && error.code === code && what.test(error.message) && error.hint !== undefined;

test('a repository is found, read, kept, and opened without the network', async () => {
  const store = await storeOver();
  const model = await open({ store });
  assert.equal(model.identity.name, 'ORG/NAME');
  assert.equal(model.identity.quantisation, 'q4');
  assert.equal(model.graph.contextLength, 64);
  assert.equal(model.graph.inputs[0]?.name, 'input_ids');
  assert.deepEqual(model.generationDefaults, { temperature: 0.6, endIds: [3, 5] });
  assert.equal(model.tokenizerFiles.kind, 'tokenizer-json');
  await assertWhole(model);
  await untilListed(store);
  model.close();
  assert.ok(![...records.keys()].some((name) => name.startsWith('note.')), 'its notes are gone');
  const sent = server.sent;
  assert.ok(sent < graph.length + data.length + 100_000, 'each byte came once');

  const [kept] = await (await storeOver()).models();
  assert.ok(kept !== undefined && kept.storedBytes >= kept.model.byteLength);
  const offline = () => Promise.reject(new TypeError('offline'));
  const again = await open({ store: await storeOver(), fetch: offline });
  await assertWhole(again);
  assert.deepEqual(again.graph.inputs, model.graph.inputs);
  assert.equal(again.identity.id, model.identity.id);
  again.close();
});

test('the format follows the device, or the address', async () => {
  const small = graph;
  put('onnx/model_q4f16.onnx', small);
  put('onnx/model_quantized.onnx', small);
  const dtype = async (options: OpenModelOptions, address = folder): Promise<string> => {
    const model = await open(options, address);
    model.close();
    return model.identity.quantisation;
  };
  assert.equal(await dtype({}), 'q4');
  assert.equal(await dtype({ device: () => Promise.resolve({ kind: 'webgpu', f16: false }) }), 'q4');
  assert.equal(await dtype({ device: () => Promise.resolve({ kind: 'webgpu', f16: true }) }), 'q4f16');
  assert.equal(await dtype({}, `${folder}?dtype=q8`), 'q8');
  assert.equal(await dtype({}, `${folder}onnx/model_q4f16.onnx`), 'q4f16');
  server.files.delete(`${folder}onnx/model_q4.onnx`);
  assert.equal(await dtype({}), 'q8');
  await assert.rejects(open({}, `${folder}?dtype=fp16`), refusal('model-not-found', /model_fp16/));
  await assert.rejects(open({}, `${folder}?dtype=q3`), refusal('invalid-request', /q3/));
});

test('a download that breaks off goes on in the next life, less than a part later', async () => {
  const half = partLength + 3_000_000;
  server.interfere = (request, response) => {
    const from = Number(/=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (!request.url?.endsWith('_data') || from < partLength) return false;
    response.writeHead(206, {
      'content-range': `bytes ${from}-${Math.min(data.length, from + partLength) - 1}/${data.length}`,
    });
    server.sent += half - partLength;
    response.write(data.subarray(from, from + half - partLength), () => setTimeout(() => response.destroy(), 20));
    return true;
  };
  const dying = { ...clock, sleep: () => Promise.reject(new Error('the worker died')) };
  const first = await open({ store: await storeOver(), clock: dying });
  await assert.rejects(first.readFile(dataFile));
  first.close();
  server.interfere = () => false;
  const before = server.sent;
  const second = await open({ store: await storeOver() });
  await assertWhole(second);
  assert.ok(server.sent - before < data.length - half + 4 * 2 ** 20, `${server.sent - before} bytes came`);
  second.close();
});

test('a stored part that is damaged is found by its hash and fetched again', async () => {
  const store = await storeOver();
  const model = await open({ store });
  await assertWhole(model);
  await untilListed(store);
  model.close();
  const [name] = [...records].find(([, bytes]) => bytes.length === 2 * 2 ** 20) ?? [''];
  (records.get(name) as Uint8Array)[1000] = 255;
  server.asked.length = 0;
  const again = await open({ store: await storeOver() });
  await assertWhole(again);
  again.close();
  assert.equal(server.asked.filter(({ range }) => range !== 'bytes=0-3').length, 1, 'that part and nothing else');
  // The same damage, and a server that has other bytes under the same tag: refused, whatever is there now.
  (records.get(name) as Uint8Array)[1000] = 254;
  const etag = server.etagOf(folder + `onnx/${dataFile}`);
  const other = data.map((byte) => byte ^ 1);
  server.files.set(`${folder}onnx/${dataFile}`, other);
  const old = server.etagOf.bind(server);
  server.etagOf = (path) => (path.endsWith('_data') ? etag : old(path));
  const third = await open({ store: await storeOver() });
  await assert.rejects(third.readFile(dataFile), refusal('model-invalid', /when it was first downloaded/));
  third.close();
  server.etagOf = old;
});

test('a changed original is downloaded anew; one that cannot be asked for, or answers nonsense, is not', async () => {
  const store = await storeOver();
  const model = await open({ store });
  await assertWhole(model);
  await untilListed(store);
  model.close();
  server.interfere = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>');
    return true;
  };
  (await open({ store: await storeOver() })).close();
  server.interfere = (_, response) => {
    response.writeHead(404).end();
    return true;
  };
  notes.length = 0;
  (await open({ store: await storeOver() })).close();
  assert.match(notes.join(), /no longer/);
  server.interfere = () => false;
  data[data.length - 1] = 77;
  const changed = await open({ store: await storeOver() });
  await assertWhole(changed);
  assert.equal(changed.identity.quantisation, 'q4');
  changed.close();
});

test('where the entity tag is the SHA-256 of the file, the whole is checked against it once', async () => {
  const digest = createHash('sha256').update(data).digest('hex');
  const old = server.etagOf.bind(server);
  server.etagOf = (path) => (path.endsWith('_data') ? `"${digest}"` : old(path));
  const store = await storeOver();
  const model = await open({ store });
  await assertWhole(model);
  await untilListed(store);
  model.close();
  server.etagOf = (path) => (path.endsWith('_data') ? `"${'0'.repeat(64)}"` : old(path));
  records = new Map();
  const wrong = await open({ store: await storeOver() });
  await assert.rejects(wrong.readFile(dataFile), refusal('model-invalid', /SHA-256 that its server names/));
  wrong.close();
  server.etagOf = old;
});

test('servers without ranges send each file once; what they send is kept all the same', async () => {
  server.interfere = (request, response) => {
    const bytes = server.files.get(request.url ?? '');
    if (bytes === undefined) return false;
    server.sent += bytes.length;
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    return true;
  };
  const store = await storeOver();
  const model = await open({ store });
  await assertWhole(model);
  await untilListed(store);
  model.close();
  const again = await open({ store: await storeOver(), fetch: () => Promise.reject(new TypeError('offline')) });
  await assertWhole(again);
  again.close();
});

test('without a store each file is fetched when it is read', async () => {
  const model = await open();
  await assertWhole(model);
  model.close();
});

test('the size gate is asked before the numbers are downloaded', async () => {
  server.sent = 0;
  await assert.rejects(
    open({ store: await storeOver(), gate: { maxDownload: 1_000_000 } }),
    refusal('model-too-large', /download of 33 MiB/),
  );
  assert.ok(server.sent < 500_000, `${server.sent} bytes came`);
});

test('pages that pin keys take none of it, and what needs tensors is told that there are none', async () => {
  await assert.rejects(open({ trustedKeys: ['0'.repeat(64)] }), refusal('model-invalid', /signed packs only/));
  await assert.rejects(
    openTensorModel({ kind: 'url', url: server.origin + folder }, { clock }),
    refusal('model-unsupported', /no tensors/),
  );
});

test('what is wrong with a repository is said in words', async () => {
  const attempt = async (change: () => unknown, code: string, what: RegExp): Promise<void> => {
    const files = new Map(server.files);
    change();
    await assert.rejects(open({}, `${folder}?dtype=q4`), refusal(code, what));
    server.files.clear();
    for (const [path, bytes] of files) server.files.set(path, bytes);
  };
  const without = (name: string) => () => server.files.delete(folder + name);
  await attempt(without('config.json'), 'model-not-found', /config\.json/);
  await attempt(without('tokenizer.json'), 'model-not-found', /tokenizer\.json/);
  await attempt(without('onnx/model_q4.onnx'), 'model-not-found', /no graph/);
  await attempt(without(`onnx/${dataFile}`), 'model-not-found', /needs model_q4\.onnx_data/);
  await attempt(() => put('config.json', text({ vocab_size: -1 })), 'model-invalid', /vocab_size/);
  await attempt(() => put('onnx/model_q4.onnx', graph.slice(0, 900)), 'model-invalid', /at byte \d+/);
  await attempt(() => put(`onnx/${dataFile}`, data.slice(0, 1000)), 'model-invalid', /ends at byte 1000/);
  server.interfere = (request, response) => {
    if (!request.url?.endsWith('.onnx')) return false;
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>');
    return true;
  };
  await assert.rejects(open({}, `${folder}?dtype=q4`), refusal('model-invalid', /web page/));
});
