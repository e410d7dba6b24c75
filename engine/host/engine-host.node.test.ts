// EngineHost at its edges, with ports of Node and locks that the test grants: a tab that leaves while it says hello, and
// a model whose words are too long to be told. What tabs see of the rest: engine/client/engine.test.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostPage, startHost } from '../../test/support/host-page.js';
import { EngineError } from '../protocol/errors.js';
import { parseReply, replySchemas } from '../protocol/page-messages.js';

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
    const loaded = parseReply(replySchemas.load, await first.call('load', { model: 'one', loadId: 'l' }));
    assert.equal(loaded.ok ? '' : loaded.error.code, 'model-invalid');
    const second = new HostPage(host);
    const reply = await second.hello('b');
    assert.equal(reply.ok && reply.value.state.status.kind, 'failed');
    for (const page of [first, second]) page.port.close();
    await host.close();
  });
});
