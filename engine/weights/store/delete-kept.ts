// Deletes a model for good: not under the hands of whoever is still writing it, who would put it back. Called by
// host/local-parts.ts when a visitor deletes one, after its load was broken off; eviction needs no such care, because it
// takes only what nobody uses. What goes wrong: the store's errors.

import type { ModelStore, StoredModel } from './model-store.js';

/** Held by the worker that rewrites a model of another format into the store. @param id `StoredModel.id` */
export const rewriteLock = (id: string): string => `rewrite ${id}`;

/** Another engine that goes on rewriting it is not waited for any longer. Milliseconds. */
const usualPatience = 5_000;

/** Where the service worker keeps what passes through it while this store cannot (sw/kept-files.ts). */
const shardCache = 'llm-elements-shards-1';

/**
 * Also what the service worker may have kept of it.
 * @returns false when it was not there
 */
export async function deleteKept(
  store: ModelStore,
  source: string,
  patience = usualPatience,
  caches = (globalThis as { readonly caches?: CacheStorage }).caches,
): Promise<boolean> {
  await store.refresh();
  const model = store.find(source);
  if (model === null) return false;
  const deleted = await deleteStored(store, model, patience);
  const others = (await store.models()).flatMap(({ model: { files } }) => files.map(({ key }) => key));
  const left = new Set(model.files.map(({ key }) => key));
  for (const key of others) left.delete(key);
  if (caches !== undefined) await forgetCached(caches, left);
  return deleted;
}

/** Files there are named by their SHA-256. A cache that cannot be opened keeps what it has: it is in nobody's way. */
async function forgetCached(caches: CacheStorage, keys: ReadonlySet<string>): Promise<void> {
  if (!(await caches.has(shardCache).catch(() => false))) return;
  const cache = await caches.open(shardCache);
  for (const request of await cache.keys()) {
    const [name = ''] = new URL(request.url).pathname.split('/').slice(-1);
    if (keys.has(name.slice(0, 64))) await cache.delete(request);
  }
}

async function deleteStored(store: ModelStore, model: StoredModel, patience: number): Promise<boolean> {
  const { source } = model;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), patience);
  try {
    return await store.locks.hold(rewriteLock(model.id), () => store.delete(source), late.signal);
  } catch (thrown) {
    if (!late.signal.aborted) throw thrown;
    return await store.delete(source);
  } finally {
    clearTimeout(timer);
  }
}
