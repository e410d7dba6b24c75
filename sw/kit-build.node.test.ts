// One build in the caches, whole or not at all, with caches and a server in memory: installing, a server that is being
// updated, files that are not what they should be, the build before, what is cleared and what is not.

import assert from 'node:assert/strict';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { engineBuild, stampKit } from './stamp-kit.mjs';
import { KitBuild } from './kit-build.js';
import { parseKitManifest } from './kit-manifest.js';
import { treatmentOf } from './policy.js';

const base = 'https://site.example/kit/';

class MemoryCache {
  readonly entries = new Map<string, Response>();
  match = async (url: string) => this.entries.get(url)?.clone();
  put = async (url: string, response: Response) => void this.entries.set(url, response);
  delete = async (url: string) => this.entries.delete(url);
  keys = async () => [...this.entries.keys()].map((url) => ({ url }));
}

class MemoryCaches {
  readonly all = new Map<string, MemoryCache>();
  open = async (name: string) => {
    const cache = this.all.get(name) ?? new MemoryCache();
    this.all.set(name, cache);
    return cache;
  };
  has = async (name: string) => this.all.has(name);
  delete = async (name: string) => this.all.delete(name);
  keys = async () => [...this.all.keys()];
}

/** Folders of a server, by their content. */
const files = {
  'sw.js': 'const id="llm-elements-build:unbuilt";',
  'index.html': '<p>one</p>',
  'client.js': 'export const one = 1;',
  'engine-worker.js': 'onconnect = 1;',
  'chunks/part-0123abcd.js': 'export const part = 1;',
  'chunks/gone-0123abcd.js': 'export const gone = 1;',
  'models/models.json': '[]',
};

let temporary: string[] = [];
async function kit(content: Readonly<Record<string, string>>): Promise<{ folder: string; id: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'llm-elements-kit-'));
  temporary.push(folder);
  for (const [path, text] of Object.entries(content)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return { folder, id: await stampKit(folder) };
}

after(async () => {
  for (const folder of temporary) await rm(folder, { recursive: true });
  temporary = [];
});

