// A conversation that the visitor deletes is not written again by what still runs of it. Without a browser: the document
// and the tab's memory are stand-ins.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Conversation as Kept } from '../../../engine/protocol/conversations.js';
import type { RareContext } from '../rare.js';
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

function page() {
  const written: string[] = [];
  const listeners = new Set<() => void>();
  const conversation = {
    id: 'one',
    busy: true,
    entries: [{ kind: 'user' }],
    record: (): Partial<Kept> => ({ id: conversation.id, nodes: [{ id: 'q' } as Kept['nodes'][number]] }),
  };
  const talk = {
    conversation,
    replacing: null as (() => void) | null,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const conversations = {
    write: async ({ id }: Kept) => void written.push(id),
    delete: async () => undefined,
  };
  const context = {
    host: { id: 'chat' },
    engine: { state: null, store: { connect: async () => ({ conversations }) } },
    talk,
    fail: (error: unknown) => assert.fail(String(error)),
  };
  return {
    written,
    talk,
    keeper: new Keeper(context as unknown as RareContext),
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
