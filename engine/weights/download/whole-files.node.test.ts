// Servers without ranges send everything at the first question: the size gate must have its say before that.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { FileServer } from '../../../test/support/file-server.js';
import { openTensorModel, type OpenModelOptions } from '../open-model.js';

const server = new FileServer();
let written = 0;
before(() => server.open());
after(() => server.close());
afterEach(() => {
  server.interfere = () => false;
  written = 0;
});

/** 200 with everything, a piece at a time, for as long as somebody reads. @param told whether the length is */
function sendsAll(bytes: number, told: boolean): void {
  const chunk = new Uint8Array(2 ** 18).fill(71);
  server.interfere = (request, response) => {
    if (request.url === '/config.json') {
      response.writeHead(200).end('{}');
      return true;
    }
    if (!/model\.(gguf|safetensors)$/.test(request.url ?? '')) return false;
    response.writeHead(200, told ? { 'content-length': bytes } : {});
    const more = (): void => {
      if (response.destroyed || response.writableEnded) return;
      written += chunk.length;
      if (written >= bytes) response.end(chunk);
      else response.write(chunk, () => setTimeout(more, 2));
    };
    more();
    return true;
  };
}

const open = (path: string, options: OpenModelOptions) =>
  openTensorModel(
    { kind: 'url', url: server.origin + path },
    { fetch: (input, init) => fetch(input, init), ...options },
  );

const size = 200 * 2 ** 20;

for (const path of ['/model.gguf', '/']) {
  test(`${path}: more than is allowed is refused before its first byte is read`, async () => {
    sendsAll(size, true);
    const refused = { code: 'model-too-large', message: /200 MiB; 10 MiB are allowed/ };
    await assert.rejects(open(path, { gate: { maxDownload: 10 * 2 ** 20 } }), refused);
    assert.ok(written < 10 * 2 ** 20, `${written} bytes were sent`);
  });

  test(`${path}: on a metered connection it is asked for first`, async () => {
    sendsAll(size, true);
    const refused = { code: 'model-too-large', message: /metered/ };
    await assert.rejects(open(path, { gate: { metered: () => true } }), refused);
    assert.ok(written < 20 * 2 ** 20, `${written} bytes were sent`);
  });

  test(`${path}: of unknown size, it is broken off where it passes the limit`, async () => {
    sendsAll(size, false);
    const refused = { code: 'model-too-large', message: /5 MiB are allowed/ };
    await assert.rejects(open(path, { gate: { maxDownload: 5 * 2 ** 20 } }), refused);
    assert.ok(written < 40 * 2 ** 20, `${written} bytes were sent`);
  });
}
