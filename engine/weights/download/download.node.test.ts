// Downloads over real HTTP into a store in memory, from a server that can be made to misbehave in each way that servers
// do: what arrives is right, what broke off goes on, what is wrong is refused in words, and nothing verified is lost.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { FileServer, type Interfere } from '../../../test/support/file-server.js';
import { MemoryPieces } from '../../../test/support/memory-pieces.js';
import { EngineError } from '../../protocol/errors.js';
import { localLocks } from '../store/locks.js';
import { ModelStore } from '../store/model-store.js';
import { pieceLength } from '../store/pieces.js';
import { obtainFile, type DownloadContext, type RemoteFile } from './download-file.js';
import { FileSupply } from './file-supply.js';
import { systemClock, withRetry, type Clock } from './retry.js';
import { DownloadSwitch } from './switch.js';

const server = new FileServer();
let records = new Map<string, Uint8Array<ArrayBuffer>>();
let store: ModelStore;
/** Milliseconds slept, by the clock that all tests use. */
let slept: number[] = [];
let arrived: number[] = [];
const clock: Clock = {
  ...systemClock,
  random: () => 0.5,
  sleep: async (milliseconds, signal) => {
    signal?.throwIfAborted();
    slept.push(milliseconds);
  },
};

const bytesOf = (seed: number, length: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 61) bytes[i] = (i / 61) * seed;
  return bytes;
};

function publish(seed: number, length: number): RemoteFile & { readonly path: string } {
  const bytes = bytesOf(seed, length);
  const key = createHash('sha256').update(bytes).digest('hex');
  const path = `/${key}.bin`;
  server.files.set(path, bytes);
  return { key, byteLength: length, path, url: server.origin + path };
}

const openStore = (): Promise<ModelStore> =>
  ModelStore.open({ pieces: new MemoryPieces(records), locks: localLocks(), now: () => Date.now() });

const context = (extra: { stallMilliseconds?: number } = {}): DownloadContext => ({
  http: { fetch: (input, init) => fetch(input, init), ...extra },
  store,
  source: 'model',
  clock,
  onArrived: (_, bytes) => arrived.push(bytes),
});

let big: ReturnType<typeof publish>;
before(async () => {
  await server.open();
  big = publish(3, 3 * pieceLength + 12_345);
});
after(() => server.close());
beforeEach(async () => {
  records = new Map();
  store = await openStore();
  const files = [big];
  const facts = {
    source: 'model',
    id: 'x',
    name: 'A model',
    quantisation: '',
    byteLength: 0,
    manifest: null,
    original: null,
  };
  await store.record({ ...facts, files: files.map(({ key, byteLength }) => ({ key, byteLength })) });
  server.asked.length = 0;
  server.sent = 0;
  slept = [];
  arrived = [];
});
afterEach(() => {
  server.interfere = () => false;
});

