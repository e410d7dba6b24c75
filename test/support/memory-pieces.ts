// The store's lowest floor in memory, and a way to stop it dead: after a number of writes every call fails, as if the
// worker had been killed there, and the write under way is done whole, in half or not at all. The map survives, so that
// a test opens the store anew over what was left. Room can be limited, too.

import type { PieceStore } from '../../engine/weights/store/pieces.js';

export class Killed extends Error {}

export interface MemoryPiecesOptions {
  /** Bytes in all; more is a QuotaExceededError. */
  readonly room?: number;
  /** The write (put or remove, from 1) at which it dies, and what becomes of that one. */
  readonly dieAt?: number;
  readonly lastWrite?: 'whole' | 'torn' | 'lost';
}

export class MemoryPieces implements PieceStore {
  readonly kind = 'memory';
  writes = 0;

  constructor(
    readonly records = new Map<string, Uint8Array<ArrayBuffer>>(),
    private readonly options: MemoryPiecesOptions = {},
  ) {}

  get bytes(): number {
    return [...this.records.values()].reduce((sum, { length }) => sum + length, 0);
  }

  get dead(): boolean {
    return this.writes >= (this.options.dieAt ?? Infinity);
  }

  async put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const room = this.options.room ?? Infinity;
    if (this.bytes - (this.records.get(name)?.length ?? 0) + bytes.length > room) {
      throw new DOMException('There is no room.', 'QuotaExceededError');
    }
    this.#write(
      () => this.records.set(name, bytes.slice()),
      () => this.records.set(name, bytes.slice(0, bytes.length >> 1)),
    );
  }

  async get(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    this.#alive();
    return this.records.get(name)?.slice() ?? null;
  }

  async size(name: string): Promise<number | null> {
    this.#alive();
    return this.records.get(name)?.length ?? null;
  }

  async remove(name: string): Promise<void> {
    this.#write(
      () => this.records.delete(name),
      () => undefined,
    );
  }

  async list(): Promise<readonly string[]> {
    this.#alive();
    return [...this.records.keys()];
  }

  close(): void {
    // Nothing is open.
  }

  #alive(): void {
    if (this.dead) throw new Killed('The worker was killed.');
  }

  #write(whole: () => unknown, half: () => unknown): void {
    this.#alive();
    this.writes++;
    if (!this.dead || this.options.lastWrite === 'whole') whole();
    else if (this.options.lastWrite === 'torn') half();
    this.#alive();
  }
}
