// A model that is deleted while it is being rewritten into the store stays deleted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ggufFile } from '../../../test/support/gguf-model.js';
import { MemoryPieces } from '../../../test/support/memory-pieces.js';
import { randomModel } from '../../../test/support/memory-model.js';
import { openTensorModel } from '../open-model.js';
import { deleteKept, rewriteLock } from './delete-kept.js';
import { localLocks } from './locks.js';
import { ModelStore } from './model-store.js';

/** A medium that takes its time, so that there is always a write under way. */
class SlowPieces extends MemoryPieces {
  override async put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await new Promise((resume) => setTimeout(resume, 10));
    return super.put(name, bytes);
  }
}

const truth = randomModel(
  {
    architecture: 'llama',
    layers: 2,
    hiddenSize: 128,
    feedForwardSize: 256,
    heads: 4,
    kvHeads: 2,
    headSize: 32,
    vocabularySize: 600,
    contextLength: 128,
    rmsNormEpsilon: Math.fround(1e-5),
    ropeTheta: 10_000,
    ropeScaling: { kind: 'none' },
    tiedHead: true,
  },
  { kind: 'q4', embeddingKind: 'q8' },
);

test('deleted while it is being rewritten, at whatever moment, nothing of it comes back', async () => {
  const file = new File([await ggufFile(truth)], 'mine.gguf', { lastModified: 5 });
  for (const wait of [0, 4, 9, 13, 18, 27]) {
    const pieces = new SlowPieces();
    const store = await ModelStore.open({ pieces, locks: localLocks(), now: () => 1 });
    const model = await openTensorModel({ kind: 'file', blob: file }, { store, shardLimit: 2 ** 15 });
    const source = `file:mine.gguf?size=${file.size}&time=5`;
    while ((store.find(source)?.files.length ?? 0) < 2) await new Promise((resume) => setTimeout(resume, 1));
    await new Promise((resume) => setTimeout(resume, wait));
    model.close();
    assert.equal(await deleteKept(store, source), true);
    await new Promise((resume) => setTimeout(resume, 150));
    assert.deepEqual(await store.models(), [], `${wait} ms later`);
    assert.deepEqual(
      [...pieces.records.keys()].filter((name) => !name.startsWith('journal.')),
      [],
      `${wait} ms later`,
    );
  }
});

test('another engine that goes on with it does not keep the visitor waiting', async () => {
  const locks = localLocks();
  const store = await ModelStore.open({ pieces: new MemoryPieces(), locks, now: () => 1 });
  const facts = { source: 'a', id: 'gguf:a', name: 'a', quantisation: '', byteLength: 1, original: null };
  await store.record({ ...facts, manifest: null, files: [] });
  let end = (): void => undefined;
  void locks.hold(rewriteLock('gguf:a'), () => new Promise<void>((resume) => (end = resume)));
  const deleting = deleteKept(store, 'a', 50);
  setTimeout(() => end(), 200); // locks of one process cannot be given up while they wait; Web Locks can
  assert.equal(await deleting, true);
  assert.deepEqual(await store.models(), []);
  assert.equal(await deleteKept(store, 'a'), false);
});

test('what the service worker kept of it goes, too, unless another model has it', async () => {
  const store = await ModelStore.open({ pieces: new MemoryPieces(), locks: localLocks(), now: () => 1 });
  const [own, shared] = ['a'.repeat(64), 'b'.repeat(64)];
  const facts = { name: '', quantisation: '', byteLength: 1, original: null, manifest: null };
  const fileOf = (key: string) => ({ key, byteLength: 1 });
  await store.record({ ...facts, source: 'one', id: 'one', files: [fileOf(own), fileOf(shared)] });
  await store.record({ ...facts, source: 'two', id: 'two', files: [fileOf(shared)] });
  const urls = new Set([own, shared, 'c'.repeat(64)].map((key) => `https://site.example/pack/${key}.bin`));
  const cache = {
    keys: async () => [...urls].map((url) => ({ url })),
    delete: async ({ url }: { url: string }) => urls.delete(url),
  };
  const caches = { has: async () => true, open: async () => cache } as unknown as CacheStorage;
  await deleteKept(store, 'one', 50, caches);
  assert.equal(urls.size, 2);
  assert.ok(![...urls].some((url) => url.includes(own)));
  await deleteKept(store, 'two', 50, caches);
  assert.equal(urls.size, 1);
});
