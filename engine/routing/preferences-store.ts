// What a visitor chose for this site, kept for this origin in IndexedDB beside the consent. Called by host/visitor.ts.
// When the store cannot be written, the choice still acts for this life of the engine and the caller gets a `storage`
// error to show. Kept in the SettingsDatabase under 'preferences' as VisitorPreferences.

import * as v from 'valibot';
import { EngineError } from '../protocol/errors.js';
import { noPreferences, preferencesSchema, type VisitorPreferences } from '../protocol/preferences.js';
import { SettingsDatabase } from './settings-database.js';

export interface PreferencesStore {
  /** Nothing stored, or nothing readable: none. */
  read(): Promise<VisitorPreferences>;
  /** @throws EngineError `storage` */
  write(preferences: VisitorPreferences): Promise<void>;
}

const key = 'preferences';

export class IndexedDbPreferencesStore implements PreferencesStore {
  constructor(private readonly database = new SettingsDatabase()) {}

  async read(): Promise<VisitorPreferences> {
    try {
      // A later version may know more fields, an earlier one fewer: what fits holds.
      const parsed = v.safeParse(preferencesSchema, { ...noPreferences, ...asRecord(await this.database.get(key)) });
      return parsed.success ? parsed.output : noPreferences;
    } catch (error) {
      void error; // no store, no choice: the site's settings hold, and the next choice reports what is wrong
      return noPreferences;
    }
  }

  async write(preferences: VisitorPreferences): Promise<void> {
    try {
      await this.database.put(key, preferences);
    } catch (error) {
      throw new EngineError('storage', 'The browser did not let this site remember your settings.', {
        hint: 'They hold until this site is closed. Allow the site to store data to keep them.',
        cause: error,
      });
    }
  }
}

const asRecord = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