/** Sends `length` bytes of the sound answer and breaks the connection. */
const breakAfter =
  (length: number, times = 1): Interfere =>
  (request, response) => {
    if (times-- <= 0) return false;
    const bytes = server.files.get(request.url ?? '') ?? new Uint8Array();
    const from = Number(/=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers = { 'content-length': bytes.length - from, etag: server.etagOf(request.url ?? '') };
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(from === 0 ? 200 : 206, from === 0 ? headers : { ...headers, ...range });
    server.sent += length;
    response.write(bytes.subarray(from, from + length), () => setTimeout(() => response.destroy(), 20));
    return true;
  };

const right = () => server.files.get(big.path);

test('a file is fetched once, verified, and found in the store afterwards', async () => {
  assert.deepEqual(await obtainFile(big, context()), right());
  assert.equal(server.asked.length, 1);
  assert.deepEqual(await obtainFile(big, context()), right());
  assert.equal(server.asked.length, 1);
  assert.equal(arrived.at(-1), big.byteLength);
  assert.ok(![...records.keys()].some((name) => name.endsWith('.tag')));
});

test('a transfer that breaks off goes on where the last piece ended, with Range and If-Range', async () => {
  server.interfere = breakAfter(2 * pieceLength + 1000);
  assert.deepEqual(await obtainFile(big, context()), right());
  const last = server.asked.at(-1);
  assert.equal(last?.range, `bytes=${2 * pieceLength}-`);
  assert.equal(last?.ifRange, server.etagOf(big.path));
  assert.equal(slept.length, 1);
  const again = server.sent - big.byteLength;
  assert.ok(again >= 0 && again < pieceLength, `${again} bytes came twice`);
});

test('after a crash the next life goes on in the middle of the file', async () => {
  server.interfere = breakAfter(pieceLength + 5000, 99);
  const stop = new AbortController();
  const dying = { ...clock, sleep: () => Promise.reject(new Error('the worker died')) };
  await assert.rejects(obtainFile(big, { ...context(), clock: dying }, stop.signal));
  server.interfere = () => false;
  store = await openStore();
  const before = server.sent;
  assert.deepEqual(await obtainFile(big, context()), right());
  assert.equal(server.sent - before, big.byteLength - pieceLength);
});

test('a file that was replaced on the server meanwhile is fetched whole: If-Range sees to it', async () => {
  server.interfere = breakAfter(2 * pieceLength);
  const old = server.etagOf.bind(server);
  let calls = 0;
  server.etagOf = (path) => (calls++ === 0 ? '"of another file"' : old(path));
  try {
    assert.deepEqual(await obtainFile(big, context()), right());
  } finally {
    server.etagOf = old;
  }
  assert.equal(server.asked.at(-1)?.ifRange, '"of another file"');
});

test('a server without ranges begins again, and the result is right', async () => {
  const cut = breakAfter(pieceLength + 1);
  server.interfere = (request, response) => {
    delete request.headers.range;
    return cut(request, response);
  };
  assert.deepEqual(await obtainFile(big, context()), right());
});

test('a redirect is followed', async () => {
  server.interfere = (request, response) => {
    if (request.url !== '/moved.bin') return false;
    response.writeHead(302, { location: big.path }).end();
    return true;
  };
  assert.deepEqual(await obtainFile({ ...big, url: `${server.origin}/moved.bin` }, context()), right());
});

/** Fails, says which file and what to do, and leaves what was verified before. */
async function fails(code: string, message: RegExp, extra = {}): Promise<EngineError> {
  const sound = publish(9, 5000);
  await obtainFile(sound, context()).catch(() => undefined);
  let error: unknown = null;
  await obtainFile(big, context(extra)).catch((thrown: unknown) => (error = thrown));
  assert.ok(error instanceof EngineError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  assert.ok(error.message.includes(big.key), error.message);
  assert.notEqual(error.hint, '');
  return error;
}

const onlyBig =
  (interfere: Interfere): Interfere =>
  (request, response) =>
    request.url === big.path && interfere(request, response);
const status = (code: number, headers: Record<string, string> = {}): Interfere =>
  onlyBig((_, response) => {
    response.writeHead(code, headers).end('no');
    return true;
  });
const body = (make: (bytes: Uint8Array) => Uint8Array, headers = {}): Interfere =>
  onlyBig((_, response) => {
    response.writeHead(200, headers).end(make(server.files.get(big.path) ?? new Uint8Array()));
    return true;
  });

test('truncated: refused after one more try, with the offset at which it ends', async () => {
  server.interfere = body((bytes) => bytes.subarray(0, 5_000_000));
  await fails('model-invalid', /ends at byte 5000000 of/);
  assert.equal(server.asked.filter(({ path }) => path === big.path).length, 2);
});

test('oversized: refused at the first byte too many', async () => {
  server.interfere = body((bytes) => Buffer.concat([bytes, bytes]));
  await fails('model-invalid', /more than the/);
});

test('wrong hash: fetched once more past the caches, then refused; a sound second copy is taken', async () => {
  const spoil = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte));
  server.interfere = body(spoil);
  await fails('model-invalid', /SHA-256/);
  assert.equal(server.asked.filter(({ path }) => path === big.path).length, 2);
  assert.equal(await store.prefix(big), 0);
  let spoilt = 1;
  const once = body(spoil);
  server.interfere = (request, response) => spoilt-- > 0 && once(request, response);
  assert.deepEqual(await obtainFile(big, context()), right());
});

test('a web page in place of the file', async () => {
  server.interfere = body(() => Buffer.from('<!doctype html><p>Sign in'), {
    'content-type': 'text/html; charset=utf-8',
  });
  await fails('model-invalid', /web page/);
});

