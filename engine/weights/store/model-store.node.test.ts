// The store over memory: what it keeps, what it lets go, and that a kill at any write leaves a sound one. The mediums
// themselves are tested in a browser (mediums.test.ts).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Killed, MemoryPieces, type MemoryPiecesOptions } from '../../../test/support/memory-pieces.js';
import { readJournal } from './journal.js';
import { localLocks } from './locks.js';
import { ModelStore, type StoredFile, type StoredModel } from './model-store.js';
import { pieceCount, pieceLength } from './pieces.js';

interface Sample extends StoredFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function sample(seed: number, byteLength: number): Sample {
  const bytes = new Uint8Array(byteLength);
  for (let i = 0; i < bytes.length; i += 97) bytes[i] = (seed * 31 + i) & 255;
  return { bytes, byteLength, key: createHash('sha256').update(bytes).digest('hex') };
}

const big = sample(1, 2 * pieceLength + 1000);
const small = sample(2, 500);
const shared = sample(3, 700);

let clock = 0;
const openOver = (records: Map<string, Uint8Array<ArrayBuffer>>, options: MemoryPiecesOptions = {}) => {
  const pieces = new MemoryPieces(records, options);
  const open = () => ModelStore.open({ pieces, locks: localLocks(), now: () => ++clock });
  return { pieces, open };
};
const openFresh = (): Promise<ModelStore> => openOver(new Map()).open();

const modelOf = (source: string, files: readonly StoredFile[]): Omit<StoredModel, 'lastUsed'> => ({
  source,
  id: `pack:${source}`,
  name: source,
  quantisation: 'q4',
  byteLength: files.reduce((sum, file) => sum + file.byteLength, 0),
  manifest: null,
  files: files.map(({ key, byteLength }) => ({ key, byteLength })),
  original: null,
});

async function fill(store: ModelStore, source: string, file: Sample): Promise<void> {
  for (let i = 0; i < pieceCount(file.byteLength); i++) {
    await store.put(source, file, i, file.bytes.slice(i * pieceLength, (i + 1) * pieceLength));
  }
}

async function install(store: ModelStore, source: string, files: readonly Sample[]): Promise<void> {
  await store.record(modelOf(source, files));
  for (const file of files) await fill(store, source, file);
}

test('a file comes back as it was put, and only when all of it is there', async () => {
  const store = await openFresh();
  await store.record(modelOf('a', [big]));
  assert.equal(await store.prefix(big), 0);
  await store.put('a', big, 0, big.bytes.slice(0, pieceLength));
  assert.equal(await store.prefix(big), pieceLength);
  assert.equal(await store.read(big), null);
  await store.put('a', big, 2, big.bytes.slice(2 * pieceLength));
  assert.equal(await store.prefix(big), pieceLength);
  await store.put('a', big, 1, big.bytes.slice(pieceLength, 2 * pieceLength));
  assert.equal(await store.prefix(big), big.byteLength);
  assert.deepEqual(await store.read(big), big.bytes);
  await store.forget(big);
  assert.equal(await store.prefix(big), 0);
});

test('deleting a model removes its files, save those that another model has, too', async () => {
  const records = new Map<string, Uint8Array<ArrayBuffer>>();
  const store = await openOver(records).open();
  await install(store, 'a', [big, shared]);
  await install(store, 'b', [small, shared]);
  assert.equal(await store.delete('a'), true);
  assert.equal(await store.read(big), null);
  assert.deepEqual(await store.read(shared), shared.bytes);
  assert.equal(await store.delete('a'), false);
  assert.deepEqual(
    (await store.models()).map(({ model, storedBytes }) => [model.source, storedBytes]),
    [['b', 1200]],
  );
  await store.delete('b');
  assert.deepEqual(
    [...records.keys()].filter((name) => !name.startsWith('journal.')),
    [],
  );
});

test('a new manifest under the same address takes the place of the old one', async () => {
  const store = await openFresh();
  await install(store, 'a', [big, shared]);
  await install(store, 'a', [small, shared]);
  assert.equal(await store.read(big), null);
  assert.deepEqual(await store.read(shared), shared.bytes);
  assert.equal((await store.models()).length, 1);
});

test('what was accepted once is remembered beyond the model: revisions never go back', async () => {
  const records = new Map<string, Uint8Array<ArrayBuffer>>();
  const store = await openOver(records).open();
  await store.record(modelOf('a', []), 7);
  await assert.rejects(store.record(modelOf('a', []), 5), { code: 'model-invalid' });
  await store.delete('a');
  assert.equal(store.revisionOf('a'), 7);
  assert.equal((await openOver(records).open()).revisionOf('a'), 7);
  assert.equal(store.revisionOf('b'), 0);
});

