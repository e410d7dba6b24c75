// A model of another format as a pack on this device: opened from the store where it was rewritten before, rewritten while
// it is read for the first time otherwise, read straight from its source where nothing can be kept. Called by the GGUF
// and safetensors sources, which bring rows and say what tells a changed original.
// What goes wrong: a stored copy that is damaged, or a store without room, costs the copy and not the model: the tensor
// is read from the source. Pages that pin keys take signed packs only, so none of these.

import { EngineError } from '../../protocol/errors.js';
import { DamagedCopyError, readVerified } from '../download/download-file.js';
import { passGate } from '../download/gate.js';
import { DownloadMeter } from '../download/meter.js';
import type { GenerationDefaults, Model, TensorName } from '../model.js';
import type { Opening } from '../opening.js';
import {
  formatName,
  formatVersion,
  manifestLimit,
  parseManifest,
  type Manifest,
  type ManifestFile,
  type ParsedManifest,
} from '../pack/manifest.js';
import { modelOf, openManifest, type PackModel } from '../pack/pack-model.js';
import { sha256 } from '../sha256.js';
import { rewriteLock } from '../store/delete-kept.js';
import type { ModelStore, StoredFile } from '../store/model-store.js';
import { pieceCount, pieceLength } from '../store/pieces.js';
import { elementCount } from '../tensor-layout.js';
import { putTensor } from '../tensor-target.js';
import type { TensorRows } from '../tensor-rows.js';
import { planLayout, type Layout } from './layout.js';
import { Rewriter, type Errors } from './rewriter.js';

/** Texts of the tokenizer as a pack stores them. */
export type TokenizerTexts =
  | { readonly kind: 'gguf'; readonly metadata: Uint8Array<ArrayBuffer> }
  | {
      readonly kind: 'tokenizer-json';
      readonly tokenizer: Uint8Array<ArrayBuffer>;
      readonly config: Uint8Array<ArrayBuffer>;
    };

export interface Original {
  /** The opened source: reads tensors itself, and offers their rows in the order of first use. */
  readonly model: Model & { readonly rows: ReadonlyMap<TensorName, TensorRows> };
  /** Null when a pack cannot hold it: then the model is read from its source each time. */
  readonly tokenizer: TokenizerTexts | null;
  /** The place, as the store calls it. */
  readonly source: string;
  /** Changes when the original does. */
  readonly tag: string;
  /** Bytes that reading all of it downloads; 0 for a file on this device. */
  readonly downloadBytes: number;
}

/** @throws EngineError `model-invalid` when the page takes signed models only */
export function refuseUnsigned(source: string, { trustedKeys }: Opening): void {
  if (trustedKeys.length === 0) return;
  throw new EngineError('model-invalid', `${source} is refused: this page takes signed packs only, and this is none.`, {
    hint: 'The owner of this site can pack and sign the model (npm run pack -- --sign).',
  });
}

/**
 * The model as it was rewritten before.
 * @param original opens the source, for a copy that turns out damaged
 * @returns null when it is not there whole
 */
export async function openRewritten(
  source: string,
  tag: string | null,
  opening: Opening,
  original: () => Promise<Model>,
): Promise<Model | null> {
  const { store } = opening;
  const stored = store?.find(source) ?? null;
  if (store === null || stored === null || stored.manifest === null) return null;
  if (tag !== null && stored.original?.tag !== tag) return null;
  const bytes = await readVerified(stored.manifest, store);
  if (bytes === null) return null;
  const { id, manifest: file } = stored;
  const manifest = readable(bytes, source);
  if (manifest === null) return null;
  const pack = await openManifest({ manifest, bytes, source, hash: file.key, id, made: true }, opening);
  let direct: Promise<Model> | null = null;
  const rescue = async (thrown: unknown): Promise<Model> => {
    if (!(thrown instanceof DamagedCopyError)) throw thrown;
    if (direct === null) {
      opening.onNote(`The copy of ${pack.identity.name} on this device was damaged; it is made anew next time.`);
      await store.delete(source);
    }
    direct ??= original();
    return direct;
  };
  return {
    ...pack,
    ...readingWith(pack, rescue),
    close() {
      pack.close();
      void direct?.then((model) => model.close()).catch(() => undefined); // what failed to open needs no closing
    },
  };
}

