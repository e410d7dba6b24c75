// The caches and what goes in and out of them one by one. Called by service-worker.ts and kit-build.ts; knows no fetch
// events and no builds. Shards and hash-named files outlive builds, because their names are their content; pages of the
// site, model lists and manifests are kept as they pass, newest last. What goes wrong: a store that is full or gone
// costs offline use, never an answer; `keepAll` tells which files could not be kept.

import { mayKeep, type Treatment } from './policy.js';

const prefix = 'llm-elements-';
const kitPrefix = `${prefix}kit-`;

/** Of the kit in this folder: several of one origin (one site in each folder of a host) know nothing of each other. */
const kitOf = (base: string): string => `${kitPrefix}${new URL(base).pathname} `;

export const cacheNames = {
  /** Files of one build that have no hash in their names. @param base folder of the kit */
  kit: (base: string, build: string): string => kitOf(base) + build,
  isKit: (name: string, base: string): boolean => name.startsWith(kitOf(base)),
  fixed: `${prefix}fixed-1`,
  shard: `${prefix}shards-1`,
  fresh: `${prefix}pages-1`,
  /** Ours by name, and of a form that is no longer read. */
  retired: (name: string): boolean =>
    name.startsWith(prefix) &&
    !name.startsWith(`${kitPrefix}/`) &&
    ![cacheNames.fixed, cacheNames.shard, cacheNames.fresh].includes(name),
};

/** Pages and lists kept at most, newest last: addresses with queries are without end. */
export const mostPages = 400;

/** Where what comes one by one is kept; what belongs to a build is kept with it (kit-build.ts), or with the pages. */
export type KeptAs = 'shard' | 'fixed' | 'fresh';

export const keptAs = (treatment: Exclude<Treatment, 'pass'>): KeptAs => (treatment === 'kit' ? 'fresh' : treatment);

/** The stored answer; a page's own query does not tell it from itself. */
export async function findKept(request: Request | string, kept: KeptAs): Promise<Response | undefined> {
  const page = typeof request !== 'string' && request.mode === 'navigate';
  const cache = await caches.open(cacheNames[kept]);
  return (await cache.match(request)) ?? (page ? await cache.match(request, { ignoreSearch: true }) : undefined);
}

/** Stores a copy if it may be stored. @returns whether it is stored now */
export async function keepAs(kept: KeptAs, url: string, response: Response): Promise<boolean> {
  const cacheControl = response.headers.get('Cache-Control') ?? '';
  const { status, type, redirected } = response;
  if (!mayKeep({ status, type, redirected, cacheControl })) {
    response.body?.cancel().catch(() => undefined); // a copy nobody reads would hold the original back
    return false;
  }
  try {
    const cache = await caches.open(cacheNames[kept]);
    await cache.put(url, response);
    if (kept === 'fresh') for (const old of (await cache.keys()).slice(0, -mostPages)) await cache.delete(old);
    return true;
  } catch (error) {
    void error; // no room, or the answer broke off: it is not kept, and the page has its own copy of the answer
    return false;
  }
}

/** Fetches what is not stored yet. @returns URLs that could not be kept */
export async function keepAll(files: readonly { readonly url: string; readonly kept: KeptAs }[]): Promise<string[]> {
  const failed: string[] = [];
  for (const { url, kept } of files) {
    if (await findKept(url, kept)) continue;
    try {
      const response = await fetch(url);
      if (!response.ok) continue; // nothing is there: a page's failed request is nothing to keep
      if (!(await keepAs(kept, url, response))) failed.push(url);
    } catch (error) {
      void error; // the network: told to the caller with the rest
      failed.push(url);
    }
  }
  return failed;
}
