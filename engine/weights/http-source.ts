// A ByteSource over HTTP range requests (RFC 9110, section 14). Called by open-model.ts for GGUF files by URL.
// A server that ignores Range and answers 200 with everything is taken at its word: the body goes into a Blob, which
// browsers keep outside the JavaScript heap and on disk when it is large, and is read from there.
// What goes wrong: a file replaced on the server between two reads (its size or ETag differs) is `model-invalid`; a
// server of another origin must expose Content-Range, or answer HEAD with Content-Length.

import { EngineError } from '../protocol/errors.js';
import { blobSource, checkRange, checkSignal, type ByteSource } from './byte-source.js';
import { bodyChunks, readExactly, request, type Answer, type HttpContext } from './http.js';

/** The first request asks for this much: most headers, and all of a small model, in one round trip. Bytes. */
const headLength = 1 << 20;
/** Without ranges the whole file is downloaded at once, and beyond this that is no longer sensible. Bytes. */
const wholeFileLimit = 4 * 2 ** 30;

export interface OpenedHttpSource {
  readonly source: ByteSource;
  /** True when the server knew no ranges, so that everything is here already. */
  readonly downloaded: boolean;
  /** The entity tag, null when the server sends none or hides it. */
  readonly etag: string | null;
}

/** What concerns servers without ranges only: they send everything at the first question. */
export interface WholeOptions {
  /** Asked before that begins, and, where the size is not told, again as it grows; to refuse, it throws. */
  readonly allow?: (bytes: number) => Promise<unknown>;
  /** Told (loaded, total) bytes; total 0 when unknown. */
  readonly onDownload?: (loaded: number, total: number) => void;
}

/**
 * @throws EngineError `model-not-found`, `model-invalid`, `model-too-large`, `network`, `aborted`
 */
export async function openHttpSource(
  url: string,
  context: HttpContext,
  options: WholeOptions = {},
): Promise<OpenedHttpSource> {
  const first = await requestRange(url, 0, headLength, context);
  if (first.response.status !== 206) {
    const etag = first.response.headers.get('etag');
    return { source: await downloadWhole(first, url, context, options), downloaded: true, etag };
  }
  const size = await totalSize(first, url, context);
  const etag = first.response.headers.get('etag');
  const head = await readExactly(first, url, Math.min(headLength, size), context);
  const source: ByteSource = {
    name: url,
    size,
    async read(offset, length, signal) {
      checkSignal(signal);
      checkRange(source, offset, length);
      if (length === 0) return new Uint8Array(0);
      if (offset + length <= head.length) return head.slice(offset, offset + length);
      const now: HttpContext = { ...context, signal };
      const answer = await requestRange(url, offset, length, now);
      checkSame(answer, url, { offset, length, size, etag });
      return readExactly(answer, url, length, now);
    },
  };
  return { source, downloaded: false, etag };
}

const requestRange = (url: string, offset: number, length: number, context: HttpContext): Promise<Answer> =>
  request(url, { headers: { Range: `bytes=${offset}-${offset + length - 1}` } }, context);

/** Size of the whole file and its tag, as an answer to a range request tells them. */
export function rangeFacts(response: Response): { readonly size: number | null; readonly etag: string | null } {
  const whole = response.status === 200 ? contentLength(response) : null;
  return { size: contentRange(response)?.size ?? whole, etag: response.headers.get('etag') };
}

/** Null where it is not told, or counts packed bytes. */
function contentLength({ headers }: Response): number | null {
  const length = Number(headers.get('content-length') ?? Number.NaN);
  return Number.isSafeInteger(length) && !headers.has('content-encoding') ? length : null;
}

/** `bytes 0-99/1234` as numbers, or null when it is absent or not that. */
function contentRange(response: Response): { start: number; end: number; size: number } | null {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(response.headers.get('content-range') ?? '');
  return match === null ? null : { start: Number(match[1]), end: Number(match[2]), size: Number(match[3]) };
}

async function totalSize(first: Answer, url: string, context: HttpContext): Promise<number> {
  try {
    const range = contentRange(first.response);
    if (range !== null) {
      if (range.start !== 0 || range.end !== Math.min(headLength, range.size) - 1) throw wrongRange(url);
      return range.size;
    }
    // Another origin's server may send Content-Range without letting the page see it; Content-Length is always shown.
    const whole = await request(url, { method: 'HEAD' }, context);
    whole.stop();
    const length = contentLength(whole.response);
    if (length !== null && length > 0) return length;
    throw new EngineError('network', `The size of ${url} could not be learnt.`, {
      hint: 'The server must send "Access-Control-Expose-Headers: Content-Range, ETag".',
    });
  } catch (thrown) {
    first.stop();
    throw thrown;
  }
}

interface Expected {
  readonly offset: number;
  readonly length: number;
  readonly size: number;
  readonly etag: string | null;
}

function checkSame({ response, stop }: Answer, url: string, { offset, length, size, etag }: Expected): void {
  const range = contentRange(response);
  const newTag = response.headers.get('etag');
  const changed =
    response.status !== 206 ||
    (range !== null && range.size !== size) ||
    (etag !== null && newTag !== null && etag !== newTag);
  if (!changed && (range === null || (range.start === offset && range.end === offset + length - 1))) return;
  stop();
  throw changed
    ? new EngineError('model-invalid', `${url} was replaced on the server while it was read.`, {
        hint: 'Load the model again.',
      })
    : wrongRange(url);
}

const wrongRange = (url: string): EngineError =>
  new EngineError('network', `${url} answered a range request with another range.`, {
    hint: 'The server or a proxy handles Range requests wrongly.',
  });

async function downloadWhole(
  answer: Answer,
  url: string,
  context: HttpContext,
  { allow, onDownload }: WholeOptions,
): Promise<ByteSource> {
  const { response, stop } = answer;
  const total = Number(response.headers.get('content-length') ?? 0) || 0;
  const tooLarge = (bytes: number): EngineError =>
    new EngineError('model-too-large', `${url} has ${bytes} bytes or more, and its server knows no range requests.`, {
      hint: 'Put the file on a server that answers Range requests.',
    });
  if (total > wholeFileLimit) {
    stop();
    throw tooLarge(total);
  }
  try {
    await allow?.(total);
  } catch (thrown) {
    stop();
    throw thrown;
  }
  // Parts become Blobs at once, so that the heap never holds more than one part.
  const parts: Blob[] = [];
  let pending: Uint8Array<ArrayBuffer>[] = [];
  let pendingLength = 0;
  let loaded = 0;
  for await (const chunk of bodyChunks(answer, url, context)) {
    pending.push(chunk);
    pendingLength += chunk.length;
    loaded += chunk.length;
    if (loaded > wholeFileLimit) throw tooLarge(loaded);
    onDownload?.(loaded, Math.max(total, loaded));
    if (pendingLength >= headLength) {
      if (loaded > total) await allow?.(loaded);
      parts.push(new Blob(pending));
      pending = [];
      pendingLength = 0;
    }
  }
  parts.push(new Blob(pending));
  return blobSource(new Blob(parts), url);
}
