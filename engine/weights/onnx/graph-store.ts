// The files of a repository in the store: each is cut into parts of 16 MiB, which are downloaded, resumed, verified and
// read ahead as a pack's shards are (download/), and a list of them is kept when all are here. A repository promises no
// hashes. So those of its parts are learnt when they first arrive and hold from then on; where the server names the SHA-256
// of a file as its entity tag (hubs do for large files), that is checked once over the whole file.
// Called by onnx-source.ts. Knows nothing of graphs.
//
// Kept beside the parts: a note for each part whose hash is known (`note.<model>.<key>`, 64 hex digits), until the list is
// written; the list is JSON (`listSchema`), named by its own hash in the journal.
// What goes wrong: what download/ throws; a list that a newer kit wrote is taken for none, and all is downloaded again.

import * as v from 'valibot';
import { EngineError } from '../../protocol/errors.js';
import { allocate } from '../byte-source.js';
import type { Digests, RemoteFile } from '../download/download-file.js';
import { letGo } from '../let-go.js';
import { sha256, Sha256 } from '../sha256.js';
import { noteKey, type ModelStore, type StoredFile } from '../store/model-store.js';

/** Bytes of a part: a shard of a pack. */
export const partLength = 16 * 2 ** 20;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const text = v.pipe(v.string(), v.maxLength(4_000));
const file = v.object({ sha256: hash, byteLength: count });

const value = v.object({
  name: text,
  type: count,
  dims: v.pipe(v.array(v.union([v.number(), text])), v.maxLength(16)),
});

const listSchema = v.object({
  format: v.literal('llm-elements-onnx'),
  formatVersion: v.literal(1),
  name: text,
  dtype: text,
  /** Small files as they were. */
  texts: v.object({ config: file, tokenizer: file, tokenizerConfig: file, generation: v.nullable(file) }),
  inputs: v.pipe(v.array(value), v.maxLength(5_000)),
  outputs: v.pipe(v.array(value), v.maxLength(5_000)),
  /** The graph's own file first. */
  files: v.pipe(
    v.array(
      v.object({
        path: text,
        url: text,
        byteLength: count,
        etag: v.nullable(text),
        /** Of the parts in order. */
        sha256: v.array(hash),
      }),
    ),
    v.minLength(1),
    v.maxLength(300),
  ),
});

export type GraphList = v.InferOutput<typeof listSchema>;

/** Null for what cannot be read. */
export function parseGraphList(bytes: Uint8Array): GraphList | null {
  try {
    const parsed = v.safeParse(listSchema, JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? parsed.output : null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

/** A file of the repository as its server describes it. */
export interface HubFile {
  /** As the graph calls it. */
  readonly path: string;
  readonly url: string;
  readonly byteLength: number;
  readonly etag: string | null;
}

/** The parts of a file. Their names change when the file does. */
export async function partsOf({ url, byteLength, etag }: HubFile): Promise<RemoteFile[]> {
  const parts: RemoteFile[] = [];
  for (let offset = 0; offset < byteLength; offset += partLength) {
    const name = new TextEncoder().encode(JSON.stringify([url, etag, byteLength, offset]));
    const length = Math.min(partLength, byteLength - offset);
    parts.push({ key: await sha256(name), byteLength: length, url, part: { offset, size: byteLength, etag } });
  }
  return parts;
}

/** The SHA-256 of the whole file, where its entity tag is one. */
export const hashInTag = (etag: string | null): string | null =>
  /^(?:W\/)?"?([0-9a-f]{64})"?$/i.exec(etag ?? '')?.[1]?.toLowerCase() ?? null;

/** Hashes of parts: those of the list when there is one, otherwise those in notes, and what is learnt now. */
export class PartDigests implements Digests {
  readonly #known = new Map<string, string>();

  constructor(
    private readonly store: ModelStore,
    private readonly source: string,
    private readonly id: string,
  ) {}

  of({ key }: StoredFile): string | null {
    return this.#known.get(key) ?? null;
  }

  set(key: string, digest: string): void {
    this.#known.set(key, digest);
  }

  async learn({ key }: StoredFile, digest: string): Promise<void> {
    this.#known.set(key, digest);
    await this.store.putNote(this.source, this.#note(key), new TextEncoder().encode(digest));
  }

  /** What an earlier life learnt. A note that is torn says nothing: its part is hashed anew. */
  async recall(files: readonly StoredFile[]): Promise<void> {
    for (const { key } of files) {
      const bytes = await this.store.note(this.#note(key));
      const digest = bytes === null ? '' : new TextDecoder().decode(bytes);
      if (/^[0-9a-f]{64}$/.test(digest)) this.#known.set(key, digest);
    }
  }

  /** The list has them all now. */
  async dropNotes(files: readonly StoredFile[]): Promise<void> {
    for (const { key } of files) await this.store.putNote(this.source, this.#note(key), null);
  }

  #note(key: string): string {
    return `${noteKey(this.id)}.${key.slice(0, 16)}`;
  }
}

/**
 * One file out of its parts.
 * @param expected SHA-256 of the whole, where it is known and was not checked before
 * @throws EngineError `model-invalid` for another hash, `out-of-memory`, and what reading throws
 */
export async function assemble(
  { path, url, byteLength }: HubFile,
  count: number,
  read: (index: number) => Promise<Uint8Array<ArrayBuffer>>,
  expected: string | null,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = allocate(byteLength, path);
  const hasher = expected === null ? null : new Sha256();
  for (let index = 0, at = 0; index < count; index++) {
    const part = await read(index);
    whole.set(part, at);
    hasher?.update(part);
    at += part.length;
    letGo(part);
  }
  if (hasher !== null && hasher.digest() !== expected) {
    throw new EngineError(
      'model-invalid',
      `${url} does not have the SHA-256 that its server names (${byteLength} bytes).`,
      {
        hint: 'The file was changed on its way. Load the model again; if it stays so, choose another copy.',
      },
    );
  }
  return whole;
}
