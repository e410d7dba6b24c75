// Rewrites a model of another format into a pack in the store, shard by shard in the order of first use, while readers
// get each shard as soon as it is there. Called by rewritten-model.ts. It knows rows (tensor-rows.ts), places (layout.ts)
// and the store; nothing of formats or of the network. Sources are read ahead, several pieces at once.
//
// After a crash it goes on behind the last whole shard: the journal lists the shards' hashes, the layout says which
// tensor and row comes next, and a note beside them holds what a tensor under way needs from before (its scales, which lie
// behind its quants) and the errors measured so far. Order of writing: note, journal, pieces; so that a shard that is
// whole always has its note. Format of a note: uint32 length of a JSON text, the text, the scales.
// Memory: one shard, the pieces under way, and the scales of one tensor.
// What goes wrong: errors of the source and of the store end the work and reach every reader; a reader that comes
// later begins it again behind the last whole shard.

import { EngineError } from '../../protocol/errors.js';
import type { DownloadSwitch } from '../download/switch.js';
import type { ManifestFile } from '../pack/manifest.js';
import { sha256 } from '../sha256.js';
import { noteKey, type ModelStore, type StoredFile, type StoredModel } from '../store/model-store.js';
import { pieceCount, pieceLength } from '../store/pieces.js';
import { rowLengths, rowsInPiece, type ConvertedRows, type TensorRows } from '../tensor-rows.js';
import type { Layout } from './layout.js';

/** Bytes of the source read and converted at once, and how many such reads run ahead of the writing. */
const readLength = 2 ** 20;
const readsAhead = 6;

/** Squared error and squared norm of each tensor whose numbers changed. */
export type Errors = Record<string, readonly [error: number, norm: number]>;

export interface RewriterParts {
  readonly tensors: readonly TensorRows[];
  readonly layout: Layout;
  readonly store: ModelStore;
  /** The journal's entry, without the shards that are there already. */
  readonly model: Omit<StoredModel, 'lastUsed' | 'files' | 'manifest'>;
  readonly control: DownloadSwitch;
  /** Told the bytes of the source passed so far. */
  readonly onPassed: (bytes: number) => void;
}

interface Note {
  readonly errors: Errors;
  readonly scales: Uint8Array;
}

/** Where to go on. */
interface Position {
  /** Whole shards. */
  readonly shard: number;
  /** Index of the tensor, its first row to be read, and bytes of that row's data that a whole shard has already. */
  readonly tensor: number;
  readonly row: number;
  readonly skip: number;
  /** Its data are all in whole shards: only scales are to be written, from this byte. */
  readonly scalesFrom: number;
}

export class Rewriter {
  readonly shards: ManifestFile[] = [];
  errors: Errors = {};
  readonly #starts: readonly number[];

  constructor(private readonly parts: RewriterParts) {
    let at = 0;
    this.#starts = parts.layout.shards.map((length) => (at += length) - length);
  }

  /** Finds the shards of an earlier life. @returns how many there are */
  async recover(): Promise<number> {
    const { store, model, layout } = this.parts;
    const before = store.find(model.source);
    if (before === null || before.manifest !== null || before.original?.tag !== model.original?.tag) return 0;
    let sound = 0;
    for (const [index, file] of before.files.entries()) {
      if (file.byteLength !== layout.shards[index] || (await store.prefix(file)) < file.byteLength) break;
      sound = index + 1;
    }
    // Without its note a shard is of no use; the one before has its own.
    while (sound > 0 && (await this.#readNote(sound)) === null) sound--;
    for (const { key, byteLength } of before.files.slice(0, sound)) this.shards.push({ sha256: key, byteLength });
    return sound;
  }

  /**
   * Takes the shards of a copy that another engine has finished meanwhile.
   * @param known key of the manifest that was there before, and was of no use
   * @returns false when there is none
   */
  async adopt(known: string | undefined): Promise<boolean> {
    const { store, model, layout } = this.parts;
    await store.refresh();
    const other = store.find(model.source);
    const manifest = other?.manifest ?? null;
    if (other === null || manifest === null || manifest.key === known || other.id !== model.id) return false;
    if (other.original?.tag !== model.original?.tag) return false;
    const shards = other.files.slice(-layout.shards.length);
    if (shards.some(({ byteLength }, index) => byteLength !== layout.shards[index])) return false;
    for (const file of shards) if ((await store.prefix(file)) < file.byteLength) return false;
    this.shards.splice(0, this.shards.length);
    for (const { key, byteLength } of shards) this.shards.push({ sha256: key, byteLength });
    return true;
  }

  /** Writes all shards that are missing. @param onShard told when one is there */
  async run(onShard: (index: number) => void, signal: AbortSignal): Promise<void> {
    const { tensors } = this.parts;
    const from = this.#position(this.shards.length);
    const note = this.shards.length === 0 ? null : await this.#readNote(this.shards.length);
    this.errors = note?.errors ?? {};
    const sink = new ShardSink(this.shards.length, this.parts.layout.shards, (bytes) =>
      this.#keep(bytes, onShard, signal),
    );
    let passed = 0;
    for (let index = 0; index < tensors.length; index++) {
      const tensor = tensors[index] as TensorRows;
      if (index < from.tensor) {
        passed += tensor.rows * tensor.sourceRowBytes;
        continue;
      }
      const here = index === from.tensor ? from : null;
      await this.#writeTensor(index, here, here === null ? null : note, sink, signal, (rows) => {
        this.parts.onPassed(passed + rows * tensor.sourceRowBytes);
      });
      passed += tensor.rows * tensor.sourceRowBytes;
    }
    await sink.finish();
    await this.#removeNote(this.shards.length);
  }

