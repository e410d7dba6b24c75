// A Hugging Face repository of safetensors as a source: its files by HTTP, the matrices quantised to q4 (embedding and
// head to q8) while they stream into the store. Called by open-model.ts for a folder without a pack's manifest. Any
// server with the same files will do; a model's page on huggingface.co is taken for its files.
// What tells a changed original: config.json, and the list of weight files or the single one's size and entity tag.
// What goes wrong: see repository.ts and rewritten-model.ts. Without a store each load quantises again, and a note says so.

import { EngineError } from '../../protocol/errors.js';
import { passGate } from '../download/gate.js';
import { withRetry } from '../download/retry.js';
import { readUpTo, request, type HttpContext } from '../http.js';
import { openHttpSource, rangeFacts } from '../http-source.js';
import type { Model } from '../model.js';
import type { Opening } from '../opening.js';
import { openRewritten, refuseUnsigned, rewriteModel } from '../rewrite/rewritten-model.js';
import { sha256 } from '../sha256.js';
import { canHold, partLengths, type TensorKind } from '../tensor-layout.js';
import { encodeRows, readWhole, rowsOf, type TensorRows } from '../tensor-rows.js';
import { openRepository, type Repository, type RepositoryFiles } from './repository.js';

/** The largest of the small files, a tokenizer of 256k entries, has some 34 MiB. */
const textLimit = 64 * 2 ** 20;
/** Bytes of the source converted at once where a tensor is read whole. */
const pieceLength = 4 * 2 ** 20;
/** A stored model waits for the network's word on a newer one no longer than this. Milliseconds. */
const freshnessWait = 4_000;

/** @param folder ends with a slash @throws EngineError `model-not-found` when there is no config.json, and others */
export async function openHfUrl(folder: string, opening: Opening): Promise<Model> {
  refuseUnsigned(folder, opening);
  const files = httpFiles(folder, opening, 3);
  const original = async (): Promise<Repository> => openRepository(files, opening.http.signal);
  const stored = opening.store?.find(folder) ?? null;
  if (stored !== null && stored.manifest !== null) {
    const model = await openRewritten(folder, await currentTag(folder, opening), opening, async () =>
      modelOf(folder, await original()),
    );
    if (model !== null) return model;
  }
  const repository = await original();
  const model = await modelOf(folder, repository);
  const { tokenizer, config } = repository;
  const facts = (await files.read('config.json')) ?? new Uint8Array(0);
  const tag = await tagOf(folder, files, opening.http, facts);
  const downloadBytes = [...model.rows.values()].reduce((sum, rows) => sum + rows.rows * rows.sourceRowBytes, 0);
  const texts = { kind: 'tokenizer-json', tokenizer, config } as const;
  return rewriteModel({ model, tokenizer: texts, source: folder, tag, downloadBytes }, opening);
}

/** Of what is there now: config.json, and the list of weight files or the single one's size and entity tag. */
async function tagOf(
  folder: string,
  files: RepositoryFiles,
  http: HttpContext,
  config: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const parts = [config];
  const list = await files.read('model.safetensors.index.json');
  if (list !== null) {
    parts.push(list);
  } else {
    const answer = await request(new URL('model.safetensors', folder).href, { headers: { Range: 'bytes=0-3' } }, http);
    answer.stop();
    const { size, etag } = rangeFacts(answer.response);
    parts.push(new TextEncoder().encode(`${size} ${etag}`));
  }
  const hashes = await Promise.all(parts.map(sha256));
  return hashes.join(' ');
}

/** Null when the network is gone or silent, or no repository is there now: what is stored is used then. */
async function currentTag(folder: string, opening: Opening): Promise<string | null> {
  const http = { ...opening.http, stallMilliseconds: freshnessWait };
  const files = httpFiles(folder, { ...opening, http }, 1);
  try {
    const config = await files.read('config.json');
    if (config !== null && isObject(config)) return await tagOf(folder, files, http, config);
    opening.onNote(`${folder} is no repository now; the copy on this device is used.`);
    return null;
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code !== 'aborted') return null;
    throw thrown;
  }
}

