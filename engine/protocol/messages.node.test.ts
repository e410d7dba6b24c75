// The schemas of everything that crosses a port: what is well formed passes unchanged, everything else is a typed
// `invalid-request` (or `internal`, on the page's side) and nothing but that.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseChatCompletionRequest, type ChatCompletionChunk } from './chat.js';
import { EngineError } from './errors.js';
import { parseHello, parseId, parseLoad, parseStreamControl, parseSwitch, protocolVersion } from './host-api.js';
import { parseBroadcast, parseReply, parseStreamMessage } from './page-messages.js';
import { allReplies } from './rare-replies.js';
import { noPreferences } from './preferences.js';
import { noMetrics, type EngineState } from './state.js';

const hello = {
  protocolVersion,
  tabId: '0c5d-tab',
  lifeLock: 'llm-elements/1/@https://site.example/#tab:0c5d-tab.1',
  settings: {
    catalogueUrl: 'https://site.example/models/models.json',
    defaultModel: 'default',
    device: 'auto' as const,
    cloudUrl: null,
    cloudModel: null,
  },
};

const state: EngineState = {
  sequence: 3,
  hostId: 'h',
  host: 'shared-worker',
  status: { kind: 'idle' },
  models: [],
  verdicts: [],
  preferences: noPreferences,
  changes: { storage: 0, conversations: 0, erased: 0 },
  generating: [],
  waiting: [],
  tabs: 1,
  cloud: { endpoint: null, allowed: false, active: false },
  recovering: null,
  loads: 0,
  metrics: noMetrics,
  notes: [],
};

const chunk: ChatCompletionChunk = {
  id: 'c',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta: { content: 'x' }, finish_reason: null }],
  llm: { backend: 'local', model: 'm' },
};

const refused = (code: string, parse: () => unknown): void => {
  assert.throws(parse, (error: unknown) => error instanceof EngineError && error.code === code);
};

