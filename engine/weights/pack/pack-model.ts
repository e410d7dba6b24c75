// Opens a pack (../pack-format.md) as a Model: manifest and tokenizer files at once, tensors when they are asked for.
// Called by open-model.ts. It knows nothing of GGUF, and of decoders only that they want canonical tensors.
// With a store, the pack's files are downloaded into it in the order of first use while tensors are read, and a pack that is
// stored opens without the network. Without one they are fetched when they are needed.
// What goes wrong: see manifest.ts, signature.ts, gate.ts and file-supply.ts; an older revision than was seen before is
// refused as `model-invalid`.

import { EngineError } from '../../protocol/errors.js';
import type { RemoteFile } from '../download/download-file.js';
import { FileSupply } from '../download/file-supply.js';
import { passGate, unkeptLimit } from '../download/gate.js';
import { DownloadMeter } from '../download/meter.js';
import { withRetry } from '../download/retry.js';
import type { Opening } from '../opening.js';
import { readUpTo, request } from '../http.js';
import type { Model, TensorFacts, TokenizerFiles, WeightTensor } from '../model.js';
import { checkScales } from '../quantise.js';
import { sha256 } from '../sha256.js';
import { rolledBack, type ModelStore, type StoredFile } from '../store/model-store.js';
import { pieceCount, pieceLength } from '../store/pieces.js';
import { partLengths } from '../tensor-layout.js';
import {
  checkExpiry,
  formatName,
  manifestLimit,
  parseJson,
  parseManifest,
  type Manifest,
  type ManifestFile,
} from './manifest.js';
import { createShardReader, fetchVerified, type LoadShard } from './shard-reader.js';
import { checkSignature } from './signature.js';

/** A stored model waits for the network's word on a newer manifest no longer than this. Milliseconds. */
const freshnessWait = 4_000;

/**
 * @param manifestUrl absolute; the pack's other files lie beside it
 * @throws EngineError `model-not-found`, `model-invalid`, `model-unsupported`, `model-too-large`, `network`, `storage`,
 *   `aborted`
 */
export async function openPack(manifestUrl: string, opening: Opening): Promise<Model> {
  const { store } = opening;
  const { bytes, manifest } = await fetchManifest(manifestUrl, opening);
  const signedBy = await checkSignature(parseJson(bytes, manifestUrl), opening.trustedKeys, manifestUrl);
  checkExpiry(manifest, manifestUrl, Date.now());
  const newest = store?.revisionOf(manifestUrl) ?? 0;
  if (manifest.revision < newest) throw rolledBack(manifestUrl, manifest.revision, newest);
  return openManifest({ manifest, bytes, source: manifestUrl, hash: await sha256(bytes), signedBy }, opening);
}

export interface KnownPack {
  readonly manifest: Manifest;
  /** The manifest as it was written. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its address, beside which the files lie; for a pack that was made on this device, the address of its original. */
  readonly source: string;
  /** SHA-256 of `bytes`. */
  readonly hash: string;
  /** `ModelIdentity.id` when it is another than the manifest's hash. */
  readonly id?: string;
  /** Made on this device: what is missing of it cannot be fetched. */
  readonly made?: boolean;
  /** Whose signature was found right. */
  readonly signedBy?: string | null;
}

/** Opens a pack whose manifest is known and trusted. */
export async function openManifest(pack: KnownPack, opening: Opening): Promise<PackModel> {
  const { manifest, source, hash } = pack;
  const files = filesOf(manifest, source);
  const id = pack.id ?? `pack:${hash}`;
  const supply = await chooseSupply(pack, id, files, opening);
  try {
    const tokenizerCount = files.length - manifest.shards.length;
    const texts: Uint8Array<ArrayBuffer>[] = [];
    for (let i = 0; i < tokenizerCount; i++) texts.push(await supply.read(i, opening.http.signal));
    const tokenizerFiles = readTokenizer(manifest, texts, files);
    const model = modelOf(
      manifest,
      { id, source, tokenizerFiles, signedBy: pack.signedBy ?? null },
      (index, signal) => supply.read(tokenizerCount + index, signal),
      supply.close,
    );
    return supply.whenStored === undefined ? model : { ...model, downloaded: supply.whenStored };
  } catch (thrown) {
    supply.close();
    throw thrown;
  }
}

interface FoundManifest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly manifest: Manifest;
}

/**
 * The manifest from the network; the stored one when the network is gone or silent, or answers something that is no
 * manifest at all (a login page, a moved site). A manifest that is there and wrong is refused: it was meant.
 */
