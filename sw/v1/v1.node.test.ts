// The endpoint's parts without a browser: who is let in, what bodies are taken, how answers and errors are written, when
// silence is broken. The whole of it, with the real client and the real model: test/e2e/v1.e2e.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ChatCompletion, ChatCompletionChunk } from '../../engine/protocol/chat.js';
import { EngineError, engineErrorCodes } from '../../engine/protocol/errors.js';
import { eventResponse, wholeResponse } from './answers.js';
import { readJson } from './body.js';
import { chatChunks, chatCompletion } from './chat-shapes.js';
import { errorBody, errorResponse, HttpRefusal } from './errors.js';
import { checkSender, routeOf, type Sender } from './gate.js';
import { textRequest, TextShaper } from './text-shapes.js';

const refused = (status: number, code: string) => (error: unknown) =>
  error instanceof HttpRefusal && error.status === status && error.code === code;

describe('gate', () => {
  const origin = 'https://site.example';
  const good: Sender = { mode: 'cors', clientId: 'a', clientUrl: `${origin}/page`, headers: new Headers() };
  const check = (change: Partial<Sender>) => () => checkSender({ ...good, ...change }, origin);

  test('lets in what the site’s own scripts fetch, and nobody else', () => {
    check({})();
    check({ mode: 'same-origin' })();
    check({ headers: new Headers({ 'Sec-Fetch-Site': 'same-origin' }) })();
    for (const change of [
      { mode: 'navigate' },
      { mode: 'no-cors' },
      { mode: 'websocket' },
      { clientId: '' },
      { clientUrl: null },
      { clientUrl: 'about:srcdoc' },
      { clientUrl: 'https://site.example.evil.example/' },
      { clientUrl: 'https://other.example/' },
      { headers: new Headers({ Origin: 'https://other.example' }) },
      { headers: new Headers({ Origin: 'null' }) },
      { headers: new Headers({ 'Sec-Fetch-Site': 'cross-site' }) },
      { headers: new Headers({ 'Sec-Fetch-Site': 'none' }) },
    ]) {
      assert.throws(check(change), refused(403, 'not_allowed'), JSON.stringify(change));
    }
  });

  test('knows its paths and what each takes', () => {
    assert.deepEqual(routeOf('POST', 'chat/completions'), { kind: 'chat' });
    assert.deepEqual(routeOf('POST', 'completions'), { kind: 'text' });
    assert.deepEqual(routeOf('HEAD', 'models'), { kind: 'models' });
    assert.deepEqual(routeOf('GET', 'models/a%2Fb%20c'), { kind: 'model', id: 'a/b c' });
    assert.deepEqual(routeOf('GET', 'models/%zz'), { kind: 'model', id: '%zz' });
    assert.deepEqual(routeOf('OPTIONS', 'embeddings'), { kind: 'options', allow: 'POST, OPTIONS' });
    for (const path of ['', 'model', 'models/', 'models/a/b', 'chat', 'chat/completions/', 'CHAT/completions']) {
      assert.throws(() => routeOf('POST', path), refused(404, 'unknown_url'), path);
    }
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'post']) {
      assert.throws(() => routeOf(method, 'chat/completions'), refused(405, 'method_not_allowed'), method);
    }
  });

  test('property: whatever the path, it is a route or a refusal', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('GET', 'POST', 'OPTIONS', 'X'), (path, method) => {
        try {
          assert.ok(routeOf(method, path).kind);
        } catch (error) {
          assert.ok(error instanceof HttpRefusal);
        }
      }),
    );
  });
});

