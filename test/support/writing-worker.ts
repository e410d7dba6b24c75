// A dedicated worker that puts one model after the other into a store, until somebody kills it; `mediums.test.ts` does.
// Query: `name`, the folder; `medium`, how it writes. Posts {finished: source} after each model.

import { webLocks } from '../../engine/weights/store/locks.js';
import { ModelStore } from '../../engine/weights/store/model-store.js';
import { OpfsPieces } from '../../engine/weights/store/opfs.js';
import { OpfsSyncPieces } from '../../engine/weights/store/opfs-sync.js';
import { pieceCount, pieceLength } from '../../engine/weights/store/pieces.js';

const query = new URL(globalThis.location.href).searchParams;

async function write(): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(query.get('name') ?? '', { create: true });
  const pieces = query.get('medium') === 'opfs-sync' ? new OpfsSyncPieces(folder) : new OpfsPieces(folder);
  const store = await ModelStore.open({ pieces, locks: webLocks(navigator.locks), now: () => Date.now() });
  for (let model = 0; ; model++) {
    const source = `${Date.now()}-${model}`;
    const bytes = new Uint8Array(2 * pieceLength + 1_000).fill(1 + (model % 200));
    new DataView(bytes.buffer).setFloat64(8, Math.random());
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    const key = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const file = { key, byteLength: bytes.length };
    const facts = { id: source, name: source, quantisation: '', byteLength: 1, manifest: null, original: null };
    await store.record({ ...facts, source, files: [file] });
    for (let i = 0; i < pieceCount(bytes.length); i++) {
      await store.put(source, file, i, bytes.slice(i * pieceLength, (i + 1) * pieceLength));
    }
    globalThis.postMessage({ finished: source });
  }
}

write().catch((error: unknown) => globalThis.postMessage({ error: String(error) }));
