// Pieces as records of an IndexedDB object store, for browsers without a usable origin private file system. One
// transaction a record: it is there whole or not at all. Called by open-pieces.ts.

import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { PieceStore } from './pieces.js';

interface Schema extends DBSchema {
  pieces: { key: string; value: ArrayBuffer };
}

export class IndexedDbPieces implements PieceStore {
  readonly kind = 'indexeddb';

  private constructor(private readonly database: IDBPDatabase<Schema>) {}

  static async open(name: string): Promise<IndexedDbPieces> {
    const database = await openDB<Schema>(name, 1, {
      upgrade: (fresh) => void fresh.createObjectStore('pieces'),
      // Another tab with a newer version of the kit waits for this connection: let it go, the next call fails clearly.
      blocking: (_current, _wanted, event) => (event.target as IDBDatabase).close(),
    });
    return new IndexedDbPieces(database);
  }

  async put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // A view of a larger buffer would be stored with all of it.
    const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
    await this.database.put('pieces', whole, name);
  }

  async get(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const value = await this.database.get('pieces', name);
    return value === undefined ? null : new Uint8Array(value);
  }

  async size(name: string): Promise<number | null> {
    return (await this.database.get('pieces', name))?.byteLength ?? null;
  }

  async remove(name: string): Promise<void> {
    await this.database.delete('pieces', name);
  }

  list(): Promise<readonly string[]> {
    return this.database.getAllKeys('pieces');
  }

  close(): void {
    this.database.close();
  }
}
