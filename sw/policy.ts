// Decides what the service worker does with a request, and nothing else: pure, so that tests need no browser. Called
// by service-worker.ts. Everything not named here passes through untouched: other origins, anything but GET, the `/v1`
// endpoint, event streams, GGUF files (big, read by ranges, kept by the weights room itself).

export type Treatment =
  /** The browser's own affair. */
  | 'pass'
  /** Named by its content: never changes, kept in the shard cache across versions of the kit. */
  | 'shard'
  /** A kit file with a hash in its name: never changes, kept across the kit's builds that list it. */
  | 'fixed'
  /** Anything else in the kit's folder: out of the build that is kept whole; what it does not have, as `fresh`. */
  | 'kit'
  /** May change: from the network, from the cache where the network fails. */
  | 'fresh';

export interface RequestFacts {
  readonly method: string;
  readonly url: string;
  /** The Accept header; '' when absent. */
  readonly accept: string;
  /** `Request.destination`; absent where a page named the URL itself. */
  readonly destination?: string;
  /** `Request.cache`. */
  readonly cache?: string;
}

export interface Place {
  /** Folder of the service worker's script: the base URL of the kit. */
  readonly base: string;
  /** Whether pages of the site, not only files of the kit, are kept for offline use. */
  readonly pages: boolean;
}

/** Packs name their shards by SHA-256 (engine/weights/pack-format.md). */
const shardName = /^[0-9a-f]{64}(\.[\w-]+)?$/;
/** As rollup.config.mjs names them. */
const hashedName = /^(chunks\/.+-[\w-]{8}\.js|(ort|kernels)\/.+-[0-9a-f]{8,64}\.wasm)$/;

/** What the engine fetches from a site's own models. */
const modelFiles = new Set(['models.json', 'manifest.json']);

export function treatmentOf(request: RequestFacts, { base, pages }: Place): Treatment {
  const { method, url, accept, destination, cache } = request;
  const target = new URL(url);
  if (method !== 'GET' || target.origin !== new URL(base).origin) return 'pass';
  if (/\/v1(\/|$)/.test(target.pathname) || accept.includes('text/event-stream')) return 'pass';
  const file = target.pathname.split('/').at(-1) ?? '';
  // The engine's own store takes what it asks for so; two copies would be one too many.
  if (shardName.test(file)) return cache === 'no-store' ? 'pass' : 'shard';
  if (/\.gguf$/i.test(file)) return 'pass';
  const inKit = target.href.startsWith(base);
  const path = inKit ? target.pathname.slice(new URL(base).pathname.length) : '';
  if (path === 'sw.js' || path === 'kit-manifest.json') return 'pass';
  if (inKit && hashedName.test(path)) return 'fixed';
  const models = path.startsWith('models/');
  if (inKit && !models) return 'kit';
  // A site's own data (fetch, XMLHttpRequest: no destination) may be a visitor's secret, and is not for us to store.
  return (inKit || pages) && (destination !== '' || modelFiles.has(file)) ? 'fresh' : 'pass';
}

export interface ResponseFacts {
  readonly status: number;
  readonly type: ResponseType;
  readonly redirected: boolean;
  /** The Cache-Control header; '' when absent. */
  readonly cacheControl: string;
}

/** Only whole, direct, same-origin answers are kept, and none that says not to. */
export function mayKeep({ status, type, redirected, cacheControl }: ResponseFacts): boolean {
  return status === 200 && (type === 'basic' || type === 'default') && !redirected && !/no-store/i.test(cacheControl);
}
