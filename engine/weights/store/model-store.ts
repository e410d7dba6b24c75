// Models kept on this device: files in pieces, a journal of what belongs to which model, and room made for new ones by
// letting the least recently used go. Called by weights/ sources and, for figures and deletion, by engine/host.
// It knows nothing of the network or of formats. Order of writing, which is what makes a kill harmless: a model is in the
// journal before its first piece is stored, and out of it before its first piece is removed; pieces that no model
// claims are swept when the store is opened. What is still being written of a model that was deleted meanwhile is refused.
// A file counts as stored when all its pieces have their lengths, and is
// hashed by whoever reads it.
// Several workers may have it open (the engines of two builds): the journal is read and written under one lock, and what
// stands there counts, not what a worker remembers of it.
// What goes wrong: no room, even after eviction, is `storage`; a medium that fails otherwise is `storage`, too.

import { EngineError } from '../../protocol/errors.js';
import { checkSignal } from '../byte-source.js';
import { letGo } from '../let-go.js';
import { guard, isFull, noRoom, storageError } from './failures.js';
import {
  isJournalName,
  readJournal,
  writeJournal,
  type Journal,
  type StoredFile,
  type StoredModel,
} from './journal.js';
import type { StoreIndex } from './journal.js';
import type { StoreLocks } from './locks.js';
import { pieceCount, pieceLength, type PieceStore } from './pieces.js';

export type { StoredFile, StoredModel } from './journal.js';

/** Pieces of one file read at once: enough to hide a medium's latency, few enough to hold little beside the file. */
const readsAtOnce = 2;
/** Pieces that are looked for at once: a shard's. */
const sizesAtOnce = 8;
/** Characters of what a model is called; more is cut off. */
const longestName = 400;

export interface StoreParts {
  readonly pieces: PieceStore;
  readonly locks: StoreLocks;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Bytes in use and allowed on this origin; null where the browser does not say. */
  readonly estimate?: () => Promise<{ readonly usage: number; readonly quota: number } | null>;
}

export class ModelStore {
  /** Models in use here, which are never evicted, and how often. */
  readonly #used = new Map<string, number>();
  /** Pieces and notes that are being written. */
  readonly #puts = new Set<Promise<void>>();

  private constructor(
    private readonly parts: StoreParts,
    private journal: Journal,
  ) {}

  /** Reads the journal and sweeps what belongs to nobody. @throws EngineError `storage` */
  static async open(parts: StoreParts): Promise<ModelStore> {
    const store = new ModelStore(parts, { index: { version: 1, models: [], revisions: {} }, number: 0 });
    await store.#sweep();
    return store;
  }

  get kind(): PieceStore['kind'] {
    return this.parts.pieces.kind;
  }

  get locks(): StoreLocks {
    return this.parts.locks;
  }

  close(): void {
    this.parts.pieces.close();
  }

  /** Looks what other workers did. Called before `find` and `revisionOf` are relied on. @throws EngineError `storage` */
  async refresh(): Promise<void> {
    await this.#look();
  }

  /** As of the last change that this worker made or looked for. */
  find(source: string): StoredModel | null {
    return this.journal.index.models.find((model) => model.source === source) ?? null;
  }

  /** All models, newly read, with the bytes of each that are here. */
  async models(): Promise<readonly { readonly model: StoredModel; readonly storedBytes: number }[]> {
    const present = new Set(await this.#look());
    return this.journal.index.models.map((model) => ({
      model,
      storedBytes: filesOf(model).reduce((sum, file) => sum + bytesPresent(file, present), 0),
    }));
  }

  /** Under the lock: a journal that is replaced between the two steps would be missed. @returns all names there are */
  #look(): Promise<readonly string[]> {
    const look = async (): Promise<readonly string[]> => {
      const names = await this.parts.pieces.list();
      this.journal = await readJournal(this.parts.pieces, names);
      return names;
    };
    return guard('read', () => this.parts.locks.hold('journal', look));
  }

