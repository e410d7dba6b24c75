// One build of the kit in the caches, whole or not at all. Called by service-worker.ts: `install` fetches all that this
// build needs before its service worker may take over, `mend` does so again where it was erased, `find` answers out of it, `activate` clears what older builds
// left. While pages of the build before are open their files stay: a page asks for its engine's worker as `?build=ID`,
// files with a hash in their name are the same in every build.
// What goes wrong: a server in the middle of an update gives a manifest or a file of another build. Then installing
// fails, the build that holds goes on, and the browser tries again at its next visit. A kit served without
// kit-manifest.json (`npm run dev`) has no build: its files come from the network while there is one.

import { cacheNames, keepAs } from './kept-files.js';
import { ownBuild, parseKitManifest, type KitFile, type KitManifest } from './kit-manifest.js';
import type { Treatment } from './policy.js';

const manifestName = 'kit-manifest.json';

/** Hash-named files up to this size are fetched before anyone asks; larger ones are kept when they are used. */
const smallFile = 1_500_000;

/** What is checked against its hash: code. Proxies rewrite pages on their way. */
const isCode = (path: string): boolean => /\.(js|wasm)$/.test(path);

export interface KitBuildParts {
  /** Folder of the kit. */
  readonly base: string;
  readonly treatment: (url: string) => Treatment;
  readonly fetch: typeof globalThis.fetch;
  readonly caches: CacheStorage;
}

export class KitBuild {
  readonly #manifestUrl: string;

  constructor(
    private readonly parts: KitBuildParts,
    readonly id = ownBuild,
  ) {
    this.#manifestUrl = new URL(manifestName, parts.base).href;
  }

  /**
   * @returns whether there is a build to keep; false where the kit is served without its manifest
   * @throws Error when the server does not give all of this build
   */
  async install(): Promise<boolean> {
    const response = await this.parts.fetch(this.#manifestUrl, { cache: 'no-store' });
    if (response.status === 404 || this.id === 'unbuilt') return false;
    if (!response.ok) throw new Error(`${this.#manifestUrl} answered ${response.status}.`);
    const text = await response.text();
    const manifest = parseKitManifest(JSON.parse(text));
    if (manifest.build !== this.id) {
      throw new Error(`The server has build ${manifest.build}, this is ${this.id}: it is being updated. Try again.`);
    }
    const name = this.#name;
    // This very build may be in force already: registered again with other options, or come back after a newer one.
    const whole = (await this.#manifestIn(name)) !== undefined;
    try {
      const cache = await this.parts.caches.open(name);
      await Promise.all(manifest.files.map((file) => this.#keep(file, cache)));
      // Last: where it lies, the build is whole.
      await cache.put(this.#manifestUrl, new Response(text, { headers: { 'Content-Type': 'application/json' } }));
    } catch (error) {
      if (!whole) await this.parts.caches.delete(name);
      throw error;
    }
    return true;
  }

  /**
   * Installs this build again where the visitor erased it, or the browser cleared it.
   * @returns whether it is whole now; false when the server cannot give all of it
   */
  async mend(): Promise<boolean> {
    try {
      return (await this.#manifestIn(this.#name)) !== undefined || (await this.install());
    } catch (error) {
      void error; // offline, or the server has another build already, which the browser installs by itself
      return false;
    }
  }

  /**
   * The answer for a file that may change from build to build, out of this build, or of the one that its URL names.
   * @returns undefined when no build here has it
   */
  async find(url: string): Promise<Response | undefined> {
    const target = new URL(url);
    const engine = target.searchParams.get('build');
    target.search = '';
    target.hash = '';
    if (target.pathname.endsWith('/')) target.pathname += 'index.html';
    if (engine === null) return await this.#look(this.#name, target.href);
    const others = (await this.#others()).reverse().map(({ name }) => name);
    for (const name of [this.#name, ...others]) {
      const manifest = await this.#manifestIn(name);
      if (manifest?.engine === engine) return await this.#look(name, target.href);
    }
    return undefined;
  }

  /** This build is in force: what is older than the one before it goes, with the hash-named files that nobody lists. */
  async activate(): Promise<void> {
    const { caches } = this.parts;
    const retired = (await caches.keys()).filter((name) => cacheNames.retired(name));
    await Promise.all(retired.map((name) => caches.delete(name)));
    const own = await this.#manifestIn(this.#name);
    const listed = new Set<string>();
    const list = ({ files }: KitManifest): void => files.forEach(({ path }) => listed.add(this.#url(path)));
    if (own !== undefined) list(own);
    let before = false;
    for (const { name, older } of (await this.#others()).reverse()) {
      const manifest = await this.#manifestIn(name);
      if (manifest !== undefined && !before) {
        before = true;
        list(manifest);
      } else if (manifest !== undefined || older) {
        await caches.delete(name);
      } // else it is being installed just now
    }
    if (own === undefined) return; // no build: nothing is known to be superfluous
    const fixed = await caches.open(cacheNames.fixed);
    for (const { url } of await fixed.keys()) {
      if (url.startsWith(this.parts.base) && !listed.has(url)) await fixed.delete(url);
    }
  }

  get #name(): string {
    return cacheNames.kit(this.parts.base, this.id);
  }

  #url(path: string): string {
    return new URL(path, this.parts.base).href;
  }

  /** This kit's other builds, oldest first; some may be half of one: being installed, or left so by a kill. */
  async #others(): Promise<{ readonly name: string; readonly older: boolean }[]> {
    const names = (await this.parts.caches.keys()).filter((name) => cacheNames.isKit(name, this.parts.base));
    const own = names.indexOf(this.#name);
    return names.map((name, at) => ({ name, older: at < own })).filter(({ name }) => name !== this.#name);
  }

  async #look(name: string, url: string): Promise<Response | undefined> {
    return (await this.parts.caches.has(name)) ? await (await this.parts.caches.open(name)).match(url) : undefined;
  }

  async #manifestIn(name: string): Promise<KitManifest | undefined> {
    const stored = await this.#look(name, this.#manifestUrl);
    return stored === undefined ? undefined : parseKitManifest(await stored.json());
  }

  async #keep(file: KitFile, cache: Cache): Promise<void> {
    const url = this.#url(file.path);
    const treatment = this.parts.treatment(url);
    if (treatment === 'kit') {
      await cache.put(url, await this.#fetched(file, url));
    } else if (treatment === 'fixed' && file.bytes <= smallFile) {
      const fixed = await this.parts.caches.open(cacheNames.fixed);
      if ((await fixed.match(url)) === undefined) await fixed.put(url, await this.#fetched(file, url));
    } else if (treatment === 'fresh' && file.bytes <= smallFile) {
      // Lists and manifests of the models beside the kit: they help offline, and no build hangs on them.
      await keepAs('fresh', url, await this.parts.fetch(url, { cache: 'no-cache' }));
    }
  }

  /** @throws Error when it is not what the manifest says */
  async #fetched({ path, sha256 }: KitFile, url: string): Promise<Response> {
    const response = await this.parts.fetch(url, { cache: 'no-cache' });
    if (!response.ok || response.redirected) throw new Error(`${url} answered ${response.status}.`);
    if (sha256 === undefined || !isCode(path)) return response;
    const copy = await response.clone().arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', copy));
    const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    if (hash === sha256) return response;
    throw new Error(`${url} is not the one of build ${this.id}. After an edit by hand run: node sw/stamp-kit.mjs dist`);
  }
}