test('404 and 403 are not tried again', async () => {
  server.interfere = status(404);
  await fails('model-not-found', /404/);
  server.interfere = status(403);
  await fails('network', /403/);
  assert.deepEqual(slept, []);
});

test('416 with nothing stored is an error; with a part stored, that part is thrown away and the file fetched whole', async () => {
  server.interfere = status(416);
  await fails('model-invalid', /416/);
  server.interfere = breakAfter(2 * pieceLength);
  await assert.rejects(
    obtainFile(big, { ...context(), clock: { ...clock, sleep: () => Promise.reject(new Error('stop')) } }),
  );
  let refused = 0;
  server.interfere = (request, response) => {
    if (request.headers.range === undefined || refused++ > 0) return false;
    response.writeHead(416).end();
    return true;
  };
  assert.deepEqual(await obtainFile(big, context()), right());
  assert.equal(refused, 1);
});

test('429 with Retry-After is waited for; one that asks for too long, and 5xx without end, are given up', async () => {
  let times = 1;
  const busy = status(429, { 'retry-after': '7' });
  server.interfere = (request, response) => times-- > 0 && busy(request, response);
  assert.deepEqual(await obtainFile(big, context()), right());
  assert.equal(slept.length, 1);
  assert.ok((slept[0] ?? 0) >= 7000 && (slept[0] ?? 0) < 7500);
  await store.forget(big);
  server.interfere = status(429, { 'retry-after': '86400' });
  assert.match((await fails('network', /429/)).hint, /86400/);
  slept = [];
  server.interfere = status(503);
  await fails('network', /503/);
  assert.deepEqual(slept, [250, 500, 1000, 2000]);
});

test('a stalled socket is given up and tried again', async () => {
  let stalls = 2;
  server.interfere = onlyBig((_, response) => {
    if (stalls-- <= 0) return false;
    response.writeHead(200, { 'content-length': big.byteLength }).write(new Uint8Array(10));
    return true;
  });
  assert.deepEqual(await obtainFile(big, context({ stallMilliseconds: 100 })), right());
  stalls = 99;
  await store.forget(big);
  await fails('network', /sent nothing/, { stallMilliseconds: 50 });
});

test('another range than was asked for is refused', async () => {
  server.interfere = breakAfter(2 * pieceLength);
  const cut = server.interfere;
  server.interfere = (request, response) => {
    if (cut(request, response)) return true;
    response.writeHead(206, { 'content-range': `bytes 5-9/${big.byteLength}` }).end('12345');
    return true;
  };
  await assert.rejects(obtainFile(big, context()), { code: 'model-invalid', message: /bytes 5-9 of \d+ where \d+-/ });
});

test('a stored copy that is damaged is found out before use and fetched anew', async () => {
  await obtainFile(big, context());
  const piece = records.get(`${big.key}.1`) as Uint8Array;
  piece[99] = (piece[99] as number) ^ 128;
  assert.deepEqual(await obtainFile(big, context()), right());
  assert.equal(server.asked.length, 2);
});

test('two who want one file fetch it once', async () => {
  const [one, two] = await Promise.all([obtainFile(big, context()), obtainFile(big, context())]);
  assert.deepEqual(one, two);
  assert.equal(server.asked.length, 1);
});

test('a retry begins its count anew with each progress', async () => {
  let failures = 0;
  const result = await withRetry(async (progressed) => {
    if (failures++ < 12) {
      progressed();
      throw new EngineError('network', 'broke off');
    }
    return 'done';
  }, clock);
  assert.equal(result, 'done');
  assert.deepEqual(new Set(slept), new Set([250]));
});

/** A model of ten files. */
async function supplyOf(control = new DownloadSwitch()): Promise<{ files: RemoteFile[]; supply: FileSupply }> {
  const files = Array.from({ length: 10 }, (_, i) => publish(20 + i, 100_000 + i));
  const facts = {
    source: 'model',
    id: 'x',
    name: 'A model',
    quantisation: '',
    byteLength: 0,
    manifest: null,
    original: null,
  };
  await store.record({ ...facts, files: files.map(({ key, byteLength }) => ({ key, byteLength })) });
  const missing: number[] = [];
  for (const [i, file] of files.entries()) if ((await store.prefix(file)) < file.byteLength) missing.push(i);
  return { files, supply: new FileSupply(files, missing, context(), control) };
}

