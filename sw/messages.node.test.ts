// What a page may tell the service worker: these four things and nothing else, whoever posts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePageMessage } from './messages.js';

test('the four messages pass, and of what is to be kept only the addresses', () => {
  assert.deepEqual(parsePageMessage({ type: 'claim' }), { type: 'claim' });
  assert.deepEqual(parsePageMessage({ type: 'running?' }), { type: 'running?' });
  assert.deepEqual(parsePageMessage({ type: 'activate' }), { type: 'activate' });
  const urls = ['https://site.example/a.js', 'no address', 7, null, `https://site.example/${'x'.repeat(10_000)}`];
  assert.deepEqual(parsePageMessage({ type: 'keep', urls }), { type: 'keep', urls: ['https://site.example/a.js'] });
});

test('property: anything else is dropped, and nothing throws', () => {
  const types = ['keep', 'claim', 'running?', 'activate'];
  const shaped = fc.record({ type: fc.oneof(fc.constantFrom(...types), fc.string()), urls: fc.anything() });
  fc.assert(
    fc.property(fc.oneof(fc.anything(), shaped), (value) => {
      const message = parsePageMessage(value);
      if (message === null) return;
      assert.ok(types.includes(message.type));
      if (message.type === 'keep') assert.ok(message.urls.every((url) => URL.canParse(url) && url.length <= 8_000));
    }),
  );
  assert.equal(parsePageMessage({ type: 'keep', urls: Array(10_001).fill('https://site.example/') }), null);
});
