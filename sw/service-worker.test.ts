// The service worker in a real browser, over a page in its scope (test-page.html). It is registered from source as a
// module here; the built one is a single classic script. Offline itself is shown by the end-to-end tests, which can
// stop their server.

import { expect } from '@esm-bundle/chai';

const folder = new URL('./', import.meta.url).href;
const hash = 'b'.repeat(64);
const shard = `${folder}${hash}.bin`;
const bytes = new Uint8Array(Array.from({ length: 100 }, (_, index) => index));

async function register(query: string): Promise<ServiceWorkerRegistration> {
  const registration = await navigator.serviceWorker.register(`${folder}service-worker.ts?${query}`, {
    scope: folder,
    type: 'module',
    updateViaCache: 'none',
  });
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  if (!worker) throw new Error('No worker came of the registration.');
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (worker.state === 'activated') resolve();
      if (worker.state === 'redundant') reject(new Error('The service worker was not installed.'));
    };
    worker.addEventListener('statechange', look);
    look();
  });
  return registration;
}

/** A page that the service worker controls. */
async function controlledPage(): Promise<{ window: Window; close(): void }> {
  const frame = document.createElement('iframe');
  frame.src = `${folder}test-page.html`;
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }));
  document.body.append(frame);
  await loaded;
  if (!frame.contentWindow?.navigator.serviceWorker.controller) throw new Error('The page is not controlled.');
  return { window: frame.contentWindow, close: () => frame.remove() };
}

async function keep(registration: ServiceWorkerRegistration, urls: unknown): Promise<string[]> {
  const { port1, port2 } = new MessageChannel();
  const reply = new Promise<string[]>((resolve, reject) => {
    port1.onmessage = ({ data }: MessageEvent<{ failed: string[] }>) => resolve(data.failed);
    setTimeout(() => reject(new Error('No reply.')), 3_000);
  });
  registration.active?.postMessage({ type: 'keep', urls }, [port2]);
  return await reply;
}

async function stored(): Promise<string[]> {
  const urls: string[] = [];
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) urls.push(request.url);
  }
  return urls;
}

describe('service worker', () => {
  afterEach(async () => {
    for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
    for (const name of await caches.keys()) await caches.delete(name);
  });

  it('keeps what it is told, leaves alone what is not its own, and says what it could not keep', async () => {
    const registration = await register('');
    const failed = await keep(registration, [
      `${folder}policy.ts`,
      `${folder}v1/models`,
      `${folder}big.gguf`,
      `${folder}not-there.js`,
      'https://elsewhere.example/x.js',
      5,
      'no url',
    ]);
    expect(failed).to.deep.equal([]);
    expect(await stored()).to.deep.equal([`${folder}policy.ts`]);
  });

  it('does not answer a malformed message', async () => {
    const registration = await register('');
    let replied = true;
    await keep(registration, 'everything').catch(() => {
      replied = false;
    });
    expect(replied).to.equal(false);
  });

  it('serves a stored shard without the network, whole and in ranges', async () => {
    await register('');
    await (await caches.open('llm-elements-shards-1')).put(shard, new Response(bytes));
    const page = await controlledPage();
    const whole = await page.window.fetch(shard);
    expect(new Uint8Array(await whole.arrayBuffer())).to.deep.equal(bytes);
    const part = await page.window.fetch(shard, { headers: { Range: 'bytes=10-19' } });
    expect(part.status).to.equal(206);
    expect(part.headers.get('Content-Range')).to.equal('bytes 10-19/100');
    expect(new Uint8Array(await part.arrayBuffer())).to.deep.equal(bytes.slice(10, 20));
    const outside = await page.window.fetch(shard, { headers: { Range: 'bytes=100-' } });
    expect(outside.status).to.equal(416);
    page.close();
  });

  it('asks the network for a reader that found the stored copy damaged, and keeps no error answer', async () => {
    await register('');
    await (await caches.open('llm-elements-shards-1')).put(shard, new Response('damaged'));
    const page = await controlledPage();
    const fresh = await page.window.fetch(shard, { cache: 'reload' });
    expect(fresh.status).to.equal(404); // the test server has no such file
    const kept = await (await caches.open('llm-elements-shards-1')).match(shard);
    expect(await kept?.text()).to.equal('damaged');
    page.close();
  });

  it('keeps changing files as they pass, newest first', async () => {
    await register('');
    const page = await controlledPage();
    const file = `${folder}ranges.ts`;
    const kept = async () => await (await (await caches.open('llm-elements-pages-1')).match(file))?.text();
    await (await caches.open('llm-elements-pages-1')).put(file, new Response('old'));
    const seen = await (await page.window.fetch(file)).text();
    expect(seen).to.contain('parseRange');
    expect(await kept(), 'what a script fetched as data is not kept').to.equal('old');
    const script = page.window.document.createElement('script');
    script.type = 'module';
    script.src = file;
    page.window.document.head.append(script);
    for (let tries = 0; tries < 50 && (await kept()) === 'old'; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await kept()).to.equal(seen);
    page.close();
  });

  it('deletes the caches of older forms, and nobody else’s', async () => {
    await caches.open('llm-elements-kit-1');
    await caches.open('of-the-site');
    await register('');
    for (let tries = 0; tries < 50 && (await caches.has('llm-elements-kit-1')); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await caches.has('llm-elements-kit-1')).to.equal(false);
    expect(await caches.has('of-the-site')).to.equal(true);
  });

  it('makes a page cross-origin isolated on a server that sends no headers, when asked to', async () => {
    const lookIn = async (query: string): Promise<boolean> => {
      const registration = await register(query);
      const told = new Promise<boolean>((resolve, reject) => {
        const channel = new BroadcastChannel('llm-elements-isolation-test');
        channel.onmessage = ({ data }: MessageEvent<boolean>) => {
          channel.close();
          resolve(data);
        };
        setTimeout(() => reject(new Error('The opened page said nothing.')), 5_000);
      });
      window.open(`${folder}test-page.html?${query}`, '_blank', 'noopener');
      const isolated = await told;
      await registration.unregister();
      return isolated;
    };
    expect(await lookIn('isolate=0')).to.equal(false);
    expect(await lookIn('isolate=1')).to.equal(true);
    expect(await lookIn('isolate=require-corp')).to.equal(true);
  });
});
