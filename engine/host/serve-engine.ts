// Turns the worker it is called in into an engine, whichever kind of worker the page could start. Called by the engine's
// script (and the tests'), at its top level. The one place that tells the two kinds apart.

import type { EngineHost } from './engine-host.js';
import type { EntryParts } from './host-parts.js';
import { serveSharedWorker } from './serve-shared-worker.js';
import { serveTabWorker } from './serve-tab-worker.js';

export const serveEngine = (entry: EntryParts): EngineHost =>
  'onconnect' in globalThis ? serveSharedWorker(entry) : serveTabWorker(entry);
