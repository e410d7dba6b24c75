// One repository's files on their way into the store, and out of it again: what onnx-source.ts drives and a GraphModel reads
// through. Parts are FileSupply's work; here is which files belong to the model, what is written when all are here, and
// what happens where nothing can be kept (each file is then fetched whole whenever it is read).
// What goes wrong: what reading throws. A store that is full costs the copy and not the model, up to 256 MiB.

import { EngineError } from '../../protocol/errors.js';
import type { RemoteFile } from '../download/download-file.js';
import { FileSupply } from '../download/file-supply.js';
import { unkeptLimit } from '../download/gate.js';
import { DownloadMeter } from '../download/meter.js';
import { withRetry } from '../download/retry.js';
import { readExactly, request } from '../http.js';
import type { Opening } from '../opening.js';
import { sha256 } from '../sha256.js';
import { rewriteLock } from '../store/delete-kept.js';
import type { ModelStore, StoredFile } from '../store/model-store.js';
import { pieceCount, pieceLength } from '../store/pieces.js';
import { assemble, hashInTag, PartDigests, partsOf, type GraphList, type HubFile } from './graph-store.js';
import type { OnnxOutline } from './onnx-outline.js';

type Bytes = Uint8Array<ArrayBuffer>;

export interface GraphTexts {
  readonly config: Bytes;
  readonly tokenizer: Bytes;
  /** With the chat template in it. */
  readonly tokenizerConfig: Bytes;
  readonly generation: Bytes | null;
}

export interface DownloadFacts {
  readonly source: string;
  readonly id: string;
  readonly name: string;
  readonly dtype: string;
  readonly texts: GraphTexts;
  /** Tells a changed original; absent for one that is here whole. */
  readonly tag?: string;
}

interface Held {
  readonly file: HubFile;
  readonly parts: readonly RemoteFile[];
  readonly supply: FileSupply | null;
  /** Of the file's first part among the supply's. */
  readonly first: number;
  /** Nothing is left to be checked over the whole file. */
  checked: boolean;
}

export class GraphDownload {
  readonly #held = new Map<string, Held>();
  readonly #supplies: FileSupply[] = [];
  readonly #digests: PartDigests | null;
  readonly #end = new AbortController();
  #store: ModelStore | null;
  #release: (() => void) | null = null;
  #outline: OnnxOutline | null = null;
  #finishing: Promise<void> | null = null;

  constructor(
    readonly facts: DownloadFacts,
    private readonly opening: Opening,
  ) {
    this.#store = opening.store;
    const { source, id } = facts;
    this.#digests = this.#store === null ? null : new PartDigests(this.#store, source, id);
  }

