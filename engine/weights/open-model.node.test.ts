// Opening models over real HTTP, with a server that can be made to misbehave in each way that servers do.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { openGgufInput } from '../../models/packer/gguf-input.js';
import { writePack } from '../../models/packer/write-pack.js';
import { ggufFile } from '../../test/support/gguf-model.js';
import { randomModel } from '../../test/support/memory-model.js';
import { EngineError } from '../protocol/errors.js';
import { systemClock } from './download/retry.js';
import { httpContext } from './http.js';
import { openHttpSource } from './http-source.js';
import type { Model, ModelSpec } from './model.js';
import { openTensorModel } from './open-model.js';
import { parseManifest } from './pack/manifest.js';

const spec: ModelSpec = {
  architecture: 'llama',
  layers: 1,
  hiddenSize: 64,
  feedForwardSize: 64,
  heads: 2,
  kvHeads: 1,
  headSize: 32,
  vocabularySize: 20_000, // more than the first range request brings
  contextLength: 128,
  rmsNormEpsilon: Math.fround(1e-5),
  ropeTheta: 10_000,
  ropeScaling: { kind: 'none' },
  tiedHead: true,
};
const truth = randomModel(spec, { kind: 'q8' });

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let folder = '';
let server: Server;
let base = '';
let gguf: Uint8Array<ArrayBuffer>;
let manifestText = '';
let shardName = '';
const files = new Map<string, Uint8Array>();
/** Set by a test to answer some requests itself: true when it did. */
let interfere: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
let log: { readonly path: string; readonly range: string | undefined }[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-model-'));
  gguf = await ggufFile(truth);
  await writeFile(join(folder, 'model.gguf'), gguf);
  const input = await openGgufInput(join(folder, 'model.gguf'));
  const out = join(folder, 'pack');
  await writePack(input, { out, quant: 'keep', embedding: 'keep', tensors: [], scales: 'rule', shardLimit: 2 ** 19 });
  await input.close();
  for (const name of await readdir(out)) files.set(`/pack/${name}`, await readFile(join(out, name)));
  files.set('/model.gguf', gguf);
  files.set('/renamed', gguf);
  files.set('/page.gguf', Buffer.from('<!doctype html><title>No such page</title>'));
  files.set('/page/manifest.json', Buffer.from('<!DOCTYPE html><p>Welcome</p>'));
  manifestText = new TextDecoder().decode(files.get('/pack/manifest.json'));
  shardName = (JSON.parse(manifestText) as { shards: { sha256: string }[] }).shards[1]?.sha256 ?? '';
  server = createServer((request, response) => {
    log.push({ path: request.url ?? '', range: request.headers.range });
    if (!interfere(request, response)) answerSoundly(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  log = [];
});
afterEach(() => {
  interfere = () => false;
});

const answerSoundly: Answer = (request, response) => {
  const bytes = files.get(new URL(request.url ?? '', base).pathname);
  if (bytes === undefined) {
    response.writeHead(404).end('nothing here');
    return;
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}"`;
  if (range === null) {
    response.writeHead(200, { 'content-length': bytes.length, etag }).end(request.method === 'HEAD' ? '' : bytes);
    return;
  }
  const [from, to] = [Number(range[1]), Math.min(Number(range[2]), bytes.length - 1)];
  response.writeHead(206, {
    'content-range': `bytes ${from}-${to}/${bytes.length}`,
    'content-length': to - from + 1,
    etag,
  });
  response.end(bytes.subarray(from, to + 1));
};

/** Waits for nothing: what is tested of waiting is in download/retry.node.test.ts. */
const clock = { ...systemClock, sleep: () => Promise.resolve() };
const openUrl = (path: string, options = {}): Promise<Model> =>
  openTensorModel({ kind: 'url', url: base + path }, { clock, ...options });

async function assertSame(model: Model): Promise<void> {
  assert.deepEqual(model.spec, spec);
  for (const name of truth.tensors.keys()) {
    assert.deepEqual(await model.readTensor(name), await truth.readTensor(name), name);
  }
}

test('a pack opens by its directory, with or without a slash, and by its manifest', async () => {
  const ids = new Set<string>();
  for (const path of ['/pack/', '/pack', '/pack/manifest.json']) {
    const model = await openUrl(path);
    await assertSame(model);
    ids.add(model.identity.id);
  }
  assert.equal(ids.size, 1);
});

test('a GGUF file opens by its name, and by its first bytes when the name says nothing', async () => {
  await assertSame(await openUrl('/model.gguf?download=true'));
  await assertSame(await openUrl('/renamed'));
});

test('a GGUF file is read by ranges, not whole', async () => {
  await openUrl('/model.gguf');
  assert.ok(log.length > 0 && log.every(({ range }) => range !== undefined));
});

test('each shard of a pack is fetched once when tensors are read in order', async () => {
  const model = await openUrl('/pack/');
  for (const name of model.tensors.keys()) await model.readTensor(name);
  const shards = log.filter(({ path }) => path.endsWith('.bin')).map(({ path }) => path);
  assert.ok(shards.length > 2);
  assert.equal(new Set(shards).size, shards.length);
  model.close();
  await assert.rejects(model.readTensor('embedding'), { code: 'invalid-request' });
});

test('tensors asked for all at once arrive right, whoever comes first', async () => {
  const model = await openUrl('/pack/');
  const names = [...model.tensors.keys()].reverse();
  const tensors = await Promise.all(names.map((name) => model.readTensor(name)));
  for (const [i, name] of names.entries()) assert.deepEqual(tensors[i], await truth.readTensor(name));
});

test('progress of a pack rises to its total and no further, though shards are read twice', async () => {
  const seen: number[] = [];
  let total = 0;
  const model = await openUrl('/pack/', {
    onProgress: (progress: { loadedBytes: number; totalBytes: number }) => {
      seen.push(progress.loadedBytes);
      total = progress.totalBytes;
    },
  });
  for (const name of [...model.tensors.keys(), ...model.tensors.keys()]) await model.readTensor(name);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  assert.equal(seen.at(-1), total);
  assert.equal(total, (JSON.parse(manifestText) as { totals: { byteLength: number } }).totals.byteLength);
});

test('a server without ranges: the file comes whole, once, and progress with it', async () => {
  interfere = (request, response) => {
    delete request.headers.range;
    answerSoundly(request, response);
    return true;
  };
  const seen: number[] = [];
  const model = await openUrl('/model.gguf', {
    onProgress: ({ loadedBytes }: { loadedBytes: number }) => seen.push(loadedBytes),
  });
  await assertSame(model);
  assert.equal(log.length, 1);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  assert.equal(seen.at(-1), gguf.length);
});

test('a server that hides Content-Range is asked for the length', async () => {
  interfere = (request, response) => {
    const write = response.writeHead.bind(response);
    response.writeHead = ((status: number, headers: Record<string, string>) => {
      delete headers['content-range'];
      return write(status, headers);
    }) as typeof response.writeHead;
    answerSoundly(request, response);
    return true;
  };
  await assertSame(await openUrl('/model.gguf'));
});

/** What a visitor reads: each failure has a code, names the address, and says what to do. */
async function assertFails(path: string, code: string, message: RegExp, options = {}): Promise<void> {
  await assert.rejects(
    openUrl(path, options).then(async (model) => {
      for (const name of model.tensors.keys()) await model.readTensor(name);
    }),
    (thrown) => {
      assert.ok(thrown instanceof EngineError, String(thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.message, message);
      if (code !== 'aborted') assert.notEqual(thrown.hint, '');
      return true;
    },
  );
}

const status =
  (code: number, headers = {}): typeof interfere =>
  (_, response) => {
    response.writeHead(code, headers).end('no');
    return true;
  };

test('nothing there: a missing file, a missing directory, a name that is no address', async () => {
  await assertFails('/missing.gguf', 'model-not-found', /missing\.gguf/);
  await assertFails('/nowhere/', 'model-not-found', /nowhere\/manifest\.json/);
  await assertFails('/nowhere', 'model-not-found', /nowhere\/manifest\.json/);
  await assert.rejects(openTensorModel({ kind: 'url', url: 'my model' }), { code: 'model-not-found' });
  await assert.rejects(openTensorModel({ kind: 'url', url: 'file:///etc/passwd' }), { code: 'model-not-found' });
});

test('a model’s page on the hub is not fetched as if it were a file, with or without a slash', async () => {
  for (const page of ['https://huggingface.co/ORG/NAME', 'https://huggingface.co/ORG/NAME/']) {
    const asked: string[] = [];
    const notThere = async (input: RequestInfo | URL): Promise<Response> => {
      asked.push(String(input));
      return new Response('', { status: 404 });
    };
    await assert.rejects(openTensorModel({ kind: 'url', url: page }, { fetch: notThere }), { code: 'model-not-found' });
    assert.ok(
      asked.length > 0 && asked.every((url) => url.startsWith('https://huggingface.co/ORG/NAME/resolve/main/')),
    );
  }
});

test('something else there: a web page in place of a manifest or a GGUF file', async () => {
  await assertFails('/page/', 'model-invalid', /web page/);
  await assertFails('/page.gguf', 'model-invalid', /no GGUF/);
});

test('refusals of the server, each in words', async () => {
  interfere = status(403);
  await assertFails('/pack/', 'network', /403/);
  interfere = status(429, { 'retry-after': '120' });
  await assert.rejects(openUrl('/pack/'), { code: 'network', hint: /120/ });
  interfere = status(503);
  await assertFails('/model.gguf', 'network', /503/);
  interfere = status(416);
  await assertFails('/model.gguf', 'model-invalid', /416/);
  await assert.rejects(openTensorModel({ kind: 'url', url: 'http://127.0.0.1:9/pack/' }, { clock }), {
    code: 'network',
  });
});

test('a corrupt shard is fetched once more past the caches; a second corrupt copy is refused', async () => {
  let spoilt = 1;
  interfere = (request, response) => {
    if (!request.url?.includes(shardName) || spoilt-- <= 0) return false;
    const bytes = Uint8Array.from(files.get(request.url) ?? []);
    bytes[100] = (bytes[100] as number) ^ 4;
    response.writeHead(200).end(bytes);
    return true;
  };
  const caches: (string | undefined)[] = [];
  const watching: typeof globalThis.fetch = (input, init) => {
    if (String(input).includes(shardName)) caches.push(init?.cache);
    return fetch(input, init);
  };
  await assertSame(await openUrl('/pack/', { fetch: watching }));
  assert.deepEqual(caches, ['default', 'reload']);
  spoilt = 2;
  await assertFails('/pack/', 'model-invalid', /SHA-256/);
});

test('a shard that is cut short, or too long, is retried and then refused', async () => {
  let cut = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, -1);
  interfere = (request, response) => {
    if (!request.url?.includes(shardName)) return false;
    response.writeHead(200).end(cut(files.get(request.url) ?? new Uint8Array()));
    return true;
  };
  await assertFails('/pack/', 'model-invalid', /wrong length/);
  assert.equal(log.filter(({ path }) => path.includes(shardName)).length, 2);
  cut = (bytes) => Buffer.concat([bytes, bytes]);
  await assertFails('/pack/', 'model-invalid', /more than/);
});

test('a transfer that breaks off is a network error', async () => {
  interfere = (request, response) => {
    if (!request.url?.includes(shardName)) return false;
    response.writeHead(200, { 'content-length': 500_000 });
    response.write(new Uint8Array(1000), () => response.destroy());
    return true;
  };
  await assertFails('/pack/', 'network', /could not be fetched/);
});

test('a socket that stalls is given up, before the headers and after them', async () => {
  const context = { ...httpContext({}), stallMilliseconds: 100 };
  interfere = () => true;
  await assert.rejects(openHttpSource(`${base}/model.gguf`, context), { code: 'network', message: /sent nothing/ });
  interfere = (_, response) => {
    response.writeHead(206, { 'content-range': `bytes 0-1048575/${gguf.length}` });
    response.write(new Uint8Array(10));
    return true;
  };
  await assert.rejects(openHttpSource(`${base}/model.gguf`, context), { code: 'network', message: /sent nothing/ });
});

test('a GGUF file that is replaced while it is read is noticed', async () => {
  const model = await openUrl('/model.gguf');
  interfere = (_, response) => {
    response.writeHead(206, { etag: '"another"' }).end(new Uint8Array(2_000_000));
    return true;
  };
  await assert.rejects(model.readTensor('embedding'), { code: 'model-invalid', message: /replaced/ });
  interfere = (request, response) => {
    delete request.headers.range;
    answerSoundly(request, response);
    return true;
  };
  await assert.rejects(model.readTensor('embedding'), { code: 'model-invalid', message: /replaced/ });
});

test('a server that answers another range than was asked for is found out', async () => {
  const model = await openUrl('/model.gguf');
  interfere = (_, response) => {
    response.writeHead(206, { 'content-range': `bytes 5-100/${gguf.length}` }).end(new Uint8Array(96));
    return true;
  };
  await assert.rejects(model.readTensor('embedding'), { code: 'network', message: /another range/ });
});

test('an abort ends opening and reading at once, and the next request works', async () => {
  interfere = () => true; // never answers
  const stopper = new AbortController();
  const pending = assertFails('/pack/', 'aborted', /stopped/, { signal: stopper.signal });
  setTimeout(() => {
    stopper.abort();
  }, 50);
  await pending;
  await assertFails('/pack/', 'aborted', /stopped/, { signal: AbortSignal.abort() });
  interfere = () => false;
  const model = await openUrl('/pack/');
  interfere = () => true;
  const second = new AbortController();
  const reading = model.readTensor('embedding', second.signal);
  setTimeout(() => {
    second.abort(new Error('a reason of the caller'));
  }, 50);
  await assert.rejects(reading, { code: 'aborted' });
  interfere = () => false;
  await assertSame(model);
});

type Json = Record<string, unknown>;

/** Of the boastful manifest: one layer of heads as in `spec` over a width of 2^16. */
const layerShapes = {
  'layers.0.attentionNorm': [2 ** 16],
  'layers.0.query': [64, 2 ** 16],
  'layers.0.key': [32, 2 ** 16],
  'layers.0.value': [32, 2 ** 16],
  'layers.0.attentionOutput': [2 ** 16, 64],
  'layers.0.feedForwardNorm': [2 ** 16],
  'layers.0.gate': [32, 2 ** 16],
  'layers.0.up': [32, 2 ** 16],
  'layers.0.down': [2 ** 16, 32],
};

/** The sound manifest with one thing changed. */
function changed(change: (manifest: Json) => void): Uint8Array {
  const manifest = JSON.parse(manifestText) as Json;
  change(manifest);
  return new TextEncoder().encode(JSON.stringify(manifest));
}
const tensorsOf = (manifest: Json): Json[] => manifest['tensors'] as Json[];

test('manifests that are wrong, each refused by what is wrong', () => {
  const cases: [RegExp, (manifest: Json) => void][] = [
    [/format/, (m) => (m['format'] = 'zip')],
    [/name/, (m) => delete m['name']],
    [/shards/, (m) => (m['shards'] = [])],
    [/byteLength/, (m) => ((m['shards'] as Json[])[0] = { sha256: 'a'.repeat(64), byteLength: 2 ** 40 })],
    [/SHA-256/, (m) => ((m['shards'] as Json[])[0] = { sha256: '../../secret', byteLength: 5 })],
    [/embedding is given twice/, (m) => tensorsOf(m).push(tensorsOf(m)[0] as Json)],
    [/finalNorm is missing/, (m) => (m['tensors'] = tensorsOf(m).filter(({ name }) => name !== 'finalNorm'))],
    [/another architecture/, (m) => ((tensorsOf(m)[2] as Json)['name'] = 'layers.0.queryBias')],
    [/64 x 64/, (m) => ((tensorsOf(m)[2] as Json)['shape'] = [64, 32])],
    [/shard 99/, (m) => ((tensorsOf(m)[0] as Json)['quants'] = { shard: 99, offset: 0 })],
    [/multiple of 64/, (m) => ((tensorsOf(m)[0] as Json)['quants'] = { shard: 0, offset: 8 })],
    [/outside its shards/, (m) => ((tensorsOf(m).at(-1) as Json)['data'] = { shard: 2, offset: 2 ** 52 })],
    [/lies over/, (m) => ((tensorsOf(m)[0] as Json)['scales'] = { shard: 0, offset: 64 })],
    [/totals/, (m) => ((m['totals'] as Json)['tensorByteLength'] = 1)],
    [/layers/, (m) => ((m['architecture'] as Json)['layers'] = 10 ** 9)],
    [/kvHeads|key-value/, (m) => ((m['architecture'] as Json)['kvHeads'] = 7)],
    [/temperature/, (m) => (m['generation'] = { temperature: -1 })],
  ];
  for (const [message, change] of cases) {
    assert.throws(() => parseManifest(changed(change), 'x'), { code: 'model-invalid', message }, String(message));
  }
  assert.throws(
    () =>
      parseManifest(
        changed((m) => (m['formatVersion'] = 2)),
        'x',
      ),
    { code: 'model-unsupported' },
  );
  assert.throws(
    () =>
      parseManifest(
        changed((m) => ((m['architecture'] as Json)['architecture'] = 'mamba')),
        'x',
      ),
    {
      code: 'model-unsupported',
      message: /mamba/,
    },
  );
  assert.equal(
    parseManifest(
      changed((m) => (m['later'] = 'field')),
      'x',
    ).name,
    'a model in a test',
  );
});

test('a pack that claims more than any memory holds is refused when it is read, and takes nothing before', async () => {
  const boast = changed((manifest) => {
    const facts = manifest['architecture'] as Json;
    facts['vocabularySize'] = 2 ** 21;
    facts['hiddenSize'] = 2 ** 16;
    facts['feedForwardSize'] = 32;
    manifest['shards'] = Array.from({ length: 40_000 }, () => ({ sha256: 'a'.repeat(64), byteLength: 2 ** 24 }));
    let at = 0;
    const lay = (bytes: number): Json => {
      const place = { shard: Math.floor(at / 2 ** 24), offset: at % 2 ** 24 };
      at += Math.ceil(bytes / 64) * 64;
      return place;
    };
    const shapes = { embedding: [2 ** 21, 2 ** 16], finalNorm: [2 ** 16], ...layerShapes };
    const tensors = Object.entries(shapes).map(([name, shape]) => {
      const bytes = shape.reduce((product, size) => product * size, 4);
      return { name, kind: 'f32', shape, data: lay(bytes), bytes };
    });
    manifest['tensors'] = tensors;
    const totals = manifest['totals'] as Record<string, number>;
    totals['tensorByteLength'] = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
    totals['parameters'] = (totals['tensorByteLength'] as number) / 4;
    const { metadata } = manifest['tokenizer'] as { metadata: { byteLength: number } };
    totals['byteLength'] = 40_000 * 2 ** 24 + metadata.byteLength;
  });
  interfere = (request, response) => {
    if (!request.url?.endsWith('manifest.json')) return false;
    response.writeHead(200).end(boast);
    return true;
  };
  const model = await openUrl('/pack/');
  await assert.rejects(model.readTensor('embedding'), { code: 'out-of-memory' });
  assert.ok(!log.some(({ path }) => path.endsWith('.bin')));
});

test('a read that waits behind a stalled one ends at once when it is stopped', async () => {
  const model = await openUrl('/pack/');
  interfere = (request) => request.url?.endsWith('.bin') === true;
  const first = new AbortController();
  const stalled = assert.rejects(model.readTensor('embedding', first.signal), { code: 'aborted' });
  const second = new AbortController();
  const waiting = assert.rejects(model.readTensor('finalNorm', second.signal), { code: 'aborted' });
  second.abort();
  await waiting;
  first.abort();
  await stalled;
});

test('fuzzed: a manifest with any value replaced is read or refused by an EngineError', () => {
  const paths: (string | number)[][] = [];
  const walk = (value: unknown, path: (string | number)[]): void => {
    if (path.length > 0) paths.push(path);
    if (Array.isArray(value)) value.forEach((item, i) => i < 3 && walk(item, [...path, i]));
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
    }
  };
  walk(JSON.parse(manifestText), []);
  const odd = fc.oneof(fc.jsonValue(), fc.constantFrom(0, -1, 1e300, 2 ** 53, 0.5, '', null, [], {}));
  fc.assert(
    fc.property(fc.constantFrom(...paths), odd, (path, value) => {
      const bytes = changed((manifest) => {
        let at: Record<string | number, unknown> = manifest;
        for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
        at[path.at(-1) as string] = value;
      });
      try {
        parseManifest(bytes, 'x');
      } catch (thrown) {
        assert.ok(thrown instanceof EngineError, String(thrown));
      }
    }),
    { numRuns: 3000 },
  );
});

test('a file from disk opens as one from a server does', async () => {
  const model = await openTensorModel({ kind: 'file', blob: new Blob([gguf]) });
  await assertSame(model);
  const cut = new Blob([gguf.subarray(0, gguf.length - 1000)]);
  await assert.rejects(openTensorModel({ kind: 'file', blob: cut }), {
    code: 'model-invalid',
    message: /outside the file/,
  });
});
