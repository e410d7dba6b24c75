// The static server and the browser finder as their callers meet them: requests nobody means well with, ports that are
// taken, a CHROME_PATH that is wrong. No browser is started.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createStaticServer, listen, portFromEnvironment } from './static-server.mjs';

describe('the static server', () => {
  let folder = '';
  let port = 0;
  let server: ReturnType<typeof createStaticServer>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'llm-elements-server-'));
    await mkdir(join(folder, 'public'));
    await writeFile(join(folder, 'public/index.html'), '<p>Hello</p>');
    await writeFile(join(folder, 'public/data.bin'), Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    await writeFile(join(folder, 'secret.txt'), 'secret');
    await writeFile(join(folder, 'public/empty.bin'), '');
    await writeFile(join(folder, 'public/sw.js'), '');
    await mkdir(join(folder, 'public/models/default'), { recursive: true });
    await writeFile(join(folder, `public/models/default/${'a'.repeat(64)}.bin`), '0123');
    await writeFile(join(folder, 'public/models/default/manifest.json'), '{}');
    await mkdir(join(folder, 'public/chunks'));
    await writeFile(join(folder, 'public/chunks/part-0123abcd.js'), '');
    await symlink(join(folder, 'secret.txt'), join(folder, 'public/link.txt'));
    server = createStaticServer({ root: join(folder, 'public'), isolate: true });
    port = await listen(server);
  });
  after(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  /** Paths as they are given: fetch() would tidy them up first. */
  const get = (
    path: string,
    headers: Record<string, string> = {},
    method = 'GET',
  ): Promise<IncomingMessage & { body: string }> =>
    new Promise((resolve, reject) => {
      request({ host: 'localhost', port, path, headers, method }, (response) => {
        let body = '';
        response.setEncoding('latin1').on('data', (part: string) => (body += part));
        response.on('end', () => resolve(Object.assign(response, { body })));
      })
        .on('error', reject)
        .end();
    });

  test('serves pages under the policy, to be asked for again each time', async () => {
    const { statusCode, headers, body } = await get('/');
    assert.equal(statusCode, 200);
    assert.equal(body, '<p>Hello</p>');
    assert.match(String(headers['content-security-policy']), /require-trusted-types-for 'script'/);
    assert.equal(headers['cache-control'], 'no-cache');
    const again = await get('/', { 'If-None-Match': String(headers.etag) });
    assert.equal(again.statusCode, 304);
  });

  test('cuts ranges, and none of a file that has changed', async () => {
    const part = await get('/data.bin', { Range: 'bytes=2-4' });
    assert.equal(part.statusCode, 206);
    assert.deepEqual([...Buffer.from(part.body, 'latin1')], [2, 3, 4]);
    assert.equal(part.headers['content-range'], 'bytes 2-4/10');
    const changed = await get('/data.bin', { Range: 'bytes=2-4', 'If-Range': '"another"' });
    assert.equal(changed.statusCode, 200);
    assert.equal((await get('/data.bin', { Range: 'bytes=10-' })).statusCode, 416);
  });

  test('ranges as RFC 9110 has them: first, last, open, too long, several, none, of nothing; GET only', async () => {
    const range = async (header: string, path = '/data.bin', more: Record<string, string> = {}, method = 'GET') => {
      const { statusCode, headers, body } = await get(path, { Range: header, ...more }, method);
      return [statusCode, headers['content-range'], headers['content-length'], [...body].map((c) => c.charCodeAt(0))];
    };
    const whole = [200, undefined, '10', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]];
    assert.deepEqual(await range('bytes=0-0'), [206, 'bytes 0-0/10', '1', [0]]);
    assert.deepEqual(await range('bytes=8-'), [206, 'bytes 8-9/10', '2', [8, 9]]);
    assert.deepEqual(await range('bytes=-3'), [206, 'bytes 7-9/10', '3', [7, 8, 9]]);
    assert.deepEqual(await range('bytes=-30'), [206, 'bytes 0-9/10', '10', whole[3]]);
    assert.deepEqual(await range('bytes=9-99'), [206, 'bytes 9-9/10', '1', [9]]);
    for (const header of ['bytes=5-2', 'bytes=a-b', 'bytes=0-1,4-5', 'items=0-1', 'bytes=-', '']) {
      assert.deepEqual(await range(header), whole, header);
    }
    for (const header of ['bytes=10-', 'bytes=-0', `bytes=${'9'.repeat(30)}-`]) {
      const refused = await get('/data.bin', { Range: header });
      assert.deepEqual([refused.statusCode, refused.headers['content-range']], [416, 'bytes */10'], header);
      assert.equal(refused.headers['cache-control'], 'no-store');
    }
    assert.equal((await get('/empty.bin', { Range: 'bytes=0-' })).statusCode, 416);
    assert.deepEqual(await range('bytes=0-1', '/data.bin', {}, 'HEAD'), [200, undefined, '10', []]);

    const etag = String((await get('/data.bin')).headers.etag);
    assert.deepEqual(await range('bytes=2-3', '/data.bin', { 'If-Range': etag }), [206, 'bytes 2-3/10', '2', [2, 3]]);
    for (const other of ['"other"', `W/${etag}`, 'Wed, 21 Oct 2015 07:28:00 GMT']) {
      assert.deepEqual(await range('bytes=2-3', '/data.bin', { 'If-Range': other }), whole, other);
    }
    for (const match of [etag, `"other", W/${etag}`, '*']) {
      const same = await get('/data.bin', { 'If-None-Match': match, Range: 'bytes=0-1' });
      assert.deepEqual([same.statusCode, same.body], [304, ''], match);
    }
    assert.equal((await get('/data.bin', { 'If-None-Match': '"other"' })).statusCode, 200);
  });

  test('sends what a site should: isolation, hints, and for ever what has its content in its name', async () => {
    const page = (await get('/')).headers;
    assert.equal(page['cross-origin-opener-policy'], 'same-origin');
    assert.equal(page['cross-origin-embedder-policy'], 'require-corp');
    assert.equal(page['cross-origin-resource-policy'], 'same-origin');
    assert.equal(page['x-content-type-options'], 'nosniff');
    assert.match(String(page['accept-ch']), /Sec-CH-Device-Memory/);
    const kept = async (path: string) => (await get(path)).headers['cache-control'];
    const forEver = 'public, max-age=31536000, immutable';
    assert.equal(await kept('/chunks/part-0123abcd.js'), forEver);
    assert.equal(await kept(`/models/default/${'a'.repeat(64)}.bin`), forEver);
    assert.equal(await kept('/models/default/manifest.json'), 'no-cache');
    assert.equal(await kept('/chunks/gone.js'), 'no-store', 'what is not there may be there tomorrow');
    assert.equal((await get('/sw.js')).headers['service-worker-allowed'], '/');
    const refused = await get('/', {}, 'POST');
    assert.deepEqual([refused.statusCode, refused.headers.allow], [405, 'GET, HEAD']);
  });

  test('gives nothing from outside its folder, and survives what is no path', async () => {
    for (const path of [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/link.txt',
      '//',
      '//secret.txt',
      '/%',
      '/%00',
      `/${'x'.repeat(5000)}`,
      '/:99999999',
    ]) {
      const { statusCode, body } = await get(path);
      assert.ok(statusCode === 404 || body === '<p>Hello</p>', `${path}: ${String(statusCode)}`);
      assert.doesNotMatch(body, /^secret/);
    }
  });

  test('says what to do about a port that is taken', async () => {
    const other = createServer();
    await assert.rejects(listen(other, port), /taken by another program.*PORT=/);
  });
});

describe('PORT', () => {
  const before = process.env['PORT'];
  after(() => {
    if (before === undefined) delete process.env['PORT'];
    else process.env['PORT'] = before;
  });

  test('is a port, or refused in plain words; empty is the usual one', () => {
    process.env['PORT'] = '9000';
    assert.equal(portFromEnvironment(8080), 9000);
    process.env['PORT'] = '';
    assert.equal(portFromEnvironment(8080), 8080);
    for (const wrong of ['abc', '-1', '65536', '80.5']) {
      process.env['PORT'] = wrong;
      assert.throws(() => portFromEnvironment(8080), /whole number from 0 to 65535/);
    }
  });
});

describe('CHROME_PATH', () => {
  for (const path of [join(tmpdir(), 'no-such-browser'), tmpdir()]) {
    test(`that names nothing to run is told at once, and nothing hangs: ${path}`, () => {
      const script = `import { findBrowser } from './browser.mjs'; findBrowser();`;
      const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
        cwd: import.meta.dirname,
        env: { ...process.env, CHROME_PATH: path },
        encoding: 'utf8',
        timeout: 20_000,
      });
      assert.equal(status, 1);
      assert.match(stderr, /CHROME_PATH is .*nothing can be run there/);
    });
  }
});
