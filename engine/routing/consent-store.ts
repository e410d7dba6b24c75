// The visitor's switch for the cloud, kept for this origin in IndexedDB, and only for the endpoint it was given for:
// a site that points elsewhere must ask again. Called by EngineHost. When the store cannot be written, the switch still
// acts at once for this life of the engine and the caller gets a `storage` error to show.
// Kept in the SettingsDatabase under 'cloud-consent' as {endpoint, allowed}.

import * as v from 'valibot';
import { EngineError } from '../protocol/errors.js';
import { SettingsDatabase } from './settings-database.js';

export interface ConsentStore {
  /** Whether the visitor allowed this endpoint. Nothing stored, or nothing readable: no. */
  read(endpoint: string): Promise<boolean>;
  /** @throws EngineError `storage` */
  write(endpoint: string, allowed: boolean): Promise<void>;
}

const recordSchema = v.object({ endpoint: v.string(), allowed: v.boolean() });
const key = 'cloud-consent';

export class IndexedDbConsentStore implements ConsentStore {
  constructor(private readonly database = new SettingsDatabase()) {}

  async read(endpoint: string): Promise<boolean> {
    try {
      const record = await this.database.get(key);
      const parsed = v.safeParse(recordSchema, record);
      return parsed.success && parsed.output.allowed && parsed.output.endpoint === endpoint;
    } catch (error) {
      void error; // no store, no consent: the safe answer, and the switch itself reports what is wrong
      return false;
    }
  }

  async write(endpoint: string, allowed: boolean): Promise<void> {
    try {
      await this.database.put(key, { endpoint, allowed });
    } catch (error) {
      throw new EngineError('storage', 'The browser did not let this site remember your choice about the cloud.', {
        hint: 'The choice holds until this site is closed. Allow the site to store data to keep it.',
        cause: error,
      });
    }
  }
}
