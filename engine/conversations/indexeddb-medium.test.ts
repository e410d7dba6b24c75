// The store in a real browser's IndexedDB: a second opening reads what the first wrote, with the same key; two openings at
// once make one key; a head without its body is damage.

import { expect } from '@esm-bundle/chai';
import { openDB } from 'idb';
import type { Conversation } from '../protocol/conversations.js';
import { openConversations } from './open-store.js';

const talk = (id: string): Conversation => ({
  id,
  title: 'A talk',
  created: 1,
  updated: 2,
  nodes: [{ id: 'q', parent: null, created: 1, message: { role: 'user', content: 'Hello, device.' } }],
  leaf: 'q',
});

describe('conversations in IndexedDB', () => {
  let name = '';
  beforeEach(() => (name = `conversations-${crypto.randomUUID()}`));
  afterEach(() => void indexedDB.deleteDatabase(name));

  it('are there after the store was opened again, under a key that no script can read out', async () => {
    const first = await openConversations(name);
    expect(first.kind).to.equal('indexeddb');
    await first.write({ conversation: talk('one') });
    first.close();
    const again = await openConversations(name);
    expect(await again.read('one')).to.deep.equal(talk('one'));
    again.close();
    const database = await openDB(name);
    const { key } = (await database.get('keys', 'key')) as { key: CryptoKey };
    expect(key.extractable).to.equal(false);
    const refused = await crypto.subtle.exportKey('raw', key).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(DOMException);
    const bodies = (await database.getAll('bodies')) as ArrayBuffer[];
    expect(bodies.map((body) => new TextDecoder('latin1').decode(body)).join()).not.to.include('device');
    database.close();
  });

  it('written by two openings at once are all readable by both', async () => {
    const [one, two] = await Promise.all([openConversations(name), openConversations(name)]);
    await Promise.all([one.write({ conversation: talk('a') }), two.write({ conversation: talk('b') })]);
    expect((await one.list()).conversations.map(({ readable }) => readable)).to.deep.equal([true, true]);
    expect((await two.read('a')).id).to.equal('a');
    one.close();
    two.close();
  });

  it('that lost their body or their key are told and can be deleted', async () => {
    const store = await openConversations(name);
    await store.write({ conversation: talk('torn') });
    const database = await openDB(name);
    await database.delete('bodies', 'torn');
    const torn = (await store.read('torn').catch((error: unknown) => error)) as { code: string };
    expect(torn.code).to.equal('conversation-unreadable');
    await database.clear('keys');
    expect((await store.list()).conversations[0]).to.include({ readable: false, reason: 'key-lost' });
    expect(await store.delete('torn')).to.equal(true);
    expect((await store.list()).conversations).to.deep.equal([]);
    database.close();
    store.close();
  });
});
