// Turns the SharedWorker it is called in into an engine: one EngineHost, one port for each page that connects. Called
// at the top level of shared-worker.ts (and of the tests' worker), before any await: a `connect` event that nobody
// hears is lost, and the page would wait for nothing.

import { longestUrl } from '../protocol/host-api.js';
import { EngineHost, type EngineParts } from './engine-host.js';
import { Helpers } from './helpers.js';

/** What a worker's entry brings along; the rest is the same everywhere and comes from the worker's own globals. */
export type EntryParts = Pick<EngineParts, 'openModel' | 'createCloud' | 'probe' | 'consent'> &
  Partial<Pick<EngineParts, 'limits' | 'helpers' | 'kept' | 'conversations'>>;

/** The bit of SharedWorkerGlobalScope used here; TypeScript's DOM library has no worker types beside it. */
interface SharedWorkerScope {
  readonly name: string;
  onconnect: ((event: MessageEvent) => void) | null;
}

/**
 * Fetches that the browser remembers for this worker: 250 unless told otherwise, and a model of a gigabyte comes in more
 * pieces. Below what a page accepts as the answer to `fetched`.
 */
const rememberedFetches = 9_000;

export function serveSharedWorker(entry: EntryParts): EngineHost {
  const scope = globalThis as unknown as SharedWorkerScope;
  performance.setResourceTimingBufferSize(rememberedFetches);
  const host = new EngineHost({
    scope: scope.name,
    home: 'shared-worker',
    fetch: (input, init) => globalThis.fetch(input, init),
    locks: navigator.locks,
    channel: new BroadcastChannel(scope.name),
    now: () => performance.now(),
    createId: () => crypto.randomUUID(),
    fetched: fetchedUrls,
    helpers: new Helpers(),
    ...entry,
  });
  scope.onconnect = (event) => {
    const [port] = event.ports;
    if (port) host.attach(port);
  };
  return host;
}

/** Files of packs, which the engine keeps itself. */
const packFile = /\/[0-9a-f]{64}\.(bin|json)$/;

/** From the resource timing list (W3C Resource Timing), which workers keep of their own fetches and imports. */
function fetchedUrls(): string[] {
  const urls = [location.href, ...performance.getEntriesByType('resource').map((entry) => entry.name)];
  const own = (url: string): boolean => URL.canParse(url) && new URL(url).origin === location.origin;
  const kept = (url: string): boolean => packFile.test(new URL(url).pathname);
  return [...new Set(urls)].filter((url) => url.length <= longestUrl && own(url) && !kept(url));
}
