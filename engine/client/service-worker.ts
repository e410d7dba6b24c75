// Registers the kit's service worker (sw/) and has it keep what this visit used, so that the next one works offline: on
// a first visit the page and the engine have fetched their files before the service worker was there to see it. Called
// by pages (the demo does). What goes wrong is a typed `storage` error; the page works without it.

import { EngineError } from '../protocol/errors.js';
import type { Engine } from './engine.js';
import { lendEngine } from './lend-engine.js';
import { kitBaseUrl } from './locations.js';
import { trustedScriptUrl } from './trusted-url.js';
import { Updates } from './updates.js';

export interface ServiceWorkerOptions {
  /** Default: `sw.js` beside the kit. Another one imports that (docs/hosting.md), where it lies above the kit's folder. */
  readonly url?: string | URL;
  /** Default: the folder of the script. A wider one needs the header `Service-Worker-Allowed`. */
  readonly scope?: string;
  /** Make pages cross-origin isolated; true is 'credentialless'. Takes effect with the next load of the page. */
  readonly isolate?: boolean | 'credentialless' | 'require-corp';
  /** Keep the pages of the site, not only the files of the kit. */
  readonly pages?: boolean;
  /**
   * Answers the site's requests to `llm/v1/` under the scope; and the files of this engine's worker and model are kept,
   * now and whenever a model was loaded.
   */
  readonly engine?: Engine;
}

export interface KitServiceWorker {
  readonly registration: ServiceWorkerRegistration;
  /** Whether isolation was asked for and holds only after a reload. */
  readonly needsReload: boolean;
  /** Newer builds of the kit: whether one is ready, and taking it over. */
  readonly updates: Updates;
  /**
   * Base URL of the OpenAI-compatible endpoint, what its clients call `baseURL`. Waits until the service worker has this
   * page: a request before that would go to the site's server.
   * @throws EngineError `storage` when it does not take the page within 10 seconds
   */
  endpoint(): Promise<string>;
  /** Keeps what page and engine have fetched so far. @returns URLs that could not be kept */
  keep(): Promise<readonly string[]>;
  /** Stops following the engine. */
  close(): void;
}

/** @throws EngineError `storage` where there are no service workers, or the browser or the server refuses this one */
export async function registerServiceWorker(options: ServiceWorkerOptions = {}): Promise<KitServiceWorker> {
  const { engine } = options;
  const url = scriptUrl(options);
  const script = trustedScriptUrl(url.href);
  if (!('serviceWorker' in navigator)) {
    throw new EngineError('storage', 'This browser or this page has no service workers: nothing is kept for offline.', {
      hint: 'Serve the site over https, or from localhost; private windows of some browsers have none.',
    });
  }
  let registration: ServiceWorkerRegistration;
  try {
    registration = await navigator.serviceWorker.register(script, {
      updateViaCache: 'none', // a script that imports ours is no newer than what it imports
      ...(options.scope ? { scope: options.scope } : {}),
    });
  } catch (error) {
    throw new EngineError('storage', `The service worker at ${url.href} could not be registered.`, {
      hint: 'Check that it is served as JavaScript from the same origin, and that its scope is allowed.',
      cause: error,
    });
  }
  const active = activated(registration);
  const keep = async (): Promise<readonly string[]> => {
    const target = await active;
    const own = [location.href.split('#')[0] ?? '', ...files.urls];
    const engines = engine ? await engine.fetched() : [];
    return await send(target, [...new Set([...own, ...engines])].filter(isOwn));
  };
  const updates = new Updates(registration, engine);
  const files = new PageFiles();
  const stops = engine ? [followLoads(engine, keep), lendEngine(engine)] : [];
  return {
    registration,
    needsReload: Boolean(options.isolate) && !globalThis.crossOriginIsolated,
    updates,
    keep,
    endpoint: async () => {
      await controlled(await active);
      return new URL('llm/v1', registration.scope).href;
    },
    close: () => {
      for (const stop of stops) stop();
      updates.close();
      files.close();
    },
  };
}

