// EngineHost at its edges, with ports of Node and locks that the test grants: a tab that leaves while it says hello, and
// a model whose words are too long to be told. What tabs see of the rest: engine/client/engine.test.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostPage, startHost } from '../../test/support/host-page.js';
import { EngineError } from '../protocol/errors.js';
import type { Backend } from '../backends/backend.js';
import { parseReply } from '../protocol/page-messages.js';
import { allReplies } from '../protocol/rare-replies.js';

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

describe('EngineHost', () => {
  test('a tab that leaves before its hello is answered holds no settings and counts for nothing', async () => {
    const { host, grant } = startHost();
    const leaving = new HostPage(host);
    void leaving.hello('a', 'two');
    await pause();
    leaving.port.close();
    await pause();
    grant();
    await pause();
    const staying = new HostPage(host);
    const reply = await staying.hello('b', 'one');
    assert.ok(reply.ok);
    assert.equal(reply.value.settings.defaultModel, 'one');
    assert.equal(reply.value.state.tabs, 1);
    staying.port.close();
    await host.close();
  });

  test('a model that fails with a text without end fails for its tab, and the next tab still connects', async () => {
    const long = new EngineError('model-invalid', 'x'.repeat(1_000_000));
    const { host, grant } = startHost({ openModel: () => Promise.reject(long) });
    grant();
    const first = new HostPage(host);
    assert.ok((await first.hello('a')).ok);
    const loaded = parseReply(allReplies.load, await first.call('load', { model: 'one', loadId: 'l' }));
    assert.equal(loaded.ok ? '' : loaded.error.code, 'model-invalid');
    const second = new HostPage(host);
    const reply = await second.hello('b');
    assert.equal(reply.ok && reply.value.state.status.kind, 'failed');
    for (const page of [first, second]) page.port.close();
    await host.close();
  });

  test('a tab that pins keys is not answered by the unsigned model that another tab loaded, and says why', async () => {
    const opened: (readonly string[])[] = [];
    const backend: Backend = {
      info: { kind: 'local', modelId: 'one', modelName: 'one', leavesDevice: false },
      async *stream() {
        yield { type: 'end', finishReason: 'stop', promptTokens: 1, completionTokens: 0 };
      },
      dispose: async () => undefined,
    };
    const decoder = {
      kind: 'onnx',
      device: 'wasm',
      deviceName: '',
      contextLength: 8,
      vocabularySize: 8,
      weightBytes: 8,
    } as const;
    const { host, grant } = startHost({
      openModel: async (_url, { trustedKeys }) => {
        opened.push(trustedKeys);
        if (trustedKeys.length > 0) throw new EngineError('model-invalid', 'It is not signed.');
        return { name: 'one', close: () => undefined, start: async () => ({ backend, decoder, kvBytes: () => 0 }) };
      },
    });
    grant();
    const [free, strict] = [new HostPage(host), new HostPage(host)];
    await free.hello('a');
    await strict.hello('b', 'one', { trustedKeys: ['a'.repeat(64)] });
    const load = async (page: HostPage) =>
      parseReply(allReplies.load, await page.call('load', { model: 'one', loadId: 'l' }));
    const ask = async (page: HostPage): Promise<string> => {
      const { port1, port2 } = new MessageChannel();
      const told: string[] = [];
      const ended = new Promise<void>((resolve) => {
        port1.onmessage = ({ data }: MessageEvent<{ type: string; error?: { code: string } }>) => {
          told.push(data.error?.code ?? data.type);
          if (data.type === 'done' || data.error !== undefined) resolve();
        };
      });
      const reply = (await page.call('complete', { messages: [{ role: 'user', content: 'Hi' }] }, port2)) as {
        ok: boolean;
      };
      assert.ok(reply.ok);
      await ended;
      port1.close();
      return told.at(-1) ?? '';
    };
    assert.ok((await load(free)).ok);
    assert.equal(await ask(free), 'done');
    const refused = await load(strict);
    assert.equal(refused.ok ? '' : refused.error.code, 'model-invalid');
    assert.equal(await ask(strict), 'model-invalid');
    assert.equal(await ask(free), 'done', 'the other tab is none the worse for it');
    assert.deepEqual(opened, [[]]);
    for (const page of [free, strict]) page.port.close();
    await host.close();
  });
});