test('without room, the model used longest ago goes first, never one in use; then it is said what did not fit', async () => {
  const records = new Map<string, Uint8Array<ArrayBuffer>>();
  const first = await openOver(records).open();
  const files = [4, 5, 6].map((seed) => sample(seed, 10_000));
  for (const [i, file] of files.entries()) await install(first, `model ${i}`, [file]);
  const used = [...records.values()].reduce((sum, { length }) => sum + length, 0);
  const store = await openOver(records, { room: used + 3_000 }).open();
  const release = store.use('model 0');
  await install(store, 'new', [sample(7, 9_000)]);
  assert.deepEqual((await store.models()).map(({ model }) => model.source).sort(), ['model 0', 'model 2', 'new']);
  release();
  await assert.rejects(install(store, 'huge', [sample(8, 100_000)]), { code: 'storage', message: /no room.*huge/ });
  await install(store, 'again', [sample(9, 5_000)]);
  assert.deepEqual(await store.read(sample(9, 5_000)), sample(9, 5_000).bytes);
});

test('what belongs to nobody is swept when the store is opened', async () => {
  const records = new Map<string, Uint8Array<ArrayBuffer>>();
  const store = await openOver(records).open();
  await install(store, 'a', [small]);
  records.set(`${'f'.repeat(64)}.0`, new Uint8Array(9));
  records.set('something else', new Uint8Array(9));
  await openOver(records).open();
  assert.deepEqual(
    [...records.keys()].filter((name) => !name.startsWith('journal.')),
    [`${small.key}.0`],
  );
});

/** Everything that the store does to its medium: two models in, one replaced, one deleted. */
async function story(store: ModelStore): Promise<void> {
  await install(store, 'a', [big, shared]);
  await store.putTag('a', big, '"tag"');
  await install(store, 'b', [small, shared]);
  await install(store, 'a', [small]);
  await store.delete('b');
  await store.record(modelOf('c', [shared]), 3);
}

test('killed at every write in turn: the store opens, what it calls whole is whole, and the work can be done again', async () => {
  const { pieces, open } = openOver(new Map());
  await story(await open());
  const all = pieces.writes;
  assert.ok(all > 20);
  for (const lastWrite of ['whole', 'torn', 'lost'] as const) {
    for (let dieAt = 1; dieAt <= all; dieAt++) {
      const records = new Map<string, Uint8Array<ArrayBuffer>>();
      const dying = openOver(records, { dieAt, lastWrite });
      await assert.rejects(
        dying.open().then(story),
        (thrown: Error) => thrown instanceof Killed || (thrown.cause as Error) instanceof Killed,
        `write ${dieAt}`,
      );
      const where = `${lastWrite} at write ${dieAt}`;
      const store = await openOver(records).open();
      for (const { model } of await store.models()) {
        for (const file of model.files) {
          const bytes = await store.read(file);
          if (bytes === null) continue; // known to be missing: it is downloaded
          assert.equal(createHash('sha256').update(bytes).digest('hex'), file.key, where);
        }
      }
      await story(store);
      assert.deepEqual(await store.read(small), small.bytes, where);
      assert.deepEqual((await store.models()).map(({ model }) => model.source).sort(), ['a', 'c'], where);
      const claimed = [`${small.key}.0`, `${shared.key}.0`];
      const left = [...records.keys()].filter((name) => !name.startsWith('journal.') && !claimed.includes(name));
      assert.deepEqual(left, [], where);
    }
  }
});

test('a journal of which every record is damaged is an empty one, and is written anew', async () => {
  const records = new Map<string, Uint8Array<ArrayBuffer>>();
  await install(await openOver(records).open(), 'a', [small]);
  for (const [name, bytes] of records) if (name.startsWith('journal.')) bytes[70] = (bytes[70] as number) ^ 1;
  const store = await openOver(records).open();
  assert.deepEqual(await store.models(), []);
  await install(store, 'a', [small]);
  const pieces = new MemoryPieces(records);
  assert.equal((await readJournal(pieces, await pieces.list())).index.models.length, 1);
});

test('everything cleared while it is being written: nothing of it comes back, and what is sent later is refused', async () => {
  const { pieces, open } = openOver(new Map());
  const store = await open();
  await store.record(modelOf('a', [big]));
  const { put } = pieces;
  let finish: () => void = () => undefined;
  pieces.put = async (name, bytes) => {
    if (name === `${big.key}.0`) await new Promise<void>((resolve) => (finish = resolve));
    await put.call(pieces, name, bytes); // as the origin private file system does, though the file was removed
  };
  const writing = store.put('a', big, 0, big.bytes.slice(0, pieceLength));
  const stopped = new AbortController();
  const clearing = store.clear();
  const late = store.record(modelOf('b', [small]), 0, stopped.signal);
  stopped.abort();
  finish();
  await Promise.all([writing, clearing]);
  await assert.rejects(late, { code: 'aborted' });
  await assert.rejects(store.put('a', big, 1, big.bytes.slice(pieceLength, 2 * pieceLength)), { code: 'storage' });
  assert.deepEqual([pieces.records.size, (await store.models()).length], [0, 0]);
});
