// Servers that pack what they send (gzip) where a file's length is asked for: the length of the packing is not the file's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpContext } from './http.js';
import { openHttpSource, rangeFacts } from './http-source.js';

const packed = { 'Content-Encoding': 'gzip', 'Content-Length': '7' };

test('the length of a packed answer says nothing of the file', () => {
  assert.equal(rangeFacts(new Response('x', { headers: packed })).size, null);
  assert.equal(rangeFacts(new Response('x', { headers: { 'Content-Length': '7' } })).size, 7);
  assert.equal(rangeFacts(new Response('x', { status: 206, headers: { 'Content-Range': 'bytes 0-0/9' } })).size, 9);
});

test('a server that hides the size of ranges and packs what HEAD asks about is told apart from one that tells it', async () => {
  const open = (head: HeadersInit) =>
    openHttpSource(
      'https://site.example/model.gguf',
      httpContext({
        fetch: async (_url, init) =>
          init?.method === 'HEAD' ? new Response(null, { headers: head }) : new Response('0123456', { status: 206 }),
      }),
    );
  await assert.rejects(open(packed), { code: 'network' });
  assert.equal((await open({ 'Content-Length': '7' })).source.size, 7);
});
