// An answer that breaks off goes on from its tokens: cut anywhere - in half a character, a stop string, a tool call - the
// two parts are together what the whole would have been, and so are its end, its tool calls and its usage.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteTokenizerFiles } from '../../test/support/byte-tokenizer.js';
import { ScriptedDecoder } from '../../test/support/scripted-decoder.js';
import type { ChatCompletionRequest } from '../protocol/chat.js';
import { createTokenizer } from '../tokenizer/create-tokenizer.js';
import { generate, type GenerateEvent } from './generate.js';
import { SequencePool } from './sequence-pool.js';

const tokenizer = createTokenizer(byteTokenizerFiles());
const assistant = tokenizer.encode('<|assistant|>')[0] ?? -1;
const end = tokenizer.encode('<|end|>')[0] ?? -1;
const call = '<tool_call>{"name": "weather", "arguments": {"city": "Paris"}}</tool_call>';
const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: {} } }];

interface Part {
  readonly partialAnswer: string;
  readonly partialIds: readonly number[];
}

function answers(text: string, more: Partial<ChatCompletionRequest>, contextLength = 4096) {
  const ids = tokenizer.encode(text);
  const decoder = new ScriptedDecoder({
    vocabularySize: 264,
    contextLength,
    next: (held) => ids[held.length - 1 - held.lastIndexOf(assistant)] ?? end,
  });
  return (part: Part): AsyncGenerator<GenerateEvent> =>
    generate({
      decoder,
      tokenizer,
      pool: new SequencePool(decoder),
      completion: { messages: [{ role: 'user', content: '?' }], ...more },
      ...part,
      signal: new AbortController().signal,
      random: () => 35,
    });
}

async function collect(events: AsyncIterable<GenerateEvent>, cut = Infinity) {
  let text = '';
  const ids: number[] = [];
  let last: (GenerateEvent & { type: 'end' }) | null = null;
  for await (const event of events) {
    if (event.type === 'delta') {
      text += event.text;
      ids.push(...event.ids);
      if (ids.length >= cut) break;
    } else if (event.type === 'end') {
      last = event;
    }
  }
  return { text, ids, last };
}

const whole: Part = { partialAnswer: '', partialIds: [] };

test('cut anywhere, the rest is the rest: characters, stop strings, tool calls, the end, the counts', async () => {
  const texts = fc.constantFrom(
    'Hello, wörld 🦙!',
    `Wait.\n${call}`,
    `a ${call} b ${call}`,
    'one STOP two',
    'no ST OP here, only STO',
    '<tool_call>{"name": </tool_call>',
  );
  await fc.assert(
    fc.asyncProperty(texts, fc.nat({ max: 130 }), fc.boolean(), fc.boolean(), async (text, cut, stops, calls) => {
      const more = { ...(stops ? { stop: 'STOP' } : {}), ...(calls ? { tools } : {}) };
      const run = answers(text, more);
      const full = await collect(run(whole));
      const first = await collect(run(whole), cut + 1);
      const rest = await collect(run({ partialAnswer: first.text, partialIds: first.ids }));
      if (first.last !== null) return; // it was over before it was cut
      assert.equal(first.text + rest.text, full.text);
      assert.deepEqual([...first.ids, ...rest.ids], full.ids);
      const completionTokens = first.ids.length + (rest.last?.completionTokens ?? NaN);
      assert.deepEqual({ ...rest.last, completionTokens }, full.last);
    }),
  );
});

test('an answer of which only the end was lost ends at once, as it had', async () => {
  const stopped = answers('one STOP two', { stop: 'STOP' });
  const first = await collect(stopped(whole), 8);
  const { text, last } = await collect(stopped({ partialAnswer: first.text, partialIds: first.ids }));
  assert.deepEqual([first.text, text, last?.finishReason, last?.completionTokens], ['one ', '', 'stop', 0]);

  const full = answers('Hello!', {}, 8);
  const begun = await collect(full(whole));
  assert.equal(begun.last?.finishReason, 'length');
  const rest = await collect(full({ partialAnswer: begun.text, partialIds: begun.ids }));
  assert.deepEqual([rest.text, rest.last?.finishReason], ['', 'length']);
});

test("ids that do not give the text (another model's, made up, out of range) are not used: the text is", async () => {
  const run = answers('Hello!', {});
  for (const partialIds of [[1, 2, 3], [999_999], tokenizer.encode('Hex')]) {
    const { text, last } = await collect(run({ partialAnswer: 'Hel', partialIds }));
    assert.deepEqual([text, last?.completionTokens], ['lo!', 3]);
  }
});
