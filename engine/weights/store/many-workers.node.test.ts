// Several workers over one store: the engines of two builds of the kit, or of two kits of one site. Each has its own copy
// of the journal in memory, and all write the same one. And what a hostile source or a full disk may do to that journal.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { MemoryPieces, type MemoryPiecesOptions } from '../../../test/support/memory-pieces.js';
import { longestUrl } from '../../protocol/host-api.js';
import { localLocks } from './locks.js';
import { ModelStore, type StoredFile, type StoredModel } from './model-store.js';

interface Sample extends StoredFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function sample(seed: number, byteLength: number): Sample {
  const bytes = new Uint8Array(byteLength).fill(seed);
  return { bytes, byteLength, key: createHash('sha256').update(bytes).digest('hex') };
}

const modelOf = (source: string, files: readonly StoredFile[]): Omit<StoredModel, 'lastUsed'> => ({
  source,
  id: `pack:${source.slice(0, 100)}`,
  name: source.slice(0, 100),
  quantisation: 'q4',
  byteLength: files.reduce((sum, file) => sum + file.byteLength, 0),
  manifest: null,
  files: files.map(({ key, byteLength }) => ({ key, byteLength })),
  original: null,
});

async function install(store: ModelStore, source: string, files: readonly Sample[]): Promise<void> {
  await store.record(modelOf(source, files));
  for (const file of files) await store.put(source, file, 0, file.bytes);
}

/** Opens stores over the same records and locks, as workers of one origin do. */
function origin(options: MemoryPiecesOptions = {}) {
  const records = new Map<string, Uint8Array<ArrayBuffer>>();
  const locks = localLocks();
  let clock = 0;
  const open = (pieces = new MemoryPieces(records, options)): Promise<ModelStore> =>
    ModelStore.open({ pieces, locks, now: () => ++clock });
  const files = (): string[] => [...records.keys()].filter((name) => !name.startsWith('journal.'));
  return { records, open, files };
}

const sources = async (store: ModelStore): Promise<string[]> =>
  (await store.models()).map(({ model }) => model.source).sort();

/** Lets something happen between the reading of the names and of the journal. */
class Interrupted extends MemoryPieces {
  interrupt: (() => Promise<void>) | null = null;

  override async list(): Promise<readonly string[]> {
    const names = await super.list();
    const { interrupt } = this;
    this.interrupt = null;
    if (interrupt !== null) {
      // Not for ever: it may have to wait for whoever reads.
      await Promise.race([interrupt(), new Promise((resume) => setTimeout(resume, 300))]);
    }
    return names;
  }
}

test('a journal that is written while another worker reads it is never taken for an empty one', async () => {
  const { records, open } = origin();
  const writer = await open();
  await writer.record(modelOf('a', []), 3);
  const pieces = new Interrupted(records);
  const reader = await open(pieces);
  let written = Promise.resolve();
  pieces.interrupt = () => {
    written = writer.record(modelOf('b', []));
    return written;
  };
  const seen = await sources(reader);
  assert.ok(seen.includes('a'), `it saw ${seen.join() || 'nothing'}`);
  assert.equal(reader.revisionOf('a'), 3);
  await written;
  assert.deepEqual(await sources(reader), ['a', 'b']);
});

test('an older revision is refused by a worker that has not seen the newer one, too', async () => {
  const { open } = origin();
  const early = await open();
  const late = await open();
  await late.record(modelOf('a', []), 2);
  assert.equal(early.revisionOf('a'), 0, 'its copy of the journal is old');
  await early.refresh();
  assert.equal(early.revisionOf('a'), 2);
  await late.record(modelOf('a', []), 3);
  await assert.rejects(early.record(modelOf('a', []), 2), { code: 'model-invalid', message: /revision 2.*3/ });
  assert.equal((await open()).revisionOf('a'), 3);
});

test('what another worker replaced or deleted leaves nothing behind', async () => {
  const { open, files } = origin();
  const [old, fresh, last] = [sample(1, 100), sample(2, 200), sample(3, 300)];
  const one = await open();
  await install(one, 'a', [old]);
  const other = await open();
  await install(other, 'a', [fresh]);
  await install(one, 'a', [last]);
  assert.deepEqual(files(), [`${last.key}.0`]);
  await install(other, 'a', [fresh]);
  assert.equal(await one.delete('a'), true);
  assert.deepEqual(files(), []);
});

test('a model that another worker uses is not evicted, and is once that one has let it go', async () => {
  const { records, open } = origin({ room: 23_000 });
  const one = await open();
  const other = await open(new MemoryPieces(records, { room: 23_000 }));
  await install(one, 'used', [sample(1, 10_000)]);
  const release = one.use('used');
  await install(other, 'idle', [sample(2, 10_000)]);
  await install(other, 'new', [sample(3, 10_000)]);
  assert.deepEqual(await sources(other), ['new', 'used']);
  await assert.rejects(install(other, 'huge', [sample(4, 15_000)]), { code: 'storage', message: /no room/ });
  release();
  await install(other, 'huge', [sample(4, 15_000)]);
  assert.deepEqual(await sources(one), ['huge']);
});

test('words of any length from a model or its server cost that model at most, never the others', async () => {
  const { open } = origin();
  const store = await open();
  const kept = sample(1, 500);
  await install(store, 'kept', [kept]);
  await store.record({ ...modelOf('talker', []), name: 'x'.repeat(5_000), quantisation: 'y'.repeat(5_000) });
  await store.record(modelOf(`https://host/${'z'.repeat(longestUrl - 20)}`, []), 4);
  const tag = 't'.repeat(100_000);
  await assert.rejects(store.record({ ...modelOf('tagged', []), original: { tag } }), { code: 'storage' });
  const next = await open();
  assert.deepEqual(await next.read(kept), kept.bytes);
  assert.equal((await sources(next)).length, 3);
  assert.equal(next.revisionOf(`https://host/${'z'.repeat(longestUrl - 20)}`), 4);
});

test('on a medium without any room left, models can be deleted and evicted all the same', async () => {
  const limits = { room: Infinity };
  const { records, open, files } = origin(limits);
  const store = await open();
  await install(store, 'first', [sample(1, 10_000)]);
  await install(store, 'second', [sample(2, 10_000)]);
  limits.room = [...records.values()].reduce((sum, { length }) => sum + length, 0); // to the last byte
  await store.record(modelOf('third', [sample(3, 9_000)])); // takes the place of the first
  assert.deepEqual(await sources(store), ['second', 'third']);
  limits.room = [...records.values()].reduce((sum, { length }) => sum + length, 0);
  assert.equal(await store.delete('second'), true);
  assert.deepEqual(await sources(await open()), ['third']);
  assert.deepEqual(files(), []);
});
