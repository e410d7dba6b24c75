// Calls over the page's port to the host, by plain functions: the host's end is comlink (host/tab-session.ts), behind a guard
// that lets nothing through but what is written here. Pages need so little of comlink (it brings proxies, finalizers, and
// the exposing end with them) that they do without it: its wire format is all that both ends have in common. Called by
// Connection. Whatever comes back is handed on unchecked, and a call to a dead host never settles: both are the caller's.
// Wire format: comlink 4.4's `{id, type: 'APPLY', path, argumentList: [{type: 'RAW', value}]}`, answered by `{id, value}`.

import type { HostMethod } from '../protocol/host-api.js';

export class Calls {
  readonly #waiting = new Map<unknown, (value: unknown) => void>();
  #made = 0;

  constructor(private readonly port: MessagePort) {
    port.addEventListener('message', ({ data }: MessageEvent<{ id?: unknown; value?: unknown } | null>) => {
      this.#waiting.get(data?.id)?.(data?.value);
      this.#waiting.delete(data?.id);
    });
    port.start();
  }

  /**
   * @param handedOver a port among the arguments, which is the host's from then on
   * @throws DataCloneError for what cannot be sent
   */
  async send(method: HostMethod, args: readonly unknown[], handedOver?: MessagePort): Promise<unknown> {
    return await new Promise((resolve) => {
      const id = String(++this.#made);
      const argumentList = args.map((value) => ({ type: 'RAW', value }));
      this.port.postMessage({ id, type: 'APPLY', path: [method], argumentList }, handedOver ? [handedOver] : []);
      this.#waiting.set(id, resolve);
    });
  }
}
