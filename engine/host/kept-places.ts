// Every place of this origin in which the kit keeps something, as the host counts and erases them (kept-data.ts). Put
// together by the engine's entry; a new place that the kit writes to belongs in this list. Each says what it counts.
// What goes wrong is the place's own error; KeptData tells it.

import type { ConversationStore } from '../conversations/conversation-store.js';
import type { indexedDbTuningStore } from '../decoders/webgpu/tuning-store.js';
import { EngineError } from '../protocol/errors.js';
import type { KeptKind } from '../protocol/kept-data.js';
import type { SettingsDatabase } from '../routing/settings-database.js';
import type { ModelStore } from '../weights/store/model-store.js';
import type { KeptPlace, StorageEstimate } from './kept-data.js';

/** What the kit's caches are called by (sw/kept-files.ts). */
const cachePrefix = 'llm-elements-';

export interface PlaceParts {
  readonly models: () => Promise<ModelStore | null>;
  readonly conversations: () => Promise<ConversationStore>;
  readonly settings: SettingsDatabase;
  readonly tuning: ReturnType<typeof indexedDbTuningStore>;
  /** Absent where pages have no caches (no secure context). */
  readonly caches: CacheStorage | undefined;
  readonly storage: StorageManager | undefined;
}

export function keptPlaces(parts: PlaceParts): readonly KeptPlace[] {
  const { settings, tuning } = parts;
  return [
    modelsPlace(parts.models),
    {
      kind: 'conversations',
      look: async () => ({ items: (await (await parts.conversations()).list({ limit: 1 })).total, bytes: null }),
      erase: async () => (await parts.conversations()).clear(),
    },
    recordPlace('consent', settings, 'cloud-consent'),
    recordPlace('preferences', settings, 'preferences'),
    {
      kind: 'tuning',
      look: async () => ({ items: await tuning.count(), bytes: null }),
      erase: () => tuning.clear(),
    },
    ...(parts.caches === undefined ? [] : [cachesPlace(parts.caches, parts.storage)]),
  ];
}

function modelsPlace(open: PlaceParts['models']): KeptPlace {
  return {
    kind: 'models',
    look: async () => {
      const models = (await (await open())?.models()) ?? [];
      return { items: models.length, bytes: models.reduce((sum, { storedBytes }) => sum + storedBytes, 0) };
    },
    erase: async () => (await open())?.clear(),
  };
}

function recordPlace(kind: KeptKind, settings: SettingsDatabase, key: string): KeptPlace {
  return {
    kind,
    look: async () => {
      const record = await settings.get(key);
      return record === undefined
        ? { items: 0, bytes: 0 }
        : { items: 1, bytes: new TextEncoder().encode(JSON.stringify(record)).length };
    },
    erase: () => settings.delete(key),
  };
}

/** Counts files. Their bytes are the browser's figure, where it gives one and the site has no caches of its own. */
function cachesPlace(caches: CacheStorage, storage: StorageManager | undefined): KeptPlace {
  const names = async () => (await caches.keys()).filter((name) => name.startsWith(cachePrefix));
  return {
    kind: 'pages',
    look: async () => {
      const ours = await names();
      const counts = await Promise.all(ours.map(async (name) => (await (await caches.open(name)).keys()).length));
      const alone = ours.length === (await caches.keys()).length;
      const items = counts.reduce((sum, count) => sum + count, 0);
      return { items, bytes: items === 0 ? 0 : alone ? await cacheBytes(storage) : null };
    },
    erase: async () => {
      for (const name of await names()) await caches.delete(name);
      if ((await names()).length > 0) {
        throw new EngineError('storage', 'The browser did not delete the files kept for use offline.', {
          hint: 'Clear the site’s data in the browser’s settings.',
        });
      }
    },
  };
}

/** `usageDetails` is Chrome's own. */
async function cacheBytes(storage: StorageManager | undefined): Promise<number | null> {
  const estimate = (await storage?.estimate()) as EstimateDetails | undefined;
  return estimate?.usageDetails?.caches ?? null;
}

interface EstimateDetails {
  readonly usageDetails?: { readonly caches?: number };
}

/** @param storage absent where the browser has none */
export function storageEstimate(storage: StorageManager | undefined): StorageEstimate {
  return async () => {
    const { usage, quota } = (await storage?.estimate()) ?? {};
    return { usage: usage ?? null, quota: quota ?? null };
  };
}
