// Answers held to a form, through the whole of generate(): a model that would rather chat is kept to the form, ends when
// the form is whole, and goes on with it across a seam.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteTokenizerFiles } from '../../test/support/byte-tokenizer.js';
import { ScriptedDecoder } from '../../test/support/scripted-decoder.js';
import type { Tool } from '../protocol/chat.js';
import type { ResponseFormat } from '../protocol/response-format.js';
import { createTokenizer } from '../tokenizer/create-tokenizer.js';
import { hasBit } from './constraint/bits.js';
import { generate } from './generate.js';
import { SequencePool } from './sequence-pool.js';

const tokenizer = createTokenizer(byteTokenizerFiles());
const schema: ResponseFormat = {
  type: 'json_schema',
  json_schema: {
    schema: {
      type: 'object',
      properties: { city: { type: 'string', maxLength: 8 }, warm: { type: 'boolean' } },
      required: ['city', 'warm'],
    },
  },
};

/** Would say these letters in turn for ever; takes the first one that it may. */
function chatty(wish: string) {
  const bytes = [...new TextEncoder().encode(wish)];
  let turn = 0;
  return new ScriptedDecoder({
    vocabularySize: tokenizer.vocabularySize,
    next: (_held, { choose }) => {
      const allowed = choose?.allowed;
      const may = (id: number): boolean => allowed === undefined || hasBit(allowed, id);
      for (let i = 0; i < bytes.length; i++) {
        const id = bytes[(turn + i) % bytes.length] ?? 0;
        if (!may(id)) continue;
        turn = (turn + i + 1) % bytes.length;
        return id;
      }
      return Array.from({ length: tokenizer.vocabularySize }, (_, id) => id).find(may) ?? 0;
    },
  });
}

async function ask(format: ResponseFormat, wish: string, begun = '', maximum = 200, tools?: Tool[]) {
  const decoder = chatty(wish);
  let text = '';
  let ids: number[] = [];
  let reason = '';
  for await (const event of generate({
    decoder,
    tokenizer,
    pool: new SequencePool(decoder),
    completion: { messages: [{ role: 'user', content: '?' }], response_format: format, max_tokens: maximum, tools },
    partialAnswer: begun,
    partialIds: tokenizer.encode(begun, { addSpecial: false }),
    signal: new AbortController().signal,
  })) {
    if (event.type === 'delta') {
      text += event.text;
      ids = [...ids, ...event.ids];
    }
    if (event.type === 'end') reason = event.finishReason;
  }
  return { text, ids, reason };
}

test('a chatty model is held to the schema and ends with it', async () => {
  const { text, reason } = await ask(schema, 'Sure! true is it, of course "');
  const value = JSON.parse(text) as { city: string; warm: boolean };
  assert.deepEqual(Object.keys(value), ['city', 'warm']);
  assert.ok([...value.city].length <= 8);
  assert.equal(reason, 'stop');
});

test('a pattern is held; max_tokens leaves the beginning of a text that has it', async () => {
  const pattern = (text: string): ResponseFormat => ({ type: 'regex', regex: { pattern: text, whole: true } });
  assert.deepEqual(await ask(pattern('(?:yes|no)\\.'), 'well, I would not say so.'), {
    text: 'no.',
    ids: [110, 111, 46],
    reason: 'stop',
  });
  const cut = await ask(pattern('\\d{50}'), '1234567890', '', 7);
  assert.deepEqual([cut.text, cut.reason], ['1234567', 'length']);
});

test('an answer that broke off goes on in its form', async () => {
  const begun = '{"city":"Rome","wa';
  const { text } = await ask(schema, 'I think so, true', begun);
  assert.deepEqual(JSON.parse(begun + text), { city: 'Rome', warm: true });
});

test('what looks like a tool call within a form stays in its text', async () => {
  const pattern = '<tool_call>\\{"name": "a", "arguments": \\{\\}\\}</tool_call>!';
  const format: ResponseFormat = { type: 'regex', regex: { pattern, whole: true } };
  const tools = [{ type: 'function' as const, function: { name: 'a', parameters: {} } }];
  const { text, reason } = await ask(format, 'x', '', 200, tools);
  assert.equal(text, '<tool_call>{"name": "a", "arguments": {}}</tool_call>!');
  assert.equal(reason, 'stop');
});

test('a form that cannot be followed fails before anything is computed', async () => {
  await assert.rejects(ask({ type: 'regex', regex: { pattern: '(a)\\1' } }, 'a'), { code: 'invalid-request' });
});
