// Where sealed conversations lie: a small table of records and one key. Two makers: `indexeddb-medium.ts`, and the memory
// here, for browsers that let a page keep nothing (then it is gone with the last tab) and for tests.
// Knows nothing of what is sealed. Each call is whole or did not happen.

/** One conversation as it lies there. */
export interface SealedConversation {
  readonly id: string;
  /** The key that it was sealed with. */
  readonly keyId: string;
  /** Milliseconds since 1970; the only thing about a conversation that is not sealed, beside its size. */
  readonly updated: number;
  /** Another value with every write: who read an older one must not write over it. */
  readonly revision: string;
  /** Title and figures, for lists. Initialisation vector (12 bytes), ciphertext, tag (16 bytes). */
  readonly head: ArrayBuffer;
  /** The whole conversation, likewise. */
  readonly body: ArrayBuffer;
}

export type SealedHead = Omit<SealedConversation, 'body'>;

export interface StoredKey {
  readonly id: string;
  readonly key: CryptoKey;
}

export interface ConversationMedium {
  readonly kind: 'indexeddb' | 'memory';
  key(): Promise<StoredKey | null>;
  /** Keeps the key unless there is one. @returns the one that is kept */
  addKey(key: StoredKey): Promise<StoredKey>;
  heads(): Promise<readonly SealedHead[]>;
  get(id: string): Promise<SealedConversation | null>;
  /**
   * Writes only over the revision that was read (null: nothing was there), and only what is sealed with the key that is
   * kept: nobody could open the rest. @returns whether both still held
   */
  put(record: SealedConversation, over: string | null): Promise<boolean>;
  delete(id: string): Promise<boolean>;
  /** Everything, the key first. */
  clear(): Promise<void>;
  close(): void;
}

export class MemoryMedium implements ConversationMedium {
  readonly kind = 'memory';
  readonly #records: Map<string, SealedConversation>;
  #key: StoredKey | null = null;

  /** @param records for tests: what is there already */
  constructor(records = new Map<string, SealedConversation>()) {
    this.#records = records;
  }

  async key(): Promise<StoredKey | null> {
    return this.#key;
  }

  async addKey(key: StoredKey): Promise<StoredKey> {
    return (this.#key ??= key);
  }

  async heads(): Promise<readonly SealedHead[]> {
    return [...this.#records.values()];
  }

  async get(id: string): Promise<SealedConversation | null> {
    return this.#records.get(id) ?? null;
  }

  async put(record: SealedConversation, over: string | null): Promise<boolean> {
    if ((this.#records.get(record.id)?.revision ?? null) !== over || record.keyId !== this.#key?.id) return false;
    this.#records.set(record.id, record);
    return true;
  }

  async delete(id: string): Promise<boolean> {
    return this.#records.delete(id);
  }

  async clear(): Promise<void> {
    this.#key = null;
    this.#records.clear();
  }

  close(): void {
    this.#records.clear();
  }
}