/** @param rescue the model to read a tensor from when the copy fails; throws where that is no remedy */
function readingWith(
  pack: PackModel,
  rescue: (thrown: unknown) => Promise<Model>,
): Required<Pick<Model, 'readTensor' | 'readTensorInto'>> {
  return {
    readTensor: (name, signal) =>
      pack.readTensor(name, signal).catch(async (thrown: unknown) => (await rescue(thrown)).readTensor(name, signal)),
    readTensorInto: (name, target, signal) =>
      pack.readTensorInto(name, target, signal).catch(async (thrown: unknown) => {
        putTensor(await (await rescue(thrown)).readTensor(name, signal), target);
      }),
  };
}

/** Null for what another release of the kit wrote and this one cannot read: it is made anew. */
function readable(bytes: Uint8Array, source: string): Manifest | null {
  try {
    return parseManifest(bytes, source);
  } catch (thrown) {
    if (thrown instanceof EngineError) return null;
    throw thrown;
  }
}

/** Begins to rewrite, or goes on where an earlier life stopped, and opens the model meanwhile. */
export async function rewriteModel(original: Original, opening: Opening): Promise<Model> {
  const { model, source, tag, tokenizer } = original;
  const { store, clock, control, onProgress, onNote } = opening;
  const { identity, rows } = model;
  const tensors = [...rows.values()];
  const layout = planLayout(
    tensors.map(({ facts }) => facts),
    opening.shardLimit,
  );
  const needed = layout.shards.reduce((sum, length) => sum + length, 0);
  const stored = store?.find(source) ?? null;
  const facts = {
    source,
    id: identity.id,
    name: identity.name,
    quantisation: identity.quantisation,
    byteLength: needed,
    original: { tag },
  };
  const rewriter =
    store === null
      ? null
      : new Rewriter({
          tensors,
          layout,
          store,
          model: facts,
          control,
          onPassed: (bytes) => meter.arrived('source', bytes),
        });
  const whole = tensors.reduce((sum, tensor) => sum + tensor.rows * tensor.sourceRowBytes, 0);
  const meter = new DownloadMeter(whole, clock, onProgress);
  const done = stored === null || rewriter === null ? 0 : await rewriter.recover();
  const doneBytes = Math.round(
    (whole * layout.shards.slice(0, done).reduce((sum, length) => sum + length, 0)) / needed,
  );
  const left = original.downloadBytes === 0 ? 0 : Math.max(0, original.downloadBytes - doneBytes);
  const gate = await passGate(
    { name: identity.name, source, missing: left, needed: needed * (1 - done / layout.shards.length) },
    opening.gate,
    store,
  );
  meter.stored('source', doneBytes);
  meter.show();
  if (store === null || rewriter === null || !gate.keep || tokenizer === null) {
    if (store !== null) onNote(`${identity.name} cannot be kept on this device: it is read again next time.`);
    return readingDirectly(model, meter);
  }
  return whileRewriting(original, tokenizer, { rewriter, layout, store, meter, facts }, opening);
}

/** Reads from the source, with progress. */
function readingDirectly(model: Original['model'], meter: DownloadMeter): Model {
  return {
    ...model,
    async readTensor(name, signal) {
      const tensor = await model.readTensor(name, signal);
      const rows = model.rows.get(name);
      if (rows !== undefined) meter.arrived(name, rows.rows * rows.sourceRowBytes);
      return tensor;
    },
  };
}

interface Work {
  readonly rewriter: Rewriter;
  readonly layout: Layout;
  readonly store: ModelStore;
  readonly meter: DownloadMeter;
  readonly facts: {
    readonly source: string;
    readonly id: string;
    readonly name: string;
    readonly quantisation: string;
    readonly byteLength: number;
    readonly original: { readonly tag: string };
  };
}