describe('a build of the kit', () => {
  let caches = new MemoryCaches();
  beforeEach(() => {
    caches = new MemoryCaches();
    // What is kept beside builds goes through the global one (kept-files.ts).
    Object.assign(globalThis, { caches });
  });

  /** The service worker of build `id`, with a server that gives `folder` at `at`. */
  const builtFrom = (
    folder: string,
    id: string,
    meddle: (path: string) => Response | null = () => null,
    at = base,
  ): KitBuild => {
    const fetch = async (input: string | URL | Request): Promise<Response> => {
      const path = String(input).slice(at.length);
      const other = meddle(path);
      if (other) return other;
      try {
        const response = new Response(await readFile(join(folder, path)));
        Object.defineProperty(response, 'type', { value: 'basic' });
        return response;
      } catch (error) {
        void error; // no such file
        return new Response('', { status: 404 });
      }
    };
    const treat = (url: string) => treatmentOf({ method: 'GET', url, accept: '' }, { base: at, pages: false });
    return new KitBuild({ base: at, treatment: treat, fetch, caches: caches as unknown as CacheStorage }, id);
  };

  const text = async (build: KitBuild, path: string): Promise<string | undefined> =>
    await (await build.find(new URL(path, base).href))?.text();

  test('is kept whole, answers pages by their folder, and leaves models to themselves', async () => {
    const { folder, id } = await kit(files);
    const build = builtFrom(folder, id);
    assert.equal(await build.install(), true);
    await build.activate();
    assert.equal(await text(build, ''), files['index.html']);
    assert.equal(await text(build, 'index.html?query'), files['index.html']);
    assert.equal(await text(build, `engine-worker.js?build=${await engineBuild(folder)}`), files['engine-worker.js']);
    assert.equal(await text(build, 'engine-worker.js?build=unknown'), undefined);
    assert.equal(await text(build, 'models/models.json'), undefined);
    assert.equal(caches.all.get('llm-elements-fixed-1')?.entries.size, 2);
    assert.ok(caches.all.get('llm-elements-pages-1')?.entries.has(`${base}models/models.json`));
  });

  test('the same files give the same id, any other byte another; the models are no part of it', async () => {
    const { folder, id } = await kit(files);
    assert.equal(await stampKit(folder), id, 'stamped again');
    assert.match(await readFile(join(folder, 'sw.js'), 'utf8'), new RegExp(`llm-elements-build:${id}"`));
    assert.equal((await kit(files)).id, id);
    assert.equal((await kit({ ...files, 'models/models.json': '[1]' })).id, id);
    for (const path of ['sw.js', 'index.html', 'chunks/part-0123abcd.js']) {
      assert.notEqual((await kit({ ...files, [path]: `${files[path as keyof typeof files]} ` })).id, id, path);
    }
    await assert.rejects(kit({ ...files, 'sw.js': 'no mark' }), /no place for the build's id/);
  });

  const fails = async (build: KitBuild, words: RegExp): Promise<void> => {
    await assert.rejects(build.install(), words);
    assert.equal(await text(build, 'client.js'), undefined, 'nothing half is left');
  };

  test('a server in the middle of an update installs nothing, and the build before goes on', async () => {
    const old = await kit(files);
    const before = builtFrom(old.folder, old.id);
    await before.install();
    await before.activate();
    const next = await kit({ ...files, 'client.js': 'export const one = 2;' });
    await fails(builtFrom(old.folder, next.id), /it is being updated/);
    const mixed = (path: string) => (path === 'client.js' ? new Response(files['client.js']) : null);
    await fails(builtFrom(next.folder, next.id, mixed), /client\.js is not the one of build/);
    assert.equal(await text(before, 'client.js'), files['client.js']);
  });

  test('files that are missing, pages in their place, a manifest that is none: nothing is installed', async () => {
    const { folder, id } = await kit(files);
    const give = (name: string, response: () => Response) => (path: string) => (path === name ? response() : null);
    const page = () => new Response('<p>sign in</p>');
    await fails(
      builtFrom(
        folder,
        id,
        give('client.js', () => new Response('', { status: 404 })),
      ),
      /answered 404/,
    );
    await fails(builtFrom(folder, id, give('client.js', page)), /not the one of build/);
    await fails(builtFrom(folder, id, give('kit-manifest.json', page)), /JSON/);
    await fails(
      builtFrom(
        folder,
        id,
        give('kit-manifest.json', () => Response.json({ build: 1 })),
      ),
      /not as the build/,
    );
    await fails(
      builtFrom(
        folder,
        id,
        give('kit-manifest.json', () => new Response('', { status: 503 })),
      ),
      /503/,
    );
    assert.equal(
      await builtFrom(
        folder,
        id,
        give('kit-manifest.json', () => new Response('', { status: 404 })),
      ).install(),
      false,
    );
    assert.throws(() => parseKitManifest({ build: 'a', engine: 'b', files: [{ path: '', bytes: -1 }] }), /files\.0/);
  });

  test('pages of the build before find their engine; of older ones, and of what nobody lists, nothing stays', async () => {
    const ids: string[] = [];
    let build: KitBuild | null = null;
    for (const version of ['one', 'two', 'three']) {
      const { [`chunks/gone-0123abcd.js`]: gone, ...rest } = files;
      const own = { 'engine-worker.js': version, [`chunks/own-${version.padEnd(8, '_')}.js`]: version };
      const { folder, id } = await kit({
        ...(version === 'one' ? { ...rest, 'chunks/gone-0123abcd.js': gone } : rest),
        ...own,
      });
      ids.push(await engineBuild(folder));
      build = builtFrom(folder, id);
      await build.install();
      await build.activate();
    }
    assert.ok(build);
    assert.equal(await text(build, `engine-worker.js?build=${ids[2]}`), 'three');
    assert.equal(await text(build, `engine-worker.js?build=${ids[1]}`), 'two');
    assert.equal(await text(build, `engine-worker.js?build=${ids[0]}`), undefined);
    const fixed = [...(caches.all.get('llm-elements-fixed-1')?.entries.keys() ?? [])].map((url) =>
      url.slice(base.length),
    );
    assert.deepEqual(fixed.sort(), ['chunks/own-three___.js', 'chunks/own-two_____.js', 'chunks/part-0123abcd.js']);
  });

  /** A build whose names have the version in them, installed and in force. */
  const inForce = async (version: string, at = base): Promise<{ build: KitBuild; folder: string; id: string }> => {
    const part = `chunks/own-${version.padEnd(8, '_')}.js`;
    const { folder, id } = await kit({ ...files, 'engine-worker.js': version, [part]: version });
    const build = builtFrom(folder, id, undefined, at);
    await build.install();
    await build.activate();
    return { build, folder, id };
  };
  const hashNamed = (): string[] => [...(caches.all.get('llm-elements-fixed-1')?.entries.keys() ?? [])];

  test('kits in several folders of one origin leave each other whole, however often one is updated', async () => {
    const other = 'https://site.example/another/';
    const { build, folder } = await inForce('steady', other);
    for (const version of ['one', 'two', 'three']) await inForce(version);
    assert.equal(await (await build.find(`${other}client.js`))?.text(), files['client.js']);
    const engine = await build.find(`${other}engine-worker.js?build=${await engineBuild(folder)}`);
    assert.equal(await engine?.text(), 'steady');
    assert.ok(hashNamed().includes(`${other}chunks/own-steady__.js`));
    assert.ok(!hashNamed().includes(`${base}chunks/own-one_____.js`));
  });

  test('a build that is installed once more, and fails half-way, stays as whole as it was', async () => {
    const { build, folder, id } = await inForce('one');
    const broken = (path: string) => (path === 'client.js' ? new Response('', { status: 503 }) : null);
    await assert.rejects(builtFrom(folder, id, broken).install(), /503/);
    assert.equal(await text(build, 'client.js'), files['client.js']);
    assert.equal(await text(build, 'index.html'), files['index.html']);
  });

  test('a build that was erased is whole again when it is used, and costs nothing while it is there', async () => {
    const { folder, id } = await inForce('one');
    const asked: string[] = [];
    const counting = builtFrom(folder, id, (path) => {
      asked.push(path);
      return null;
    });
    assert.equal(await counting.mend(), true);
    assert.deepEqual(asked, []);
    for (const name of await caches.keys()) await caches.delete(name);
    assert.equal(await text(counting, 'client.js'), undefined);
    assert.equal(await counting.mend(), true);
    assert.equal(await text(counting, 'client.js'), files['client.js']);
    for (const name of await caches.keys()) await caches.delete(name);
    const offline = builtFrom(folder, id, () => new Response('', { status: 503 }));
    assert.equal(await offline.mend(), false);
  });

  test('an install that was killed half-way does not count as the build before', async () => {
    const { folder } = await inForce('one');
    const [name = ''] = [...caches.all.keys()].filter((one) => one.includes('-kit-'));
    const torn = name.replace(/[0-9a-z]+$/, 'torn');
    await (await caches.open(torn)).put(`${base}client.js`, new Response('half'));
    const { build } = await inForce('two');
    assert.equal(await text(build, `engine-worker.js?build=${await engineBuild(folder)}`), 'one');
    assert.ok(!caches.all.has(torn));
  });
});
