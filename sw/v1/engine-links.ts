// Connections of the service worker to the engine, one for each page that asks. Called by endpoint.ts. A page hands over
// a port (protocol/lending.ts): the page that asks if it can, another page of the site otherwise; from then on nothing
// goes through a page. A connection that died, or whose page has gone, is forgotten, and the next request makes another.
// What goes wrong: no page hands over a port (none has an engine, or all are busy) is `engine-lost`, said after
// `patience`; pages are asked again every `interval` until then, because one may still be starting.

import { Completions } from '../../engine/client/completions.js';
import { Connection } from '../../engine/client/connection.js';
import { EngineError } from '../../engine/protocol/errors.js';
import { engineQuestion, parseLentEngine, type LentEngine } from '../../engine/protocol/lending.js';
import type { EngineState, ModelListing } from '../../engine/protocol/state.js';
import type { WorkerClient, WorkerClients } from '../worker-scope.js';

export interface LinkTiming {
  /** Milliseconds until it is said that no page has an engine. */
  readonly patience: number;
  /** Milliseconds between two rounds of asking; the page that asks has the first round to itself. */
  readonly interval: number;
}

const usualTiming: LinkTiming = { patience: 6_000, interval: 1_000 };

export class EngineLink {
  readonly completions: Completions;

  /** @param another the connection after this one, for answers that the engine's death cut off */
  constructor(
    readonly connection: Connection,
    another: () => Promise<Connection>,
  ) {
    const connected = async (): Promise<Connection> => (connection.gone.aborted ? await another() : connection);
    this.completions = new Completions({ connected, model: () => undefined });
  }

  async models(): Promise<readonly ModelListing[]> {
    return await this.connection.call('models');
  }

  async state(): Promise<EngineState> {
    return await this.connection.call('state');
  }
}

type Lending = LentEngine & { readonly port: MessagePort };

export class EngineLinks {
  readonly #links = new Map<string, Promise<EngineLink>>();

  constructor(
    private readonly clients: WorkerClients,
    private readonly timing: LinkTiming = usualTiming,
  ) {}

  /**
   * @param clientId of the page that asks
   * @throws EngineError `engine-lost`
   */
  async get(clientId: string): Promise<EngineLink> {
    await this.#forgetGone();
    const known = this.#links.get(clientId);
    if (known) {
      const link = await known.catch(() => null); // whoever waited for it was told
      if (link && !link.connection.gone.aborted) return link;
    }
    const link = this.#links.get(clientId);
    if (link !== undefined && link !== known) return await link; // made anew by another request meanwhile
    const opening = this.#open(clientId);
    this.#links.set(clientId, opening);
    try {
      return await opening;
    } catch (error) {
      if (this.#links.get(clientId) === opening) this.#links.delete(clientId);
      throw error;
    }
  }

  async #open(clientId: string): Promise<EngineLink> {
    const { port, scope, settings } = await this.#borrow(clientId);
    const { connection } = await Connection.open({
      openPort: () => ({ port, failed: new Promise<never>(() => undefined) }),
      role: 'service-worker',
      scope,
      settings,
      tabId: `http.${crypto.randomUUID()}`,
      startTimeout: 30_000,
      heartbeatTimeout: 60_000,
    });
    return new EngineLink(connection, async () => (await this.get(clientId)).connection);
  }

  /** Asks the page, then every page, until one hands over a port. */
  async #borrow(clientId: string): Promise<Lending> {
    return await new Promise<Lending>((resolve, reject) => {
      const replies: MessagePort[] = [];
      let rounds = 0;
      let over = false;
      const finish = (settle: () => void): void => {
        if (over) return;
        over = true;
        clearInterval(asking);
        clearTimeout(late);
        for (const port of replies) port.close();
        settle();
      };
      const ask = async (): Promise<void> => {
        const pages = await this.#pages(clientId, rounds++ > 0);
        if (over) return;
        for (const page of pages) {
          const { port1, port2 } = new MessageChannel();
          replies.push(port1);
          port1.onmessage = ({ data, ports: [port] }: MessageEvent) => {
            const lent = parseLentEngine(data);
            if (over || lent === null || !port) port?.close();
            else finish(() => resolve({ ...lent, port }));
          };
          page.postMessage(engineQuestion, [port2]);
        }
      };
      const askAll = (): void => {
        ask().catch((error: unknown) => finish(() => reject(EngineError.from(error))));
      };
      const asking = setInterval(askAll, this.timing.interval);
      const late = setTimeout(() => finish(() => reject(noEngine())), this.timing.patience);
      askAll();
    });
  }

  async #pages(clientId: string, all: boolean): Promise<readonly WorkerClient[]> {
    const pages = await this.clients.matchAll({ type: 'window', includeUncontrolled: true });
    const own = pages.filter(({ id }) => id === clientId);
    return all || own.length === 0 ? pages : own;
  }

  async #forgetGone(): Promise<void> {
    for (const [id, opening] of [...this.#links]) {
      if (await this.clients.get(id)) continue;
      this.#links.delete(id);
      opening.then(
        ({ connection }) => connection.goodbye('The page was closed.'),
        () => undefined, // it never came to be
      );
    }
  }
}

const noEngine = (): EngineError =>
  new EngineError('engine-lost', 'No open page of this site has an engine to answer with.', {
    hint: 'On each page that asks, call registerServiceWorker({ engine: await connect() }) first.',
  });
