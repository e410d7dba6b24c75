// Turns the SharedWorker it is called in into an engine: one EngineHost, one port for each page that connects. Called
// by serve-engine.ts at the top level of the worker, before any await: a `connect` event that nobody hears is lost, and
// the page would wait for nothing.

import { EngineHost } from './engine-host.js';
import { hostParts, type EntryParts, type WorkerScope } from './host-parts.js';

interface SharedWorkerScope extends WorkerScope {
  onconnect: ((event: MessageEvent) => void) | null;
  close(): void;
}

/**
 * Milliseconds that an engine stays without any page, where the browser lets it (`extendedLifetime`): long enough for a
 * reload or the next page of the site. Without an end of our own Chromium keeps it, weights and all, for as long as pages
 * of another engine of the site are there (seen after an update of the kit).
 */
const patience = 10_000;

export function serveSharedWorker(entry: EntryParts): EngineHost {
  const scope = globalThis as unknown as SharedWorkerScope;
  const host = new EngineHost({ ...hostParts(scope, 'shared-worker'), ...entry });
  let watch: ReturnType<typeof setTimeout> | undefined;
  const watchOver = (): void => {
    clearTimeout(watch);
    watch = setTimeout(() => {
      if (!host.deserted) return;
      // A page that connects from here on finds this engine dead and asks for another (client/connection.ts).
      const late = new Promise<void>((resolve) => setTimeout(resolve, 2_000));
      Promise.race([host.close(), late])
        .catch((error: unknown) => reportError(error))
        .finally(() => scope.close());
    }, patience);
  };
  scope.onconnect = (event) => {
    const [port] = event.ports;
    if (port) host.attach(port, watchOver);
  };
  return host;
}
