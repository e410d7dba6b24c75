// The store over memory, with the faults that a browser's storage has: what is written is read back, sealed in between;
// a lost key or a damaged record costs that conversation and no other; a full disk changes nothing; two writers lose nothing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EngineError, type EngineErrorCode } from '../protocol/errors.js';
import type { Conversation, ConversationNode } from '../protocol/conversations.js';
import { ConversationStore } from './conversation-store.js';
import { MemoryMedium, type SealedConversation } from './medium.js';

const node = (id: string, parent: string | null, content: string, created = 1): ConversationNode => ({
  id,
  parent,
  created,
  message: { role: parent === null ? 'user' : 'assistant', content },
});

const talk = (id: string, change: Partial<Conversation> = {}): Conversation => ({
  id,
  title: `About ${id}`,
  created: 1,
  updated: 2,
  nodes: [node('q', null, 'What is a café?'), node('a', 'q', 'A place where coffee is sold.')],
  leaf: 'a',
  ...change,
});

const failsWith = (code: EngineErrorCode) => (error: unknown) => error instanceof EngineError && error.code === code;

describe('conversation store', () => {
  test('reads back what was written, and the medium has not a word of it', async () => {
    const medium = new MemoryMedium();
    const store = new ConversationStore(medium);
    await store.write({ conversation: talk('one') });
    assert.deepEqual(await store.read('one'), talk('one'));
    const kept = await medium.get('one');
    assert.ok(kept);
    for (const part of [kept.head, kept.body]) {
      const bytes = Buffer.from(part).toString('latin1');
      for (const word of ['coffee', 'About', 'user']) assert.ok(!bytes.includes(word), word);
    }
    assert.deepEqual(Object.keys(kept).sort(), ['body', 'head', 'id', 'keyId', 'revision', 'updated']);
    assert.equal((await medium.key())?.key.extractable, false);
  });

  test('lists the newest first and finds words in any message, whatever their case and accents', async () => {
    const store = new ConversationStore(new MemoryMedium());
    await store.write({ conversation: talk('old', { updated: 5 }) });
    await store.write({ conversation: talk('new', { updated: 9, title: 'Birds' }) });
    const tea = talk('tea', { updated: 7, nodes: [node('q', null, 'Tea, please. '.repeat(50))], leaf: 'q' });
    await store.write({ conversation: tea });
    const ids = async (text?: string) =>
      (await store.list(text === undefined ? {} : { text })).conversations.map(({ id }) => id);
    assert.deepEqual(await ids(), ['new', 'tea', 'old']);
    assert.deepEqual(await ids('CAFE coffee'), ['new', 'old']);
    assert.deepEqual(await ids('birds coffee'), ['new'], 'title and text together');
    assert.deepEqual(await ids('café tea'), []);
    const [found] = (await store.list({ text: 'place' })).conversations;
    assert.ok(found?.readable);
    assert.equal(found.excerpt, 'A place where coffee is sold.');
    const { conversations, total, kind } = await store.list({ limit: 1 });
    assert.deepEqual([conversations.length, total, kind], [1, 3, 'memory']);
  });

  test('a conversation whose key is gone is told, is no hindrance and can be deleted', async () => {
    const records = new Map<string, SealedConversation>();
    await new ConversationStore(new MemoryMedium(records)).write({ conversation: talk('lost') });
    const store = new ConversationStore(new MemoryMedium(records)); // without the key, which the browser dropped
    await store.write({ conversation: talk('fine', { updated: 1 }) });
    assert.deepEqual(
      (await store.list()).conversations.map((one) => (one.readable ? one.id : one.reason)),
      ['key-lost', 'fine'],
    );
    await assert.rejects(store.read('lost'), failsWith('conversation-unreadable'));
    await assert.rejects(store.write({ conversation: talk('lost') }), failsWith('conversation-unreadable'));
    assert.deepEqual((await store.list({ text: 'coffee' })).total, 1);
    assert.equal(await store.delete('lost'), true);
    assert.equal((await store.list()).total, 1);
    assert.equal((await store.read('fine')).id, 'fine');
  });

  test('any flipped bit is damage and nothing else', async () => {
    const medium = new MemoryMedium();
    const store = new ConversationStore(medium);
    await store.write({ conversation: talk('one') });
    const whole = await medium.get('one');
    assert.ok(whole);
    const put = async (record: SealedConversation) => {
      await medium.delete('one');
      await medium.put(record, null);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('head', 'body'),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (part, at, bits) => {
          const bytes = new Uint8Array(whole[part as 'head' | 'body'].slice(0));
          const place = at % bytes.length;
          bytes[place] = (bytes[place] ?? 0) ^ bits;
          await put({ ...whole, [part]: bytes.buffer });
          const [listed] = (await store.list()).conversations;
          if (part === 'head') assert.deepEqual(listed?.readable === false && listed.reason, 'damaged');
          else await assert.rejects(store.read('one'), failsWith('conversation-unreadable'));
        },
      ),
      { numRuns: 60 },
    );
    await put({ ...whole, head: whole.body }); // one part in another's place
    assert.equal((await store.list()).conversations[0]?.readable, false);
    await put({ ...whole, body: new ArrayBuffer(3) });
    await assert.rejects(store.read('one'), failsWith('conversation-unreadable'));
  });

  test('where there is no room nothing is changed, and the words say what to do', async () => {
    const medium = new MemoryMedium();
    const store = new ConversationStore(medium);
    await store.write({ conversation: talk('one') });
    const put = medium.put.bind(medium);
    medium.put = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));
    await assert.rejects(
      store.write({ conversation: talk('one', { title: 'New' }) }),
      (error) => error instanceof EngineError && error.code === 'storage' && error.message.includes('no room'),
    );
    medium.put = put;
    assert.equal((await store.read('one')).title, 'About one');
    await store.write({ conversation: talk('one', { title: 'New' }) });
    assert.equal((await store.read('one')).title, 'New');
  });

  test('two tabs that write the same conversation lose none of its messages', async () => {
    const medium = new MemoryMedium();
    const [one, two] = [new ConversationStore(medium), new ConversationStore(medium)];
    await one.write({ conversation: talk('both') });
    const { nodes } = talk('both');
    await Promise.all([
      one.write({ conversation: talk('both', { nodes: [...nodes, node('b', 'a', 'from one', 3)], leaf: 'b' }) }),
      two.write({ conversation: talk('both', { nodes: [...nodes, node('c', 'a', 'from two', 4)], leaf: 'c' }) }),
    ]);
    const kept = await one.read('both');
    assert.deepEqual(kept.nodes.map(({ id }) => id).sort(), ['a', 'b', 'c', 'q']);
    // What one deleted is gone, with what the other wrote behind it.
    const reply = node('d', 'c', 'behind it', 5);
    await two.write({ conversation: { ...kept, nodes: [...kept.nodes, reply], leaf: 'd' } });
    const rest = kept.nodes.filter(({ id }) => id !== 'c');
    const left = await one.write({ conversation: { ...kept, nodes: rest, leaf: 'b' }, removed: ['c'] });
    assert.deepEqual(left.nodes.map(({ id }) => id).sort(), ['a', 'b', 'q']);
  });

  test('one that is written while another engine erases everything, key and all, can be read afterwards', async () => {
    const medium = new MemoryMedium();
    const store = new ConversationStore(medium);
    const { get } = medium;
    medium.get = async (id) => {
      medium.get = get;
      await medium.clear();
      return await medium.get(id);
    };
    await store.write({ conversation: talk('one') });
    assert.deepEqual(await store.read('one'), talk('one'));
  });

  test('an older copy of an answer, from a tab that saw only its beginning, does not cut it off', async () => {
    const store = new ConversationStore(new MemoryMedium());
    const question = node('q', null, 'What is tea?');
    const answer = { ...node('a', 'q', 'A drink of leaves.'), status: 'done' } as const;
    const seen = { ...node('a', 'q', 'A drink'), status: 'open' } as const;
    await store.write({ conversation: talk('one', { nodes: [question, answer] }) });
    const later = node('q2', 'a', 'Which?');
    await store.write({ conversation: talk('one', { nodes: [question, seen, later], leaf: 'q2' }) });
    assert.deepEqual((await store.read('one')).nodes, [question, answer, later]);
    await store.write({ conversation: talk('one', { nodes: [question, { ...seen, message: answer.message }] }) });
    assert.equal((await store.read('one')).nodes[1]?.status, 'done', 'nor does it become unfinished again');
    const longer = { ...node('a', 'q', 'A drink of leaves. And more'), status: 'open' } as const;
    await store.write({ conversation: talk('one', { nodes: [question, longer] }) });
    assert.deepEqual((await store.read('one')).nodes[1], longer, 'but it can go on');
  });

  test('everything erased is gone with its key', async () => {
    const medium = new MemoryMedium();
    const store = new ConversationStore(medium);
    await store.write({ conversation: talk('one') });
    await store.clear();
    assert.equal(await medium.key(), null);
    assert.deepEqual((await store.list()).conversations, []);
    await assert.rejects(store.read('one'), failsWith('conversation-not-found'));
    assert.equal(await store.delete('one'), false);
    await store.write({ conversation: talk('one') });
    assert.equal((await store.list()).total, 1);
  });

  test('a record that is none is damage, not a crash', async () => {
    const medium = new MemoryMedium();
    const store = new ConversationStore(medium);
    await store.write({ conversation: talk('one') });
    const keyId = (await medium.key())?.id ?? '';
    const strange = { id: 'two', keyId, updated: NaN, revision: 'x', head: 'no buffer', body: null };
    await medium.put(strange as unknown as SealedConversation, null);
    const { conversations } = await store.list();
    assert.deepEqual(conversations[1], { readable: false, id: 'two', updated: 0, reason: 'damaged' });
    await assert.rejects(store.read('two'), failsWith('conversation-unreadable'));
  });
});
