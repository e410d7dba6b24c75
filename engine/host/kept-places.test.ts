// Every place of the kit on the browser's real stores, each filled, counted, emptied and looked at from outside of it. Names
// of their own keep them from other tests' records; the caches are the browser's, beside one that is not the kit's.

import { expect } from '@esm-bundle/chai';
import { openDB } from 'idb';
import { openConversations } from '../conversations/open-store.js';
import { indexedDbTuningStore } from '../decoders/webgpu/tuning-store.js';
import type { KeptKind } from '../protocol/kept-data.js';
import { IndexedDbConsentStore } from '../routing/consent-store.js';
import { IndexedDbPreferencesStore } from '../routing/preferences-store.js';
import { SettingsDatabase } from '../routing/settings-database.js';
import { noPreferences } from '../protocol/preferences.js';
import { localLocks } from '../weights/store/locks.js';
import { ModelStore } from '../weights/store/model-store.js';
import { openPieces } from '../weights/store/open-pieces.js';
import { KeptData } from './kept-data.js';
import { keptPlaces, storageEstimate } from './kept-places.js';

const name = 'llm-elements-places-test';
const sha = '0'.repeat(64);

describe('kept places', () => {
  it('are counted, emptied, and found empty by whoever looks from outside', async () => {
    const pieces = await openPieces(`${name}-weights`);
    const models = await ModelStore.open({ pieces, locks: localLocks(), now: () => Date.now() });
    const conversations = await openConversations(`${name}-conversations`);
    const settings = new SettingsDatabase(`${name}-settings`);
    const tuning = indexedDbTuningStore(`${name}-tuning`);
    const kept = new KeptData(
      keptPlaces({
        models: async () => models,
        conversations: async () => conversations,
        settings,
        tuning,
        caches,
        storage: navigator.storage,
      }),
      storageEstimate(navigator.storage),
    );

    const file = { key: sha, byteLength: 3 };
    await models.record(
      {
        source: 'https://site.example/m/manifest.json',
        id: 'm',
        name: 'M',
        quantisation: 'q4',
        byteLength: 3,
        manifest: null,
        files: [file],
        original: null,
      },
      7,
    );
    await models.put('https://site.example/m/manifest.json', file, 0, new Uint8Array([1, 2, 3]));
    const message = { role: 'user' as const, content: 'A secret' };
    const nodes = [{ id: 'n', parent: null, created: 1, message }];
    await conversations.write({
      conversation: { id: 'c', title: 'A secret', created: 1, updated: 1, nodes, leaf: 'n' },
      removed: [],
    });
    await new IndexedDbConsentStore(settings).write('https://cloud.example/v1', true);
    await new IndexedDbPreferencesStore(settings).write({ ...noPreferences, maxTokens: 9 });
    await tuning.set('a card', { shape: 1 });
    await (await caches.open(`${name} files`)).put('/kept', new Response('kept'));
    await (await caches.open('the-sites-own')).put('/own', new Response('own'));

    const itemsOf = async (): Promise<Partial<Record<KeptKind, number>>> => {
      const { parts, unreadable } = await kept.report();
      expect(unreadable).to.deep.equal([]);
      return Object.fromEntries(parts.map(({ kind, items }) => [kind, items]));
    };
    const before = await itemsOf();
    const { pages = 0, ...others } = before;
    expect(others).to.deep.equal({ models: 1, conversations: 1, consent: 1, preferences: 1, tuning: 1 });
    expect(pages).to.be.at.least(1);

    const erasure = await kept.erase();
    expect(erasure.left).to.deep.equal([]);
    expect(erasure.erased.length).to.equal(6);
    for (const [kind, items] of Object.entries(await itemsOf())) expect(items, kind).to.equal(0);

    expect(await pieces.list(), 'also the revisions seen, which outlive a deleted model').to.deep.equal([]);
    expect(models.revisionOf('https://site.example/m/manifest.json')).to.equal(0);
    for (const database of ['settings', 'conversations', 'tuning']) {
      const open = await openDB(`${name}-${database}`);
      for (const store of open.objectStoreNames) expect(await open.count(store), `${database} ${store}`).to.equal(0);
      open.close();
    }
    expect((await caches.keys()).filter((each) => each.startsWith('llm-elements-'))).to.deep.equal([]);
    expect(await caches.has('the-sites-own'), 'what is not the kit’s stays').to.equal(true);
    await caches.delete('the-sites-own');
    models.close();
    conversations.close();
  });
});
