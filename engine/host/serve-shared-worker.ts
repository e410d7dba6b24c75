// Turns the SharedWorker it is called in into an engine: one EngineHost, one port for each page that connects. Called
// by serve-engine.ts at the top level of the worker, before any await: a `connect` event that nobody hears is lost, and
// the page would wait for nothing.

import { EngineHost } from './engine-host.js';
import { hostParts, type EntryParts, type WorkerScope } from './host-parts.js';

interface SharedWorkerScope extends WorkerScope {
  onconnect: ((event: MessageEvent) => void) | null;
}

export function serveSharedWorker(entry: EntryParts): EngineHost {
  const scope = globalThis as unknown as SharedWorkerScope;
  const host = new EngineHost({ ...hostParts(scope, 'shared-worker'), ...entry });
  scope.onconnect = (event) => {
    const [port] = event.ports;
    if (port) host.attach(port);
  };
  return host;
}
