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

/** For those who keep the visitor's overview of what lies on the device. */
export interface ErasableTuningStore extends TuningStore {
  /** Devices measured. */
  count(): Promise<number>;
  clear(): Promise<void>;
}

/** Opened at the first use. @param name of the database, for tests */
export function indexedDbTuningStore(name = databaseName): ErasableTuningStore {
  let opening: Promise<IDBPDatabase<Schema>> | null = null;
  const open = (): Promise<IDBPDatabase<Schema>> =>
    (opening ??= openDB<Schema>(name, 1, { upgrade: (database) => void database.createObjectStore('shapes') }));
  return {
    get: async (key) => (await open()).get('shapes', key),
    set: async (key, value) => {
      await (await open()).put('shapes', value, key);
    },
    count: async () => (await open()).count('shapes'),
    clear: async () => {
      await (await open()).clear('shapes');
    },
  };
}
