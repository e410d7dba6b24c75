// Deletes a model for good: not under the hands of whoever is still writing it, who would put it back. Called by
// host/local-parts.ts when a visitor deletes one, after its load was broken off; eviction needs no such care, because it
// takes only what nobody uses. What goes wrong: the store's errors.

import type { ModelStore } from './model-store.js';

/** Held by the worker that rewrites a model of another format into the store. @param id `StoredModel.id` */
export const rewriteLock = (id: string): string => `rewrite ${id}`;

/** Another engine that goes on rewriting it is not waited for any longer. Milliseconds. */
const usualPatience = 5_000;

/** @returns false when it was not there */
export async function deleteKept(store: ModelStore, source: string, patience = usualPatience): Promise<boolean> {
  await store.refresh();
  const model = store.find(source);
  if (model === null) return false;
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
