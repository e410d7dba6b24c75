// The engine in a tab: tabs elect one by a Web Lock, its dedicated worker is the host (host/serve-tab-worker.ts), the
// others reach it by links (protocol/brokering.ts). Used by connect() instead of a SharedWorker where the kit comes from
// another origin, where the browser has none, or where the site asks for it. One for each Engine of a page.
//
// All tabs ask for one lock, in line. Whoever holds it starts the worker; when that tab closes, crashes or leaves, the
// browser grants the lock to the next one, which starts its own and announces it. Knows nothing of calls and answers.
// What goes wrong: a worker that does not start is a typed error, and the tab leaves the line; a worker that dies (its
// lock is granted) is started again by whoever is next, which may be the same tab.

import {
  brokerChannelName,
  electedLockName,
  linkChannelName,
  parseBrokerMessage,
  parseTabWorkerReport,
  type AttachOrder,
  type BrokerMessage,
} from '../protocol/brokering.js';
import { EngineError } from '../protocol/errors.js';
import { LinkEnd } from '../protocol/link.js';
import { hostLockName } from '../protocol/scope.js';
import { startWorker } from './start-worker.js';
import type { EngineDoor, WorkerPort } from './worker-port.js';

export interface ElectedTabOptions {
  /** Of the engine worker's script; any origin. */
  readonly workerUrl: string;
  readonly scope: string;
  /** Milliseconds for a host to be found or started. */
  readonly startTimeout: number;
}

/** Milliseconds between two questions for a host; an announcement of one is heard at once. */
const askAgain = 300;

/** This tab's own worker, while it is the host. */
interface OwnHost {
  readonly worker: Worker;
  /** Rejects when the worker does not start; an error in one that runs is its own affair. */
  readonly failed: Promise<never>;
  /** Aborted when the worker is no more. */
  readonly gone: AbortSignal;
}

export class ElectedTab implements EngineDoor {
  #line: AbortController | null = null;
  #own: OwnHost | null = null;
  #failure: EngineError | null = null;
  #orders = 0;
  readonly #links = new Set<LinkEnd>();
  /** Told when `#own` or `#failure` has changed. */
  readonly #turns = new EventTarget();

  constructor(private readonly options: ElectedTabOptions) {}