describe('body', () => {
  const of = (body: BodyInit | null, type = 'application/json') =>
    readJson(new Response(body, { headers: type === '' ? {} : { 'Content-Type': type } }), 1_000);

  test('is a JSON object of a bounded length', async () => {
    assert.deepEqual(await of('{"a": "ä"}', 'Application/JSON; charset=utf-8'), { a: 'ä' });
    for (const type of ['text/plain', 'application/jsonp', 'text/json', 'multipart/form-data']) {
      await assert.rejects(of('{}', type), refused(415, 'unsupported_media_type'), type);
    }
    for (const text of ['', '{', '[]', 'null', '5', '"x"', '{"a": undefined}', '<html>']) {
      await assert.rejects(of(text), refused(400, 'invalid_json'), text);
    }
    await assert.rejects(of(null), refused(400, 'invalid_json'));
    await assert.rejects(of(new Uint8Array([123, 255, 125])), refused(400, 'invalid_json'));
    await assert.rejects(of(`{"a":"${'x'.repeat(2_000)}"}`), refused(413, 'body_too_long'));
    assert.deepEqual(await of(`{"a":"${'x'.repeat(990)}"}`), { a: 'x'.repeat(990) });
  });

  test('a body without an end is left when it is too long, and none of its text stands in an error', async () => {
    let parts = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        parts += 1;
        controller.enqueue(new TextEncoder().encode('canary'.repeat(20)));
      },
    });
    await assert.rejects(of(endless), refused(413, 'body_too_long'));
    assert.ok(parts < 20, `${parts} parts were read`);
    await assert.rejects(of('{"canary": canary}'), (error: Error) => !error.message.includes('canary'));
  });

  test('a character that falls between two parts is whole', async () => {
    const bytes = new TextEncoder().encode('{"a":"🦙ä"}');
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length), async (cut) => {
        const parts = [bytes.slice(0, cut), bytes.slice(cut)];
        const stream = new ReadableStream<Uint8Array>({
          start(controller) {
            for (const part of parts) controller.enqueue(part);
            controller.close();
          },
        });
        assert.deepEqual(await of(stream), { a: '🦙ä' });
      }),
    );
  });
});

test('errors: every code of ours has a status, a type and a name; a busy engine may be asked again', async () => {
  for (const code of engineErrorCodes) {
    const response = errorResponse(new EngineError(code, 'What.', { hint: 'Do.' }));
    const { error } = (await response.json()) as ReturnType<typeof errorBody>;
    assert.ok(response.status >= 400 && response.status < 600, code);
    assert.equal(error.message, 'What. Do.');
    assert.match(error.code, /^[a-z_]+$/);
    assert.ok(['true', 'false'].includes(response.headers.get('x-should-retry') ?? ''));
  }
  const busy = errorResponse(new EngineError('busy', 'x'));
  assert.deepEqual([busy.status, busy.headers.get('Retry-After')], [429, '1']);
  assert.equal(
    errorBody(new EngineError('invalid-request', 'the request, tools.3.type: x')).error.param,
    'tools.3.type',
  );
  assert.equal(errorBody(new EngineError('network', 'the request, tools: x')).error.param, null);
  const unknown = errorResponse(new RangeError('Maximum call stack size exceeded'));
  assert.equal(unknown.status, 500);
});

const facts = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 5,
  model: 'm',
  llm: { backend: 'local', model: 'm' },
} as const;
const chunk = (
  delta: ChatCompletionChunk['choices'][0]['delta'],
  finish_reason: ChatCompletionChunk['choices'][0]['finish_reason'] = null,
  more: Partial<ChatCompletionChunk> = {},
): ChatCompletionChunk => ({ ...facts, choices: [{ index: 0, delta, finish_reason }], ...more });
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } } as const;

