// What the service worker decides, without a browser: which requests it touches, what it keeps, which bytes a range is.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isolate, isolationOf } from './isolation.js';
import { mayKeep, treatmentOf } from './policy.js';
import { parseRange, rangeOf } from './ranges.js';

const base = 'https://site.example/kit/';
const hash = 'a'.repeat(64);

describe('treatmentOf', () => {
  const of = (
    url: string,
    { pages = false, method = 'GET', accept = '', destination = 'document', cache = 'default' } = {},
  ) => treatmentOf({ method, url: new URL(url, base).href, accept, destination, cache }, { base, pages });

  test('tells shards, hashed files and changing files apart', () => {
    assert.equal(of(`models/default/${hash}.bin`), 'shard');
    assert.equal(of(`/elsewhere/${hash}`), 'shard');
    assert.equal(of(`/elsewhere/${hash}`, { cache: 'no-store' }), 'pass');
    assert.equal(of('chunks/client-BkT0yZ_q.js'), 'fixed');
    assert.equal(of('ort/ort-wasm-simd-threaded-0123456789ab.wasm'), 'fixed');
    assert.equal(of('kernels/simd-0123456789ab.wasm'), 'fixed');
    for (const file of ['llm-elements.js', 'engine-worker.js?build=0123456789ab', 'index.html', '']) {
      assert.equal(of(file), 'kit', file);
    }
    for (const file of ['models/models.json', 'models/default/manifest.json']) assert.equal(of(file), 'fresh', file);
    assert.equal(of('ort/ort-wasm-simd-threaded.wasm'), 'kit'); // without a hash it may change
    assert.equal(of('llm-elements-elements.js'), 'kit');
  });

  test('leaves alone what is not its own', () => {
    assert.equal(of('https://cdn.example/x.js'), 'pass');
    assert.equal(of(`https://cdn.example/${hash}.bin`), 'pass');
    assert.equal(of('llm-elements.js', { method: 'POST' }), 'pass');
    assert.equal(of('/v1/chat/completions', { pages: true }), 'pass');
    assert.equal(of('/kit/v1/models'), 'pass');
    assert.equal(of('/events', { pages: true, accept: 'text/event-stream' }), 'pass');
    assert.equal(of('models/big.gguf'), 'pass');
    assert.equal(of('sw.js?isolate=1'), 'pass');
    assert.equal(of('/page.html'), 'pass');
    assert.equal(of('/page.html', { pages: true }), 'fresh');
    assert.equal(of('/api/account', { pages: true, destination: '' }), 'pass');
    assert.equal(of('/models/mine/manifest.json', { pages: true, destination: '' }), 'fresh');
    assert.equal(of('chunks/x.json', { destination: '' }), 'kit');
    assert.equal(of('models/visitor.json', { destination: '' }), 'pass');
  });
});

test('mayKeep: whole, direct, same-origin answers only', () => {
  const good = { status: 200, type: 'basic' as const, redirected: false, cacheControl: '' };
  assert.equal(mayKeep(good), true);
  for (const status of [0, 206, 304, 404, 500]) assert.equal(mayKeep({ ...good, status }), false);
  assert.equal(mayKeep({ ...good, type: 'opaque' }), false);
  assert.equal(mayKeep({ ...good, type: 'cors' }), false);
  assert.equal(mayKeep({ ...good, redirected: true }), false);
  assert.equal(mayKeep({ ...good, cacheControl: 'private, no-store' }), false);
});

describe('ranges', () => {
  test('parse as RFC 9110 has them', () => {
    assert.deepEqual(parseRange('bytes=0-3', 10), { start: 0, end: 3 });
    assert.deepEqual(parseRange('bytes=4-', 10), { start: 4, end: 9 });
    assert.deepEqual(parseRange('bytes=-4', 10), { start: 6, end: 9 });
    assert.deepEqual(parseRange('bytes=-40', 10), { start: 0, end: 9 });
    assert.deepEqual(parseRange('bytes=8-99', 10), { start: 8, end: 9 });
    assert.equal(parseRange('bytes=10-', 10), 'unsatisfiable');
    assert.equal(parseRange('bytes=-0', 10), 'unsatisfiable');
    assert.equal(parseRange('bytes=0-', 0), 'unsatisfiable');
    for (const header of ['bytes=', 'bytes=-', 'bytes=5-2', 'bytes=0-1,4-5', 'items=0-1', 'bytes=a-b', '']) {
      assert.equal(parseRange(header, 10), null, header);
    }
  });

  test('a part of another version is not gone on with, and packed on the way is not packed here', async () => {
    const headers = { ETag: '"one"', 'Last-Modified': 'Sat, 21 Nov 2026 10:00:00 GMT' };
    const whole = (more = {}): Response => new Response('0123456789', { headers: { ...headers, ...more } });
    const status = async (condition: string) => (await rangeOf(whole(), 'bytes=4-', condition)).status;
    assert.deepEqual(
      await Promise.all(['"one"', headers['Last-Modified'], '"two"', 'W/"one"', 'Sun, 22 Nov 2026'].map(status)),
      [206, 206, 200, 200, 200],
    );
    const packed = await rangeOf(whole({ 'Content-Encoding': 'gzip', 'Content-Length': '7' }), 'bytes=0-,1-');
    assert.deepEqual(
      [packed.status, packed.headers.get('Content-Length'), packed.headers.has('Content-Encoding')],
      [200, '10', false],
    );
  });

  test('property: the bytes are those of the whole file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.nat(220),
        fc.nat(220),
        async (bytes, a, b) => {
          const whole = new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { ETag: '"x"' } });
          const response = await rangeOf(whole, `bytes=${a}-${b}`);
          const body = new Uint8Array(await response.arrayBuffer());
          assert.equal(response.headers.get('ETag'), '"x"');
          if (b < a) assert.equal(response.status, 200);
          else if (a >= bytes.length) assert.equal(response.status, 416);
          else {
            assert.equal(response.status, 206);
            assert.deepEqual(body, new Uint8Array(bytes.slice(a, b + 1)));
            const end = Math.min(b, bytes.length - 1);
            assert.equal(response.headers.get('Content-Range'), `bytes ${a}-${end}/${bytes.length}`);
          }
        },
      ),
    );
  });
});

describe('isolation', () => {
  test('is off unless the URL asks for it', () => {
    assert.equal(isolationOf(null), 'none');
    assert.equal(isolationOf('0'), 'none');
    assert.equal(isolationOf('1'), 'credentialless');
    assert.equal(isolationOf('require-corp'), 'require-corp');
  });

  test('adds headers to documents and workers, and keeps status and body', async () => {
    const plain = new Response('x', { status: 201, headers: { 'X-Own': '1' } });
    const response = isolate(plain, 'document', 'credentialless');
    assert.equal(response.headers.get('Cross-Origin-Opener-Policy'), 'same-origin');
    assert.equal(response.headers.get('Cross-Origin-Embedder-Policy'), 'credentialless');
    assert.equal(response.headers.get('X-Own'), '1');
    assert.equal(response.status, 201);
    assert.equal(await response.text(), 'x');
    const image = new Response('x');
    assert.equal(isolate(image, 'image', 'credentialless'), image);
    assert.equal(isolate(image, 'document', 'none'), image);
    const failed = Response.error();
    assert.equal(isolate(failed, 'document', 'credentialless'), failed);
  });
});
