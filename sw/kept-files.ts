// The two caches and what goes in and out of them: the kit's files, with their version, and the model's shards, which
// outlive versions because their names are their content. Called by service-worker.ts; knows no fetch events. What goes
// wrong: a store that is full or gone costs offline use, never an answer; `keep` tells which files could not be kept.

import { mayKeep, type Treatment } from './policy.js';

/** Raised when the meaning of what is stored changes; older caches are deleted on activation. */
const prefix = 'llm-elements-';
const kitCache = `${prefix}kit-1`;
const shardCache = `${prefix}shards-1`;

const cacheFor = (treatment: Treatment): string => (treatment === 'shard' ? shardCache : kitCache);

export async function deleteOldCaches(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(prefix) && name !== kitCache && name !== shardCache);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** The stored answer; a page's own query does not tell it from itself. */
export async function findKept(request: Request | string, treatment: Treatment): Promise<Response | undefined> {
  const page = typeof request !== 'string' && request.mode === 'navigate';
  const cache = await caches.open(cacheFor(treatment));
  return (await cache.match(request)) ?? (page ? await cache.match(request, { ignoreSearch: true }) : undefined);
}

/** Stores a copy if it may be stored. @returns whether it is stored now */
export async function keepCopy(url: string, response: Response, treatment: Treatment): Promise<boolean> {
  const cacheControl = response.headers.get('Cache-Control') ?? '';
  const { status, type, redirected } = response;
  if (!mayKeep({ status, type, redirected, cacheControl })) {
    response.body?.cancel().catch(() => undefined); // a copy nobody reads would hold the original back
    return false;
  }
  try {
    const cache = await caches.open(cacheFor(treatment));
    await cache.put(url, response);
    return true;
  } catch (error) {
    void error; // no room, or the answer broke off: it is not kept, and the page has its own copy of the answer
    return false;
  }
}

/** Fetches what is not stored yet. @returns URLs that could not be kept */
export async function keepAll(files: readonly { url: string; treatment: Treatment }[]): Promise<string[]> {
  const failed: string[] = [];
  for (const { url, treatment } of files) {
    if (treatment === 'pass' || (await findKept(url, treatment))) continue;
    try {
      const response = await fetch(url);
      if (!response.ok) continue; // nothing is there: a page's failed request is nothing to keep
      if (!(await keepCopy(url, response, treatment))) failed.push(url);
    } catch (error) {
      void error; // the network: told to the caller with the rest
      failed.push(url);
    }
  }
  return failed;
}

/** Forgets hashed files of the kit that its newest version no longer has. */
export async function dropUnlisted(listed: ReadonlySet<string>, isHashed: (url: string) => boolean): Promise<void> {
  const cache = await caches.open(kitCache);
  for (const { url } of await cache.keys()) {
    if (isHashed(url) && !listed.has(url)) await cache.delete(url);
  }
}
