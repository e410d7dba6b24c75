// An EngineHost with everything outside of it scripted, and a page's end of a port to it: what tests of the host in Node
// start from. The ports are Node's own, locks are granted by the test, the wire format is comlink's.

import { EngineError } from '../../engine/protocol/errors.js';
import { protocolVersion, type EngineSettings, type HelloReply, type Reply } from '../../engine/protocol/host-api.js';
import { parseReply } from '../../engine/protocol/page-messages.js';
import { allReplies } from '../../engine/protocol/rare-replies.js';
import { tabLockName } from '../../engine/protocol/scope.js';
import { Helpers } from '../../engine/host/helpers.js';
import { EngineHost, type EngineParts } from '../../engine/host/engine-host.js';

export const scope = 'llm-elements/1/@https://site.example/';
export const siteSettings = (defaultModel: string): EngineSettings => ({
  catalogueUrl: 'https://site.example/models.json',
  defaultModel,
  device: 'auto',
  cloudUrl: null,
  cloudModel: null,
});
const listings = [{ id: 'one', name: 'one', url: 'https://site.example/one/', byteLength: 10 }];

/** A page's end of a port: calls by comlink's wire format. */
export class HostPage {
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

  /** @param args a MessagePort among them is handed over */
  call(method: string, ...args: unknown[]): Promise<unknown> {
    const id = `call-${this.#calls++}`;
    const argumentList = args.map((value) => ({ type: 'RAW', value }));
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      const ports = args.filter((argument) => argument instanceof MessagePort);
      this.port.postMessage({ id, type: 'APPLY', path: [method], argumentList }, ports);
    });
  }

  async hello(tabId: string, defaultModel = 'one', more: Partial<EngineSettings> = {}): Promise<Reply<HelloReply>> {
    const lifeLock = tabLockName(scope, tabId);
    const hello = { protocolVersion, tabId, lifeLock, settings: { ...siteSettings(defaultModel), ...more } };
    return parseReply(allReplies.hello, await this.call('hello', hello));
  }
}

/** @returns the host, and what grants it its own lock: no hello is answered before */
export function startHost(parts: Partial<EngineParts> = {}) {
  let grant = (): void => undefined;
  /** Until then the host waits for its own lock, and every hello with it. */
  const granted = new Promise<void>((resolve) => {
    grant = resolve;
  });
  const locks = {
    query: async () => ({ held: [] }),
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
