// The kit's service worker, thin on purpose: keeps the kit's files and the model's shards so that the page works
// offline after the first visit, answers ranges out of whole files, adds isolation headers where its URL asks for them.
// Built to dist/sw.js as one file; registered by engine/client/service-worker.ts. Options in its URL: `isolate=1` or
// `isolate=require-corp`, `pages=1` (pages of the site too, not only files of the kit). It never sees conversations:
// tokens travel over ports, and `/v1` passes through. It imports nothing outside this folder.
// Messages: {type: 'keep', urls} with a port, answered by {failed: urls}. What goes wrong: see kept-files.ts.

import { isolate, isolationOf } from './isolation.js';
import { deleteOldCaches, dropUnlisted, findKept, keepAll, keepCopy } from './kept-files.js';
import { treatmentOf, type Treatment } from './policy.js';
import { rangeOf } from './ranges.js';
import { Endpoint } from './v1/endpoint.js';
import { worker, type FetchEvent } from './worker-scope.js';

const options = new URL(worker.location.href).searchParams;
const place = { base: new URL('.', worker.location.href).href, pages: options.get('pages') === '1' };
const isolation = isolationOf(options.get('isolate'));
const endpoint = new Endpoint(new URL('llm/v1/', worker.registration.scope).href, worker.clients);

/** Files of the kit that are small enough to be fetched before anyone asks; the rest is kept when it is used. */
const smallFile = 1_500_000;

worker.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      const small = (await kitFiles()).filter(({ bytes }) => bytes <= smallFile);
      await keepAll(small.map(({ url }) => ({ url, treatment: treatment(url) })));
      await worker.skipWaiting();
    })(),
  );
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(deleteOldCaches().then(() => worker.clients.claim()));
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  if (endpoint.covers(request.url)) {
    event.respondWith(endpoint.answer(event));
    return;
  }
  const treated = treatment(request.url, request);
  if (treated !== 'pass') event.respondWith(answer(event, treated));
  else if (isolation !== 'none' && request.mode === 'navigate') event.respondWith(isolated(request));
});

worker.addEventListener('message', (event) => {
  if (isClaim(event.data)) event.waitUntil(worker.clients.claim());
  const [port] = event.ports;
  const urls = keepRequest(event.data);
  if (event.origin !== worker.location.origin || !port || urls === null) return;
  event.waitUntil(
    (async () => {
      const failed = await keepAll(urls.map((url) => ({ url, treatment: treatment(url) })));
      port.postMessage({ failed });
      const listed = new Set((await kitFiles()).map(({ url }) => url));
      if (listed.size > 0) await dropUnlisted(listed, (url) => treatment(url) === 'fixed');
    })(),
  );
});

function treatment(url: string, request?: Request): Treatment {
  if (!request) return treatmentOf({ method: 'GET', url, accept: '' }, place);
  const { method, headers, destination } = request;
  return treatmentOf({ method, url, accept: headers.get('Accept') ?? '', destination }, place);
}

async function answer(event: FetchEvent, treated: Treatment): Promise<Response> {
  const { request } = event;
  const range = request.headers.get('Range');
  // A reader that found a stored file damaged asks past all caches, and what comes replaces the damaged copy.
  const anew = request.cache === 'reload' || request.cache === 'no-cache' || request.cache === 'no-store';
  if (treated !== 'fresh' && !anew) {
    const kept = await findKept(range === null ? request : request.url, treated);
    if (kept) return range === null ? isolate(kept, request.destination, isolation) : await rangeOf(kept, range);
  }
  try {
    const response = await fetch(request);
    if (range === null) event.waitUntil(keepCopy(request.url, response.clone(), treated));
    return isolate(response, request.destination, isolation);
  } catch (error) {
    const kept = await findKept(range === null ? request : request.url, treated);
    if (!kept) throw error; // the browser shows what it shows without a service worker
    return range === null ? isolate(kept, request.destination, isolation) : await rangeOf(kept, range);
  }
}

async function isolated(request: Request): Promise<Response> {
  return isolate(await fetch(request), request.destination, isolation);
}

/** From kit-manifest.json, which the build writes; empty where the kit is served without it. */
async function kitFiles(): Promise<{ readonly url: string; readonly bytes: number }[]> {
  let value: unknown;
  try {
    const response = await fetch(new URL('kit-manifest.json', place.base));
    if (!response.ok) return [];
    value = await response.json();
  } catch (error) {
    void error; // offline, or no JSON: nothing is known to be missing
    return [];
  }
  const files = typeof value === 'object' && value !== null && 'files' in value ? value.files : [];
  if (!Array.isArray(files)) return [];
  return files.flatMap((file: unknown) => {
    if (typeof file !== 'object' || file === null || !('path' in file) || !('bytes' in file)) return [];
    const { path, bytes } = file;
    return typeof path === 'string' && typeof bytes === 'number'
      ? [{ url: new URL(path, place.base).href, bytes }]
      : [];
  });
}

const isClaim = (data: unknown): boolean =>
  typeof data === 'object' && data !== null && 'type' in data && data.type === 'claim';

/** The URLs of a well-formed `keep` message, null for anything else. */
function keepRequest(data: unknown): string[] | null {
  if (typeof data !== 'object' || data === null || !('type' in data) || !('urls' in data)) return null;
  const { type, urls } = data;
  if (type !== 'keep' || !Array.isArray(urls) || urls.length > 5_000) return null;
  return urls.filter((url: unknown): url is string => {
    return typeof url === 'string' && url.length <= 2_000 && URL.canParse(url);
  });
}