describe('shapes', () => {
  const choice = (delta: unknown, finish_reason: unknown) => ({ index: 0, delta, logprobs: null, finish_reason });

  test('chat chunks: the finish alone, usage in one more and only when asked', () => {
    const plain = chatChunks(false);
    assert.deepEqual(plain(chunk({ content: 'a' })), [{ ...facts, choices: [choice({ content: 'a' }, null)] }]);
    assert.deepEqual(plain(chunk({}, 'stop', { usage })), [{ ...facts, choices: [choice({}, 'stop')] }]);
    const calls = { tool_calls: [{ ...call, index: 0 }] };
    assert.deepEqual(plain(chunk(calls, 'tool_calls', { usage })), [
      { ...facts, choices: [choice(calls, null)] },
      { ...facts, choices: [choice({}, 'tool_calls')] },
    ]);
    assert.deepEqual(chatChunks(true)(chunk({}, 'length', { usage })), [
      { ...facts, choices: [choice({}, 'length')], usage: null },
      { ...facts, choices: [], usage },
    ]);
  });

  test('a whole answer: content is null beside a call, refusal and logprobs are there', () => {
    const completion: ChatCompletion = {
      ...facts,
      object: 'chat.completion',
      choices: [
        { index: 0, message: { role: 'assistant', content: '', tool_calls: [call] }, finish_reason: 'tool_calls' },
      ],
      usage,
    };
    assert.deepEqual(chatCompletion(completion), {
      ...completion,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: null, refusal: null, tool_calls: [call] },
          logprobs: null,
          finish_reason: 'tool_calls',
        },
      ],
    });
  });

  test('text: the request as ours, refused by name where we cannot', () => {
    assert.deepEqual(textRequest({ prompt: 'x', model: 'm', best_of: 1, echo: false, suffix: null, user: 'u' }), {
      prompt: 'x',
      model: 'm',
      max_tokens: 16,
    });
    const wanted = textRequest({ prompt: ['x'], max_tokens: 5, logprobs: 3, stop: ['a'], stream: true });
    assert.deepEqual(wanted, {
      prompt: 'x',
      max_tokens: 5,
      logprobs: true,
      top_logprobs: 3,
      stop: ['a'],
      stream: true,
    });
    for (const [field, value] of Object.entries({
      prompt: [1, 2],
      n: 2,
      best_of: 3,
      suffix: 'x',
      echo: true,
      logprobs: 6,
      max_tokens: 0,
      stream: 'yes',
      temperature: 3,
    })) {
      assert.throws(
        () => textRequest({ prompt: 'x', [field]: value }),
        (error) => error instanceof EngineError && errorBody(error).error.param === field,
        field,
      );
    }
    for (const prompt of [['a', 'b'], [], [['a']], {}, 5, undefined]) {
      assert.throws(() => textRequest({ prompt }), EngineError);
    }
  });

  test('text: chunks and the whole, with logprobs and where each token begins', () => {
    const entry = (token: string) => {
      const one = { token, logprob: -1, bytes: [1] };
      return { ...one, top_logprobs: [one, { ...one, token: 'other', logprob: -2 }] };
    };
    const told = (token: string): ChatCompletionChunk => ({
      ...facts,
      choices: [{ index: 0, delta: { content: token }, finish_reason: null, logprobs: { content: [entry(token)] } }],
    });
    const shaper = new TextShaper(true);
    assert.deepEqual(shaper.chunk(chunk({ role: 'assistant', content: '' })), [], 'the role is nothing of theirs');
    const [first] = shaper.chunk(told('ab')) as { choices: { text: string; logprobs: { text_offset: number[] } }[] }[];
    assert.equal(first?.choices[0]?.text, 'ab');
    const [second] = shaper.chunk(told('c')) as { choices: { logprobs: { text_offset: number[] } }[] }[];
    assert.deepEqual(second?.choices[0]?.logprobs.text_offset, [2]);
    assert.throws(() => shaper.whole(), EngineError, 'it has not ended');
    assert.equal(shaper.chunk(chunk({}, 'stop', { usage })).length, 2);
    assert.deepEqual(shaper.whole(), {
      ...facts,
      id: 'cmpl-1',
      object: 'text_completion',
      choices: [
        {
          index: 0,
          text: 'abc',
          logprobs: {
            tokens: ['ab', 'c'],
            token_logprobs: [-1, -1],
            top_logprobs: [
              { ab: -1, other: -2 },
              { c: -1, other: -2 },
            ],
            text_offset: [0, 2],
          },
          finish_reason: 'stop',
        },
      ],
      usage,
    });
  });
});

