// Opens a model from wherever it lies. Called by engine/host when a model is loaded, and by tests.
// It finds out what answers at a place (a pack, a GGUF file) and hands over; it knows nothing of either format.
// What goes wrong: nothing there is `model-not-found`, something else there is `model-invalid`, both with what to do.

import { chosenFileName } from '../protocol/chosen-file.js';
import { EngineError } from '../protocol/errors.js';
import type { GateOptions } from './download/gate.js';
import type { DownloadProgress } from './download/meter.js';
import { systemClock, type Clock } from './download/retry.js';
import { DownloadSwitch } from './download/switch.js';
import { openGgufFile, openGgufUrl, openKept } from './gguf/gguf-source.js';
import { openHfUrl } from './safetensors/hf-source.js';
import { NoRepositoryError } from './safetensors/repository.js';
import { httpContext, readUpTo, request, type HttpContext } from './http.js';
import type { Model } from './model.js';
import type { Opening } from './opening.js';
import { openPack } from './pack/pack-model.js';
import type { ModelStore } from './store/model-store.js';

export type ModelLocation =
  /** A pack's folder or its manifest.json, a GGUF file, or a repository of safetensors. Absolute, or relative to the page or worker. */
  | { readonly kind: 'url'; readonly url: string }
  /** A GGUF file that the visitor chose. */
  | { readonly kind: 'file'; readonly blob: Blob }
  /** One chosen earlier, by {@link chosenFileName}: what the store has of it. */
  | { readonly kind: 'kept'; readonly source: string };

export interface OpenModelOptions {
  readonly signal?: AbortSignal;
  /** Called during the opening and afterwards, for as long as files arrive. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Told, in plain words, what a person should know and no error says. */
  readonly onNote?: (text: string) => void;
  /** Where models are kept; absent or null: nowhere. */
  readonly store?: ModelStore | null;
  /** Public keys, in hex, by one of which a model must be signed. */
  readonly trustedKeys?: readonly string[];
  readonly gate?: GateOptions;
  readonly control?: DownloadSwitch;
  /** For tests. */
  readonly clock?: Clock;
  readonly shardLimit?: number;
  /** Passed in so that tests and the service worker can stand between; globalThis.fetch when absent. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * @throws EngineError `model-not-found`, `model-invalid`, `model-unsupported`, `model-too-large`, `network`, `storage`,
 *   `aborted`
 */
export async function openModel(location: ModelLocation, options: OpenModelOptions = {}): Promise<Model> {
  const { onProgress } = options;
  const opening: Opening = {
    http: httpContext(options),
    store: options.store ?? null,
    trustedKeys: options.trustedKeys ?? [],
    gate: options.gate ?? {},
    control: options.control ?? new DownloadSwitch(),
    clock: options.clock ?? systemClock,
    onProgress: onProgress ?? (() => undefined),
    onNote: options.onNote ?? (() => undefined),
    ...(options.shardLimit === undefined ? {} : { shardLimit: options.shardLimit }),
  };
  // Another engine of this origin may have stored, replaced or deleted since.
  await opening.store?.refresh();
  if (location.kind === 'file') return openGgufFile(location.blob, chosenFileName(location.blob), opening);
  if (location.kind === 'kept') return openKept(location.source, opening);
  const context = opening.http;
  const url = absolute(location.url);
  const kind = await kindOfPlace(url, context);
  switch (kind) {
    case 'manifest':
      return openPack(url.href, opening);
    case 'directory':
      return openFolder(url, opening);
    case 'gguf':
      return openGgufUrl(url.href, opening);
  }
}

/** A pack, or, where there is no manifest, a repository of safetensors. */
async function openFolder(url: URL, opening: Opening): Promise<Model> {
  const folder = repositoryOf(url) ?? beside(url, '');
  if (opening.store?.find(folder)) return openHfUrl(folder, opening);
  if (repositoryOf(url) !== null) return openHfUrl(folder, opening);
  try {
    return await openPack(beside(url, 'manifest.json'), opening);
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code !== 'model-not-found') throw thrown;
    return await openHfUrl(folder, opening).catch((other: unknown) => {
      // Neither is there: a pack is what most people mean.
      throw other instanceof NoRepositoryError ? thrown : other;
    });
  }
}

/** A model's page on huggingface.co -> the folder of its files, newest revision; null for any other address. */
function repositoryOf(url: URL): string | null {
  const [owner, name, ...rest] = url.pathname.split('/').filter(Boolean);
  if (url.hostname !== 'huggingface.co' || owner === undefined || name === undefined || rest.length > 0) return null;
  return `https://huggingface.co/${owner}/${name}/resolve/main/`;
}

function absolute(text: string): URL {
  const base = (globalThis.location as Location | undefined)?.href;
  const url = URL.canParse(text, base) ? new URL(text, base) : null;
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:' || url.protocol === 'blob:')) return url;
  throw new EngineError('model-not-found', `"${text.slice(0, 200)}" is no web address.`, {
    hint: 'Give the http(s) address of a directory made by the packer, or of a GGUF file.',
  });
}

/** `name` inside the directory `url`, whether or not that ends with a slash. */
function beside(url: URL, name: string): string {
  const directory = new URL(url);
  directory.pathname = `${url.pathname.replace(/\/$/, '')}/${name}`;
  return directory.href;
}

type PlaceKind = 'manifest' | 'directory' | 'gguf';

/** By the name where it tells, otherwise by asking for the first four bytes. */
async function kindOfPlace(url: URL, context: HttpContext): Promise<PlaceKind> {
  const path = url.pathname.toLowerCase();
  if (path.endsWith('.json')) return 'manifest';
  if (path.endsWith('.gguf')) return 'gguf';
  if (path.endsWith('/')) return 'directory';
  try {
    const answer = await request(url.href, { headers: { Range: 'bytes=0-3' } }, context);
    const start = await readUpTo(answer, url.href, 4, context, 'cut');
    return new TextDecoder().decode(start) === 'GGUF' ? 'gguf' : 'directory';
  } catch (thrown) {
    // Servers that list no directories refuse one whose manifest they do serve; asking for that gives the real error.
    if (thrown instanceof EngineError && thrown.code !== 'aborted') return 'directory';
    throw thrown;
  }
}