  /** A port to the host, wherever it is. @throws EngineError `engine-lost` */
  async open(): Promise<WorkerPort> {
    if (!('locks' in navigator) || typeof Worker === 'undefined') throw tooOld();
    this.#join();
    const late = performance.now() + this.options.startTimeout;
    for (;;) {
      const left = late - performance.now();
      if (left <= 0) throw noHost(this.options.startTimeout);
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), left);
      const ways = [this.#fromOwn(stop.signal), this.#fromOther(stop.signal)];
      try {
        const port = await Promise.race(ways);
        for (const way of ways) {
          way.then(
            (other) => other !== port && other?.close?.(), // both were quick: one is enough
            () => undefined, // the other one was taken
          );
        }
        if (port !== null) return port;
      } finally {
        clearTimeout(timer);
        stop.abort();
      }
    }
  }

  /** Leaves the line; what this tab hosted ends, and the next tab takes over. The next `open` joins again. */
  leave(): void {
    this.#line?.abort();
    this.#line = null;
    for (const link of [...this.#links]) link.end();
  }

  #join(): void {
    if (this.#line !== null) return;
    const line = new AbortController();
    this.#line = line;
    this.#failure = null;
    const { signal } = line;
    const wait = async (): Promise<void> => {
      while (!signal.aborted) {
        await navigator.locks.request(electedLockName(this.options.scope), { signal }, () => this.#host(signal));
      }
    };
    wait().catch((error: unknown) => {
      if (signal.aborted) return;
      // The worker does not start here, or locks are denied. Another tab may still host: this one only stands out of line.
      this.#line = null;
      this.#failure = EngineError.from(error);
      this.#turns.dispatchEvent(new Event('turn'));
    });
  }

  /** Is the host from now on, until the signal or the worker's death. @throws EngineError when the worker does not start */
  async #host(left: AbortSignal): Promise<void> {
    if (left.aborted) return;
    const gone = new AbortController();
    const started = startWorker(this.options.workerUrl, this.options.scope);
    const end = (): void => gone.abort();
    left.addEventListener('abort', end, { once: true });
    try {
      let runs = false;
      const ready = new Promise<string>((resolve) => {
        started.worker.addEventListener('message', ({ data }: MessageEvent) => {
          const report = parseTabWorkerReport(data);
          if (report?.type !== 'llm-elements:ready') return;
          runs = true;
          resolve(report.hostId);
        });
      });
      const failed = started.failed.catch((error: unknown): Promise<never> => {
        if (!runs) throw error;
        return new Promise<never>(() => undefined);
      });
      failed.catch(() => undefined); // heard below, and by whoever waits for a port
      this.#own = { worker: started.worker, failed, gone: gone.signal };
      this.#turns.dispatchEvent(new Event('turn'));
      const aborted = new Promise<null>((resolve) => {
        gone.signal.addEventListener('abort', () => resolve(null), { once: true });
      });
      const hostId = await Promise.race([ready, failed, aborted]);
      if (hostId === null) return;
      const died = navigator.locks.request(
        hostLockName(this.options.scope, hostId),
        { mode: 'shared', signal: gone.signal },
        () => undefined,
      );
      await Promise.race([died.catch(() => undefined), aborted]);
    } finally {
      left.removeEventListener('abort', end);
      this.#own = null;
      gone.abort();
      started.stop();
    }
  }

  /** From this tab's worker, once it has one. @returns null when that one died: look again */
  async #fromOwn(stop: AbortSignal): Promise<WorkerPort | null> {
    const own = this.#own ?? (await this.#turn(stop));
    const id = `attach.${++this.#orders}`;
    const { port1, port2 } = new MessageChannel();
    const order: AttachOrder = { type: 'llm-elements:attach', id };
    const { worker, failed } = own;
    // Asked for its answer, because a worker that has just died takes ports without a word.
    const attached = await new Promise<boolean>((resolve, reject) => {
      const heard = ({ data }: MessageEvent): void => {
        const report = parseTabWorkerReport(data);
        if (report?.type === 'llm-elements:attached' && report.id === id) settle(true);
      };
      const settle = (value: boolean): void => {
        worker.removeEventListener('message', heard);
        resolve(value);
      };
      worker.addEventListener('message', heard);
      failed.catch(reject);
      own.gone.addEventListener('abort', () => settle(false), { once: true });
      stop.addEventListener('abort', () => settle(false), { once: true });
      worker.postMessage(order, [port2]);
    });
    if (!attached) {
      port1.close();
      return null;
    }
    return { port: port1, failed: never, gone: own.gone };
  }

  /** The next own worker. @throws EngineError when it does not start; never settles when stopped */
  async #turn(stop: AbortSignal): Promise<OwnHost> {
    return await new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.#own) resolve(this.#own);
        else if (this.#failure) reject(this.#failure);
      };
      this.#turns.addEventListener('turn', look, { signal: stop });
      look();
    });
  }

  /** From the host in another tab. @returns null when stopped */
  async #fromOther(stop: AbortSignal): Promise<WorkerPort | null> {
    const { scope } = this.options;
    const link = crypto.randomUUID();
    const channel = new BroadcastChannel(brokerChannelName(scope));
    const ask = (): void => {
      const message: BrokerMessage = { type: 'connect', link };
      channel.postMessage(message);
    };
    try {
      const hostId = await new Promise<string | null>((resolve) => {
        channel.addEventListener('message', ({ data }: MessageEvent) => {
          const message = parseBrokerMessage(data);
          if (message?.type === 'here') ask();
          else if (message?.type === 'accepted' && message.link === link) {
            // One whose lock cannot be seen is dead, or of a time before the visitor cleared this site's data.
            this.#holdsLock(message.hostId).then(
              (holds) => holds && resolve(message.hostId),
              () => undefined,
            );
          }
        });
        const asking = setInterval(ask, askAgain);
        const stopped = (): void => {
          clearInterval(asking);
          resolve(null);
        };
        stop.addEventListener('abort', stopped, { once: true });
        if (stop.aborted) stopped();
        else ask();
      });
      return hostId === null ? null : this.#link(hostId, link);
    } finally {
      channel.close();
    }
  }

  async #holdsLock(hostId: string): Promise<boolean> {
    const { held = [] } = await navigator.locks.query();
    return held.some(({ name }) => name === hostLockName(this.options.scope, hostId));
  }

  #link(hostId: string, id: string): WorkerPort {
    const { scope } = this.options;
    const { port1, port2 } = new MessageChannel();
    const gone = new AbortController();
    const link = new LinkEnd(new BroadcastChannel(linkChannelName(scope, hostId, id)), 'page', port2, () => {
      this.#links.delete(link);
      gone.abort();
    });
    this.#links.add(link);
    navigator.locks
      .request(hostLockName(scope, hostId), { mode: 'shared', signal: gone.signal }, () => link.end())
      .catch(
        (error: unknown) => void error, // our own end
      );
    return { port: port1, failed: never, gone: gone.signal, close: () => link.end(), relayed: true };
  }
}

const never = new Promise<never>(() => undefined);

const tooOld = (): EngineError =>
  new EngineError('engine-lost', 'This browser has neither shared workers nor what tabs need to share an engine.', {
    hint: 'Use a recent Chrome, Edge, Firefox or Safari.',
  });

const noHost = (milliseconds: number): EngineError =>
  new EngineError('engine-lost', `No tab of this site had an engine running within ${milliseconds / 1000} seconds.`, {
    hint: 'Reload the page. If that does not help, close all tabs of this site and open it again.',
  });