/** Rather than, say, a login page. */
function isObject(bytes: Uint8Array): boolean {
  try {
    const value = parse(bytes);
    return typeof value === 'object' && value !== null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return false;
    throw thrown;
  }
}

function httpFiles(folder: string, { http, clock, gate, store }: Opening, tries: number): RepositoryFiles {
  /** Bytes of files that came whole, because the server knows no ranges. */
  let whole = 0;
  const ifThere = async <T>(work: () => Promise<T>): Promise<T | null> => {
    try {
      return await withRetry(work, clock, http.signal, tries);
    } catch (thrown) {
      if (thrown instanceof EngineError && thrown.code === 'model-not-found') return null;
      throw thrown;
    }
  };
  return {
    where: folder,
    read: (name) => {
      const url = new URL(name, folder).href;
      return ifThere(async () => readUpTo(await request(url, { cache: 'no-cache' }, http), url, textLimit, http));
    },
    open: (name) =>
      ifThere(async () => {
        const allow = (bytes: number): Promise<unknown> => {
          const all = whole + bytes;
          return passGate({ name: nameOf(folder), source: folder, missing: all, needed: all }, gate, store);
        };
        const { source, downloaded } = await openHttpSource(new URL(name, folder).href, http, { allow });
        if (downloaded) whole += source.size;
        const read: typeof source.read = (offset, length, signal) =>
          withRetry(() => source.read(offset, length, signal), clock, signal);
        return { ...source, read };
      }),
  };
}

type RowsModel = Model & { readonly rows: ReadonlyMap<string, TensorRows> };

async function modelOf(folder: string, repository: Repository): Promise<RowsModel> {
  const { spec, generation, hashes, tokenizer, config } = repository;
  const rows = new Map([...repository.tensors].map(([name, tensor]) => [name, rowsAt(name, tensor)]));
  let closed = false;
  return {
    identity: {
      id: `hf:${await sha256(new TextEncoder().encode([folder, ...hashes].join(' ')))}`,
      name: nameOf(folder),
      licence: 'unknown',
      quantisation: 'q4, embedding q8',
      byteLength: [...rows.values()].reduce((sum, { facts }) => sum + facts.byteLength, 0),
    },
    spec,
    generationDefaults: generation,
    tokenizerFiles: { kind: 'tokenizer-json', tokenizer: parse(tokenizer), config: parse(config) },
    tensors: new Map([...rows].map(([name, { facts }]) => [name, facts])),
    rows,
    async readTensor(name, signal) {
      const tensor = rows.get(name);
      if (tensor === undefined) throw new EngineError('model-invalid', `${folder} has no tensor ${name}.`);
      if (closed) throw new EngineError('invalid-request', `${folder} was closed before ${name} was read.`);
      return readWhole(tensor, pieceLength, signal, () => undefined);
    },
    close() {
      closed = true;
    },
  };
}

const parse = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

function rowsAt(
  name: string,
  { place, tensor, values }: ReturnType<Repository['tensors']['get']> & object,
): TensorRows {
  const { shape } = place;
  const kind = kindOf(name, shape);
  const { data, scales } = partLengths(kind, shape);
  return {
    facts: { name, kind, shape, byteLength: data + scales },
    rows: rowsOf(shape),
    group: 1,
    sourceRowBytes: shape.length === 1 ? tensor.rowBytes * (shape[0] ?? 0) : tensor.rowBytes,
    exact: kind === 'f32',
    values,
    read: async (from, count, signal) => encodeRows(kind, await values(from, count, signal)),
  };
}

function kindOf(name: string, shape: readonly number[]): TensorKind {
  if (shape.length === 1) return 'f32';
  const kind = name === 'embedding' || name === 'head' ? 'q8' : 'q4';
  return canHold(kind, shape) ? kind : 'f16';
}

/** The part of the address that people call the model by: ".../ORG/NAME/resolve/main/" is "ORG/NAME". */
export function nameOf(folder: string): string {
  const parts = new URL(folder).pathname.split('/').filter(Boolean).map(decodeURIComponent);
  const at = parts.indexOf('resolve');
  return (at >= 2 ? parts.slice(at - 2, at).join('/') : parts.at(-1)) ?? folder;
}
