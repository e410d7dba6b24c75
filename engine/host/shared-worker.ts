// The entry of the SharedWorker in which the engine of a site lives (built to dist/engine-worker.js). Started by the
// client; everything it does is EngineHost's. ONNX Runtime's files lie in `ort/` beside this script.

import { createCloudBackend } from '../backends/cloud/cloud-backend.js';
import { probeCapabilities } from '../routing/capabilities.js';
import { IndexedDbConsentStore } from '../routing/consent-store.js';
import { localModels } from './local-parts.js';
import { openStore } from '../weights/store/open-store.js';
import { serveSharedWorker } from './serve-shared-worker.js';

const store = openStore();

serveSharedWorker({
  openModel: localModels(new URL('./ort/', globalThis.location.href).href, () => store),
  createCloud: ({ cloudUrl, cloudModel }) => createCloudBackend({ baseUrl: cloudUrl ?? '', model: cloudModel }),
  probe: () => probeCapabilities(),
  consent: new IndexedDbConsentStore(),
});
