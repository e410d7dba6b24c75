// Several answers at once over one decoder whose memory is small: who finds no room waits for it, and nobody else notices.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteTokenizerFiles } from '../../../test/support/byte-tokenizer.js';
import { ScriptedDecoder } from '../../../test/support/scripted-decoder.js';
import { EngineError } from '../../protocol/errors.js';
import { createTokenizer } from '../../tokenizer/create-tokenizer.js';
import type { Backend, BackendEvent } from '../backend.js';
import { createLocalBackend } from './local-backend.js';

const tokenizer = createTokenizer(byteTokenizerFiles());
const assistant = tokenizer.encode('<|assistant|>')[0] ?? -1;
const end = tokenizer.encode('<|end|>')[0] ?? -1;
const said = tokenizer.encode('Hello!');

/** @param room sequences that hold anything, at most */
function open(room: number): { backend: Backend; decoder: ScriptedDecoder } {
  const decoder: ScriptedDecoder = new ScriptedDecoder({
    vocabularySize: 264,
    next: (held) => said[held.length - 1 - held.lastIndexOf(assistant)] ?? end,
    before: (_call, { tokens }) => {
      const others = [...decoder.open].filter(({ length }) => length > 0).length;
      if (tokens.length > 1 && others >= room) throw new EngineError('out-of-memory', 'No room for pages.');
    },
  });
  return { decoder, backend: createLocalBackend({ identity: { id: 'm', name: 'M' }, decoder, tokenizer }) };
}

const begin = (backend: Backend, content: string, signal = new AbortController().signal) =>
  backend
    .stream({ completion: { messages: [{ role: 'user', content }] }, partialAnswer: '', signal })
    [Symbol.asyncIterator]();

async function rest(events: AsyncIterator<BackendEvent>): Promise<string> {
  let text = '';
  for (let next = await events.next(); next.done !== true; next = await events.next()) {
    if (next.value.type === 'delta') text += next.value.text;
  }
  return text;
}

const turns = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

test('who finds no memory waits until another answer is over, and what is kept makes room first', async () => {
  const { backend, decoder } = open(1);
  const first = begin(backend, 'one');
  await first.next();
  let over = 0;
  const waiting = ['two', 'three'].map((content) => rest(begin(backend, content)).finally(() => (over += 1)));
  await turns();
  assert.equal(over, 0, 'they wait');
  assert.equal(await rest(first), 'Hello!');
  assert.deepEqual(await Promise.all(waiting), ['Hello!', 'Hello!']);
  await backend.dispose();
  assert.equal(decoder.open.size, 0);
});

test('who waits for memory can be stopped, and with it alone nothing is left to wait for', async () => {
  const { backend } = open(1);
  const first = begin(backend, 'one');
  await first.next();
  const stop = new AbortController();
  const waiting = rest(begin(backend, 'two', stop.signal));
  await turns();
  stop.abort();
  await assert.rejects(waiting, { code: 'aborted' });
  assert.equal(await rest(first), 'Hello!');
  const { backend: none } = open(0);
  await assert.rejects(rest(begin(none, 'three')), { code: 'out-of-memory' });
});