async function fetchManifest(url: string, opening: Opening): Promise<FoundManifest> {
  const { http, store, clock, onNote } = opening;
  const kept = store?.find(url)?.manifest ?? null;
  const stored = kept === null || store === null ? null : await store.read(kept);
  const usable = stored !== null && kept !== null && (await sha256(stored)) === kept.key ? stored : null;
  try {
    const context = usable === null ? http : { ...http, stallMilliseconds: freshnessWait };
    // `no-cache` asks the server whether the manifest changed; shards are named by content and may come from anywhere.
    const fetched = async () =>
      readUpTo(await request(url, { cache: 'no-cache' }, context), url, manifestLimit, context);
    const bytes = await withRetry(fetched, clock, http.signal, usable === null ? 4 : 1);
    if (usable !== null) checkIsPack(bytes, url);
    return { bytes, manifest: parseManifest(bytes, url) };
  } catch (thrown) {
    const error = EngineError.from(thrown);
    const nothing = error.code === 'model-not-found' || error instanceof NoPackError;
    if (usable === null || (error.code !== 'network' && !nothing)) throw thrown;
    const manifest = parseManifest(usable, url);
    if (nothing) onNote(`${error.message} The copy of ${manifest.name} on this device is used.`);
    return { bytes: usable, manifest };
  }
}

class NoPackError extends EngineError {}

/** @throws NoPackError for what is no JSON of ours at all */
function checkIsPack(bytes: Uint8Array, url: string): void {
  let value: unknown;
  try {
    value = parseJson(bytes, url);
  } catch (thrown) {
    throw new NoPackError('model-invalid', EngineError.from(thrown).message, { cause: thrown });
  }
  if (typeof value === 'object' && value !== null && 'format' in value && value.format === formatName) return;
  throw new NoPackError('model-invalid', `${url} is JSON, but no manifest of a pack.`);
}

/** Tokenizer files first, then shards: the order in which they are needed. */
function filesOf(manifest: Manifest, source: string): RemoteFile[] {
  const { tokenizer, shards } = manifest;
  const texts = tokenizer.kind === 'gguf' ? [tokenizer.metadata] : [tokenizer.tokenizer, tokenizer.config];
  const at =
    (extension: string) =>
    ({ sha256: key, byteLength }: ManifestFile): RemoteFile => ({
      key,
      byteLength,
      url: URL.canParse(`${key}${extension}`, source) ? new URL(`${key}${extension}`, source).href : source,
    });
  return [...texts.map(at('.json')), ...shards.map(at('.bin'))];
}

interface Supply {
  readonly read: LoadShard;
  /** Absent where nothing is kept. */
  readonly whenStored?: (signal?: AbortSignal) => Promise<void>;
  readonly close: () => void;
}

async function chooseSupply(
  pack: KnownPack,
  id: string,
  files: readonly RemoteFile[],
  opening: Opening,
): Promise<Supply> {
  const { store, clock, onProgress, onNote } = opening;
  const { manifest, source } = pack;
  const meter = new DownloadMeter(manifest.totals.byteLength, clock, onProgress);
  const missing: number[] = [];
  let missingBytes = 0;
  const stored = await Promise.all(files.map((file) => store?.prefix(file)));
  for (const [index, file] of files.entries()) {
    const here = stored[index] ?? 0;
    if (store !== null) meter.stored(file.key, here);
    if (here === file.byteLength) continue;
    missing.push(index);
    missingBytes += file.byteLength - here;
  }
  const needed = { name: manifest.name, source, missing: pack.made === true ? 0 : missingBytes, needed: missingBytes };
  const { keep } = await passGate(needed, opening.gate, store);
  meter.show();
  const small = manifest.totals.byteLength <= unkeptLimit;
  if (store !== null && keep) {
    try {
      await recordPack(pack, id, files, store, opening.http.signal);
      return storedSupply(pack, files, missing, meter, store, opening);
    } catch (thrown) {
      if (!small || !(thrown instanceof EngineError) || thrown.code !== 'storage') throw thrown;
      onNote(`${thrown.message} ${manifest.name} runs, but is downloaded again next time.`);
    }
  } else if (store !== null) {
    onNote(`There is no room to keep ${manifest.name} on this device: it is downloaded again next time.`);
  }
  return fetchingSupply(files, meter, opening);
}

/** The journal first, then the manifest itself. */
async function recordPack(
  { manifest, bytes, source, hash }: KnownPack,
  id: string,
  files: readonly RemoteFile[],
  store: ModelStore,
  signal: AbortSignal | undefined,
): Promise<void> {
  const manifestFile: StoredFile = { key: hash, byteLength: bytes.length };
  await store.record(
    {
      source,
      id,
      name: manifest.name,
      quantisation: manifest.quantisation,
      byteLength: manifest.totals.byteLength,
      manifest: manifestFile,
      files: files.map(({ key, byteLength }) => ({ key, byteLength })),
      original: store.find(source)?.original ?? null,
    },
    manifest.revision,
    signal,
  );
  if ((await store.prefix(manifestFile)) === bytes.length) return;
  for (let i = 0; i < pieceCount(bytes.length); i++) {
    await store.put(source, manifestFile, i, bytes.slice(i * pieceLength, (i + 1) * pieceLength));
  }
}

