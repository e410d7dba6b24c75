// The autotuner's memory in IndexedDB, one small record a device. Made by the host, handed to createWebGpuDecoder; tests use
// a map. Knows nothing of what is stored.
// What goes wrong: a browser that forbids or clears IndexedDB makes `get` and `set` reject; the autotuner then measures
// anew, as it does for records that make no sense.

import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { TuningStore } from './tuning.js';

const databaseName = 'llm-elements-tuning';

interface Schema extends DBSchema {
  shapes: { key: string; value: unknown };
}

/** Opened at the first use. */
export function indexedDbTuningStore(): TuningStore {
  let opening: Promise<IDBPDatabase<Schema>> | null = null;
  const open = (): Promise<IDBPDatabase<Schema>> =>
    (opening ??= openDB<Schema>(databaseName, 1, { upgrade: (database) => void database.createObjectStore('shapes') }));
  return {
    get: async (key) => (await open()).get('shapes', key),
    set: async (key, value) => {
      await (await open()).put('shapes', value, key);
    },
  };
}