const contentOf = (file: RemoteFile) => server.files.get(new URL(file.url).pathname);

test('files come in the order of first use, six at a time, and a reader waits for its own alone', async () => {
  const { files, supply } = await supplyOf();
  let open = 0;
  let most = 0;
  const held: (() => void)[] = [];
  server.interfere = (request, response) => {
    most = Math.max(most, ++open);
    const go = (): void => {
      open--;
      server.answer(request, response);
    };
    if (request.url?.includes(files[0]?.key ?? '')) held.push(go);
    else setTimeout(go, 30);
    return true;
  };
  supply.start();
  assert.deepEqual(await supply.read(3), contentOf(files[3] as RemoteFile));
  assert.equal(most, 6);
  const first = supply.read(0);
  assert.equal(await Promise.race([first, new Promise((done) => setTimeout(() => done('waits'), 50))]), 'waits');
  held[0]?.();
  assert.deepEqual(await first, contentOf(files[0] as RemoteFile));
  const order = server.asked.slice(0, 6).map(({ path }) => files.findIndex(({ key }) => path.includes(key)));
  assert.deepEqual(order.toSorted(), [0, 1, 2, 3, 4, 5]);
  for (const [i, file] of files.entries()) assert.deepEqual(await supply.read(i), contentOf(file));
  assert.equal(server.asked.length, 10);
  supply.close();
});

test('a stored model is read without the network, each file verified', async () => {
  const { files, supply } = await supplyOf();
  for (const [i] of files.entries()) await supply.read(i);
  supply.close();
  server.asked.length = 0;
  const { supply: warm } = await supplyOf();
  for (const [i, file] of files.entries()) assert.deepEqual(await warm.read(i), contentOf(file));
  assert.equal(server.asked.length, 0);
  warm.close();
});

test('paused: transfers end, readers wait; resumed: everything arrives, and no whole piece twice', async () => {
  const control = new DownloadSwitch();
  const { files, supply } = await supplyOf(control);
  const stuck: Interfere = (_, response) => {
    response.writeHead(200).write('x');
    return true;
  };
  server.interfere = stuck;
  supply.start();
  const reading = supply.read(4);
  await new Promise((done) => setTimeout(done, 50));
  control.set(true);
  server.interfere = () => false;
  await new Promise((done) => setTimeout(done, 50));
  const before = server.asked.length;
  assert.equal(before, 6);
  control.set(false);
  assert.deepEqual(await reading, contentOf(files[4] as RemoteFile));
  for (const [i, file] of files.entries()) assert.deepEqual(await supply.read(i), contentOf(file));
  assert.equal(server.asked.length - before, 10);
  supply.close();
});

test('a file that cannot be had fails its readers, and is tried again by the next', async () => {
  const { files, supply } = await supplyOf();
  const missing = files[2] as RemoteFile;
  server.interfere = (request, response) => {
    if (!request.url?.includes(missing.key)) return false;
    response.writeHead(404).end();
    return true;
  };
  supply.start();
  await assert.rejects(supply.read(2), { code: 'model-not-found' });
  assert.deepEqual(await supply.read(1), contentOf(files[1] as RemoteFile));
  server.interfere = () => false;
  assert.deepEqual(await supply.read(2), contentOf(missing));
  supply.close();
});

test('closed: readers end at once', async () => {
  const { supply } = await supplyOf();
  server.interfere = () => true;
  supply.start();
  const reading = assert.rejects(supply.read(1), { code: 'aborted' });
  supply.close();
  await reading;
  await assert.rejects(supply.read(0), { code: 'aborted' });
});

test('a reader that is stopped ends at once, while the transfer goes on', async () => {
  const { files, supply } = await supplyOf();
  server.interfere = (request, response) => {
    setTimeout(() => server.answer(request, response), 100);
    return true;
  };
  supply.start();
  const stop = new AbortController();
  const reading = assert.rejects(supply.read(1, stop.signal), { code: 'aborted' });
  stop.abort();
  await reading;
  assert.deepEqual(await supply.read(1), contentOf(files[1] as RemoteFile));
  assert.equal(server.asked.filter(({ path }) => path.includes((files[1] as RemoteFile).key)).length, 1);
  supply.close();
});