function storedSupply(
  { manifest, source, made = false }: KnownPack,
  files: readonly RemoteFile[],
  missing: readonly number[],
  meter: DownloadMeter,
  store: ModelStore,
  opening: Opening,
): Supply {
  const { clock, control, onNote } = opening;
  const http = { ...opening.http, signal: undefined }; // the opening's signal ends the opening only
  const onArrived = (file: RemoteFile, bytes: number): void => meter.arrived(file.key, bytes);
  const supply = new FileSupply(files, missing, { http, store, source, clock, onArrived, made }, control);
  const release = store.use(source);
  supply.start();
  let told = false;
  return {
    async read(index, signal) {
      try {
        return await supply.read(index, signal);
      } catch (thrown) {
        const file = files[index];
        const full = thrown instanceof EngineError && thrown.code === 'storage';
        if (!full || file === undefined || manifest.totals.byteLength > unkeptLimit) throw thrown;
        if (!told) onNote(`${thrown.message} ${manifest.name} runs, but is downloaded again next time.`);
        told = true;
        return fetchVerified(file, { ...http, signal }, (bytes) => onArrived(file, bytes));
      }
    },
    whenStored: (signal) => supply.whenStored(signal),
    close() {
      supply.close();
      release();
    },
  };
}

function fetchingSupply(files: readonly RemoteFile[], meter: DownloadMeter, { http }: Opening): Supply {
  const most = new Map<string, number>();
  return {
    read(index, signal) {
      const file = files[index];
      if (file === undefined) throw new RangeError(`no file ${index}`);
      return fetchVerified(file, { ...http, signal }, (bytes) => {
        // Each file counts once, however often it is fetched, so that the sum never goes back.
        if (bytes <= (most.get(file.key) ?? 0)) return;
        most.set(file.key, bytes);
        meter.arrived(file.key, bytes);
      });
    },
    close: () => undefined,
  };
}

interface Opened {
  readonly id: string;
  readonly source: string;
  readonly tokenizerFiles: TokenizerFiles;
  readonly signedBy?: string | null;
}

/** A model whose tensors lie in shards as decoders read them. */
export type PackModel = Model & Required<Pick<Model, 'readTensorInto'>>;

export function modelOf(
  manifest: Omit<Manifest, 'tokenizer' | 'shards'>,
  { id, source, tokenizerFiles, signedBy = null }: Opened,
  loadShard: LoadShard,
  close: () => void,
): PackModel {
  const reader = createShardReader(loadShard);
  const places = new Map(manifest.tensors.map((tensor) => [tensor.name, tensor]));
  const tensors = new Map<string, TensorFacts>();
  for (const { name, kind, shape } of manifest.tensors) {
    const { data, scales } = partLengths(kind, shape);
    tensors.set(name, { name, kind, shape, byteLength: data + scales });
  }
  let closed = false;
  const placeOf = (name: string): Manifest['tensors'][number] => {
    const tensor = places.get(name);
    if (tensor === undefined) throw new EngineError('model-invalid', `${manifest.name} has no tensor ${name}.`);
    if (closed) throw new EngineError('invalid-request', `${manifest.name} was closed before ${name} was read.`);
    return tensor;
  };
  return {
    identity: {
      id,
      name: manifest.name,
      licence: manifest.licence,
      quantisation: manifest.quantisation,
      byteLength: manifest.totals.tensorByteLength,
      ...(signedBy === null ? {} : { signedBy }),
    },
    spec: manifest.architecture,
    tokenizerFiles,
    generationDefaults: manifest.generation,
    tensors,
    async readTensor(name, signal): Promise<WeightTensor> {
      const tensor = placeOf(name);
      const { data: dataLength, scales: scalesLength } = partLengths(tensor.kind, tensor.shape);
      if ('data' in tensor) {
        const { buffer } = await reader.read(tensor.data, dataLength, signal);
        const { kind, shape } = tensor;
        return kind === 'f32'
          ? { kind, shape, data: new Float32Array(buffer) }
          : { kind, shape, data: new Uint16Array(buffer) };
      }
      const quants = await reader.read(tensor.quants, dataLength, signal);
      const scales = new Uint16Array((await reader.read(tensor.scales, scalesLength, signal)).buffer);
      checkScales(scales, name, source);
      return { kind: tensor.kind, shape: tensor.shape as [number, number], quants, scales };
    },
    async readTensorInto(name, target, signal) {
      const tensor = placeOf(name);
      const { data, scales } = partLengths(tensor.kind, tensor.shape);
      if (target.data.length !== data || target.scales.length !== scales) throw new RangeError(`no room for ${name}`);
      if ('data' in tensor) {
        await reader.readInto(tensor.data, target.data, signal);
        return;
      }
      await reader.readInto(tensor.quants, target.data, signal);
      await reader.readInto(tensor.scales, target.scales, signal);
    },
    close() {
      closed = true;
      reader.release();
      close();
    },
  };
}

function readTokenizer(
  { tokenizer }: Manifest,
  texts: readonly Uint8Array[],
  files: readonly RemoteFile[],
): TokenizerFiles {
  const [first, second] = texts.map((text, index) => parseJson(text, files[index]?.url ?? ''));
  if (tokenizer.kind === 'tokenizer-json') return { kind: 'tokenizer-json', tokenizer: first, config: second };
  if (typeof first !== 'object' || first === null || Array.isArray(first)) {
    throw new EngineError('model-invalid', 'The tokenizer file of the pack is no object of GGUF keys.', {
      hint: 'Pack the model again.',
    });
  }
  return { kind: 'gguf', metadata: new Map(Object.entries(first)) };
}