  /** Scales of the tensor under way, gathered until its data are written. */
  #scales: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #scalesFilled = 0;
  #tensor = 0;

  async #writeTensor(
    index: number,
    from: Position | null,
    note: Note | null,
    sink: ShardSink,
    signal: AbortSignal,
    onRows: (rows: number) => void,
  ): Promise<void> {
    const tensor = this.parts.tensors[index] as TensorRows;
    const entry = this.parts.layout.tensors[index];
    if (entry === undefined) throw new RangeError(`no place for tensor ${index}`);
    const lengths = rowLengths(tensor);
    this.#tensor = index;
    this.#scales = new Uint8Array(lengths.scales * tensor.rows);
    this.#scalesFilled = (from?.row ?? 0) * lengths.scales;
    if (note !== null) this.#scales.set(note.scales.subarray(0, this.#scalesFilled));
    const place = 'data' in entry ? entry.data : entry.quants;
    if (from === null || from.scalesFrom === 0) {
      if (from === null || (from.row === 0 && from.skip === 0)) await sink.startAt(this.#offsetOf(place));
      let skip = from?.skip ?? 0;
      for await (const { rows, upTo } of this.#pieces(tensor, from?.row ?? 0, signal)) {
        // Scales first: a shard that `append` completes has them in its note.
        this.#scales.set(rows.scales, this.#scalesFilled);
        this.#scalesFilled += rows.scales.length;
        this.#count(tensor, rows);
        await sink.append(rows.data.subarray(skip));
        skip = 0;
        onRows(upTo);
      }
    }
    if ('scales' in entry) {
      if (from === null || from.scalesFrom === 0) await sink.startAt(this.#offsetOf(entry.scales));
      await sink.append(this.#scales.subarray(from?.scalesFrom ?? 0));
    }
  }

  /** Converted rows in order; reading runs ahead. */
  async *#pieces(
    tensor: TensorRows,
    from: number,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly rows: ConvertedRows; readonly upTo: number }> {
    const step = rowsInPiece(tensor, readLength);
    const ahead: { readonly work: Promise<ConvertedRows>; readonly upTo: number }[] = [];
    let next = from;
    try {
      for (;;) {
        await this.parts.control.resumed(signal);
        while (next < tensor.rows && ahead.length < readsAhead) {
          const count = Math.min(step, tensor.rows - next);
          const work = tensor.read(next, count, signal);
          work.catch(() => undefined); // whoever awaits it hears of it; after an earlier failure nobody does
          next += count;
          ahead.push({ work, upTo: next });
        }
        const piece = ahead.shift();
        if (piece === undefined) return;
        yield { rows: await piece.work, upTo: piece.upTo };
      }
    } finally {
      await Promise.allSettled(ahead.map(({ work }) => work));
    }
  }

  #count({ facts }: TensorRows, { squaredError, squaredNorm }: ConvertedRows): void {
    if (squaredNorm === 0) return;
    const [error, norm] = this.errors[facts.name] ?? [0, 0];
    this.errors = { ...this.errors, [facts.name]: [error + squaredError, norm + squaredNorm] };
  }

  async #keep(bytes: Uint8Array<ArrayBuffer>, onShard: (index: number) => void, signal: AbortSignal): Promise<void> {
    const { store, model } = this.parts;
    const key = await sha256(bytes);
    const file: StoredFile = { key, byteLength: bytes.length };
    const index = this.shards.length;
    await this.#writeNote(index + 1);
    const files = [...this.shards.map((shard) => ({ key: shard.sha256, byteLength: shard.byteLength })), file];
    await store.record({ ...model, manifest: null, files }, 0, signal);
    for (let i = 0; i < pieceCount(bytes.length); i++) {
      await store.put(model.source, file, i, bytes.slice(i * pieceLength, (i + 1) * pieceLength));
    }
    await this.#removeNote(index);
    this.shards.push({ sha256: key, byteLength: bytes.length });
    onShard(index);
  }

  #noteName(shards: number): string {
    return `${noteKey(this.parts.model.id)}.${shards}`;
  }

  async #writeNote(shards: number): Promise<void> {
    const position = this.#position(shards);
    const { errors } = this;
    const text = new TextEncoder().encode(JSON.stringify({ errors }));
    // Only what the position needs: scales of rows before it, of the tensor that it is in.
    const tensor = this.parts.tensors[position.tensor];
    const needed =
      tensor === undefined || position.tensor !== this.#tensor ? 0 : position.row * rowLengths(tensor).scales;
    const bytes = new Uint8Array(4 + text.length + needed);
    new DataView(bytes.buffer).setUint32(0, text.length, true);
    bytes.set(text, 4);
    bytes.set(this.#scales.subarray(0, needed), 4 + text.length);
    await this.parts.store.putNote(this.parts.model.source, this.#noteName(shards), bytes);
  }

  async #readNote(shards: number): Promise<Note | null> {
    const bytes = await this.parts.store.note(this.#noteName(shards));
    if (bytes === null || bytes.length < 4) return null;
    const length = new DataView(bytes.buffer).getUint32(0, true);
    const position = this.#position(shards);
    const tensor = this.parts.tensors[position.tensor];
    const scales = bytes.subarray(4 + length);
    if (tensor !== undefined && scales.length < position.row * rowLengths(tensor).scales) return null;
    try {
      const { errors } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as { errors: Errors };
      return { errors, scales };
    } catch (thrown) {
      void thrown; // torn by a kill: the note before it holds
      return null;
    }
  }

  async #removeNote(shards: number): Promise<void> {
    await this.parts.store.putNote(this.parts.model.source, this.#noteName(shards), null);
  }

  #offsetOf({ shard, offset }: { readonly shard: number; readonly offset: number }): number {
    return (this.#starts[shard] as number) + offset;
  }

  /** What comes first behind so many whole shards. */
  #position(shard: number): Position {
    const done = this.#starts[shard] ?? Infinity;
    const { tensors, layout } = this.parts;
    for (const [index, tensor] of tensors.entries()) {
      const entry = layout.tensors[index];
      if (entry === undefined) break;
      const lengths = rowLengths(tensor);
      const start = this.#offsetOf('data' in entry ? entry.data : entry.quants);
      const written = Math.min(Math.max(0, done - start), lengths.data * tensor.rows);
      if (written < lengths.data * tensor.rows) {
        const row = Math.floor(written / (lengths.data * tensor.group)) * tensor.group;
        return { shard, tensor: index, row, skip: written - row * lengths.data, scalesFrom: 0 };
      }
      if (!('scales' in entry)) continue;
      const scalesFrom = Math.max(0, done - this.#offsetOf(entry.scales));
      if (scalesFrom < lengths.scales * tensor.rows) {
        return { shard, tensor: index, row: tensor.rows, skip: 0, scalesFrom };
      }
    }
    return { shard, tensor: tensors.length, row: 0, skip: 0, scalesFrom: 0 };
  }
}

