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
import { isGraphModel, type GraphModel } from './onnx/graph-model.js';
import { folderOf, hubPlaceOf, repositoryOf } from './onnx/hub-place.js';
import { graphTag, openOnnx } from './onnx/onnx-source.js';
import type { GraphDevice } from './onnx/onnx-variants.js';
import { openHfUrl } from './safetensors/hf-source.js';
import { NoRepositoryError, NoSafetensorsError } from './safetensors/repository.js';
import { httpContext, readUpTo, request } from './http.js';
import type { Model } from './model.js';
import type { Opening } from './opening.js';
import { openPack } from './pack/pack-model.js';
import type { ModelStore } from './store/model-store.js';

export type ModelLocation =
  /**
   * A pack's folder or its manifest.json, a GGUF file, or a repository of safetensors or of ONNX graphs (its folder, its
   * page on the hub, a graph's own address; `?dtype=q4` names a format). Absolute, or relative to the page or worker.
   */
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
  /** What the model will run on, where that decides between formats of it. The processor when absent. */
  readonly device?: () => Promise<GraphDevice>;
  /** For tests. */
  readonly clock?: Clock;
  readonly shardLimit?: number;
  /** Passed in so that tests and the service worker can stand between; globalThis.fetch when absent. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * @returns a model of tensors, or a finished graph: see `isGraphModel`
 * @throws EngineError `model-not-found`, `model-invalid`, `model-unsupported`, `model-too-large`, `network`, `storage`,
 *   `aborted`, `invalid-request` (an address that asks for what there is not)
 */
export async function openModel(location: ModelLocation, options: OpenModelOptions = {}): Promise<Model | GraphModel> {
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
    device: options.device ?? (() => Promise.resolve({ kind: 'wasm', f16: false })),
    ...(options.shardLimit === undefined ? {} : { shardLimit: options.shardLimit }),
  };
  if (options.store === null && location.kind !== 'file') {
    opening.onNote('This browser keeps nothing for this page, so models are downloaded again at each visit.');
  }
  // Another engine of this origin may have stored, replaced or deleted since.
  await opening.store?.refresh();
  if (location.kind === 'file') return openGgufFile(location.blob, chosenFileName(location.blob), opening);
  if (location.kind === 'kept') return openKept(location.source, opening);
  const url = absolute(location.url);
  const graph = hubPlaceOf(url);
  if (graph !== null) return openOnnx(graph, opening);
  const kind = await kindOfPlace(url, opening);
  switch (kind) {
    case 'manifest':
      return openPack(url.href, opening);
    case 'directory':
      return openFolder(url, opening);
    case 'gguf':
      return openGgufUrl(url.href, opening);
  }
}

/** The same where only tensors are of use: tests, benches, the packer. @throws EngineError also `model-unsupported` for a graph */
export async function openTensorModel(location: ModelLocation, options: OpenModelOptions = {}): Promise<Model> {
  const model = await openModel(location, options);
  if (!isGraphModel(model)) return model;
  model.close();
  throw new EngineError(
    'model-unsupported',
    `${model.identity.name} is a finished graph: it has no tensors to be read.`,
    {
      hint: 'Give a pack, a GGUF file or a repository of safetensors.',
    },
  );
}

/** A pack, or, where there is no manifest, a repository of safetensors, or, where there are none of those either, of graphs. */
async function openFolder(url: URL, opening: Opening): Promise<Model | GraphModel> {
  const folder = folderOf(url);
  const kept = opening.store?.find(folder) ?? null;
  if (kept?.original?.tag.startsWith(graphTag) === true) return openGraphs(folder, opening);
  if (kept !== null || repositoryOf(url) !== null) return openRepository(folder, opening);
  try {
    return await openPack(beside(url, 'manifest.json'), opening);
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code !== 'model-not-found') throw thrown;
    return await openRepository(folder, opening).catch((other: unknown) => {
      // Neither is there: a pack is what most people mean.
      throw other instanceof NoRepositoryError ? thrown : other;
    });
  }
}

async function openRepository(folder: string, opening: Opening): Promise<Model | GraphModel> {
  try {
    return await openHfUrl(folder, opening);
  } catch (thrown) {
    if (!(thrown instanceof NoSafetensorsError)) throw thrown;
    return openGraphs(folder, opening);
  }
}

const openGraphs = (folder: string, opening: Opening): Promise<GraphModel> =>
  openOnnx({ source: folder, folder, wanted: null }, opening);

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
async function kindOfPlace(url: URL, { http, store }: Opening): Promise<PlaceKind> {
  // A hub's page would be fetched as if it were a file, and what is kept needs no question.
  if (repositoryOf(url) !== null || isKeptFolder(url, store)) return 'directory';
  const path = url.pathname.toLowerCase();
  if (path.endsWith('.json')) return 'manifest';
  if (path.endsWith('.gguf')) return 'gguf';
  if (path.endsWith('/')) return 'directory';
  try {
    const answer = await request(url.href, { headers: { Range: 'bytes=0-3' } }, http);
    const start = await readUpTo(answer, url.href, 4, http, 'cut');
    return new TextDecoder().decode(start) === 'GGUF' ? 'gguf' : 'directory';
  } catch (thrown) {
    // Servers that list no directories refuse one whose manifest they do serve; asking for that gives the real error.
    if (thrown instanceof EngineError && thrown.code !== 'aborted') return 'directory';
    throw thrown;
  }
}

const isKeptFolder = (url: URL, store: ModelStore | null): boolean =>
  store !== null && (store.find(folderOf(url)) ?? store.find(beside(url, 'manifest.json'))) !== null;
