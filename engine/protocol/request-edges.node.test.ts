// The edges of OpenAI's request: what we cannot serve is refused by name with what to do, what changes nothing is
// dropped, and what can be written in several ways comes out in one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseChatCompletionRequest, type ChatCompletionInput, type ChatCompletionRequest } from './chat.js';
import { EngineError } from './errors.js';
import { isTextCompletion, parseCompletionRequest } from './text-completion.js';

const messages = [{ role: 'user', content: 'x' }];
const tool = { type: 'function', function: { name: 'f' } };

function refused(request: unknown, words: RegExp): void {
  assert.throws(
    () => parseChatCompletionRequest(request),
    (error) => {
      assert.ok(error instanceof EngineError && error.code === 'invalid-request', String(error));
      assert.match(error.message, words);
      assert.ok(error.hint !== undefined && error.hint !== '');
      assert.doesNotMatch(error.message, /canary/);
      return true;
    },
  );
}

const unserved: Readonly<Record<string, readonly unknown[]>> = {
  n: [2, 0, '1', 'canary'],
  tool_choice: ['required', { type: 'function', function: { name: 'canary' } }, 'canary'],
  functions: [[{ name: 'canary' }], []],
  function_call: [{ name: 'canary' }],
  audio: [{ voice: 'canary', format: 'mp3' }],
  modalities: [['text', 'audio'], ['audio'], [], 'text'],
  store: [true],
  web_search_options: [{}],
};
for (const [field, values] of Object.entries(unserved)) {
  test(`${field} is refused by name where it would change the answer`, () => {
    for (const value of values) refused({ messages, [field]: value }, new RegExp(`^the request, ${field}: `));
  });
}

const harmless: Readonly<Record<string, readonly unknown[]>> = {
  n: [1, null, undefined],
  tool_choice: ['auto', 'none', null],
  function_call: ['auto', 'none'],
  audio: [null],
  modalities: [['text'], null],
  store: [false, null],
  user: ['someone'],
  metadata: [{ a: 'b' }],
  stream_options: [{ include_usage: true }, { include_usage: false }, null],
  parallel_tool_calls: [true, false],
  service_tier: ['auto', 'flex'],
};
for (const [field, values] of Object.entries(harmless)) {
  test(`${field} that changes nothing is accepted and left out`, () => {
    for (const value of values)
      assert.deepEqual(parseChatCompletionRequest({ messages, [field]: value }), { messages });
  });
}

test("tool_choice 'none' takes the tools out, 'auto' leaves them", () => {
  assert.deepEqual(parseChatCompletionRequest({ messages, tools: [tool], tool_choice: 'none' }), { messages });
  assert.deepEqual(parseChatCompletionRequest({ messages, tools: [tool], tool_choice: 'auto' }).tools, [tool]);
  refused({ messages, tools: ['canary'], tool_choice: 'none' }, /tools\.0/);
});

test('text parts become their text, in every role; other parts are refused by name', () => {
  const parts = [
    { type: 'text', text: 'a ' },
    { type: 'text', text: 'b' },
  ];
  for (const role of ['system', 'user', 'assistant', 'tool']) {
    const more = role === 'tool' ? { tool_call_id: 'c' } : {};
    const parsed = parseChatCompletionRequest({ messages: [{ role, content: parts, ...more }] });
    assert.deepEqual(parsed.messages, [{ role, content: 'a b', ...more }]);
  }
  const of = (...content: unknown[]): unknown => ({ messages: [{ role: 'user', content }] });
  assert.equal(parseChatCompletionRequest(of()).messages[0]?.content, '');
  for (const type of ['image_url', 'input_audio', 'file', 'refusal']) {
    refused(of(parts[0], { type, [type]: {} }), new RegExp(`messages\\.0\\.content\\.1\\.type: .*${type}`));
  }
  refused(of({ type: 'canary' }), /messages\.0\.content\.0\.type/);
  refused(of({ type: 'text' }), /messages\.0\.content\.0\.text/);
  refused(of('canary'), /messages\.0\.content\.0/);
  refused(of(...Array<unknown>(2).fill({ type: 'text', text: 'x'.repeat(3_000_000) })), /messages\.0\.content/);
  refused({ messages: [{ role: 'user', content: { type: 'text', text: 'canary' } }] }, /messages\.0\.content/);
});

test('the types let a caller write what is read, and keep what comes out simple', () => {
  const input: ChatCompletionInput = {
    messages: [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'x' }] },
    ],
    tool_choice: 'none',
    stream_options: { include_usage: true },
  };
  const output: ChatCompletionRequest = parseChatCompletionRequest(input);
  const contents: (string | null)[] = output.messages.map(({ content }) => content);
  assert.deepEqual(contents, ['Be brief.', 'x']);
  // What came out is a request that can be sent again.
  const again: ChatCompletionInput = output;
  assert.deepEqual(parseChatCompletionRequest(again), output);
});

test('a developer is a system, in what comes out too', () => {
  const parsed = parseChatCompletionRequest({ messages: [{ role: 'developer', content: 'Be brief.' }, ...messages] });
  assert.deepEqual(parsed.messages, [{ role: 'system', content: 'Be brief.' }, ...messages]);
});

test('property: what comes out passes again unchanged, as it must between a page and the host', () => {
  const content = fc.oneof(fc.string(), fc.array(fc.record({ type: fc.constant('text'), text: fc.string() })));
  const role = fc.constantFrom('system', 'developer', 'user', 'assistant');
  const fields = fc.record(
    {
      tools: fc.constantFrom([tool], []),
      tool_choice: fc.constantFrom('auto', 'none', null),
      n: fc.constantFrom(1, null),
      temperature: fc.constantFrom(0.5, null),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(fc.record({ role, content }), { minLength: 1 }), fields, (said, more) => {
      const once = parseChatCompletionRequest({ messages: said, ...more });
      assert.deepEqual(parseChatCompletionRequest(once), once);
      assert.ok(once.messages.every((message) => typeof message.content === 'string'));
      if (more.tool_choice === 'none') assert.equal('tools' in once, false);
    }),
  );
});

test('a text completion is told from a chat by its prompt, and takes the same fields about its answer', () => {
  const text = parseCompletionRequest({ prompt: 'Once', max_tokens: 5, temperature: 0, canary: 1 });
  assert.deepEqual(text, { prompt: 'Once', max_tokens: 5, temperature: 0 });
  assert.equal(isTextCompletion(text), true);
  assert.deepEqual(parseCompletionRequest(text), text);
  assert.equal(isTextCompletion(parseCompletionRequest({ messages, prompt: 'dropped' })), false);
  for (const wrong of [{ prompt: 5 }, { prompt: ['a'] }, { prompt: null }, { prompt: 'a', max_tokens: 0 }]) {
    assert.throws(
      () => parseCompletionRequest(wrong),
      (error: unknown) => error instanceof EngineError && error.code === 'invalid-request',
    );
  }
});
