// Reads parts of tensors out of a pack's shards. Called by pack-model.ts, which says where verified shards come from:
// out of the store (download/file-supply.ts), or, where nothing can be kept, by `fetchVerified` here.
// It knows shards and places, and nothing of tensors or architectures.
// One shard (16 MiB at most) is held at a time; reads queue, so tensors asked for in stored order load each shard once.
// What goes wrong: a shard whose hash differs is fetched once more past every cache, then refused as `model-invalid`.

import { EngineError } from '../../protocol/errors.js';
import { allocate, checkSignal } from '../byte-source.js';
import { readExactly, request, type HttpContext } from '../http.js';
import { letGo } from '../let-go.js';
import { sha256 } from '../sha256.js';
import type { RemoteFile } from '../download/download-file.js';
import type { Place } from './manifest.js';

export interface ShardReader {
  /** @returns `length` bytes from `place` on, going over into the following shards, in an array of the caller's own */
  read(place: Place, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /** The same into memory that is there already, filled to its end. */
  readInto(place: Place, target: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Lets the held shard go. Further reads load it again. */
  release(): void;
}

/** Brings a whole shard, its length and SHA-256 checked, in memory that is the reader's from then on. */
export type LoadShard = (index: number, signal: AbortSignal | undefined) => Promise<Uint8Array<ArrayBuffer>>;

export function createShardReader(loadShard: LoadShard): ShardReader {
  let held: { readonly index: number; readonly bytes: Uint8Array<ArrayBuffer> } | null = null;
  let queue: Promise<unknown> = Promise.resolve();

  async function load(index: number, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
    if (held?.index === index) return held.bytes;
    // Parts were copied out when they were read: nobody else has it.
    if (held !== null) letGo(held.bytes);
    held = null;
    const bytes = await loadShard(index, signal);
    held = { index, bytes };
    return bytes;
  }

  async function fill({ shard, offset }: Place, target: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    checkSignal(signal);
    for (let filled = 0; filled < target.length; shard++, offset = 0) {
      const piece = (await load(shard, signal)).subarray(offset, offset + target.length - filled);
      checkSignal(signal); // the caller has gone, and perhaps its memory
      target.set(piece, filled);
      filled += piece.length;
    }
  }

  function inTurn<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined); // The caller hears of it through `turn`; the next reader starts afresh.
    return signal === undefined ? turn : orAborted(turn, signal);
  }

  return {
    read(place, length, signal) {
      const work = async (): Promise<Uint8Array<ArrayBuffer>> => {
        checkSignal(signal);
        const part = allocate(length, 'a tensor');
        await fill(place, part, signal);
        return part;
      };
      return inTurn(work, signal);
    },
    readInto: (place, target, signal) => inTurn(() => fill(place, target, signal), signal),
    release() {
      held = null;
    },
  };
}

/** A read that waits for its turn behind a slow one must end at once all the same when its caller stops it. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      reject(new EngineError('aborted', 'Loading the model was stopped.'));
    };
    signal.addEventListener('abort', stop);
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop);
    });
    if (signal.aborted) stop();
  });
}

/**
 * Fetches a content-addressed file and checks length and hash; a wrong one is fetched once more from the network.
 * @param onArrived told, as pieces arrive, how many bytes this attempt has brought
 * @throws EngineError `model-invalid`, `model-not-found`, `network`, `aborted`
 */
export async function fetchVerified(
  { key, byteLength, url }: RemoteFile,
  context: HttpContext,
  onArrived: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const attempt = async (cache: RequestCache): Promise<Uint8Array<ArrayBuffer>> => {
    let arrived = 0;
    const answer = await request(url, { cache }, context);
    const bytes = await readExactly(answer, url, byteLength, context, (count) => {
      arrived += count;
      onArrived(arrived);
    });
    if ((await sha256(bytes)) === key) return bytes;
    throw new EngineError('model-invalid', `${url} does not have the content that the manifest promises (SHA-256).`, {
      hint: 'The stored copy or the file on the server is damaged. Load the model again; if it stays so, publish it again.',
    });
  };
  try {
    return await attempt('default');
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code !== 'model-invalid') throw thrown;
    return attempt('reload');
  }
}
