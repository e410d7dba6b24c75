// Node's side of reading: a file on disk as a ByteSource, and a `fetch` that answers from a directory, so that packs on
// disk are opened by the very code that opens them in browsers. Called by the packer and by tests.
// What goes wrong: a file that is not there is `model-not-found`, one that ends early `model-invalid`.

import { open, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkRange, checkSignal, type ByteSource } from '../../engine/weights/byte-source.js';
import type { Fetch } from '../../engine/weights/http.js';
import { EngineError } from '../../engine/protocol/errors.js';

export interface FileSource extends ByteSource {
  close(): Promise<void>;
}

/** @throws EngineError `model-not-found` */
export async function openFileSource(path: string): Promise<FileSource> {
  const handle = await open(path, 'r').catch((thrown: unknown) => {
    throw new EngineError('model-not-found', `${path} cannot be opened.`, {
      cause: thrown,
      hint: 'Check the path and that the file may be read.',
    });
  });
  const { size } = await handle.stat();
  const name = basename(path);
  return {
    name,
    size,
    async read(offset, length, signal) {
      checkSignal(signal);
      checkRange({ name, size }, offset, length);
      const bytes = new Uint8Array(length);
      for (let filled = 0; filled < length;) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) throw new EngineError('model-invalid', `${path} became shorter while it was read.`);
        filled += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

/** The address under which {@link fetchFromDirectory} answers. */
export const directoryUrl = 'http://pack.invalid/';

/** Answers `directoryUrl` + name with that file, and 404 where there is none. */
export const fetchFromDirectory =
  (directory: string): Fetch =>
  async (input) => {
    const url = new URL(input instanceof Request ? input.url : input);
    try {
      return new Response(await readFile(join(directory, basename(url.pathname))));
    } catch {
      // Whatever keeps the file from being read, the opener's message for a missing one says what to do.
      return new Response(null, { status: 404 });
    }
  };
