// Brings one content-addressed file into the store, or finds it there, and hands out its bytes once their SHA-256 is
// right. Called by file-supply.ts. One worker of the origin at a time does this for a file (a Web Lock); the others wait
// and find it stored. A transfer that breaks off goes on behind its last stored piece, with Range and If-Range
// (RFC 9110, 13.1.5 and 14.2), after a pause (retry.ts).
// What goes wrong: a stored copy that is damaged is removed and fetched; a fetched one that is damaged is fetched once
// more past every cache; then it is `model-invalid`. Each error names the file and the offset.

import { EngineError } from '../../protocol/errors.js';
import { bodyChunks, HttpError, request, type Answer, type HttpContext } from '../http.js';
import { sha256 } from '../sha256.js';
import type { ModelStore, StoredFile } from '../store/model-store.js';
import { pieceLength } from '../store/pieces.js';
import { Line } from './line.js';
import { withRetry, type Clock } from './retry.js';

export interface RemoteFile extends StoredFile {
  readonly url: string;
  /**
   * It is a part of the file at `url` whose hash nobody promises (a repository's): `key` then only names it, and its
   * hash is learnt when it first arrives ({@link Digests}). `offset` and `size` (of the whole file) in bytes.
   */
  readonly part?: { readonly offset: number; readonly size: number; readonly etag: string | null };
}

/** What parts must hash to, learnt at their first download. */
export interface Digests {
  /** Null while nothing is known. */
  of(file: StoredFile): string | null;
  learn(file: StoredFile, digest: string): Promise<void>;
}

/** What was made on this device and turned out damaged: there is no address to fetch it from. */
export class DamagedCopyError extends EngineError {
  constructor(what: string) {
    super('model-invalid', `The copy of ${what} on this device is damaged.`, { hint: 'Load the model again.' });
  }
}

export interface DownloadContext {
  readonly http: HttpContext;
  readonly store: ModelStore;
  /** The model that the files belong to. */
  readonly source: string;
  readonly clock: Clock;
  /** Who may hold a whole file at once, to hash it. */
  readonly verifying?: Line;
  /** The files were made here: what is missing cannot be fetched. */
  readonly made?: boolean;
  /** For parts of files; others hash to their keys. */
  readonly digests?: Digests;
  /** Told how many bytes of the file are here; falls when a damaged part was thrown away. */
  readonly onArrived: (file: RemoteFile, bytes: number) => void;
}

/**
 * @returns the file's bytes, verified, in memory of the caller's own
 * @throws EngineError `model-invalid`, `model-not-found`, `network`, `storage`, `aborted`
 */
export function obtainFile(
  file: RemoteFile,
  context: DownloadContext,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const { store, onArrived, verifying: line, digests } = context;
  const work = async (): Promise<Uint8Array<ArrayBuffer>> => {
    const stored = await readVerified(file, store, line, digests);
    if (stored !== null) {
      onArrived(file, file.byteLength);
      return stored;
    }
    if (context.made === true) throw new DamagedCopyError(store.find(context.source)?.name ?? context.source);
    for (const last of [false, true]) {
      try {
        await fetchIntoStore(file, context, last, signal);
      } catch (thrown) {
        const wrong = thrown instanceof EngineError && thrown.code === 'model-invalid';
        if (!wrong || last) throw thrown;
        await store.forget(file);
        continue;
      }
      await store.putTag(context.source, file, null);
      // Last of all: whole files are handed on at once and not held while something else is waited for.
      const fetched = await readVerified(file, store, line, digests);
      if (fetched !== null) return fetched;
      onArrived(file, 0);
    }
    throw new EngineError(
      'model-invalid',
      file.part === undefined
        ? `${file.url} does not have the content that the manifest promises (SHA-256 of its ${file.byteLength} bytes).`
        : `${file.url} does not have the content that it had when it was first downloaded (SHA-256 of ${file.byteLength} bytes at byte ${file.part.offset}).`,
      {
        hint: 'The file on the server is damaged, or was changed on its way. Load the model again; if it stays so, publish it again.',
      },
    );
  };
  return store.locks.hold(`file ${file.key}`, work, signal);
}

/**
 * @returns null when it is not there whole; a copy that is damaged is removed
 */
export function readVerified(
  file: StoredFile,
  store: ModelStore,
  line: Line = verifying,
  digests?: Digests,
): Promise<Uint8Array<ArrayBuffer> | null> {
  return line.run(async () => {
    const bytes = await store.read(file);
    if (bytes === null) return null;
    const digest = await sha256(bytes);
    const known = digests === undefined ? file.key : digests.of(file);
    if (known === null) await digests?.learn(file, digest);
    if (known === null || digest === known) return bytes;
    await store.forget(file);
    return null;
  });
}

/** WebCrypto hashes only what it has whole, on a thread of its own: two at once keep two cores busy and memory small. */
const verifying = new Line(() => 2);

