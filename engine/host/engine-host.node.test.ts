// EngineHost at its edges, with ports of Node and locks that the test grants: a tab that leaves while it says hello, and
// a model whose words are too long to be told. What tabs see of the rest: engine/client/engine.test.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EngineError } from '../protocol/errors.js';
import { protocolVersion, type EngineSettings, type HelloReply, type Reply } from '../protocol/host-api.js';
import { parseReply, replySchemas } from '../protocol/page-messages.js';
import { tabLockName } from '../protocol/scope.js';
import { Helpers } from './helpers.js';
import { EngineHost, type EngineParts } from './engine-host.js';

const scope = 'llm-elements/1/@https://site.example/';
const settings = (defaultModel: string): EngineSettings => ({
  catalogueUrl: 'https://site.example/models.json',
  defaultModel,
  device: 'auto',
  cloudUrl: null,
  cloudModel: null,
});
const listings = [{ id: 'one', name: 'one', url: 'https://site.example/one/', byteLength: 10 }];

/** A page's end of a port: calls by comlink's wire format. */
class Page {
  readonly port: MessagePort;
  readonly #waiting = new Map<string, (value: unknown) => void>();
  #calls = 0;

  constructor(host: EngineHost) {
    const { port1, port2 } = new MessageChannel();
    this.port = port2;
    port2.onmessage = ({ data }: MessageEvent<{ id: string; value: unknown }>): void => {
      this.#waiting.get(data.id)?.(data.value);
    };
    host.attach(port1);
  }

  call(method: string, ...args: unknown[]): Promise<unknown> {
    const id = `call-${this.#calls++}`;
    const argumentList = args.map((value) => ({ type: 'RAW', value }));
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.port.postMessage({ id, type: 'APPLY', path: [method], argumentList });
    });
  }

  async hello(tabId: string, defaultModel = 'one'): Promise<Reply<HelloReply>> {
    const lifeLock = tabLockName(scope, tabId);
    const hello = { protocolVersion, tabId, lifeLock, settings: settings(defaultModel) };
    return parseReply(replySchemas.hello, await this.call('hello', hello));
  }
}

function start(parts: Partial<EngineParts> = {}) {
  let grant = (): void => undefined;
  /** Until then the host waits for its own lock, and every hello with it. */
  const granted = new Promise<void>((resolve) => {
    grant = resolve;
  });
  const locks = {
    request: async (name: string, _options: LockOptions, held: () => Promise<void>) => {
      if (!name.includes('#host:')) return await new Promise(() => undefined);
      await granted;
      return await held();
    },
  } as unknown as LockManager;
  const host = new EngineHost({
    scope,
    home: 'shared-worker',
    openModel: () => Promise.reject(new EngineError('model-invalid', 'no model here')),
    createCloud: () => {
      throw new Error('no cloud here');
    },
    probe: async () => ({ webgpu: { available: false, reason: 'none' }, wasmSimd: true, rates: null }),
    consent: { read: async () => false, write: async () => undefined },
    helpers: new Helpers(),
    fetch: async () => Response.json(listings),
    locks,
    channel: { postMessage: () => undefined, close: () => undefined },
    now: () => performance.now(),
    createId: () => crypto.randomUUID(),
    fetched: () => [],
    ...parts,
  });
  return { host, grant };
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

describe('EngineHost', () => {
  test('a tab that leaves before its hello is answered holds no settings and counts for nothing', async () => {
    const { host, grant } = start();
    const leaving = new Page(host);
    void leaving.hello('a', 'two');
    await pause();
    leaving.port.close();
    await pause();
    grant();
    await pause();
    const staying = new Page(host);
    const reply = await staying.hello('b', 'one');
    assert.ok(reply.ok);
    assert.equal(reply.value.settings.defaultModel, 'one');
    assert.equal(reply.value.state.tabs, 1);
    staying.port.close();
    await host.close();
  });

  test('a model that fails with a text without end fails for its tab, and the next tab still connects', async () => {
    const long = new EngineError('model-invalid', 'x'.repeat(1_000_000));
    const { host, grant } = start({ openModel: () => Promise.reject(long) });
    grant();
    const first = new Page(host);
    assert.ok((await first.hello('a')).ok);
    const loaded = parseReply(replySchemas.load, await first.call('load', { model: 'one', loadId: 'l' }));
    assert.equal(loaded.ok ? '' : loaded.error.code, 'model-invalid');
    const second = new Page(host);
    const reply = await second.hello('b');
    assert.equal(reply.ok && reply.value.state.status.kind, 'failed');
    for (const page of [first, second]) page.port.close();
    await host.close();
  });
});
