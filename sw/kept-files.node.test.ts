// What is kept as it passes is kept up to a number, newest last: a site has more addresses than a visitor has room.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepAs, mostPages } from './kept-files.js';

class MemoryCache {
  readonly entries = new Map<string, Response>();
  put = async (url: string, response: Response) => {
    this.entries.delete(url); // what is put again is the newest
    this.entries.set(url, response);
  };
  delete = async ({ url }: { url: string }) => this.entries.delete(url);
  keys = async () => [...this.entries.keys()].map((url) => ({ url }));
}

test('pages go, oldest first, beyond a number; one that is visited again stays', async () => {
  const cache = new MemoryCache();
  Object.assign(globalThis, { caches: { open: async () => cache } });
  const page = (): Response => {
    const response = new Response('page');
    Object.defineProperty(response, 'type', { value: 'basic' });
    return response;
  };
  const address = (n: number): string => `https://site.example/search?q=${n}`;
  for (let n = 0; n < mostPages; n++) await keepAs('fresh', address(n), page());
  assert.equal(cache.entries.size, mostPages);
  await keepAs('fresh', address(0), page());
  await keepAs('fresh', address(mostPages), page());
  await keepAs('fresh', address(mostPages + 1), page());
  assert.equal(cache.entries.size, mostPages);
  assert.ok(cache.entries.has(address(0)));
  assert.ok(!cache.entries.has(address(1)) && !cache.entries.has(address(2)));
  for (let n = 0; n < 5; n++) await keepAs('shard', `${address(n)}&shard`, page());
  assert.equal(cache.entries.size, mostPages + 5);
});