  async estimate(): Promise<{ readonly usage: number; readonly quota: number } | null> {
    return (await this.parts.estimate?.()) ?? null;
  }

  /** Highest revision of this source that was ever accepted; 0 when none was. */
  revisionOf(source: string): number {
    return this.journal.index.revisions[source] ?? 0;
  }

  /**
   * Puts the model into the journal in place of what `source` was before, and marks it as used now. Files that only
   * the earlier one had are removed.
   * @param revision of a pack; 0 where there is none
   * @param signal of the load: once that is stopped, perhaps because everything is erased, nothing is put back
   * @throws EngineError `model-invalid` for an older revision than was ever accepted, `storage`; the signal's reason
   */
  async record(model: Omit<StoredModel, 'lastUsed'>, revision = 0, signal?: AbortSignal): Promise<void> {
    const { source } = model;
    const name = model.name.slice(0, longestName);
    const entry = { ...model, name, quantisation: model.quantisation.slice(0, longestName) };
    let before: StoredModel | undefined;
    const change = (index: StoreIndex): StoreIndex => {
      checkSignal(signal); // under the lock, for which it may have waited
      const newest = index.revisions[source] ?? 0;
      if (revision !== 0 && revision < newest) throw rolledBack(source, revision, newest);
      before = index.models.find((other) => other.source === source);
      const others = index.models.filter((other) => other.source !== source);
      const revisions = revision === 0 ? index.revisions : { ...index.revisions, [source]: revision };
      return { ...index, models: [...others, { ...entry, lastUsed: this.parts.now() }], revisions };
    };
    await this.#makingRoom(source, name, () => this.#change(change));
    if (before !== undefined) await this.#removeUnclaimed(filesOf(before));
  }

