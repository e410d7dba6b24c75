// A conversation that the visitor deletes, or erases with everything else, is not written again by what still runs of it.
// Without a browser: the document and the tab's memory are stand-ins.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conversation as Kept } from '../../../engine/protocol/conversations.js';
import type { ChatParts } from '../parts.js';
import { Thread } from '../thread.js';
import { Keeper } from './keeper.js';

const memory = new Map<string, string>();
Object.assign(globalThis, {
  document: Object.assign(new EventTarget(), { visibilityState: 'visible' }),
  sessionStorage: {
    getItem: (key: string) => memory.get(key) ?? null,
    setItem: (key: string, value: string) => memory.set(key, value),
    removeItem: (key: string) => memory.delete(key),
  },
});

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

const question = (id: string, text: string) => ({ kind: 'user', id, created: 0, text, attachments: [] }) as const;

function page() {
  const written: string[] = [];
  const records: Partial<Kept>[] = [];
  const heard = new Set<() => void>();
  const state = { hostId: 'host', changes: { erased: 0 }, preferences: { keepConversations: null } };
  const listeners = new Set<() => void>();
  const thread = new Thread();
  thread.add(question('q', 'A secret.'));
  const conversation = {
    id: 'one',
    busy: true,
    thread,
    get entries() {
      return conversation.thread.line;
    },
    get facts() {
      return { id: conversation.id, title: 'A secret.', created: 0 };
    },
  };
  const talk = {
    conversation,
    replacing: null as (() => void) | null,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const store = { busy: null as Promise<void> | null };
  const conversations = {
    write: (record: Kept) => {
      written.push(record.id);
      records.push(record);
      return store.busy ?? Promise.resolve();
    },
    delete: async () => undefined,
  };
  const context = {
    host: { id: 'chat' },
    engine: {
      state,
      store: {
        connect: async () => ({ conversations }),
        subscribe: (listener: () => void) => {
          heard.add(listener);
          return () => heard.delete(listener);
        },
      },
    },
    talk,
    fail: (error: unknown) => assert.fail(String(error)),
  };
  return {
    records,
    /** Everything is erased, and this page hears of it. */
    erase: () => {
      state.changes.erased++;
      for (const listener of heard) listener();
    },
    written,
    store,
    talk,
    keeper: new Keeper(context as unknown as ChatParts),
    change: () => {
      for (const listener of listeners) listener();
    },
  };
}

test('a deleted conversation is not written again by the answer that still runs', async () => {
  const { written, talk, keeper, change } = page();
  await keeper.flush();
  assert.deepEqual(written, ['one']);
  keeper.forget();
  change(); // a word of the answer comes while the deletion is under way
  talk.replacing?.(); // and a new chat takes its place
  await later();
  assert.deepEqual(written, ['one']);
  assert.deepEqual([...memory], []);
  talk.conversation.id = 'two';
  change();
  await keeper.flush();
  assert.deepEqual(written, ['one', 'two']);
  keeper.end();
});

test('where deleting failed it is kept as before', async () => {
  const { written, keeper, change } = page();
  await keeper.flush();
  keeper.forget();
  keeper.recall();
  change();
  await keeper.flush();
  assert.deepEqual(written, ['one', 'one']);
  keeper.end();
});

test('what was erased with everything is not written again; what is said afterwards is, by itself', async () => {
  const { records, talk, keeper, change, erase } = page();
  await keeper.flush();
  assert.equal(records.length, 1);
  erase();
  change(); // the answer that was stopped by it
  await keeper.flush();
  assert.equal(records.length, 1, 'the conversation that is open does not come back by itself');
  talk.conversation.thread.add(question('r', 'Something  new.'));
  change();
  await keeper.flush();
  const { nodes, leaf, title } = records[1] as Kept;
  assert.deepEqual([nodes.map(({ id, parent }) => [id, parent]), leaf, title], [[['r', null]], 'r', 'Something new.']);
  erase();
  change();
  await keeper.flush();
  assert.equal(records.length, 2, 'erased again');
  keeper.end();
});

test('a conversation that was left just before everything was erased is not written after it', async () => {
  const { records, talk, keeper, change, erase } = page();
  await keeper.flush();
  change();
  talk.replacing?.(); // what is not written yet is on its way
  talk.conversation.id = 'two';
  talk.conversation.thread = new Thread();
  erase();
  await later();
  assert.deepEqual(
    records.map(({ id }) => id),
    ['one'],
  );
  keeper.end();
});

test('a page that is put away hands over what came last, though something is still being written', async () => {
  const { records, keeper, change, store, talk } = page();
  store.busy = new Promise(() => undefined); // the disk takes its time
  void keeper.flush();
  await later();
  assert.equal(records.length, 1);
  talk.conversation.thread.add(question('r', 'And then?'));
  change();
  const { document } = globalThis as unknown as { document: EventTarget & { visibilityState: string } };
  document.visibilityState = 'hidden';
  document.dispatchEvent(new Event('visibilitychange'));
  document.visibilityState = 'visible';
  await later();
  assert.deepEqual(
    records.map(({ nodes }) => nodes?.map(({ id }) => id)),
    [['q'], ['q', 'r']],
  );
  keeper.end();
});
