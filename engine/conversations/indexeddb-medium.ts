// Sealed conversations in IndexedDB. Its transactions are the journal: a write that a crash or a full disk cut off has
// not happened, and the conversation is as it was. `strict` durability: told as written when it is on the disk.
// Database `llm-elements-conversations`, version 1: `keys` (one record under 'key': {id, key}, the key not extractable,
// so that no script reads its bytes), `heads` and `bodies`, both by the conversation's id; a list reads no bodies.
// Called by conversation-store.ts. What goes wrong is thrown as the browser throws it; the store has the words.

import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { ConversationMedium, SealedConversation, SealedHead, StoredKey } from './medium.js';

interface Schema extends DBSchema {
  keys: { key: string; value: StoredKey };
  heads: { key: string; value: SealedHead };
  bodies: { key: string; value: ArrayBuffer };
}

const all = ['keys', 'heads', 'bodies'] as const;
const both = ['heads', 'bodies'] as const;
const strict = { durability: 'strict' } as const;

export class IndexedDbMedium implements ConversationMedium {
  readonly kind = 'indexeddb';

  private constructor(private readonly database: IDBPDatabase<Schema>) {}

  /** @throws whatever the browser does where it lets this page keep nothing */
  static async open(name = 'llm-elements-conversations'): Promise<IndexedDbMedium> {
    const database = await openDB<Schema>(name, 1, {
      upgrade: (fresh) => {
        for (const store of all) fresh.createObjectStore(store);
      },
      // Another tab with a newer version of the kit waits for this connection: let it go, the next call fails clearly.
      blocking: (_current, _wanted, event) => (event.target as IDBDatabase).close(),
    });
    return new IndexedDbMedium(database);
  }

  async key(): Promise<StoredKey | null> {
    return (await this.database.get('keys', 'key')) ?? null;
  }

  async addKey(key: StoredKey): Promise<StoredKey> {
    const transaction = this.database.transaction('keys', 'readwrite', strict);
    const kept = await transaction.store.get('key');
    if (kept === undefined) await transaction.store.put(key, 'key');
    await transaction.done;
    return kept ?? key;
  }

  heads(): Promise<readonly SealedHead[]> {
    return this.database.getAll('heads');
  }

  async get(id: string): Promise<SealedConversation | null> {
    const transaction = this.database.transaction(both);
    const [head, body] = await Promise.all([
      transaction.objectStore('heads').get(id),
      transaction.objectStore('bodies').get(id),
    ]);
    await transaction.done;
    // A head without its body is damage: the body is empty then, and does not open.
    return head === undefined ? null : { ...head, body: body ?? new ArrayBuffer(0) };
  }

  async put({ body, ...head }: SealedConversation, over: string | null): Promise<boolean> {
    const transaction = this.database.transaction(all, 'readwrite', strict);
    const kept = await transaction.objectStore('heads').get(head.id);
    const key = await transaction.objectStore('keys').get('key');
    const same = (kept?.revision ?? null) === over && key?.id === head.keyId;
    if (same) {
      await transaction.objectStore('heads').put(head, head.id);
      await transaction.objectStore('bodies').put(body, head.id);
    }
    await transaction.done;
    return same;
  }

  async delete(id: string): Promise<boolean> {
    const transaction = this.database.transaction(both, 'readwrite', strict);
    const kept = await transaction.objectStore('heads').getKey(id);
    await transaction.objectStore('heads').delete(id);
    await transaction.objectStore('bodies').delete(id);
    await transaction.done;
    return kept !== undefined;
  }

  async clear(): Promise<void> {
    const transaction = this.database.transaction(all, 'readwrite', strict);
    for (const store of all) await transaction.objectStore(store).clear();
    await transaction.done;
  }

  close(): void {
    this.database.close();
  }
}
