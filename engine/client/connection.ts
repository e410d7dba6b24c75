// One life of the connection between this page and the host: the page's own lock as sign of life, hello, checked
// calls, and the notice of the host's death (its lock is granted to us, or it answers no heartbeat). Called by Engine,
// which makes a new connection after a death. Knows nothing of chat. After `end` every pending call and stream has
// failed with the reason: nothing hangs, although a call to a dead worker never settles by itself.

import { EngineError } from '../protocol/errors.js';
import {
  protocolVersion,
  type EngineSettings,
  type HelloReply,
  type HelloRequest,
  type HostMethod,
} from '../protocol/host-api.js';
import { parseReply, replies } from '../protocol/page-messages.js';
import type { allReplies } from '../protocol/rare-replies.js';
import { hostLockName, tabLockName } from '../protocol/scope.js';
import type { Reader } from '../protocol/shape.js';
import { Calls } from './calls.js';
import { later } from './later.js';
import type { WorkerPort } from './worker-port.js';

export interface ConnectionOptions {
  /** Gets a new port to the host; each life of the connection has its own. May throw an EngineError. */
  readonly openPort: () => WorkerPort | Promise<WorkerPort>;
  /** Absent: a page. */
  readonly role?: HelloRequest['role'];
  readonly scope: string;
  readonly tabId: string;
  readonly settings: EngineSettings;
  /** Milliseconds for the host to start and answer. */
  readonly startTimeout: number;
  /** `openPort` may be called again when there is no answer: a host that died before it answered says nothing. */
  readonly asksAgain?: boolean;
  /** Milliseconds without an answer to a heartbeat, while something is pending, after which the host counts as dead. */
  readonly heartbeatTimeout: number;
}

type Answers = { readonly [M in HostMethod]: ReturnType<(typeof allReplies)[M]> };

/** Asks the host, over whichever connection there is. @throws EngineError */
export type Call = <M extends HostMethod>(method: M, argument?: unknown) => Promise<Answers[M]>;

/** What reads the reply of a usual call is here already: such a call goes out at once. */
const usual: { readonly [M in HostMethod]?: Reader<unknown> } = replies;

/** Hosts in a row that may die while they are said hello to. */
const mostDeaths = 4;

/** Heartbeats in a row without an answer that mean death. */
const missedBeats = 10;

/** Milliseconds for the first hello; each further one has twice that. One that starts slowly answers the last one. */
const firstPatience = 1_500;

let connections = 0;

export class Connection {
  readonly #gone = new AbortController();
  #pending = 0;
  #silent = false;
  #heartbeat: ReturnType<typeof setInterval> | null = null;
  /** Heartbeats since the host was last heard; counted, not timed, because hidden pages' timers run late. */
  #unanswered = 0;

  private constructor(
    private readonly options: ConnectionOptions,
    private readonly carrier: WorkerPort,
    private readonly host: Calls,
  ) {}

  /** @throws EngineError `engine-lost` when the host cannot be started or does not answer; what hello refuses */
  static async open(options: ConnectionOptions): Promise<{ connection: Connection; hello: HelloReply }> {
    const { startTimeout, asksAgain = false } = options;
    const deadline = performance.now() + startTimeout;
    let deaths = 0;
    for (let patience = asksAgain ? firstPatience : Infinity; ; patience *= 2) {
      const left = deadline - performance.now();
      const silence = noAnswer(startTimeout);
      try {
        return await Connection.#open(options, Math.min(patience, left), silence);
      } catch (error) {
        // A host that died between taking the port and saying hello is one that just went: the next one is there soon.
        const again = error === silence ? patience < left : error instanceof HostDied && ++deaths < mostDeaths;
        if (!again) throw error;
      }
    }
  }

