// Chooses the medium for pieces: the origin private file system by sync handles, by streams, or IndexedDB. Called by
// open-store.ts in whatever worker the engine lives in; a helper worker that a tab lends gets sync handles by the same
// call. What goes wrong: no medium at all (a private window, storage switched off) is `storage`.

import { EngineError } from '../../protocol/errors.js';
import { lasting } from '../../storage/lasting.js';
import { IndexedDbPieces } from './indexeddb.js';
import { OpfsPieces } from './opfs.js';
import { hasSyncHandles, OpfsSyncPieces } from './opfs-sync.js';
import type { PieceStore } from './pieces.js';

/** Of the folder and of the database. The number is raised when what is stored changes its meaning. */
export const storeName = 'llm-elements-weights-1';

const hasStreams = (): boolean =>
  typeof FileSystemFileHandle === 'function' && 'createWritable' in FileSystemFileHandle.prototype;

/**
 * Outlives its data being cleared: it is empty then.
 * @param name for tests, which must not meet each other's pieces
 * @throws EngineError `storage`
 */
export const openPieces = (name = storeName): Promise<PieceStore> => lasting(() => openMedium(name));

async function openMedium(name: string): Promise<PieceStore> {
  const reasons: unknown[] = [];
  if (hasSyncHandles() || hasStreams()) {
    try {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle(name, { create: true });
      return hasSyncHandles() ? new OpfsSyncPieces(folder) : new OpfsPieces(folder);
    } catch (thrown) {
      reasons.push(thrown); // Firefox's private windows and some policies refuse it: the database may still do.
    }
  }
  try {
    return await IndexedDbPieces.open(name);
  } catch (thrown) {
    reasons.push(thrown);
    throw new EngineError('storage', 'This browser keeps nothing for this page: models are downloaded at each visit.', {
      cause: reasons,
      hint: 'Private windows and strict privacy settings switch storage off.',
    });
  }
}
