// The entry of the worker in which the engine of a site lives (built to dist/engine-worker.js): a SharedWorker, or the
// dedicated worker of an elected tab, which may have got this script from another origin. Started by the client; everything
// it does is EngineHost's. ONNX Runtime's files lie in `ort/`, our kernels in `kernels/`, both beside this script.

import { createCloudBackend } from '../backends/cloud/cloud-backend.js';
import { openConversations } from '../conversations/open-store.js';
import { measureRate, measureRates } from '../decoders/device-rates.js';
import { indexedDbTuningStore } from '../decoders/webgpu/tuning-store.js';
import { probeAbilities } from '../routing/abilities.js';
import { probeCapabilities } from '../routing/capabilities.js';
import { IndexedDbConsentStore } from '../routing/consent-store.js';
import { IndexedDbPreferencesStore } from '../routing/preferences-store.js';
import { SettingsDatabase } from '../routing/settings-database.js';
import { Helpers } from './helpers.js';
import { keptPlaces, storageEstimate } from './kept-places.js';
import { keptModels, localModels } from './local-parts.js';
import { openStore } from '../weights/store/open-store.js';
import { serveEngine } from './serve-engine.js';

const store = openStore();
let kept: ReturnType<typeof openConversations> | null = null;
/** Opened when somebody first asks. */
const conversations = (): ReturnType<typeof openConversations> => (kept ??= openConversations());
const helpers = new Helpers();
const settings = new SettingsDatabase();
const { storage } = navigator as { readonly storage?: StorageManager };
const kitBase = new URL('./', import.meta.url).href; // the worker's own address may be a blob:
let rates: ReturnType<typeof measureRates> | null = null;
/** Once in this worker's life; a failed measurement is tried again. */
const measured = (): ReturnType<typeof measureRates> =>
  (rates ??= measureRates(kitBase).catch((error: unknown) => {
    rates = null;
    throw error;
  }));

serveEngine({
  openModel: localModels(kitBase, () => store, helpers),
  kept: keptModels(() => store),
  conversations,
  createCloud: ({ cloudUrl, cloudModel }) => createCloudBackend({ baseUrl: cloudUrl ?? '', model: cloudModel }),
  probe: (choice) => probeCapabilities(choice ? measured : undefined),
  abilities: () =>
    probeAbilities({
      both: measured,
      webgpu: () => measureRate('webgpu', kitBase),
      wasm: () => measureRate('wasm', kitBase),
      threads: () => helpers.threads,
    }),
  consent: new IndexedDbConsentStore(settings),
  preferences: new IndexedDbPreferencesStore(settings),
  places: keptPlaces({
    models: () => store,
    conversations,
    settings,
    tuning: indexedDbTuningStore(),
    caches: (globalThis as { readonly caches?: CacheStorage }).caches,
    storage,
  }),
  estimate: storageEstimate(storage),
  helpers,
});