  async delete(source: string): Promise<boolean> {
    await this.#look();
    let model = this.find(source);
    if (model === null) return false;
    const leave = (): Promise<void> =>
      this.#change((index) => {
        model = index.models.find((other) => other.source === source) ?? model;
        return { ...index, models: index.models.filter((other) => other.source !== source) };
      });
    try {
      await leave();
    } catch (thrown) {
      if (!isFull(thrown)) throw thrown;
      // Not even the journal has room. So its files go first; killed now, it is a model whose files are missing.
      await this.#removeUnclaimed(filesOf(model), source);
      await leave();
    }
    await this.#removeUnclaimed(filesOf(model));
    const notes = `note.${noteKey(model.id)}.`;
    await guard('write', async () => {
      for (const name of await this.parts.pieces.list())
        if (name.startsWith(notes)) await this.parts.pieces.remove(name);
    });
    return true;
  }

  /**
   * Removes everything: also the highest revisions seen, as if nobody had ever been here. Models that somebody uses fail
   * at their next read, so callers free them first.
   * @throws EngineError `storage`, also when something is left
   */
  async clear(): Promise<void> {
    const { pieces, locks } = this.parts;
    const remove = async (): Promise<void> => {
      for (const name of await pieces.list()) await pieces.remove(name);
      this.journal = { index: { version: 1, models: [], revisions: {} }, number: 0 };
      if (this.#puts.size > 0) return; // to be done again
      const left = await pieces.list();
      if (left.length > 0) throw new Error(`${left.length} records are still there`);
    };
    do {
      // A medium writes a file that is removed meanwhile all the same. Not under the lock, for which a writer may wait.
      await Promise.allSettled([...this.#puts]);
      await guard('write', () => locks.hold('journal', remove));
    } while (this.#puts.size > 0);
  }

  /** Keeps a model from being evicted, by any worker, until the returned function is called. */
  use(source: string): () => void {
    const release = this.parts.locks.use(source);
    this.#used.set(source, (this.#used.get(source) ?? 0) + 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      release();
      const left = (this.#used.get(source) ?? 1) - 1;
      if (left === 0) this.#used.delete(source);
      else this.#used.set(source, left);
    };
  }

  /** @returns how many bytes from the start are stored: a number of whole pieces, or all */
  async prefix(file: StoredFile): Promise<number> {
    return guard('read', async () => {
      const count = pieceCount(file.byteLength);
      for (let from = 0; from < count; from += sizesAtOnce) {
        const indices = Array.from({ length: Math.min(sizesAtOnce, count - from) }, (_, i) => from + i);
        const sizes = await Promise.all(indices.map((index) => this.parts.pieces.size(pieceName(file, index))));
        const bad = indices.find((index, i) => sizes[i] !== pieceSize(file, index));
        if (bad !== undefined) return bad * pieceLength;
      }
      return file.byteLength;
    });
  }

  /** @returns the file's bytes, not verified, or null when some are missing */
  async read(file: StoredFile): Promise<Uint8Array<ArrayBuffer> | null> {
    return guard('read', async () => {
      const count = pieceCount(file.byteLength);
      const names = Array.from({ length: count }, (_, index) => pieceName(file, index));
      const [first] = names;
      if (count === 1 && first !== undefined) {
        const only = await this.parts.pieces.get(first);
        return only?.length === file.byteLength ? only : null;
      }
      if (this.parts.pieces.join !== undefined) {
        const joined = await this.parts.pieces.join(names);
        return joined?.length === file.byteLength ? joined : null;
      }
      const whole = new Uint8Array(file.byteLength);
      for (let from = 0; from < count; from += readsAtOnce) {
        const pieces = await Promise.all(
          names.slice(from, from + readsAtOnce).map((name) => this.parts.pieces.get(name)),
        );
        for (const [i, piece] of pieces.entries()) {
          if (piece?.length !== pieceSize(file, from + i)) return null;
          whole.set(piece, (from + i) * pieceLength);
          letGo(piece);
        }
      }
      return whole;
    });
  }

  /**
   * Stores one piece, making room if it must.
   * @param source the model it belongs to, which is not evicted for it
   * @throws EngineError `storage` when there is no room
   */
  async put(source: string, file: StoredFile, index: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#putMakingRoom(source, pieceName(file, index), bytes);
  }

  /** Stores a small record of a model's own beside its files, or removes it (null). See `note`. */
  async putNote(source: string, name: string, bytes: Uint8Array<ArrayBuffer> | null): Promise<void> {
    if (bytes === null) await guard('write', () => this.parts.pieces.remove(`note.${name}`));
    else await this.#putMakingRoom(source, `note.${name}`, bytes);
  }

  note(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return guard('read', () => this.parts.pieces.get(`note.${name}`));
  }

  /** Removes the pieces of a file that turned out damaged. */
  async forget(file: StoredFile): Promise<void> {
    await guard('write', () => this.#removePieces(file));
  }

  async #putMakingRoom(source: string, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const model = this.find(source);
    if (model === null) throw deletedMeanwhile(source);
    const what = `${model.name} (the next ${bytes.length} bytes of it)`;
    await this.#makingRoom(source, what, async () => {
      if (this.find(source) === null) throw deletedMeanwhile(source);
      const put = guard('write', () => this.parts.pieces.put(name, bytes));
      this.#puts.add(put);
      await put.finally(() => this.#puts.delete(put));
    });
  }

  /** @param what is being written, for the error */
  async #makingRoom(source: string, what: string, write: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await write();
      } catch (thrown) {
        if (!isFull(thrown)) throw storageError('write', thrown);
        if (!(await this.#evictFor(source))) throw noRoom(what, await this.estimate(), thrown);
      }
    }
  }

  /** Removes the model used longest ago that no worker uses. @returns whether there was one */
  async #evictFor(source: string): Promise<boolean> {
    const models = (await this.models()).map(({ model }) => model);
    const idle = models.filter((model) => model.source !== source && !this.#used.has(model.source));
    for (const victim of idle.sort((a, b) => a.lastUsed - b.lastUsed)) {
      if (await this.parts.locks.ifUnused(victim.source, () => this.delete(victim.source))) return true;
    }
    return false;
  }

  async #change(change: (index: StoreIndex) => StoreIndex): Promise<void> {
    const write = async (): Promise<void> => {
      const names = await this.parts.pieces.list();
      const now = await readJournal(this.parts.pieces, names);
      this.journal = await writeJournal(this.parts.pieces, names, { ...now, index: change(now.index) });
    };
    await guard('write', () => this.parts.locks.hold('journal', write));
  }

  /** Pieces are listed before the journal is read: whatever was listed had its model in the journal by then. */
  async #sweep(): Promise<void> {
    await guard('read', () =>
      this.parts.locks.hold('journal', async () => {
        const { pieces } = this.parts;
        const names = await pieces.list();
        this.journal = await readJournal(pieces, names);
        const claimed = new Set<string>();
        for (const model of this.journal.index.models) for (const { key } of filesOf(model)) claimed.add(key);
        const notes = new Set(this.journal.index.models.map(({ id }) => noteKey(id)));
        for (const name of names) {
          if (isJournalName(name)) {
            if (name !== `journal.${this.journal.number}`) await pieces.remove(name);
          } else if (name.startsWith('note.')) {
            if (![...notes].some((note) => name.startsWith(`note.${note}`))) await pieces.remove(name);
          } else if (!claimed.has(name.slice(0, 64))) {
            await pieces.remove(name);
          }
        }
      }),
    );
  }

  /** @param leaving a model whose claims no longer count */
  async #removeUnclaimed(files: readonly StoredFile[], leaving?: string): Promise<void> {
    const others = this.journal.index.models.filter(({ source }) => source !== leaving);
    const claimed = new Set(others.flatMap((model) => filesOf(model).map(({ key }) => key)));
    await guard('write', async () => {
      for (const file of files) if (!claimed.has(file.key)) await this.#removePieces(file);
    });
  }

  async #removePieces(file: StoredFile): Promise<void> {
    for (let index = 0; index < pieceCount(file.byteLength); index++) {
      await this.parts.pieces.remove(pieceName(file, index));
    }
    await this.parts.pieces.remove(`${file.key}.tag`);
  }

  /** The entity tag under which the stored part of a file came; null when none is known. */
  async tagOf(file: StoredFile): Promise<string | null> {
    const bytes = await guard('read', () => this.parts.pieces.get(`${file.key}.tag`));
    return bytes === null ? null : new TextDecoder().decode(bytes);
  }

  async putTag(source: string, file: StoredFile, tag: string | null): Promise<void> {
    const name = `${file.key}.tag`;
    if (tag === null) await guard('write', () => this.parts.pieces.remove(name));
    else await this.#putMakingRoom(source, name, new TextEncoder().encode(tag));
  }
}