async function fetchIntoStore(
  file: RemoteFile,
  context: DownloadContext,
  past: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { store, source, clock, onArrived } = context;
  const http: HttpContext = { ...context.http, signal };
  let restarted = false;
  await withRetry(
    async (progressed) => {
      const offset = await store.prefix(file);
      onArrived(file, offset);
      if (offset === file.byteLength) return;
      const tag = offset === 0 ? null : await store.tagOf(file);
      let answer: Answer;
      try {
        // `no-store`: the store is the cache, and a second copy of a gigabyte in the browser's own would be in its way.
        answer = await request(
          file.url,
          { cache: past ? 'reload' : 'no-store', headers: rangeHeaders(file, offset, tag) },
          http,
        );
      } catch (thrown) {
        // The file over there ends before what we hold of it: what we hold is of another one.
        if (!(thrown instanceof HttpError) || thrown.status !== 416 || offset === 0 || restarted) throw thrown;
        restarted = true;
        await store.forget(file);
        progressed();
        throw new EngineError('network', `${file.url} was replaced while it was downloaded.`, { cause: thrown });
      }
      const start = startOf(answer, file, offset);
      if (start === 0 && file.part === undefined) {
        const strong = answer.response.headers.get('etag');
        await store.putTag(source, file, strong?.startsWith('"') === true ? strong : null);
      }
      await takeBody(answer, file, start, { ...context, http }, progressed);
    },
    clock,
    signal,
  );
}

/**
 * If-Range is sent to the own origin only: from another one it makes the browser ask for leave first (a CORS preflight),
 * which static hosts refuse. There the length and, in the end, the hash tell a replaced file.
 */
function rangeHeaders(
  { url, part, byteLength }: RemoteFile,
  offset: number,
  tag: string | null,
): Record<string, string> {
  if (offset === 0 && part === undefined) return {};
  const Range =
    part === undefined ? `bytes=${offset}-` : `bytes=${part.offset + offset}-${part.offset + byteLength - 1}`;
  const origin = (globalThis.location as Location | undefined)?.origin;
  const own = origin === undefined || new URL(url).origin === origin;
  const strong = part === undefined ? tag : part.etag?.startsWith('"') === true ? part.etag : null;
  return strong !== null && own ? { Range, 'If-Range': strong } : { Range };
}

/** Where the body begins in the file. @throws EngineError when that is neither what was asked for nor the beginning */
function startOf({ response, stop }: Answer, file: RemoteFile, offset: number): number {
  const refuse = (error: EngineError): never => {
    stop();
    throw error;
  };
  if (/^text\/html\b/i.test(response.headers.get('content-type') ?? '')) {
    refuse(
      new EngineError(
        'model-invalid',
        `${file.url} is a web page where ${file.byteLength} bytes of a model should be.`,
        {
          hint: "The server answers unknown addresses with a page, or asks for a sign-in. Check the model's address.",
        },
      ),
    );
  }
  const { part, byteLength } = file;
  const etag = response.headers.get('etag');
  if (part !== undefined) {
    // A whole file in place of a part: If-Range found it changed, or a proxy drops the header.
    const whole = response.status !== 206 && part.size !== byteLength;
    if (whole || (etag !== null && part.etag !== null && etag !== part.etag)) {
      refuse(
        new EngineError('model-invalid', `${file.url} was replaced on the server while it was downloaded.`, {
          hint: 'Load the model again.',
        }),
      );
    }
  }
  if (response.status !== 206) return 0; // a server without ranges, or If-Range found the file changed
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(response.headers.get('content-range') ?? '');
  if (range === null) return offset; // hidden from other origins
  const [, start, end, size] = range;
  const from = (part?.offset ?? 0) + offset;
  const last = (part?.offset ?? 0) + byteLength - 1;
  const total = part?.size ?? byteLength;
  if (Number(start) !== from || Number(end) > last || (size !== '*' && Number(size) !== total)) {
    refuse(
      new EngineError(
        'model-invalid',
        `${file.url} answered bytes ${start}-${end} of ${size} where ${from}-${last} of ${total} were asked for.`,
        { hint: 'The file on the server is not the one that was published, or a proxy handles ranges wrongly.' },
      ),
    );
  }
  return offset;
}

async function takeBody(
  answer: Answer,
  file: RemoteFile,
  start: number,
  { http, store, source, onArrived }: DownloadContext,
  progressed: () => void,
): Promise<void> {
  let at = start;
  let filled = 0;
  // One for the whole transfer: `put` gives it back.
  const memory = new Uint8Array(Math.min(pieceLength, file.byteLength - at));
  let piece = memory;
  const wrong = (what: string): EngineError =>
    new EngineError('model-invalid', `${file.url} has a wrong length: ${what}.`, {
      hint: 'The transfer broke off or the file on the server is not the one that was published. Try again.',
    });
  for await (const chunk of bodyChunks(answer, file.url, http)) {
    if (at + filled + chunk.length > file.byteLength) throw wrong(`more than the ${file.byteLength} bytes expected`);
    for (let taken = 0; taken < chunk.length;) {
      const part = chunk.subarray(taken, taken + piece.length - filled);
      piece.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled < piece.length) continue;
      await store.put(source, file, Math.floor(at / pieceLength), piece);
      progressed();
      at += filled;
      filled = 0;
      piece = memory.subarray(0, Math.min(pieceLength, file.byteLength - at));
    }
    onArrived(file, at + filled);
  }
  if (at + filled < file.byteLength) throw wrong(`it ends at byte ${at + filled} of ${file.byteLength}`);
}
