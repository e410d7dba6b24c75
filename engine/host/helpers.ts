// The host's side of lending (protocol/helper.ts): which tabs offer a worker with threads, and the one that is borrowed.
// Asked by local-decoder.ts when a model goes to the processor, told of offers by EngineHost. Knows nothing of decoders.
// A helper ends with its tab (the session's `gone`), with a failure its page reports, or when it is given back; whoever
// borrowed it hears of the first two by its signal, with `helper-lost`.

import { EngineError } from '../protocol/errors.js';
import { parseHelperOffer, parseHelperReport, type HelperOrder } from '../protocol/helper.js';

/** A dedicated worker in some tab. */
export interface BorrowedHelper {
  /** To the worker. */
  readonly port: MessagePort;
  readonly threads: number;
  /** Aborted, with `helper-lost`, when the worker is no more. */
  readonly gone: AbortSignal;
  /** Ends the worker. Safe to call twice. */
  giveBack(): void;
}

interface Offer {
  readonly threads: number;
  readonly orders: MessagePort;
  /** Of the tab. */
  readonly gone: AbortSignal;
  readonly lent: Map<string, AbortController>;
}

export class Helpers {
  /** Oldest first. */
  readonly #offers: Offer[] = [];
  #ids = 0;

  /** @throws EngineError `invalid-request`; the port is closed then */
  offer(request: unknown, orders: unknown, gone: AbortSignal): void {
    if (!(orders instanceof MessagePort)) {
      throw new EngineError('invalid-request', 'offerHelper: a MessagePort for orders is wanted.');
    }
    let threads: number;
    try {
      ({ threads } = parseHelperOffer(request));
      if (gone.aborted) throw EngineError.from(gone.reason);
      if (this.#offers.some((offer) => offer.gone === gone)) {
        throw new EngineError('invalid-request', 'offerHelper: this tab has offered already.');
      }
    } catch (error) {
      orders.close();
      throw error;
    }
    const offer: Offer = { threads, orders, gone, lent: new Map() };
    this.#offers.push(offer);
    const withdraw = (why: string): void => {
      const at = this.#offers.indexOf(offer);
      if (at >= 0) this.#offers.splice(at, 1);
      gone.removeEventListener('abort', left);
      orders.close();
      for (const controller of offer.lent.values()) controller.abort(lost(why));
      offer.lent.clear();
    };
    const left = (): void => withdraw('The tab whose processor cores were used has gone.');
    gone.addEventListener('abort', left, { once: true });
    orders.onmessage = ({ data }: MessageEvent): void => {
      try {
        const { id } = parseHelperReport(data);
        if (offer.lent.has(id)) withdraw('The worker that a tab lent could not be started, or broke.');
      } catch {
        withdraw('A tab that lent a worker sent what it should not.');
      }
    };
  }

  /** That could be had now; 1 where no tab lends any. */
  get threads(): number {
    return this.#offers.at(-1)?.threads ?? 1;
  }

  /** The newest tab's, because it is the likeliest to stay; null when no tab offers any. */
  borrow(): BorrowedHelper | null {
    const offer = this.#offers.at(-1);
    if (offer === undefined) return null;
    const id = `helper.${++this.#ids}`;
    const { port1, port2 } = new MessageChannel();
    const controller = new AbortController();
    offer.lent.set(id, controller);
    const order = (type: HelperOrder['type'], ...ports: MessagePort[]): void => {
      const message: HelperOrder = { type, id };
      offer.orders.postMessage(message, ports);
    };
    order('start', port2);
    return {
      port: port1,
      threads: offer.threads,
      gone: controller.signal,
      giveBack: () => {
        if (offer.lent.delete(id)) order('stop');
        port1.close();
      },
    };
  }
}

const lost = (why: string): EngineError =>
  new EngineError('helper-lost', why, { hint: 'Ask again: another tab, or the engine itself, takes over.' });
