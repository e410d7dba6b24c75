// Pieces as files of the origin private file system, written and read by sync access handles: several times quicker
// than streams, and to be had in dedicated workers only. A handle writes in place, so a kill can leave a torn record;
// readers check lengths and hashes, and the journal carries its own. Called by open-pieces.ts.
// What goes wrong: a handle is exclusive, and another worker's for the same file makes `NoModificationAllowedError`;
// the locks of model-store.ts keep writers apart, and a reader that meets one tries again for a moment.

import { handleOf, OpfsFolder } from './opfs.js';
import type { PieceStore } from './pieces.js';

/** The bit of FileSystemSyncAccessHandle used here; TypeScript's DOM library has no worker types beside it. */
interface SyncHandle {
  getSize(): number;
  read(into: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}
type SyncFile = FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncHandle> };

/** Whether sync handles are to be had here. */
export const hasSyncHandles = (): boolean =>
  typeof FileSystemFileHandle === 'function' && 'createSyncAccessHandle' in FileSystemFileHandle.prototype;

const tries = 20;
const waitMilliseconds = 25;

export class OpfsSyncPieces extends OpfsFolder implements PieceStore {
  readonly kind = 'opfs-sync';

  async put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const file = await this.folder.getFileHandle(name, { create: true });
    const handle = await openSync(file);
    try {
      handle.truncate(0);
      for (let at = 0; at < bytes.length;) at += handle.write(bytes.subarray(at), { at });
      handle.flush();
    } catch (thrown) {
      handle.truncate(0);
      throw thrown;
    } finally {
      handle.close();
    }
  }

  override async get(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const file = await handleOf(this.folder, name);
    if (file === null) return null;
    const handle = await openSync(file);
    try {
      const bytes = new Uint8Array(handle.getSize());
      for (let at = 0; at < bytes.length;) {
        const read = handle.read(bytes.subarray(at), { at });
        if (read === 0) return bytes.slice(0, at);
        at += read;
      }
      return bytes;
    } finally {
      handle.close();
    }
  }
}

async function openSync(file: FileSystemFileHandle): Promise<SyncHandle> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await (file as SyncFile).createSyncAccessHandle();
    } catch (thrown) {
      const taken = thrown instanceof DOMException && thrown.name === 'NoModificationAllowedError';
      if (!taken || attempt === tries) throw thrown;
      await new Promise((resume) => setTimeout(resume, waitMilliseconds));
    }
  }
}
