import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EngineError } from '../protocol/errors.js';
import { parseStreamMessage } from '../protocol/page-messages.js';
import type { StreamMessage } from '../protocol/host-api.js';
import { AnswerStream } from './answer-stream.js';
import { ChunkWriter } from './chunks.js';

const from = { backend: 'local', model: 'm' } as const;

function open() {
  const { port1, port2 } = new MessageChannel();
  const messages: StreamMessage[] = [];
  const stops: EngineError[] = [];
  const ended = new Promise<void>((resolve) => {
    port2.onmessage = ({ data }: MessageEvent): void => {
      const message = parseStreamMessage(data);
      messages.push(message);
      if (message.type === 'done' || message.type === 'error') resolve();
    };
  });
  let tellStop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    tellStop = resolve;
  });
  const stream = new AnswerStream(port1, (reason) => {
    stops.push(reason);
    tellStop();
  });
  return { stream, page: port2, messages, stops, ended, stopped };
}
describe('AnswerStream', () => {
  test('tells places once each, numbers the chunks, and says nothing after the end', async () => {
    const { stream, messages, page, ended } = open();
    const writer = new ChunkWriter('id', 1);
    stream.queued(2);
    stream.queued(2);
    stream.queued(1);
    stream.started();
    stream.chunk(writer.begin(from));
    stream.chunk(writer.text(from, 'x', undefined));
    stream.chunk(writer.end(from, 'stop', { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }));
    stream.done();
    stream.fail(new EngineError('internal', 'too late'));
    await ended;
    const told = messages.map((message) =>
      message.type === 'queued' ? message.place : message.type === 'chunk' ? `#${message.sequence}` : message.type,
    );
    assert.deepEqual(told, [2, 1, 'started', '#0', '#1', '#2', 'done']);
    page.close();
  });

  test('an abort stops the answer', async () => {
    const { page, stops, stopped } = open();
    page.postMessage({ type: 'abort' });
    await stopped;
    assert.equal(stops[0]?.code, 'aborted');
    page.close();
  });

  test('anything else than an abort stops it too, as a bad message', async () => {
    for (const bad of [null, 'abort', { type: 'pause' }, { type: 5 }, []]) {
      const { page, stops, stopped } = open();
      page.postMessage(bad);
      await stopped;
      assert.equal(stops[0]?.code, 'invalid-request');
      page.close();
    }
  });

  test('a page that closes its end stops the answer', async () => {
    const { page, stops, stopped } = open();
    page.close();
    await stopped;
    assert.equal(stops[0]?.code, 'aborted');
  });
});
