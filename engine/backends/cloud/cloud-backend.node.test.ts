// The cloud backend against a real HTTP server that misbehaves on demand (server/cloud-endpoint.mjs).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { createCloudEndpoint } from '../../../server/cloud-endpoint.mjs';
import { EngineError } from '../../protocol/errors.js';
import type { ChatCompletionRequest } from '../../protocol/chat.js';
import type { BackendEvent } from '../backend.js';
import { createCloudBackend } from './cloud-backend.js';
import { parseCloudChunk } from './cloud-messages.js';
import { retryAfter } from './cloud-request.js';
import { readEvents } from './sse.js';

const { server, requests } = createCloudEndpoint();
let origin = '';
const pauses: number[] = [];

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  origin = `http://localhost:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const backend = (fault: string, key: string = crypto.randomUUID()) =>
  createCloudBackend({
    baseUrl: `${origin}${fault === '' ? '' : `/${fault}`}/v1/?key=${key}`,
    model: 'echo',
    environment: {
      pause: async (milliseconds) => {
        pauses.push(milliseconds);
      },
      random: () => 0.5,
      stallTimeout: fault === 'stall' ? 300 : 10_000,
    },
  });

const question = (content: string): ChatCompletionRequest => ({ messages: [{ role: 'user', content }] });

const streamOf = (pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });

interface Outcome {
  text: string;
  end: (BackendEvent & { type: 'end' }) | null;
  error: EngineError | null;
}

async function run(
  fault: string,
  completion = question('one two three'),
  { partialAnswer = '', signal = new AbortController().signal, onDelta = (): void => undefined } = {},
): Promise<Outcome> {
  const outcome: Outcome = { text: '', end: null, error: null };
  try {
    for await (const event of backend(fault).stream({ completion, partialAnswer, signal })) {
      if (event.type === 'delta') {
        outcome.text += event.text;
        onDelta();
      }
      if (event.type === 'end') outcome.end = event;
    }
  } catch (error) {
    assert.ok(error instanceof EngineError, String(error));
    outcome.error = error;
  }
  return outcome;
}

describe('cloud backend', () => {
  test('streams the answer, with usage and finish reason', async () => {
    const { text, end, error } = await run('');
    assert.equal(error, null);
    assert.equal(text, 'Echo: one two three');
    assert.deepEqual(end, { type: 'end', finishReason: 'stop', promptTokens: 1, completionTokens: 4 });
  });

  test('sends the least that serves, without cookies, referrer or local fields', async () => {
    await run('', { ...question('x'), model: 'local-one', top_k: 5, min_p: 0.1, logit_bias: { '5': 1 }, seed: 7 });
    const sent = requests.at(-1);
    assert.deepEqual(sent?.body, {
      model: 'echo',
      messages: [{ role: 'user', content: 'x' }],
      stream: true,
      stream_options: { include_usage: true },
      seed: 7,
    });
    for (const header of ['cookie', 'referer', 'origin', 'authorization'])
      assert.equal(sent?.headers[header], undefined);
  });

  test('hands the form of the answer on, a schema with a name; refuses one that no endpoint knows', async () => {
    await run('', { ...question('x'), response_format: { type: 'json_schema', json_schema: { schema: true } } });
    assert.deepEqual(requests.at(-1)?.body.response_format, {
      type: 'json_schema',
      json_schema: { schema: true, name: 'answer' },
    });
    const { error } = await run('', { ...question('x'), response_format: { type: 'regex', regex: { pattern: 'a' } } });
    assert.equal(error?.code, 'invalid-request');
  });

  test('continues a partial answer as a trailing assistant message', async () => {
    const { text } = await run('', question('one two three'), { partialAnswer: 'Echo: one ' });
    assert.equal(text, 'two three');
    assert.deepEqual(requests.at(-1)?.body.messages.at(-1), { role: 'assistant', content: 'Echo: one ' });
  });

  test('puts characters and events together that were cut anywhere', async () => {
    const { text, error } = await run('bytes', question('naïve 😀 مرحبا 漢字'));
    assert.equal(error, null);
    assert.equal(text, 'Echo: naïve 😀 مرحبا 漢字');
  });

  test('tries 429 and 5xx again before the first token', async () => {
    for (const fault of ['busy-once', 'trouble-once']) {
      pauses.length = 0;
      const before = requests.length;
      const { text, error } = await run(fault);
      assert.equal(error, null);
      assert.equal(text, 'Echo: one two three');
      assert.equal(requests.length - before, 2);
      assert.deepEqual(pauses, fault === 'busy-once' ? [0] : [750]);
    }
  });

  test('gives up after three attempts, at once when told to wait long, and never quotes the body', async () => {
    const trouble = await run('trouble');
    assert.equal(trouble.error?.code, 'cloud-failed');
    assert.match(trouble.error?.message ?? '', /503/);
    const before = requests.length;
    const busy = await run('busy');
    assert.equal(busy.error?.code, 'cloud-failed');
    assert.equal(requests.length - before, 1);
    const refused = await run('refuse');
    assert.match(refused.error?.message ?? '', /401/);
    for (const { error } of [trouble, busy, refused]) assert.doesNotMatch(JSON.stringify(error?.toShape()), /canary/);
  });

  test('refuses a web page, a redirect and a dropped connection with typed errors', async () => {
    const html = await run('html');
    assert.equal(html.error?.code, 'cloud-failed');
    assert.match(html.error?.message ?? '', /text\/html/);
    const before = requests.length;
    assert.equal((await run('redirect')).error?.code, 'network');
    assert.ok(requests.slice(before).every((request) => request.fault === 'redirect'));
    assert.equal((await run('drop')).error?.code, 'network');
  });

  test('keeps what came and says what happened when the answer breaks off', async () => {
    const codes = { cut: 'network', half: 'cloud-failed', early: 'cloud-failed', garbage: 'cloud-failed' } as const;
    for (const [fault, code] of Object.entries(codes)) {
      const before = requests.length;
      const { text, error } = await run(fault);
      assert.equal(error?.code, code, fault);
      assert.equal(text, 'Echo: one ', fault);
      assert.equal(requests.length - before, 1, `${fault} is not tried again`);
    }
    const { error } = await run('error');
    assert.equal(error?.code, 'cloud-failed');
    assert.doesNotMatch(JSON.stringify(error?.toShape()), /canary/);
  });

  test('refuses parts that no answer has, and quotes nothing of them', () => {
    const choice = (delta: object, logprobs?: object) => ({ choices: [{ delta, logprobs }] });
    const entry = { token: 'x', logprob: -1, bytes: null };
    const call = { index: 0, id: 'x'.repeat(1_001), function: { name: 'f', arguments: '' } };
    const bad = [
      { choices: 'canary' },
      choice({ content: ['canary'] }),
      choice({ tool_calls: [call] }),
      choice({ content: 'x' }, { content: [{ ...entry, top_logprobs: Array(21).fill(entry) }] }),
      choice({ content: 'x' }, { content: [{ ...entry, bytes: Array(1_001).fill(0) }] }),
    ];
    for (const chunk of bad) {
      assert.throws(
        () => parseCloudChunk(JSON.stringify(chunk)),
        (error) => error instanceof EngineError && error.code === 'cloud-failed' && !/canary/.test(error.message),
        JSON.stringify(chunk).slice(0, 100),
      );
    }
    assert.equal(parseCloudChunk(JSON.stringify(choice({ content: 'x' }, { content: [entry] }))).choices.length, 1);
  });

  test('says so when the cloud falls silent', async () => {
    const { text, error } = await run('stall');
    assert.equal(error?.code, 'network');
    assert.equal(text, 'Echo: one ');
  });

  test('refuses an event without an end', async () => {
    const { error } = await run('endless');
    assert.equal(error?.code, 'cloud-failed');
  });

  test('stops at once by the signal, with its reason', async () => {
    const controller = new AbortController();
    const began = performance.now();
    const { error } = await run('slow', question('w '.repeat(100)), {
      signal: controller.signal,
      onDelta: () => controller.abort(new EngineError('consent-required', 'switched off')),
    });
    assert.equal(error?.code, 'consent-required');
    assert.ok(performance.now() - began < 1_000);
  });

  test('property: a body cut anywhere gives the same events', async () => {
    const body = new TextEncoder().encode('data: {"a":"é😀"}\r\n\r\n: ping\n\ndata: x\ndata: y\n\ndata: [DONE]\n\n');
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: body.length - 1 })), async (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), body.length];
        const pieces = edges.slice(1).map((end, index) => body.slice(edges[index], end));
        const events: string[] = [];
        for await (const data of readEvents(streamOf(pieces), { stallTimeout: 1_000, longestEvent: 1_000 })) {
          events.push(data);
        }
        assert.deepEqual(events, ['{"a":"é😀"}', 'x\ny', '[DONE]']);
      }),
    );
  });

  test('reads Retry-After as seconds or as a date', () => {
    const now = () => Date.parse('2030-01-01T00:00:00Z');
    assert.equal(retryAfter('2', now), 2_000);
    assert.equal(retryAfter('Tue, 01 Jan 2030 00:00:05 GMT', now), 5_000);
    assert.equal(retryAfter('soon', now), null);
    assert.equal(retryAfter(null, now), null);
  });
});
