// The mediums in a real browser: the origin private file system by streams and by sync handles, and IndexedDB, each held
// to the same promises; and real workers killed in the middle of writing, after which the store opens and tells the truth.

import { expect } from '@esm-bundle/chai';
import { IndexedDbPieces } from './indexeddb.js';
import { webLocks } from './locks.js';
import { ModelStore } from './model-store.js';
import { OpfsPieces } from './opfs.js';
import { pieceLength, type PieceStore } from './pieces.js';

const folderName = `test-${Math.random().toString(36).slice(2)}`;

async function opfsFolder(name: string): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(name, { create: true });
}

const bytesOf = (length: number, seed: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (i * seed) & 255);

const mediums: Record<string, (name: string) => Promise<PieceStore>> = {
  'OPFS by streams': async (name) => new OpfsPieces(await opfsFolder(name)),
  IndexedDB: (name) => IndexedDbPieces.open(name),
};

for (const [title, open] of Object.entries(mediums)) {
  describe(`pieces in ${title}`, () => {
    let pieces: PieceStore;
    before(async () => {
      pieces = await open(`${folderName}-${title.length}`);
    });
    after(() => pieces.close());

    it('come back as they were put, replaced and removed as told', async () => {
      const bytes = bytesOf(100_000, 7);
      await pieces.put('a.0', bytes);
      bytes.fill(0); // the caller's memory is its own again
      expect(await pieces.get('a.0')).to.deep.equal(bytesOf(100_000, 7));
      expect(await pieces.size('a.0')).to.equal(100_000);
      await pieces.put('a.0', bytesOf(10, 3));
      expect(await pieces.get('a.0')).to.deep.equal(bytesOf(10, 3));
      expect([...(await pieces.list())]).to.deep.equal(['a.0']);
      await pieces.remove('a.0');
      await pieces.remove('a.0');
      expect(await pieces.get('a.0')).to.equal(null);
      expect(await pieces.size('a.0')).to.equal(null);
      expect([...(await pieces.list())]).to.deep.equal([]);
    });

    it('store a view alone, not the memory that it looks at', async () => {
      const large = bytesOf(1_000_000, 5);
      await pieces.put('view', large.subarray(10, 20));
      expect(await pieces.get('view')).to.deep.equal(large.slice(10, 20));
      await pieces.remove('view');
    });

    it('are joined in the order asked for, or not at all when one is missing', async () => {
      if (pieces.join === undefined) return; // IndexedDB: records are read one by one
      await pieces.put('j.0', bytesOf(70_000, 7));
      await pieces.put('j.1', bytesOf(5, 3));
      const joined = await pieces.join(['j.1', 'j.0']);
      expect(joined?.subarray(0, 5)).to.deep.equal(bytesOf(5, 3));
      expect(joined?.subarray(5)).to.deep.equal(bytesOf(70_000, 7));
      expect(await pieces.join(['j.0', 'j.2'])).to.equal(null);
      await pieces.remove('j.0');
      await pieces.remove('j.1');
    });

    it('carry a whole store', async () => {
      const parts = { pieces, locks: webLocks(navigator.locks), now: () => Date.now() };
      const store = await ModelStore.open(parts);
      const bytes = bytesOf(pieceLength + 5, 11);
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      const key = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
      const file = { key, byteLength: bytes.length };
      const facts = {
        source: 's',
        id: 'i',
        name: 'n',
        quantisation: '',
        byteLength: 1,
        manifest: null,
        original: null,
      };
      await store.record({ ...facts, files: [file] });
      await store.put('s', file, 0, bytes.slice(0, pieceLength));
      await store.put('s', file, 1, bytes.slice(pieceLength));
      expect(await store.read(file)).to.deep.equal(bytes);
      const again = await ModelStore.open(parts);
      expect(again.find('s')?.name).to.equal('n');
      expect(await again.prefix(file)).to.equal(bytes.length);
      await again.delete('s');
      expect((await pieces.list()).filter((name) => !name.startsWith('journal.'))).to.deep.equal([]);
    });
  });
}

describe('workers killed while they write', () => {
  /** Writes models into the folder until it is killed; says which it has finished. */
  const start = (name: string, medium: 'opfs' | 'opfs-sync'): Worker => {
    const url = new URL('../../../test/support/writing-worker.ts', import.meta.url);
    url.search = new URLSearchParams({ name, medium }).toString();
    return new Worker(url, { type: 'module' });
  };

  for (const medium of ['opfs', 'opfs-sync'] as const) {
    it(`leave a sound store (${medium}): what was finished is whole, the rest is missing and said to be`, async function () {
      this.timeout(120_000);
      const name = `${folderName}-killed-${medium}`;
      for (let round = 0; round < 6; round++) {
        const worker = start(name, medium);
        const finished: string[] = [];
        await new Promise<void>((resolve, reject) => {
          worker.onerror = (event) => reject(new Error(event.message));
          worker.onmessage = ({ data }: MessageEvent<{ finished?: string; error?: string }>) => {
            if (data.error !== undefined) reject(new Error(data.error));
            if (data.finished === undefined) return;
            finished.push(data.finished);
            // Somewhere in the middle of what comes next, elsewhere in each round.
            if (finished.length === 2) setTimeout(resolve, 3 + round * 7);
          };
        });
        worker.terminate();
        const pieces = new OpfsPieces(await opfsFolder(name));
        const store = await ModelStore.open({ pieces, locks: webLocks(navigator.locks), now: () => Date.now() });
        const models = await store.models();
        for (const source of finished) {
          expect(
            models.some(({ model }) => model.source === source),
            `${source} is there`,
          ).to.equal(true);
        }
        for (const { model } of models) {
          for (const file of model.files) {
            const bytes = await store.read(file);
            if (bytes === null) {
              expect(finished).not.to.include(model.source);
              continue;
            }
            const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
            const key = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
            expect(key).to.equal(file.key);
          }
          await store.delete(model.source);
        }
        const left = async (): Promise<string[]> =>
          (await pieces.list()).filter((each) => !each.startsWith('journal.'));
        // Chromium takes the swap file (.crswap) of a writer that was killed away in its own time; on a busy machine that was
        // seen to be more than five seconds.
        for (let tries = 0; tries < 400 && (await left()).some((each) => each.endsWith('.crswap')); tries++) {
          await new Promise((resume) => setTimeout(resume, 100));
        }
        expect(await left()).to.deep.equal([]);
      }
    });
  }

  after(async () => {
    const root = await navigator.storage.getDirectory();
    const entries = root as unknown as { keys(): AsyncIterable<string> };
    const names: string[] = [];
    for await (const name of entries.keys()) names.push(name);
    for (const name of names) if (name.startsWith(folderName)) await root.removeEntry(name, { recursive: true });
  });
});
