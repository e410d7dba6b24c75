// GGUF files as sources of models: by URL with range requests, or a file that the visitor chose. Called by open-model.ts.
// The file is rewritten into the store while it is read for the first time (rewrite/), and afterwards opened from there,
// without the network if need be. What tells a changed original: its size and entity tag (a chosen file: its name, size and
// time of change).
// What goes wrong: see http-source.ts, gguf-model.ts and rewritten-model.ts.

import { EngineError } from '../../protocol/errors.js';
import { blobSource, type ByteSource } from '../byte-source.js';
import { passGate } from '../download/gate.js';
import { withRetry } from '../download/retry.js';
import { readUpTo, request } from '../http.js';
import { openHttpSource, rangeFacts } from '../http-source.js';
import type { Model, TokenizerFiles } from '../model.js';
import type { Opening } from '../opening.js';
import { openRewritten, refuseUnsigned, rewriteModel } from '../rewrite/rewritten-model.js';
import { openGguf } from './gguf-model.js';

/** A stored model waits for the network's word on a newer file no longer than this. Milliseconds. */
const freshnessWait = 4_000;

/** @throws EngineError */
export async function openGgufUrl(url: string, opening: Opening): Promise<Model> {
  refuseUnsigned(url, opening);
  const stored = await openRewritten(url, await currentTag(url, opening), opening, () =>
    openRemote(url, opening, false),
  );
  return stored ?? openRemote(url, opening, true);
}

/** @throws EngineError */
export async function openGgufFile(blob: Blob, source: string, opening: Opening): Promise<Model> {
  refuseUnsigned(source, opening);
  const tag = `${blob.size}`;
  const original = () => openGguf(blobSource(blob), opening.http.signal);
  const stored = await openRewritten(source, tag, opening, original);
  if (stored !== null) return stored;
  const model = await original();
  return rewriteModel({ model, tokenizer: textsOf(model.tokenizerFiles), source, tag, downloadBytes: 0 }, opening);
}

/**
 * A file that was chosen in an earlier visit.
 * @throws EngineError `model-not-found` when it is not here whole
 */
export async function openKept(source: string, opening: Opening): Promise<Model> {
  refuseUnsigned(source, opening);
  const gone = new EngineError('model-not-found', 'This file is not on this device any more, or not whole.', {
    hint: 'Choose the file again.',
  });
  const model = await openRewritten(source, null, opening, () => Promise.reject(gone));
  if (model === null) throw gone;
  return model;
}

/** The tag of what the server has now; null when it cannot be learnt, or when nothing is stored to compare it with. */
async function currentTag(url: string, { http, store, onNote }: Opening): Promise<string | null> {
  if ((store?.find(url)?.manifest ?? null) === null) return null;
  const context = { ...http, stallMilliseconds: freshnessWait };
  try {
    const answer = await request(url, { headers: { Range: 'bytes=0-3' } }, context);
    const { size, etag } = rangeFacts(answer.response);
    const start = new TextDecoder().decode(await readUpTo(answer, url, 4, context, 'cut'));
    if (start === 'GGUF') return size === null ? null : tagOf(size, etag);
    onNote(`${url} is no GGUF file now; the copy on this device is used.`);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code === 'aborted') throw thrown;
    if (thrown.code === 'model-not-found') onNote(`${thrown.message} The copy on this device is used.`);
    return null;
  }
}

const tagOf = (size: number, etag: string | null): string => `${size} ${etag ?? ''}`.trim();

async function openRemote(url: string, opening: Opening, keep: boolean): Promise<Model> {
  const { http, clock, onProgress } = opening;
  const name = new URL(url).pathname.split('/').at(-1) ?? url;
  const opened = await withRetry(
    () =>
      openHttpSource(url, http, {
        allow: (bytes) => passGate({ name, source: url, missing: bytes, needed: bytes }, opening.gate, opening.store),
        onDownload: (loadedBytes, totalBytes) => {
          onProgress({ loadedBytes, totalBytes, bytesPerSecond: null, secondsLeft: null });
        },
      }),
    clock,
    http.signal,
    3,
  );
  const source: ByteSource = {
    ...opened.source,
    read: (offset, length, signal) => withRetry(() => opened.source.read(offset, length, signal), clock, signal),
  };
  const model = await openGguf(source, http.signal);
  if (!keep) return model;
  const tokenizer = textsOf(model.tokenizerFiles);
  const tag = tagOf(source.size, opened.etag);
  // A server without ranges has sent everything by now, and progress is at its end.
  const rest = opened.downloaded ? { ...opening, onProgress: () => undefined } : opening;
  return rewriteModel({ model, tokenizer, source: url, tag, downloadBytes: opened.downloaded ? 0 : source.size }, rest);
}

/** The tokenizer's metadata as a pack stores them; null when JSON cannot say them (a NaN score, a 64-bit number). */
function textsOf(files: TokenizerFiles): { readonly kind: 'gguf'; readonly metadata: Uint8Array<ArrayBuffer> } | null {
  if (files.kind !== 'gguf') return null;
  let sayable = true;
  const text = JSON.stringify(Object.fromEntries(files.metadata), (_, value: unknown) => {
    if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) {
      sayable = false;
      return null;
    }
    return value;
  });
  return sayable ? { kind: 'gguf', metadata: new TextEncoder().encode(text) } : null;
}