  /** Takes a model that is here whole, as its list says. */
  async take(list: GraphList): Promise<void> {
    const parts = await Promise.all(list.files.map(partsOf));
    parts.forEach((of, index) => {
      of.forEach(({ key }, at) => this.#digests?.set(key, list.files[index]?.sha256[at] ?? ''));
    });
    await this.#hold(list.files, parts, true);
  }

  /**
   * Begins to download further files, in this order.
   * @param gate told the bytes that are still to come; to refuse, it throws
   */
  async add(files: readonly HubFile[], gate: (bytes: number) => Promise<unknown>): Promise<void> {
    const parts = await Promise.all(files.map(partsOf));
    let missing = 0;
    for (const part of parts.flat()) missing += part.byteLength - ((await this.#store?.prefix(part)) ?? 0);
    const passed = await gate(missing);
    const keep = typeof passed === 'object' && passed !== null && 'keep' in passed && passed.keep === true;
    if (this.#store !== null && !keep) this.#unkept('There is no room for it.');
    if (this.#store !== null) {
      await this.#digests?.recall(parts.flat());
      try {
        await this.#record([...this.#allParts(), ...parts.flat()], null);
      } catch (thrown) {
        const small = this.#bytes(files) <= unkeptLimit;
        if (!small || !(thrown instanceof EngineError) || thrown.code !== 'storage') throw thrown;
        this.#unkept(thrown.message);
      }
    }
    await this.#hold(files, parts, false);
  }

  /** What the graph says of itself, for the list; all its files are known now. */
  finishWith(outline: OnnxOutline): void {
    this.#outline = outline;
    void this.whenStored().then(
      () => this.#finish(),
      () => undefined, // whoever reads is told
    );
  }

  async whenStored(signal?: AbortSignal): Promise<void> {
    for (const supply of this.#supplies) await supply.whenStored(signal);
  }

  /** @throws EngineError */
  async read(path: string, signal?: AbortSignal): Promise<Bytes> {
    const held = this.#held.get(path);
    if (held === undefined) throw new EngineError('model-invalid', `${this.facts.name} has no file ${path}.`);
    const { file, parts, supply, first } = held;
    const expected = held.checked ? null : hashInTag(file.etag);
    const bytes = await this.#reading(held, async () => {
      if (supply === null) return this.#fetchWhole(file, signal);
      return assemble(file, parts.length, (index) => supply.read(first + index, signal), expected);
    });
    held.checked = true;
    void this.#finish();
    return bytes;
  }

  close(): void {
    this.#end.abort(new EngineError('aborted', 'Loading the model was stopped.'));
    for (const supply of this.#supplies) supply.close();
    this.#release?.();
  }

  async #hold(files: readonly HubFile[], parts: readonly RemoteFile[][], known: boolean): Promise<void> {
    const store = this.#store;
    const all = parts.flat();
    const meter = new DownloadMeter(this.#bytes(files), this.opening.clock, this.opening.onProgress);
    for (const { file } of this.#held.values()) meter.stored(file.path, file.byteLength);
    const missing: number[] = [];
    for (const [index, part] of all.entries()) {
      const here = (await store?.prefix(part)) ?? 0;
      meter.stored(part.key, here);
      if (here < part.byteLength) missing.push(index);
    }
    meter.show();
    let supply: FileSupply | null = null;
    if (store !== null) {
      this.#release ??= store.use(this.facts.source);
      const { source } = this.facts;
      const { clock, control } = this.opening;
      const http = { ...this.opening.http, signal: undefined }; // the opening's signal ends the opening only
      const onArrived = (part: RemoteFile, bytes: number): void => meter.arrived(part.key, bytes);
      const context = { http, store, source, clock, onArrived };
      supply = new FileSupply(all, missing, { ...context, ...(this.#digests && { digests: this.#digests }) }, control);
      this.#supplies.push(supply);
      supply.start();
    }
    let first = 0;
    for (const [index, file] of files.entries()) {
      const of = parts[index] ?? [];
      this.#held.set(file.path, { file, parts: of, supply, first, checked: known || hashInTag(file.etag) === null });
      first += of.length;
    }
  }

  /** A file whose hash is wrong is forgotten; a store that is full is done without. */
  async #reading({ file, parts }: Held, work: () => Promise<Bytes>): Promise<Bytes> {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      if (thrown.code === 'model-invalid') for (const part of parts) await this.#store?.forget(part);
      if (thrown.code !== 'storage' || this.#bytes([]) > unkeptLimit) throw thrown;
      this.opening.onNote(`${thrown.message} ${this.facts.name} runs, but is downloaded again next time.`);
      return this.#fetchWhole(file, undefined);
    }
  }

  #fetchWhole({ url, byteLength }: HubFile, signal: AbortSignal | undefined): Promise<Bytes> {
    const end = signal === undefined ? this.#end.signal : AbortSignal.any([signal, this.#end.signal]);
    const http = { ...this.opening.http, signal: end };
    const fetched = async (): Promise<Bytes> => readExactly(await request(url, {}, http), url, byteLength, http);
    return withRetry(fetched, this.opening.clock, end);
  }

  /** Writes the list once all parts are here, hashed, and each file was found to be what its server names. */
  async #finish(): Promise<void> {
    const outline = this.#outline;
    const store = this.#store;
    if (outline === null || store === null || this.#finishing !== null || this.#end.signal.aborted) return;
    const held = [...this.#held.values()];
    const digests = this.#digests;
    const known = held.flatMap(({ parts }) => parts).every((part) => (digests?.of(part) ?? null) !== null);
    if (digests === null || !known || held.some(({ checked }) => !checked)) return;
    const write = async (): Promise<void> => {
      if (this.#end.signal.aborted) return; // closed, perhaps because it is deleted
      const { name, dtype } = this.facts;
      const list: GraphList = {
        format: 'llm-elements-onnx',
        formatVersion: 1,
        name,
        dtype,
        texts: await this.#texts(),
        inputs: outline.inputs.map(plain),
        outputs: outline.outputs.map(plain),
        files: held.map(({ file, parts }) => ({ ...file, sha256: parts.map((part) => digests.of(part) ?? '') })),
      };
      const bytes = new TextEncoder().encode(JSON.stringify(list));
      const manifest: StoredFile = { key: await sha256(bytes), byteLength: bytes.length };
      const texts = await this.#textFiles();
      const files = [...texts.map(({ file }) => file), ...this.#allParts()];
      // Claimed first, written then, and only then said to be whole.
      await this.#record([...files, manifest], null);
      for (const { file, bytes: text } of texts) await this.#put(file, text);
      await this.#put(manifest, bytes);
      await this.#record(files, manifest);
      await digests.dropNotes(this.#allParts());
    };
    // Whoever deletes the model waits for this, and nothing of it comes back afterwards.
    this.#finishing = store.locks.hold(rewriteLock(this.facts.id), write).catch((thrown: unknown) => {
      // The model runs from what is here; the next visit goes on from there.
      if (this.#end.signal.aborted) return;
      this.opening.onNote(`${this.facts.name} is not kept whole: ${EngineError.from(thrown).message}`);
    });
    await this.#finishing;
  }

  async #texts(): Promise<GraphList['texts']> {
    const of = async (bytes: Bytes) => ({ sha256: await sha256(bytes), byteLength: bytes.length });
    const { config, tokenizer, tokenizerConfig, generation } = this.facts.texts;
    return {
      config: await of(config),
      tokenizer: await of(tokenizer),
      tokenizerConfig: await of(tokenizerConfig),
      generation: generation === null ? null : await of(generation),
    };
  }

  async #textFiles(): Promise<{ file: StoredFile; bytes: Bytes }[]> {
    const given = Object.values(this.facts.texts).filter((bytes): bytes is Bytes => bytes !== null);
    return Promise.all(
      given.map(async (bytes) => ({ file: { key: await sha256(bytes), byteLength: bytes.length }, bytes })),
    );
  }

  async #put(file: StoredFile, bytes: Bytes): Promise<void> {
    for (let i = 0; i < pieceCount(bytes.length); i++) {
      const piece = bytes.slice(i * pieceLength, (i + 1) * pieceLength);
      await this.#store?.put(this.facts.source, file, i, piece);
    }
  }

  async #record(files: readonly StoredFile[], manifest: StoredFile | null): Promise<void> {
    const { source, id, name, dtype, tag } = this.facts;
    const now = files.map(({ key, byteLength }) => ({ key, byteLength }));
    const byteLength = now.reduce((sum, file) => sum + file.byteLength, 0);
    // What an earlier life brought of the same model stays claimed until all its files are known.
    const before = this.#store?.find(source) ?? null;
    const ours = new Set(now.map(({ key }) => key));
    const earlier = manifest === null && before?.id === id ? before.files.filter(({ key }) => !ours.has(key)) : [];
    const original = tag === undefined ? (before?.original ?? null) : { tag };
    const model = {
      source,
      id,
      name,
      quantisation: `ONNX ${dtype}`,
      byteLength,
      manifest,
      files: [...now, ...earlier],
      original,
    };
    const { signal } = this.opening.http;
    const stopped = signal === undefined ? this.#end.signal : AbortSignal.any([signal, this.#end.signal]);
    await this.#store?.record(model, 0, stopped);
  }

  #unkept(why: string): void {
    this.#store = null;
    this.opening.onNote(`${why} ${this.facts.name} runs, but is downloaded again next time.`);
  }

  #allParts(): RemoteFile[] {
    return [...this.#held.values()].flatMap(({ parts }) => parts);
  }

  #bytes(more: readonly HubFile[]): number {
    const held = [...this.#held.values()].map(({ file }) => file);
    return [...held, ...more].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
}

const plain = ({ name, type, dims }: OnnxOutline['inputs'][number]): GraphList['inputs'][number] => ({
  name,
  type,
  dims: [...dims],
});
