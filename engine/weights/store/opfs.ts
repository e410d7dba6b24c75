// Pieces as files of the origin private file system (File System Standard), written by `createWritable`: the new file
// takes its place only when the stream is closed, so a kill leaves the old one or none. For workers and pages without
// sync handles, the SharedWorker above all. Called by open-pieces.ts.

import type { PieceStore } from './pieces.js';

/** TypeScript's DOM library lacks the iteration of directories where its "async iterable" part is not asked for. */
interface Entries {
  keys(): AsyncIterable<string>;
}

const isMissing = (thrown: unknown): boolean => thrown instanceof DOMException && thrown.name === 'NotFoundError';

/** Null when the file is not there, or went away in the middle: another worker may remove it at any time. */
async function orMissing<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

/** A file's handle, null when there is none. */
export const handleOf = (folder: FileSystemDirectoryHandle, name: string): Promise<FileSystemFileHandle | null> =>
  orMissing(() => folder.getFileHandle(name));

/** The parts that both ways of writing share. */
export abstract class OpfsFolder {
  constructor(protected readonly folder: FileSystemDirectoryHandle) {}

  async remove(name: string): Promise<void> {
    try {
      await this.folder.removeEntry(name);
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
    }
  }

  async list(): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const name of (this.folder as unknown as Entries).keys()) names.push(name);
    return names;
  }

  async get(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return orMissing(async () => new Uint8Array(await (await this.#file(name)).arrayBuffer()));
  }

  /**
   * As one blob of all files, which the browser reads through one pipe: file by file, the waiting for each is most of the time
   * (Chromium, 80 MB in files of 2 MiB: 90 ms instead of 170 to 450, by how many are read at once).
   */
  async join(names: readonly string[]): Promise<Uint8Array<ArrayBuffer> | null> {
    return orMissing(async () => {
      const files = await Promise.all(names.map((name) => this.#file(name)));
      return new Uint8Array(await new Blob(files).arrayBuffer());
    });
  }

  async size(name: string): Promise<number | null> {
    return orMissing(async () => (await this.#file(name)).size);
  }

  async #file(name: string): Promise<File> {
    return (await this.folder.getFileHandle(name)).getFile();
  }

  close(): void {
    // Handles are not kept open between calls.
  }
}

export class OpfsPieces extends OpfsFolder implements PieceStore {
  readonly kind = 'opfs';

  async put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const handle = await this.folder.getFileHandle(name, { create: true });
    const stream = await handle.createWritable();
    try {
      await stream.write(bytes);
      await stream.close();
    } catch (thrown) {
      // A stream that failed may refuse this, too; the reason that counts is the first one.
      await stream.abort().catch(() => undefined);
      // `create` made an empty file, which must not be taken for a record. Readers check lengths, so it may fail.
      if ((await this.size(name).catch(() => null)) === 0) await this.remove(name).catch(() => undefined);
      throw thrown;
    }
  }
}
