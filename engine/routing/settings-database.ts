// The small records that the engine keeps for this origin: consent-store.ts and preferences-store.ts write them,
// host/kept-places.ts counts and erases them. Opened for each use and closed again, so that it never stands in the way of
// being deleted. Database `llm-elements`, version 1, object store `settings`, one record a key.
// What goes wrong: a browser that forbids IndexedDB rejects; callers say what that means.

import { openDB, type DBSchema, type IDBPDatabase } from 'idb';

interface SettingsSchema extends DBSchema {
  settings: { key: string; value: unknown };
}

export class SettingsDatabase {
  /** @param name of the database, for tests */
  constructor(private readonly name = 'llm-elements') {}

  get(key: string): Promise<unknown> {
    return this.#with((database) => database.get('settings', key));
  }

  async put(key: string, value: unknown): Promise<void> {
    await this.#with((database) => database.put('settings', value, key));
  }

  async delete(key: string): Promise<void> {
    await this.#with((database) => database.delete('settings', key));
  }

  async #with<T>(use: (database: IDBPDatabase<SettingsSchema>) => Promise<T>): Promise<T> {
    const database = await openDB<SettingsSchema>(this.name, 1, {
      upgrade: (fresh) => {
        fresh.createObjectStore('settings');
      },
    });
    try {
      return await use(database);
    } finally {
      database.close();
    }
  }
}