describe('messages', () => {
  test('well-formed ones pass, without what the schema does not know', () => {
    assert.deepEqual(parseHello({ ...hello, more: 1 }), hello);
    assert.deepEqual(parseLoad({ model: 'm', loadId: 'a.1' }), { model: 'm', loadId: 'a.1' });
    assert.deepEqual(parseBroadcast({ type: 'state', state }), state);
    assert.deepEqual(parseStreamMessage({ type: 'chunk', sequence: 0, chunk }), { type: 'chunk', sequence: 0, chunk });
    assert.deepEqual(parseReply(allReplies.ping, { ok: true, value: { hostId: 'h' } }), {
      ok: true,
      value: { hostId: 'h' },
    });
  });

  test('a page of another protocol version is told to reload', () => {
    refused('invalid-request', () => parseHello({ ...hello, protocolVersion: protocolVersion + 1 }));
  });

  test('settings take web addresses only, and none with a user name', () => {
    for (const cloudUrl of ['javascript:alert(1)', 'file:///etc/passwd', 'https://key@cloud.example/v1', 'v1', '']) {
      refused('invalid-request', () => parseHello({ ...hello, settings: { ...hello.settings, cloudUrl } }));
    }
  });

  test('requests have limits, and the error names the field', () => {
    const message = { role: 'user', content: 'x' };
    const bad: [unknown, RegExp][] = [
      [{ messages: [] }, /messages/],
      [{ messages: [message], temperature: 3 }, /temperature/],
      [{ messages: [message], temperature: Number.NaN }, /temperature/],
      [{ messages: [message], max_tokens: 0 }, /max_tokens/],
      [{ messages: [{ role: 'root', content: 'x' }] }, /messages\.0/],
      [{ messages: [message], logit_bias: { x: 1 } }, /logit_bias/],
      [{ messages: [message], stop: Array(65).fill('x') }, /stop/],
      [{ messages: [{ role: 'user', content: 'x'.repeat(4_000_001) }] }, /messages\.0/],
      [{ messages: Array(5).fill({ role: 'user', content: 'x'.repeat(3_500_000) }) }, /together/],
    ];
    for (const [request, words] of bad) {
      refused('invalid-request', () => parseChatCompletionRequest(request));
      assert.throws(() => parseChatCompletionRequest(request), { message: words });
    }
  });

  test('a refusal names the field and the wanted type, and never quotes a text: it may be a question or a key', () => {
    const bad: [unknown, RegExp][] = [
      [{ messages: 'canary' }, /messages: .*Array/],
      [{ messages: [{ role: 'canary', content: 'x' }] }, /messages\.0\.role: .*"user"/],
      [{ messages: [{ role: 'user', content: 'x' }], temperature: 'canary "$&" canary' }, /temperature: .*number/],
      ['canary', /the request: .*Object/],
    ];
    for (const [request, words] of bad) {
      assert.throws(() => parseChatCompletionRequest(request), words);
      assert.throws(
        () => parseChatCompletionRequest(request),
        (error) => !/canary/.test(String(error)),
      );
    }
  });

  test('what OpenAI lets a caller write for "not set" is not set: null, and no content beside tool calls', () => {
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
    const messages = [
      { role: 'user', content: 'x' },
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: '1' },
    ];
    const unset = { temperature: null, top_p: null, stop: null, seed: null, max_tokens: null, logprobs: null };
    const parsed = parseChatCompletionRequest({ messages, ...unset, stream: true });
    assert.deepEqual(Object.keys(parsed).sort(), ['messages', 'stream']);
    assert.deepEqual(parsed.messages[1], { role: 'assistant', content: null, tool_calls: [call] });
    refused('invalid-request', () => parseChatCompletionRequest({ messages: null }));
  });

  test('a request cannot smuggle a prototype or unknown fields', () => {
    const request = JSON.parse('{"messages":[{"role":"user","content":"x"}],"__proto__":{"stream":true},"user":"me"}');
    const parsed = parseChatCompletionRequest(request);
    assert.deepEqual(Object.keys(parsed), ['messages']);
    assert.equal(parsed.stream, undefined);
  });

  test('property: anything at all is parsed or refused with the typed error', () => {
    const parsers: [string, (value: unknown) => unknown][] = [
      ['invalid-request', parseHello],
      ['invalid-request', parseLoad],
      ['invalid-request', parseStreamControl],
      ['invalid-request', parseChatCompletionRequest],
      ['invalid-request', (value) => parseId(value, 'id')],
      ['invalid-request', (value) => parseSwitch(value, 'switch')],
      ['internal', parseStreamMessage],
      ['internal', (value) => parseReply(allReplies.hello, value)],
    ];
    fc.assert(
      fc.property(fc.anything(), (value) => {
        assert.equal(parseBroadcast(value), null);
        for (const [code, parse] of parsers) {
          try {
            parse(value);
          } catch (error) {
            assert.ok(error instanceof EngineError && error.code === code, String(error));
          }
        }
      }),
    );
  });

  test('property: a good message with one field put wrong is refused', () => {
    const wrong = fc.constantFrom<unknown>(undefined, null, -1, {}, [], Symbol.iterator, () => 1, Number.NaN);
    const broken = <T extends object>(good: T) =>
      fc
        .record({ key: fc.constantFrom(...(Object.keys(good) as (keyof T)[])), value: wrong })
        .map(({ key, value }) => ({ ...good, [key]: value }) as unknown);
    fc.assert(fc.property(broken(hello), (value) => refused('invalid-request', () => parseHello(value))));
    // An empty list and no running answer are what an idle engine says.
    const same = (value: unknown): boolean => JSON.stringify(value) === JSON.stringify(state);
    fc.assert(
      fc.property(broken(state), (value) => {
        fc.pre(!same(value));
        assert.equal(parseBroadcast({ type: 'state', state: value }), null);
      }),
    );
  });

  test('property: a page takes no state, hello or part of an answer with one value put wrong, wherever it lies', () => {
    const listing = { id: 'm', name: 'M', description: '', url: 'https://site.example/m/', licence: 'MIT' };
    const figures = { byteLength: 1, contextLength: 2, quantisation: 'q4', parameters: 3, languages: ['en'] };
    const model = { id: 'm', name: 'M', backend: 'local', decoder: 'd', device: 'wasm', deviceName: 'W' } as const;
    const full: EngineState = {
      ...state,
      status: { kind: 'ready', model: { ...model, contextLength: 1, weightBytes: 2, loadMilliseconds: 3 } },
      models: [{ ...listing, ...figures }],
      verdicts: [{ modelId: 'm', tier: 'well', device: 'wasm', tokensPerSecond: 1 }],
      generating: [{ tabId: 't', requestId: 'r' }],
      waiting: ['t'],
      recovering: { cause: 'offline', message: 'm', attempt: 1, attemptsAllowed: 2, action: 'reloading' },
      notes: ['n'],
    };
    const bytes = [120];
    const entry = { token: 'x', logprob: -1, bytes, top_logprobs: [{ token: 'y', logprob: -2, bytes }] };
    const call = { index: 0, id: 'c', type: 'function' as const, function: { name: 'f', arguments: '{}' } };
    const whole: ChatCompletionChunk = {
      ...chunk,
      choices: [
        {
          index: 0,
          delta: { role: 'assistant', content: 'x', tool_calls: [call] },
          finish_reason: 'stop',
          logprobs: { content: [entry] },
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
      llm: { backend: 'local', model: 'm', tokenIds: [1] },
    };
    const { settings } = hello;
    const greeting = { state: full, settings: { ...settings, trustedKeys: ['k'], maxDownload: 1 }, sharesLocks: true };
    const reply = { ok: true, value: greeting };
    const part = { type: 'chunk' as const, sequence: 0, chunk: whole };
    assert.deepEqual(parseReply(allReplies.hello, reply), reply);
    assert.deepEqual(parseStreamMessage(part), part);
    assert.deepEqual(parseStreamMessage({ ...part, canary: 1, chunk: { ...whole, canary: 1 } }), part);

    // No value of a message may be any of these.
    const wrong = fc.constantFrom<unknown>(undefined, Symbol.iterator, () => 1, Number.NaN, 1n);
    const broken = (good: object): fc.Arbitrary<unknown> =>
      fc.record({ place: fc.nat(), value: wrong }).map(({ place, value }) => {
        const copy = structuredClone(good);
        const places: [object, string][] = [];
        const walk = (node: object): void => {
          for (const [key, inside] of Object.entries(node)) {
            places.push([node, key]);
            if (typeof inside === 'object' && inside !== null) walk(inside as object);
          }
        };
        walk(copy);
        const [node, key] = places[place % places.length] as [object, string];
        Object.assign(node, { [key]: value });
        return copy;
      });
    const runs = { numRuns: 500 };
    fc.assert(
      fc.property(broken(reply), (value) => refused('internal', () => parseReply(allReplies.hello, value))),
      runs,
    );
    fc.assert(
      fc.property(broken(part), (value) => refused('internal', () => parseStreamMessage(value))),
      runs,
    );
    fc.assert(
      fc.property(broken({ type: 'state', state: full }), (value) => assert.equal(parseBroadcast(value), null)),
      runs,
    );
  });

  test('a refusal on the page names the field and quotes nothing', () => {
    const canary = { type: 'chunk', sequence: 0, chunk: { ...chunk, choices: [{ index: 0, delta: { content: 1 } }] } };
    assert.throws(() => parseStreamMessage(canary), /the engine's stream\.chunk\.choices\.0\.delta\.content/);
    const error = { code: 'canary', message: 'canary', hint: '' };
    assert.throws(() => parseReply(allReplies.ping, { ok: false, error }), /the engine's reply\.error\.code is not/);
  });

  test('an error that quotes a hostile file or template is cut, so that pages still accept it and the state with it', () => {
    const long = 'x'.repeat(5_000_000);
    const shape = new EngineError('model-invalid', `The id of "${long}" is wrong.`, { hint: long }).toShape();
    assert.deepEqual(EngineError.from(EngineError.from(new Error(long)).toShape()).code, 'internal');
    assert.deepEqual(parseStreamMessage({ type: 'error', error: shape }), { type: 'error', error: shape });
    const failed: EngineState = { ...state, status: { kind: 'failed', error: shape }, notes: [shape.message] };
    assert.deepEqual(parseBroadcast({ type: 'state', state: failed }), failed);
    assert.match(shape.message, /^The id of "x+…$/);
    assert.equal(new EngineError('busy', 'Short stays.').message, 'Short stays.');
  });
});
