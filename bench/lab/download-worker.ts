// The far side of download.bench.mjs: a SharedWorker, as the engine is, that brings a pack's shards into the store by the kit's
// own download code. Hashing can be switched off: WebCrypto's digest is then answered from what it said before, so that
// everything else runs as it does. Knows nothing of the bench's table.

import type { RemoteFile } from '../../engine/weights/download/download-file.js';
import { FileSupply } from '../../engine/weights/download/file-supply.js';
import { systemClock } from '../../engine/weights/download/retry.js';
import { DownloadSwitch } from '../../engine/weights/download/switch.js';
import { webLocks } from '../../engine/weights/store/locks.js';
import { ModelStore } from '../../engine/weights/store/model-store.js';
import { openPieces } from '../../engine/weights/store/open-pieces.js';
import { pieceLength } from '../../engine/weights/store/pieces.js';

export interface DownloadJob {
  /** Of the pack; ends with a slash. */
  readonly folder: string;
  readonly kind: 'fetch' | 'hash' | 'download' | 'download-unhashed' | 'write' | 'read';
}

interface Shards {
  readonly shards: readonly { readonly sha256: string; readonly byteLength: number }[];
}

const said = new Map<string, ArrayBuffer>();
const digest = crypto.subtle.digest.bind(crypto.subtle);
let hashes = true;

/** Shards of random weights differ in their first bytes. */
const fingerprint = (bytes: Uint8Array): string => `${bytes.length} ${bytes.subarray(0, 48).join()}`;

Object.defineProperty(crypto.subtle, 'digest', {
  value: async (algorithm: string, bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> => {
    const name = fingerprint(bytes);
    const known = hashes ? undefined : said.get(name);
    const result = known ?? (await digest(algorithm, bytes));
    said.set(name, result);
    return result;
  },
});

async function filesOf(folder: string): Promise<RemoteFile[]> {
  const { shards } = (await (await fetch(`${folder}manifest.json`)).json()) as Shards;
  return shards.map(({ sha256: key, byteLength }) => ({ key, byteLength, url: `${folder}${key}.bin` }));
}

/** @returns bytes a second */
async function run({ folder, kind }: DownloadJob): Promise<number> {
  const files = await filesOf(folder);
  const bytes = files.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (kind === 'hash') {
    const shard = new Uint8Array(16 * 2 ** 20);
    const began = performance.now();
    for (let i = 0; i < 8; i++) await digest('SHA-256', shard);
    return (8 * shard.length * 1000) / (performance.now() - began);
  }
  if (kind === 'fetch') {
    const began = performance.now();
    for (const { url } of files) await drain(url);
    return (bytes * 1000) / (performance.now() - began);
  }
  hashes = kind === 'download';
  const pieces = await openPieces('llm-elements-bench-1');
  const store = await ModelStore.open({ pieces, locks: webLocks(navigator.locks), now: () => Date.now() });
  const source = folder;
  await store.delete(source);
  const facts = { source, id: 'bench', name: 'bench', quantisation: '', byteLength: bytes };
  const claimed = files.map(({ key, byteLength }) => ({ key, byteLength }));
  await store.record({ ...facts, manifest: null, original: null, files: claimed });
  if (kind === 'write' || kind === 'read') {
    const wrote = performance.now();
    await Promise.all(files.map((file) => writeAll(store, source, file)));
    const middle = performance.now();
    if (kind === 'read') for (const file of files) await store.read(file);
    const took = kind === 'write' ? middle - wrote : performance.now() - middle;
    await store.delete(source);
    store.close();
    return (bytes * 1000) / took;
  }
  const http = { fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, init) };
  const context = { http, store, source, clock: systemClock, onArrived: () => undefined };
  const supply = new FileSupply(files, [...files.keys()], context, new DownloadSwitch());
  const began = performance.now();
  supply.start();
  await supply.whenStored();
  const took = performance.now() - began;
  supply.close();
  await store.delete(source);
  store.close();
  return (bytes * 1000) / took;
}

async function writeAll(store: ModelStore, source: string, file: RemoteFile): Promise<void> {
  const piece = new Uint8Array(pieceLength);
  for (let at = 0; at < file.byteLength; at += pieceLength) {
    await store.put(source, file, at / pieceLength, piece.subarray(0, file.byteLength - at));
  }
}

async function drain(url: string): Promise<void> {
  const reader = (await fetch(url, { cache: 'no-store' })).body?.getReader();
  while (reader !== undefined && !(await reader.read()).done);
}

globalThis.addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (port === undefined) return;
  port.onmessage = ({ data }: MessageEvent<DownloadJob>) => {
    run(data).then(
      (rate) => port.postMessage({ rate }),
      (error: unknown) => port.postMessage({ error: String(error) }),
    );
  };
});