describe('answers', () => {
  const timing = { patience: 20, keepAlive: 20 };
  const slow = { ...timing, grace: 20 };
  const never = new Promise<void>(() => undefined);
  const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

  /** Yields these, with a pause of so many milliseconds for a number; throws an error. */
  async function* script(...steps: (string | number | Error)[]): AsyncGenerator<string> {
    for (const step of steps) {
      if (typeof step === 'number') await pause(step);
      else if (step instanceof Error) throw step;
      else yield step;
    }
  }
  const shape = (text: string): readonly unknown[] => text.split('').map((letter) => ({ letter }));
  const count = () => {
    const ended = { times: 0 };
    return [ended, () => void (ended.times += 1)] as const;
  };

  test('events as OpenAI sends them, and [DONE]', async () => {
    const [ended, end] = count();
    const response = await eventResponse(script('ab', '', 'c'), shape, end, timing);
    assert.equal(response.headers.get('Content-Type'), 'text/event-stream; charset=utf-8');
    const text = await response.text();
    assert.equal(text, 'data: {"letter":"a"}\n\ndata: {"letter":"b"}\n\ndata: {"letter":"c"}\n\ndata: [DONE]\n\n');
    assert.equal(ended.times, 1);
  });

  test('silence is broken by comments; an error after the beginning is an event, and nothing is done', async () => {
    const [ended, end] = count();
    const broken = new EngineError('device-lost', 'Gone.');
    const response = await eventResponse(script(400, 'a', 100, broken), shape, end, timing);
    const text = await response.text();
    const [before = '', after = ''] = text.split('data: {"letter":"a"}\n\n');
    assert.match(before, /^(: still here\n\n)+$/);
    assert.match(after, /^(: still here\n\n)+data: \{"error":\{"message":"Gone\.".*"code":"device_lost"\}\}\n\n$/);
    assert.equal(ended.times, 1);
  });

  test('an error before anything was sent is thrown, for a status of its own', async () => {
    const [, end] = count();
    const refusal = new EngineError('model-not-found', 'No.');
    await assert.rejects(eventResponse(script(refusal), shape, end, timing), refusal);
    await assert.rejects(wholeResponse({ work: Promise.reject(refusal), begun: never }, end, end, slow), refusal);
  });

  test('a reader that leaves stops the source, and is told of nothing more', async () => {
    let left = false;
    async function* endless(): AsyncGenerator<string> {
      try {
        for (;;) {
          await pause(5);
          yield 'a';
        }
      } finally {
        left = true;
      }
    }
    const [ended, end] = count();
    const response = await eventResponse(endless(), shape, end, timing);
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await pause(30);
    assert.deepEqual([left, ended.times], [true, 1]);
  });

  test('one JSON: at once where it can, after white space where it takes long, broken off where it fails then', async () => {
    const [ended, end] = count();
    const soon = await wholeResponse({ work: Promise.resolve({ a: 1 }), begun: never }, end, end, slow);
    assert.equal(await soon.text(), '{"a":1}');
    const late = await wholeResponse(
      { work: pause(90).then(() => ({ a: 2 })), begun: never },
      () => undefined,
      end,
      slow,
    );
    const text = await late.text();
    assert.match(text, /^ +\{"a":2\}$/);
    assert.deepEqual(JSON.parse(text), { a: 2 });
    const failing = pause(60).then(() => {
      throw new EngineError('device-lost', 'Gone.');
    });
    const broken = await wholeResponse({ work: failing, begun: never }, () => undefined, end, slow);
    await assert.rejects(broken.text());
    assert.ok(ended.times >= 3);
  });

  test('a reader that leaves a slow JSON stops the work', async () => {
    let stopped = 0;
    const response = await wholeResponse(
      { work: pause(500), begun: never },
      () => void (stopped += 1),
      () => undefined,
      slow,
    );
    await response.body?.cancel();
    assert.equal(stopped, 1);
  });

  test('one JSON begins a moment after its first word, with white space, so that a reader can be seen to leave', async () => {
    let stopped = 0;
    const response = await wholeResponse(
      { work: pause(300), begun: Promise.resolve() },
      () => void (stopped += 1),
      () => undefined,
      { patience: 10_000, grace: 5, keepAlive: 10_000 },
    );
    const reader = response.body?.getReader();
    assert.deepEqual((await reader?.read())?.value, new TextEncoder().encode(' '));
    await reader?.cancel();
    assert.equal(stopped, 1);
  });
});
