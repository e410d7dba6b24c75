// The lowest floor of the store: small named records of bytes. Files are kept as pieces of `pieceLength`, so that a
// download that breaks off loses less than a piece, nothing is ever rewritten, and one record is all that a medium must
// write whole. Makers: opfs.ts, opfs-sync.ts, indexeddb.ts, and one in memory for tests. Called by model-store.ts.
// It knows nothing of models, hashes or journals. Names are [0-9a-z.-] and at most 100 characters.
// What goes wrong: whatever the medium throws (QuotaExceededError above all) goes through as it is.

export interface PieceStore {
  readonly kind: 'opfs' | 'opfs-sync' | 'indexeddb' | 'memory';
  /**
   * Resolves when the record is there, and the caller's memory is its own again. A medium that writes it in place (sync handles) may leave a shorter one behind
   * when it is killed in the middle: every reader checks length and hash.
   */
  put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** @returns the record in memory of the caller's own, or null */
  get(name: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /**
   * The records one behind the other, in memory of the caller's own, or null when one is missing. Only where that is quicker than
   * `get` for each.
   */
  join?(names: readonly string[]): Promise<Uint8Array<ArrayBuffer> | null>;
  /** @returns bytes of the record, or null */
  size(name: string): Promise<number | null>;
  /** Nothing happens when there is none. */
  remove(name: string): Promise<void>;
  list(): Promise<readonly string[]>;
  /** Frees what keeps the medium open. */
  close(): void;
}

/** Bytes: an eighth of a large shard. Smaller ones cost handles, larger ones memory for each transfer under way. */
export const pieceLength = 2 * 2 ** 20;

export const pieceCount = (byteLength: number): number => Math.ceil(byteLength / pieceLength);

/** Whether what was thrown says that there is no room. */
export const isQuotaError = (thrown: unknown): boolean =>
  typeof thrown === 'object' && thrown !== null && 'name' in thrown && thrown.name === 'QuotaExceededError';