/**
 * What the page is made of; not what its scripts asked for as data, which may be the visitor's own. The browser's own
 * list ends at 250 entries, so it is followed from here on.
 */
class PageFiles {
  readonly urls = new Set<string>();
  readonly #observer = new PerformanceObserver((list) => this.#add(list.getEntries()));

  constructor() {
    this.#add(performance.getEntriesByType('resource'));
    this.#observer.observe({ type: 'resource' });
  }

  close(): void {
    this.#observer.disconnect();
  }

  #add(entries: readonly PerformanceEntry[]): void {
    const data = new Set(['fetch', 'xmlhttprequest', 'beacon']);
    for (const entry of entries) {
      if (entry instanceof PerformanceResourceTiming && !data.has(entry.initiatorType)) this.urls.add(entry.name);
    }
  }
}

function scriptUrl({ url, isolate, pages }: ServiceWorkerOptions): URL {
  const script = new URL(url ?? 'sw.js', url === undefined ? kitBaseUrl() : location.href);
  const folder = kitBaseUrl();
  // Only the kit's own folder is named: what the worker keeps as the kit must be of this site.
  if (new URL('.', script).href !== folder) script.searchParams.set('kit', new URL(folder).pathname);
  if (isolate) script.searchParams.set('isolate', isolate === true ? '1' : isolate);
  if (pages) script.searchParams.set('pages', '1');
  return script;
}

/** Calls `keep` after each load of a model. */
function followLoads(engine: Engine, keep: () => Promise<unknown>): () => void {
  let seen = -1;
  const look = (): void => {
    const { status, loads } = engine.state;
    if (status.kind !== 'ready' || loads === seen) return;
    seen = loads;
    keep().catch((error: unknown) => {
      // Offline use is an extra: the page goes on, and a caller who wants to know calls keep().
      void error;
    });
  };
  look();
  return engine.subscribe(look);
}

async function activated(registration: ServiceWorkerRegistration): Promise<ServiceWorker> {
  const worker = registration.active ?? registration.waiting ?? registration.installing;
  if (!worker) throw new EngineError('storage', 'The service worker vanished while it was registered.');
  if (worker.state === 'activated') return worker;
  return await new Promise((resolve, reject) => {
    worker.addEventListener('statechange', () => {
      if (worker.state === 'activated') resolve(worker);
      else if (worker.state === 'redundant') {
        reject(new EngineError('storage', 'The service worker could not be installed.', { hint: 'Reload the page.' }));
      }
    });
  });
}

/** On a first visit, and after a reload past all caches, pages are not the service worker's until it claims them. */
async function controlled(worker: ServiceWorker): Promise<void> {
  const container = navigator.serviceWorker;
  if (container.controller?.scriptURL === worker.scriptURL) return;
  const taken = new Promise<void>((resolve, reject) => {
    container.addEventListener('controllerchange', () => resolve(), { once: true });
    setTimeout(() => {
      reject(
        new EngineError('storage', 'The service worker does not take this page.', {
          hint: 'Check that the page lies in its scope, and that no other service worker has it.',
        }),
      );
    }, 10_000);
  });
  worker.postMessage({ type: 'claim' });
  await taken;
}

async function send(worker: ServiceWorker, urls: readonly string[]): Promise<readonly string[]> {
  const { port1, port2 } = new MessageChannel();
  const reply = new Promise<readonly string[]>((resolve, reject) => {
    port1.onmessage = ({ data }: MessageEvent<{ failed?: unknown }>) => {
      const failed = Array.isArray(data.failed) ? data.failed : [];
      resolve(failed.filter((url): url is string => typeof url === 'string'));
    };
    setTimeout(() => {
      reject(new EngineError('storage', 'The service worker did not finish keeping the files within 10 minutes.'));
    }, 600_000);
  });
  worker.postMessage({ type: 'keep', urls }, [port2]);
  try {
    return await reply;
  } finally {
    port1.close();
  }
}

const isOwn = (url: string): boolean => URL.canParse(url) && new URL(url).origin === location.origin;
