// One end of a link: carries MessagePorts over a BroadcastChannel, so that a tab and a host in another tab's worker both
// hold real ports although none can be handed over between them. Made by client/elected-tab.ts (the tab's end) and
// host/broker.ts (the host's); knows nothing of calls and answers but two things: comlink's calls carry a port as an
// argument (`complete`), and an answer's port ends with `done`, `error` or `abort` (browsers that fire no `close` on ports
// would keep it for ever). Only a tab opens further ports; a host never does.
//
//   page port <-> [end 'page'] <== BroadcastChannel ==> [end 'host'] <-> host port
//
// What goes wrong: a message that is no link message is dropped; one that breaks the rules (a port opened twice, too many
// ports) ends the link, which both sides see as a closed port.

import { parseLinkMessage, type LinkMessage } from './brokering.js';

/** The bit of BroadcastChannel used here; tests pass their own. */
export interface LinkChannel {
  postMessage(message: unknown): void;
  addEventListener(type: 'message' | 'messageerror', listener: (event: MessageEvent) => void): void;
  close(): void;
}

/** Ports of one link open at a time: more than any tab may have requests. */
const mostPorts = 100;

export class LinkEnd {
  readonly #ports = new Map<number, MessagePort>();
  #lastOpened = 0;
  #over = false;

  /**
   * @param side whose end this is
   * @param main carried as port 0; the other end of the channel that the caller keeps
   * @param ended called once, when the link is over from either side
   */
  constructor(
    private readonly channel: LinkChannel,
    private readonly side: 'page' | 'host',
    main: MessagePort,
    private readonly ended: () => void,
  ) {
    channel.addEventListener('message', this.#hear);
    channel.addEventListener('messageerror', () => this.end());
    this.#carry(0, main);
  }

  /** Ports carried now. For tests and counters. */
  get ports(): number {
    return this.#ports.size;
  }

  /** Closes every port of the link, here and there. Safe to call twice. */
  end(): void {
    if (this.#over) return;
    this.#send({ type: 'close', to: this.#other, port: 0 });
    this.#over = true;
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
    this.channel.close();
    this.ended();
  }

  get #other(): 'page' | 'host' {
    return this.side === 'page' ? 'host' : 'page';
  }

  #carry(number: number, port: MessagePort): void {
    this.#ports.set(number, port);
    port.addEventListener('message', (event) => this.#forward(number, event));
    port.addEventListener('messageerror', () => this.end());
    // Chromium tells when the other end is closed or collected; elsewhere the answer's last message and the locks do.
    port.addEventListener('close', () => this.#closed(number));
    port.start();
  }

  /** A message of our side goes over. */
  #forward(number: number, { data, ports }: MessageEvent): void {
    if (this.#ports.get(number) === undefined) return;
    const message = { type: 'message', to: this.#other, port: number } as const;
    const [given] = ports;
    if (given === undefined) {
      this.#send({ ...message, data });
    } else {
      const call = number === 0 && this.side === 'page' ? withoutPort(data, given) : null;
      if (call === null) return this.end();
      const opens = { port: ++this.#lastOpened, argument: call.argument };
      this.#carry(opens.port, given);
      this.#send({ ...message, data: call.data, opens });
    }
    if (number > 0 && endsAnswer(data)) this.#drop(number);
  }

  #hear = ({ data }: MessageEvent): void => {
    const message = parseLinkMessage(data);
    if (this.#over || message === null || message.to !== this.side) return;
    if (message.type === 'close') {
      if (message.port === 0) this.end();
      else this.#drop(message.port);
      return;
    }
    const port = this.#ports.get(message.port);
    if (port === undefined) return; // closed meanwhile
    if (message.opens === undefined) {
      port.postMessage(message.data);
      if (message.port > 0 && endsAnswer(message.data)) this.#drop(message.port);
      return;
    }
    const { port: number, argument } = message.opens;
    if (this.side !== 'host' || message.port !== 0 || number <= this.#lastOpened || this.#ports.size >= mostPorts) {
      this.end();
      return;
    }
    const { port1, port2 } = new MessageChannel();
    const call = withPort(message.data, argument, port2);
    if (call === null) return this.end();
    this.#lastOpened = number;
    this.#carry(number, port1);
    port.postMessage(call, [port2]);
  };

  /** The port's other end on our side is no more. */
  #closed(number: number): void {
    if (!this.#ports.has(number)) return;
    if (number === 0) return this.end();
    this.#send({ type: 'close', to: this.#other, port: number });
    this.#drop(number);
  }

  #drop(number: number): void {
    this.#ports.get(number)?.close();
    this.#ports.delete(number);
  }

  #send(message: LinkMessage): void {
    try {
      this.channel.postMessage(message);
    } catch (error) {
      // Something that no channel can carry (a stream, a buffer shared between threads). The protocol has no such thing.
      void error;
      if (message.type === 'message') this.end();
    }
  }
}

const endings: readonly unknown[] = ['done', 'error', 'abort'];

const endsAnswer = (data: unknown): boolean =>
  typeof data === 'object' && data !== null && 'type' in data && endings.includes(data.type);

/** A comlink call: its arguments are `{type: 'RAW', value}`. */
interface Call {
  readonly argumentList: readonly { readonly value: unknown }[];
}

const isCall = (data: unknown): data is Call =>
  typeof data === 'object' &&
  data !== null &&
  'argumentList' in data &&
  Array.isArray(data.argumentList) &&
  data.argumentList.every((argument) => typeof argument === 'object' && argument !== null);

/** The call with null in the place of the port. */
function withoutPort(data: unknown, port: MessagePort): { data: Call; argument: 0 | 1 } | null {
  if (!isCall(data)) return null;
  const at = data.argumentList.findIndex(({ value }) => value === port);
  if (at !== 0 && at !== 1) return null;
  return { data: replaced(data, at, null), argument: at };
}

function withPort(data: unknown, argument: 0 | 1, port: MessagePort): Call | null {
  return isCall(data) && argument < data.argumentList.length ? replaced(data, argument, port) : null;
}

const replaced = (call: Call, at: number, value: unknown): Call => ({
  ...call,
  argumentList: call.argumentList.map((argument, index) => (index === at ? { ...argument, value } : argument)),
});