/** Notes of a model begin with this. */
export const noteKey = (id: string): string => id.replace(/[^0-9a-z]/g, '-').slice(0, 80);

const filesOf = (model: StoredModel): readonly StoredFile[] =>
  model.manifest === null ? model.files : [model.manifest, ...model.files];

const pieceName = ({ key }: StoredFile, index: number): string => `${key}.${index}`;

const pieceSize = ({ byteLength }: StoredFile, index: number): number =>
  Math.min(pieceLength, byteLength - index * pieceLength);

function bytesPresent(file: StoredFile, names: ReadonlySet<string>): number {
  let bytes = 0;
  for (let index = 0; index < pieceCount(file.byteLength); index++) {
    if (names.has(pieceName(file, index))) bytes += pieceSize(file, index);
  }
  return bytes;
}

const deletedMeanwhile = (source: string): EngineError =>
  new EngineError('storage', `${source} was deleted from this device while it was being kept.`, {
    hint: 'Load it again to have it kept.',
  });

/** A release older than one that was here before. */
export const rolledBack = (source: string, revision: number, newest: number): EngineError =>
  new EngineError(
    'model-invalid',
    `${source} is refused: it is revision ${revision}, and revision ${newest} was here before.`,
    { hint: 'The server offers an old release, perhaps one with known faults. Publish it under a higher revision.' },
  );
