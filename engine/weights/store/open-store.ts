// The store of this worker, opened once and shared by all who load models in it. Called by host/shared-worker.ts.
// What goes wrong: where nothing can be kept (a private window, storage switched off) there is no store, and models are
// read from the network each time; pack-model.ts says so to whoever loads one.

import { EngineError } from '../../protocol/errors.js';
import { localLocks, webLocks } from './locks.js';
import { ModelStore } from './model-store.js';
import { openPieces } from './open-pieces.js';

/** @returns null where nothing can be kept */
export async function openStore(): Promise<ModelStore | null> {
  try {
    return await ModelStore.open({
      pieces: await openPieces(),
      locks: 'locks' in navigator ? webLocks(navigator.locks) : localLocks(),
      now: () => Date.now(),
      estimate: async () => {
        const { usage, quota } = await navigator.storage.estimate();
        return usage === undefined || quota === undefined ? null : { usage, quota };
      },
    });
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'storage') return null;
    throw thrown;
  }
}
