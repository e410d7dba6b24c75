// The kit's service worker: keeps each build of the kit whole, and the model's shards, so that the page works offline
// after the first visit; answers ranges out of whole files; adds isolation headers where its URL asks for them; answers
// `llm/v1/` of its scope (v1/). Built to dist/sw.js as one file; registered by engine/client/service-worker.ts.
// Options in its URL: `isolate=1` or `isolate=require-corp`, `pages=1` (pages of the site too, not only files of the
// kit), `kit=./folder/` (where the kit lies, if not beside the script). A new build waits until no page of the old one is open or a visitor says so (`activate`), and never takes over
// while answers are under way: the page asks the old one first (`running?`).
// Messages: messages.ts. What goes wrong: see kit-build.ts, kept-files.ts and v1/endpoint.ts.

import { isIsolated, isolate, isolationOf } from './isolation.js';
import { findKept, keepAll, keepAs, keptAs } from './kept-files.js';
import { KitBuild } from './kit-build.js';
import { parsePageMessage } from './messages.js';
import { treatmentOf, type Treatment } from './policy.js';
import { rangeOf } from './ranges.js';
import { Endpoint } from './v1/endpoint.js';
import { worker, type ExtendableMessageEvent, type FetchEvent } from './worker-scope.js';

const options = new URL(worker.location.href).searchParams;
/** Where the kit lies, when this was started by a script that imports it from there (docs/hosting.md). */
const kitFolder = new URL(options.get('kit') ?? '.', worker.location.href);
const place = { base: new URL('.', kitFolder).href, pages: options.get('pages') === '1' };
const isolation = isolationOf(options.get('isolate'));
const endpoint = new Endpoint(new URL('llm/v1/', worker.registration.scope).href, worker.clients);
const build = new KitBuild({
  base: place.base,
  treatment: (url) => treatment(url),
  fetch: (input, init) => fetch(input, init),
  caches,
});

worker.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      try {
        // Without a build there is nothing whole to hold on to, and the newest code is the best.
        if (!(await build.install())) await worker.skipWaiting();
      } catch (error) {
        console.error('llm-elements: the service worker was not installed.', error); // eslint-disable-line no-console
        throw error;
      }
    })(),
  );
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(build.activate().then(() => worker.clients.claim()));
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  if (endpoint.covers(request.url)) {
    event.respondWith(endpoint.answer(event));
    return;
  }
  const treated = treatment(request.url, request);
  if (treated !== 'pass') event.respondWith(answer(event, treated));
  else if (request.method === 'GET' && isIsolated(request.destination, isolation)) event.respondWith(isolated(request));
});

worker.addEventListener('message', (event) => {
  if (event.origin === worker.location.origin) event.waitUntil(hear(event));
});

async function hear({ data, ports: [port] }: ExtendableMessageEvent): Promise<void> {
  const message = parsePageMessage(data);
  switch (message?.type) {
    case 'claim':
      return await worker.clients.claim();
    case 'activate':
      return await worker.skipWaiting();
    case 'running?':
      return port && (await endpoint.watch((running) => port.postMessage({ running })));
    case 'keep':
      port?.postMessage({ failed: await keep(message.urls) });
      return undefined;
    case undefined:
      return undefined; // not ours
  }
}

async function keep(urls: readonly string[]): Promise<string[]> {
  await build.mend(); // a page uses the kit: what was erased is kept again from here on
  const files: { url: string; kept: ReturnType<typeof keptAs> }[] = [];
  for (const url of urls) {
    const treated = treatment(url);
    if (treated === 'pass' || (treated === 'kit' && (await build.find(url)))) continue;
    files.push({ url, kept: keptAs(treated) });
  }
  return await keepAll(files);
}

function treatment(url: string, request?: Request): Treatment {
  if (!request) return treatmentOf({ method: 'GET', url, accept: '' }, place);
  const { method, headers, destination, cache } = request;
  return treatmentOf({ method, url, accept: headers.get('Accept') ?? '', destination, cache }, place);
}

async function answer(event: FetchEvent, treated: Exclude<Treatment, 'pass'>): Promise<Response> {
  const { request } = event;
  const { destination } = request;
  const range = request.headers.get('Range');
  const out = async (kept: Response): Promise<Response> =>
    range === null
      ? isolate(kept, destination, isolation)
      : await rangeOf(kept, range, request.headers.get('If-Range'));
  if (treated === 'kit') {
    const whole = await build.find(request.url);
    if (whole) return await out(whole);
  }
  const as = keptAs(treated);
  const stored = () => findKept(range === null ? request : request.url, as);
  // A reader that found a stored file damaged asks past all caches, and what comes replaces the damaged copy.
  const anew = request.cache === 'reload' || request.cache === 'no-cache' || request.cache === 'no-store';
  if (as !== 'fresh' && !anew) {
    const kept = await stored();
    if (kept) return await out(kept);
  }
  try {
    const response = await fetch(request);
    // What a script fetched from the kit's folder and the kit does not have is the site's own data (policy.ts).
    if (range === null && (treated !== 'kit' || destination !== ''))
      event.waitUntil(keepAs(as, request.url, response.clone()));
    return isolate(response, destination, isolation);
  } catch (error) {
    const kept = await stored();
    if (!kept) throw error; // the browser shows what it shows without a service worker
    return await out(kept);
  }
}

async function isolated(request: Request): Promise<Response> {
  return isolate(await fetch(request), request.destination, isolation);
}
