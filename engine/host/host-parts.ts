// What an EngineHost takes from the worker it lives in, the same for both kinds of worker: locks, clock, fetch, the
// channel of states. Called by serve-shared-worker.ts and serve-tab-worker.ts; knows nothing of how tabs come in.

import { longestUrl } from '../protocol/host-api.js';
import type { EngineHome } from '../protocol/state.js';
import type { EngineParts } from './engine-host.js';
import { Helpers } from './helpers.js';

/** What a worker's entry must bring along. */
type EntryPart = 'openModel' | 'createCloud' | 'probe' | 'consent';
/** The rest is the same everywhere and comes from the worker's own globals, unless the entry knows better. */
export type EntryParts = Pick<EngineParts, EntryPart> & Partial<Omit<EngineParts, EntryPart>>;

/** The bit of both WorkerGlobalScopes used here; TypeScript's DOM library has no worker types beside it. */
export interface WorkerScope {
  /** The engine's scope (protocol/scope.ts). */
  readonly name: string;
}

/**
 * Fetches that the browser remembers for this worker: 250 unless told otherwise, and a model of a gigabyte comes in more
 * pieces. Below what a page accepts as the answer to `fetched`.
 */
const rememberedFetches = 9_000;

export function hostParts({ name }: WorkerScope, home: EngineHome): Omit<EngineParts, EntryPart> {
  performance.setResourceTimingBufferSize(rememberedFetches);
  return {
    scope: name,
    home,
    fetch: (input, init) => globalThis.fetch(input, init),
    locks: navigator.locks,
    channel: new BroadcastChannel(name),
    now: () => performance.now(),
    createId: () => crypto.randomUUID(),
    fetched: fetchedUrls,
    helpers: new Helpers(),
  };
}

/** Files of packs, which the engine keeps itself. */
const packFile = /\/[0-9a-f]{64}\.(bin|json)$/;

/** From the resource timing list (W3C Resource Timing), which workers keep of their own fetches and imports. */
function fetchedUrls(): string[] {
  const urls = [location.href, ...performance.getEntriesByType('resource').map((entry) => entry.name)];
  // A worker started by a blob: is of this origin, but nothing of it can be fetched again.
  const own = (url: string): boolean =>
    URL.canParse(url) && new URL(url).origin === location.origin && !url.startsWith('blob:');
  const kept = (url: string): boolean => packFile.test(new URL(url).pathname);
  return [...new Set(urls)].filter((url) => url.length <= longestUrl && own(url) && !kept(url));
}
