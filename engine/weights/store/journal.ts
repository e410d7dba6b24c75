// What the store holds, as one small record: models, the files each is made of, and the highest revision seen of each.
// Written whole under the next number before the last one is removed, with its own SHA-256 in front:
//
//   name     journal.<n>, n a decimal integer that grows by one
//   bytes    64 hex digits, a line feed, UTF-8 JSON of `StoreIndex`
//
// The highest number whose digest is right holds. So a kill at any point leaves either the old or the new state, also on
// a medium that writes in place. Called by model-store.ts under its lock; knows nothing of pieces' contents.
// What goes wrong: a journal of which nothing is sound is taken for an empty one (everything is downloaded again). So
// nothing is written that would not be read: a model whose facts do not fit is refused, and costs no other model.

import * as v from 'valibot';
import { EngineError } from '../../protocol/errors.js';
import { longestUrl } from '../../protocol/host-api.js';
import { sha256 } from '../sha256.js';
import type { PieceStore } from './pieces.js';

const text = v.pipe(v.string(), v.maxLength(longestUrl));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const key = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const fileSchema = v.object({ key, byteLength: count });
/** A file kept in pieces. `key` is the SHA-256 of its bytes. */
export type StoredFile = Readonly<v.InferOutput<typeof fileSchema>>;

const modelSchema = v.object({
  /** Where it came from: the URL of a manifest, a GGUF file or a repository, or `file:` and what tells a dropped file. */
  source: text,
  /** `ModelIdentity.id`. */
  id: text,
  name: text,
  quantisation: text,
  /** Bytes of all its files when it is whole. */
  byteLength: count,
  /** Milliseconds since 1970, for choosing what goes first when room is needed. */
  lastUsed: count,
  /** Null while a file of another format is still being rewritten. */
  manifest: v.nullable(fileSchema),
  files: v.array(fileSchema),
  /** Tells a changed original of a rewritten model: its size and entity tag. Null for packs. */
  original: v.nullable(v.object({ tag: text })),
});
export type StoredModel = Readonly<v.InferOutput<typeof modelSchema>>;

const indexSchema = v.object({
  version: v.literal(1),
  models: v.array(modelSchema),
  /** Highest revision ever accepted, by source. Outlives the model, so that deleting it opens no way back. */
  revisions: v.record(text, count),
});
export type StoreIndex = Readonly<v.InferOutput<typeof indexSchema>>;

const emptyIndex: StoreIndex = { version: 1, models: [], revisions: {} };
const namePattern = /^journal\.(\d{1,15})$/;
const digestLength = 64;

export interface Journal {
  readonly index: StoreIndex;
  /** Number of the record that holds; 0 before the first. */
  readonly number: number;
}

/** @param names of everything in the store */
export async function readJournal(pieces: PieceStore, names: readonly string[]): Promise<Journal> {
  for (const number of journalNumbers(names)) {
    const bytes = await pieces.get(`journal.${number}`);
    const index = bytes === null ? null : await parse(bytes);
    if (index !== null) return { index, number };
  }
  return { index: emptyIndex, number: 0 };
}

/** @returns the journal as it now is; older records are gone @throws EngineError `storage` for what cannot be kept */
export async function writeJournal(
  pieces: PieceStore,
  names: readonly string[],
  { number, index }: { readonly number: number; readonly index: StoreIndex },
): Promise<Journal> {
  const checked = v.safeParse(indexSchema, index);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw new EngineError(
      'storage',
      `This model cannot be kept (${v.getDotPath(issue) ?? ''}: ${issue.message.slice(0, 100)}).`,
      {
        hint: 'Something that it or its server says of itself is too long.',
      },
    );
  }
  const numbers = journalNumbers(names);
  // Above every number there, sound or not: a torn record must never be the highest again.
  const next = Math.max(number, ...numbers) + 1;
  const body = new TextEncoder().encode(JSON.stringify(index));
  const bytes = new Uint8Array(digestLength + 1 + body.length);
  bytes.set(new TextEncoder().encode(`${await sha256(body)}\n`));
  bytes.set(body, digestLength + 1);
  await pieces.put(`journal.${next}`, bytes);
  for (const old of numbers) await pieces.remove(`journal.${old}`);
  return { index, number: next };
}

export const isJournalName = (name: string): boolean => namePattern.test(name);

const journalNumbers = (names: readonly string[]): number[] =>
  names
    .flatMap((name) => namePattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);

async function parse(bytes: Uint8Array<ArrayBuffer>): Promise<StoreIndex | null> {
  const body = bytes.slice(digestLength + 1);
  if (new TextDecoder().decode(bytes.subarray(0, digestLength + 1)) !== `${await sha256(body)}\n`) return null;
  const parsed = v.safeParse(indexSchema, JSON.parse(new TextDecoder().decode(body)));
  return parsed.success ? parsed.output : null;
}