async function whileRewriting(
  original: Original,
  tokenizer: TokenizerTexts,
  work: Work,
  opening: Opening,
): Promise<Model> {
  const { model, source } = original;
  const { rewriter, layout, store, facts } = work;
  const end = new AbortController();
  const release = store.use(source);
  const waiting = new Map<number, (() => void)[]>();
  let failure: EngineError | null = null;
  let running: Promise<void> | null = null;

  const wake = (index: number): void => {
    for (const resume of waiting.get(index) ?? []) resume();
    waiting.delete(index);
  };
  const known = store.find(source)?.manifest?.key;
  const begin = (): void => {
    failure = null;
    const job = async (): Promise<void> => {
      if (await rewriter.adopt(known)) return;
      // In the journal before anything of it is written.
      const files = rewriter.shards.map(({ sha256: key, byteLength }) => ({ key, byteLength }));
      await store.record({ ...facts, manifest: null, files }, 0, end.signal);
      await rewriter.run(wake, end.signal);
      await finish(original, tokenizer, work, end.signal);
    };
    // One worker of the origin at a time rewrites a model; who waited for another one takes its copy.
    running = store.locks.hold(rewriteLock(facts.id), job, end.signal).catch((thrown: unknown) => {
      failure = EngineError.from(thrown);
    });
    void running.then(() => {
      running = null;
      for (const index of [...waiting.keys()]) wake(index);
    });
  };
  begin();

  const loadShard = async (index: number, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> => {
    if (failure !== null && failure.code !== 'storage' && running === null) begin();
    while (rewriter.shards[index] === undefined) {
      if (failure !== null) throw failure;
      if (running === null) throw new EngineError('internal', `Shard ${index} of ${facts.name} was never written.`);
      await new Promise<void>((resume, reject) => {
        const stop = (): void => reject(new EngineError('aborted', 'Loading the model was stopped.'));
        if (signal?.aborted === true || end.signal.aborted) stop();
        signal?.addEventListener('abort', stop, { once: true });
        end.signal.addEventListener('abort', stop, { once: true });
        waiting.set(index, [...(waiting.get(index) ?? []), resume]);
      });
    }
    const { sha256: key, byteLength } = rewriter.shards[index];
    const bytes = await readVerified({ key, byteLength }, store);
    if (bytes === null) throw new DamagedCopyError(facts.name);
    return bytes;
  };
  const provisional = manifestOf(original, layout, placeholders(layout), { kind: 'gguf', metadata: nothing }, {});
  const pack = modelOf(
    { ...provisional, architecture: model.spec, generation: model.generationDefaults ?? {} },
    { id: facts.id, source, tokenizerFiles: model.tokenizerFiles },
    loadShard,
    () => undefined,
  );
  return {
    ...pack,
    identity: model.identity,
    async downloaded(signal) {
      if (failure !== null && failure.code !== 'storage' && running === null) begin();
      if (running !== null) await orStopped(running, signal);
      if (failure !== null && failure.code !== 'storage') throw failure; // without room it is read as it goes
    },
    ...readingWith(pack, (thrown) => {
      const lost = thrown instanceof DamagedCopyError || (thrown instanceof EngineError && thrown.code === 'storage');
      if (!lost) throw thrown;
      opening.onNote(`${thrown.message} ${facts.name} runs, but is read again next time.`);
      return Promise.resolve(model);
    }),
    close() {
      end.abort(new EngineError('aborted', 'Loading the model was stopped.'));
      release();
      pack.close();
      model.close();
    },
  };
}

const orStopped = (work: Promise<void>, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => reject(new EngineError('aborted', 'Loading the model was stopped.'));
    work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', stop));
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted === true) stop();
  });

