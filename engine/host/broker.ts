// Takes links of other tabs for a host that lives in a tab's worker (protocol/brokering.ts): says on the broker's channel
// that it is here, answers who asks, and gives the host a port for each link. Made by serve-tab-worker.ts. Knows nothing
// of sessions; a session that ends ends its link, and the other way round. Messages that do not fit are dropped; of more
// links than a site has tabs, the rest is not taken.

import { brokerChannelName, linkChannelName, parseBrokerMessage, type BrokerMessage } from '../protocol/brokering.js';
import { LinkEnd, type LinkChannel } from '../protocol/link.js';

/** Links at a time. Chromium gives a site no more processes long before, and each costs a channel and two ports. */
const mostLinks = 500;

export interface BrokerParts {
  readonly scope: string;
  readonly hostId: string;
  /** A tab's port; `left` is to be called when its session has ended. */
  readonly attach: (port: MessagePort, left: () => void) => void;
  readonly openChannel: (name: string) => LinkChannel;
}

export class Broker {
  readonly #channel: LinkChannel;
  readonly #links = new Map<string, LinkEnd>();

  constructor(private readonly parts: BrokerParts) {
    this.#channel = parts.openChannel(brokerChannelName(parts.scope));
    this.#channel.addEventListener('message', this.#hear);
  }

  get links(): number {
    return this.#links.size;
  }

  /** The host takes tabs from now on: whoever waits for one asks again. */
  announce(): void {
    this.#say({ type: 'here', hostId: this.parts.hostId });
  }

  close(): void {
    this.#channel.close();
    for (const link of [...this.#links.values()]) link.end();
  }

  #hear = ({ data }: MessageEvent): void => {
    const message = parseBrokerMessage(data);
    if (message?.type !== 'connect' || this.#links.size >= mostLinks) return;
    const { scope, hostId, attach, openChannel } = this.parts;
    const { link } = message;
    if (!this.#links.has(link)) {
      const { port1, port2 } = new MessageChannel();
      const end = new LinkEnd(openChannel(linkChannelName(scope, hostId, link)), 'host', port1, () => {
        this.#links.delete(link); // the session hears of its port's end, or of the tab's lock
      });
      this.#links.set(link, end);
      attach(port2, () => end.end());
    }
    this.#say({ type: 'accepted', link, hostId });
  };

  #say(message: BrokerMessage): void {
    this.#channel.postMessage(message);
  }
}
