// The small records that the engine keeps for this origin: consent-store.ts and preferences-store.ts write them,
// host/kept-places.ts counts and erases them. Opened for each use and closed again, so that it never stands in the way of
// being deleted; what is asked for happens in that order, so that an old choice never comes after a new one, nor after
// everything was erased. Database `llm-elements`, version 1, object store `settings`, one record a key.
// What goes wrong: a browser that forbids IndexedDB rejects; callers say what that means.

import { openDB, type DBSchema } from 'idb';

interface SettingsSchema extends DBSchema {
  settings: { key: string; value: unknown };
}

/** The bit of a database that is used here. */
export interface SettingsConnection {
  get(store: 'settings', key: string): Promise<unknown>;
  put(store: 'settings', value: unknown, key: string): Promise<unknown>;
  delete(store: 'settings', key: string): Promise<unknown>;
  close(): void;
}

const openSettings = (name: string): Promise<SettingsConnection> =>
  openDB<SettingsSchema>(name, 1, {
    upgrade: (fresh) => {
      fresh.createObjectStore('settings');
    },
  });

export class SettingsDatabase {
  /** The newest of those that were asked for. */
  #last: Promise<unknown> = Promise.resolve();

  /** Both for tests. */
  constructor(
    private readonly name = 'llm-elements',
    private readonly open = openSettings,
  ) {}

  get(key: string): Promise<unknown> {
    return this.#with((database) => database.get('settings', key));
  }

  async put(key: string, value: unknown): Promise<void> {
    await this.#with((database) => database.put('settings', value, key));
  }

  async delete(key: string): Promise<void> {
    await this.#with((database) => database.delete('settings', key));
  }

  #with<T>(use: (database: SettingsConnection) => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      const database = await this.open(this.name);
      try {
        return await use(database);
      } finally {
        database.close();
      }
    });
    this.#last = turn.catch(() => undefined); // its caller hears of it; the next one goes on
    return turn;
  }
}