/** Fills one shard after the other and hands each on when it is whole. */
class ShardSink {
  #shard: number;
  #filled = 0;
  #buffer: Uint8Array<ArrayBuffer>;
  readonly #starts: number[] = [];

  constructor(
    first: number,
    private readonly lengths: readonly number[],
    private readonly full: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ) {
    let at = 0;
    for (const length of lengths) {
      this.#starts.push(at);
      at += length;
    }
    this.#shard = first;
    this.#buffer = new Uint8Array(lengths[first] ?? 0);
  }

  /** Goes to a place further on; what lies between stays zero. @param offset as if all shards lay one after the other */
  async startAt(offset: number): Promise<void> {
    for (;;) {
      const inShard = offset - (this.#starts[this.#shard] as number);
      if (inShard < this.#buffer.length) {
        if (inShard < this.#filled) throw new RangeError('the parts of a pack lie over each other');
        this.#filled = inShard;
        return;
      }
      await this.#close();
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#filled === this.#buffer.length) await this.#close();
      const piece = bytes.subarray(at, at + this.#buffer.length - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
    }
  }

  async finish(): Promise<void> {
    if (this.#shard < this.lengths.length) await this.#close();
    if (this.#shard !== this.lengths.length) throw new EngineError('internal', 'A rewritten model ended early.');
  }

  async #close(): Promise<void> {
    await this.full(this.#buffer);
    this.#shard++;
    const length = this.lengths[this.#shard] ?? 0;
    // The same memory for shards of the same length, zero between the parts.
    if (length === this.#buffer.length) this.#buffer.fill(0);
    else this.#buffer = new Uint8Array(length);
    this.#filled = 0;
  }
}