  static async #open(
    options: ConnectionOptions,
    patience: number,
    silence: EngineError,
  ): Promise<{ connection: Connection; hello: HelloReply }> {
    const carrier = await options.openPort();
    const { port, failed, gone } = carrier;
    const connection = new Connection(options, carrier, new Calls(port));
    const late = setTimeout(() => connection.end(silence), patience);
    failed.catch((error: unknown) => connection.end(EngineError.from(error)));
    // Chromium tells when the worker behind a port is no more; a host in a tab is known to be gone by its lock.
    const died = (): void => connection.end(new HostDied());
    port.addEventListener('close', died, { once: true });
    gone?.addEventListener('abort', died, { once: true });
    if (gone?.aborted) died();
    try {
      const lifeLock = tabLockName(options.scope, `${options.tabId}.${++connections}.${Date.now().toString(36)}`);
      await connection.#holdLifeLock(lifeLock);
      const { tabId, settings, role } = options;
      // Under the start's own deadline, not the heartbeat: a host that is just busy may take its time.
      const request: HelloRequest = { protocolVersion, tabId, lifeLock, settings, ...(role && { role }) };
      const hello = await connection.#unlessGone(() => connection.#request('hello', request));
      if (hello.sharesLocks) connection.#watchHost(hello.state.hostId);
      return { connection, hello };
    } catch (error) {
      const reason = EngineError.from(error);
      connection.end(reason);
      throw reason;
    } finally {
      clearTimeout(late);
    }
  }

  /** It ended because the host lives but does not answer: no other takes its place, and the same would hang again. */
  get silent(): boolean {
    return this.#silent;
  }

  /** Aborted, with an EngineError as reason, when this connection is over. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Its messages go through another tab's channel; the host can hand this page no port. */
  get relayed(): boolean {
    return this.carrier.relayed ?? false;
  }

  /**
   * @throws EngineError of the host, or the reason for which the connection ended
   */
  async call<M extends HostMethod>(method: M, argument?: unknown, port?: MessagePort): Promise<Answers[M]> {
    return await this.during(() => this.#request(method, argument, port));
  }

  /** Runs `work` under the heartbeat; ends with the connection's reason if that is over first. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#beat(+1);
    try {
      return await this.#unlessGone(work);
    } finally {
      this.#beat(-1);
    }
  }

  async #request<M extends HostMethod>(method: M, argument: unknown, port?: MessagePort): Promise<Answers[M]> {
    const args = port === undefined ? [argument] : [argument, port];
    // Fetched before the call: what cannot be read is not asked for.
    const reader = usual[method] ?? (await later(() => import('../protocol/rare-replies.js'))).allReplies[method];
    const reply = parseReply(reader as Reader<Answers[M]>, await this.host.send(method, args, port));
    if (reply.ok) return reply.value;
    throw EngineError.from(reply.error);
  }

  async #unlessGone<T>(work: () => Promise<T>): Promise<T> {
    if (this.gone.aborted) throw EngineError.from(this.gone.reason);
    let stop = (): void => undefined;
    const over = new Promise<never>((_resolve, reject) => {
      stop = () => reject(EngineError.from(this.gone.reason));
      this.gone.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([work(), over]);
    } finally {
      this.gone.removeEventListener('abort', stop);
    }
  }

  /** Anything came from the host: it lives. */
  heard(): void {
    this.#unanswered = 0;
  }

  /** Leaves in order: the host frees everything of this page at once. */
  goodbye(why: string): void {
    if (this.gone.aborted) return;
    void this.host.send('goodbye', []); // no answer is waited for: the page may be gone by then
    this.end(new EngineError('engine-lost', why, { hint: 'Send the request again.' }));
  }

  /** Fails everything pending, lets the locks go, closes the port. Safe to call twice. */
  end(reason: EngineError): void {
    if (this.gone.aborted) return;
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    this.#gone.abort(reason);
    this.carrier.port.close();
    this.carrier.close?.();
  }

  async #holdLifeLock(name: string): Promise<void> {
    await new Promise<void>((held, failed) => {
      const kept = navigator.locks.request(name, () => {
        held();
        return new Promise<void>((done) => {
          if (this.gone.aborted) done();
          this.gone.addEventListener('abort', () => done(), { once: true });
        });
      });
      kept.catch(failed);
    });
  }

  #watchHost(hostId: string): void {
    navigator.locks
      .request(hostLockName(this.options.scope, hostId), { mode: 'shared', signal: this.gone }, () => {
        this.end(new HostDied());
      })
      .catch((error: unknown) => {
        // Our own end. Otherwise locks are denied here, and the heartbeat is what is left.
        void error;
      });
  }

  /** The heartbeat runs only while something is pending. */
  #beat(change: 1 | -1): void {
    this.#pending += change;
    if (this.#pending > 0 && this.#heartbeat === null) {
      this.heard();
      this.#heartbeat = setInterval(() => this.#ping(), this.options.heartbeatTimeout / missedBeats);
    } else if (this.#pending === 0 && this.#heartbeat !== null) {
      clearInterval(this.#heartbeat);
      this.#heartbeat = null;
    }
  }

  #ping(): void {
    if (this.#unanswered >= missedBeats) {
      this.#silent = true;
      this.end(hostSilent());
      return;
    }
    this.#unanswered++;
    this.host.send('ping', []).then(
      () => this.heard(),
      (error: unknown) => this.end(EngineError.from(error)),
    );
  }
}

const noAnswer = (milliseconds: number): EngineError =>
  new EngineError('engine-lost', `The engine did not answer within ${milliseconds / 1000} seconds.`, {
    hint: 'Reload the page. If that does not help, close all tabs of this site and open it again.',
  });

class HostDied extends EngineError {
  constructor() {
    super('engine-lost', 'The engine stopped: the browser ended the worker that it lived in.', {
      hint: 'Send the request again: a new engine is started for it.',
    });
  }
}

const hostSilent = (): EngineError =>
  new EngineError('engine-lost', 'The engine no longer answers.', {
    hint: 'Close all tabs of this site and open it again.',
  });