/** Writes tokenizer and manifest; only then does the journal call the model whole. */
async function finish(
  original: Original,
  tokenizer: TokenizerTexts,
  { rewriter, layout, store, facts }: Work,
  signal: AbortSignal,
): Promise<void> {
  const texts = tokenizer.kind === 'gguf' ? [tokenizer.metadata] : [tokenizer.tokenizer, tokenizer.config];
  const named: StoredFile[] = [];
  for (const text of texts) named.push({ key: await sha256(text), byteLength: text.length });
  const at = (index: number): ManifestFile => ({
    sha256: named[index]?.key ?? '',
    byteLength: named[index]?.byteLength ?? 0,
  });
  const files =
    tokenizer.kind === 'gguf'
      ? ({ kind: 'gguf', metadata: at(0) } as const)
      : ({ kind: 'tokenizer-json', tokenizer: at(0), config: at(1) } as const);
  const manifest = manifestOf(original, layout, rewriter.shards, files, rewriter.errors);
  const bytes = new TextEncoder().encode(`${JSON.stringify(manifest)}\n`);
  if (bytes.length > manifestLimit)
    throw new EngineError('model-too-large', `${facts.name} has too many tensors to be kept.`);
  parseManifest(bytes, facts.source); // what a reader would refuse is not written
  const manifestFile = { key: await sha256(bytes), byteLength: bytes.length };
  const shards = rewriter.shards.map(({ sha256: key, byteLength }) => ({ key, byteLength }));
  const model = { ...facts, quantisation: manifest.quantisation, byteLength: manifest.totals.byteLength };
  await store.record({ ...model, manifest: null, files: [...shards, ...named, manifestFile] }, 0, signal);
  for (const [i, text] of texts.entries()) await putWhole(store, facts.source, named[i] as StoredFile, text);
  await putWhole(store, facts.source, manifestFile, bytes);
  await store.record({ ...model, manifest: manifestFile, files: [...named, ...shards] }, 0, signal);
}

async function putWhole(
  store: ModelStore,
  source: string,
  file: StoredFile,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  for (let i = 0; i < pieceCount(bytes.length); i++) {
    await store.put(source, file, i, bytes.slice(i * pieceLength, (i + 1) * pieceLength));
  }
}

const nothing: ManifestFile = { sha256: '0'.repeat(64), byteLength: 1 };
const placeholders = ({ shards }: Layout): ManifestFile[] => shards.map((byteLength) => ({ ...nothing, byteLength }));

function manifestOf(
  { model, source, tag }: Original,
  layout: Layout,
  shards: readonly ManifestFile[],
  tokenizer: ParsedManifest['tokenizer'],
  errors: Errors,
): ParsedManifest & { signature: null } {
  const { identity, spec } = model;
  const files = tokenizer.kind === 'gguf' ? [tokenizer.metadata] : [tokenizer.tokenizer, tokenizer.config];
  return {
    format: formatName,
    formatVersion,
    name: identity.name.slice(0, 200) || 'a model',
    description: '',
    licence: identity.licence.slice(0, 200) || 'unknown',
    quantisation: `${identity.quantisation}${errorText(errors)}`.slice(0, 200),
    revision: 1,
    parent: { name: source.slice(0, 400), revision: tag.slice(0, 200) },
    architecture: structuredClone(spec) as ParsedManifest['architecture'],
    totals: {
      byteLength: [...shards, ...files].reduce((sum, { byteLength }) => sum + byteLength, 0),
      tensorByteLength: identity.byteLength,
      parameters: [...model.rows.values()].reduce((sum, { facts }) => sum + elementCount(facts.shape), 0),
    },
    shards: [...shards],
    tensors: [...layout.tensors],
    tokenizer,
    generation: plainDefaults(model.generationDefaults ?? {}),
    signature: null,
  };
}

function plainDefaults({ endIds, ...rest }: GenerationDefaults): ParsedManifest['generation'] {
  return endIds === undefined ? rest : { ...rest, endIds: [...endIds] };
}

/** The squared error of all that was requantised, over the sum of squares. */
function errorText(errors: Errors): string {
  let error = 0;
  let norm = 0;
  for (const [e, n] of Object.values(errors)) {
    error += e;
    norm += n;
  }
  return error === 0 || norm === 0 ? '' : ` (requantised, squared error ${((error / norm) * 100).toPrecision(2)} %)`;
}
