// Random access to the bytes of one file, wherever it lies. Format readers (gguf/) read through this and know nothing
// of HTTP or of disks. Makers: `blobSource` here (a file the visitor chose), `openHttpSource` in http-source.ts, and a
// file-handle one in models/packer. No maker holds the whole file in JavaScript memory.
// What goes wrong: a read past the end, or a file that changed under us, throws `model-invalid`.

import { EngineError } from '../protocol/errors.js';

export interface ByteSource {
  /** File name or URL, for messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /**
   * @param offset bytes from the start
   * @returns exactly `length` bytes in an array of the caller's own
   * @throws EngineError `model-invalid` (past the end, changed), `network`, `aborted`
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

/** @throws EngineError `model-invalid` when the range is not inside the file */
export function checkRange(source: Pick<ByteSource, 'name' | 'size'>, offset: number, length: number): void {
  const sound = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!sound || offset + length > source.size) {
    throw new EngineError(
      'model-invalid',
      `${source.name} ends at byte ${source.size}, but ${length} bytes at byte ${offset} are needed.`,
      { hint: 'The file is truncated or corrupt. Download it again.' },
    );
  }
}

/** @throws EngineError `aborted` */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new EngineError('aborted', 'Loading the model was stopped.');
}

/**
 * Memory for a tensor. A file's (or a lying server's) word for its size may be beyond what any browser gives.
 * @throws EngineError `out-of-memory`
 */
export function allocate(bytes: number, what: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (thrown) {
    throw new EngineError('out-of-memory', `There is no memory for ${what} (${bytes} bytes).`, {
      cause: thrown,
      hint: 'Close other tabs, or choose a smaller model.',
    });
  }
}

/** A file that the visitor dropped or chose, or any other Blob. */
export function blobSource(blob: Blob, name = blobName(blob)): ByteSource {
  const { size } = blob;
  return {
    name,
    size,
    async read(offset, length, signal) {
      checkSignal(signal);
      checkRange({ name, size }, offset, length);
      let buffer: ArrayBuffer;
      try {
        buffer = await blob.slice(offset, offset + length).arrayBuffer();
      } catch (thrown) {
        throw new EngineError('model-invalid', `${name} can no longer be read: it was changed, moved or deleted.`, {
          cause: thrown,
          hint: 'Choose the file again.',
        });
      }
      checkSignal(signal);
      if (buffer.byteLength !== length) {
        throw new EngineError('model-invalid', `${name} became shorter while it was read.`, {
          hint: 'Choose the file again.',
        });
      }
      return new Uint8Array(buffer);
    },
  };
}

const blobName = (blob: Blob): string =>
  'name' in blob && typeof blob.name === 'string' && blob.name !== '' ? blob.name : 'The chosen file';
