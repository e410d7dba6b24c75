// One page's connection to the host: comlink calls over its port, its sign of life, and everything that must be freed
// when it goes (answers, loads, listeners, port). Called by EngineHost, which decides what the calls do. Until a page
// has said hello, no call but `hello` and `ping` is answered; a port that stays silent is closed.

import { expose } from 'comlink';
import { EngineError } from '../protocol/errors.js';
import type { HelloRequest, HostApi, HostMethod, Reply } from '../protocol/host-api.js';
import { guardPort } from './guarded-port.js';
import { watchLock } from './life-signs.js';
import { noRules, type LoadRules } from './load-rules.js';

/** A port must say hello within this time, in milliseconds. */
const helloDeadline = 60_000;

/** What a session asks of the host. Each may throw an EngineError, which becomes the reply. */
export type SessionCalls = {
  readonly [method in Exclude<HostMethod, 'hello' | 'ping' | 'goodbye'>]: (
    session: TabSession,
    ...args: unknown[]
  ) => Promise<unknown>;
} & {
  readonly hello: (session: TabSession, request: unknown) => Promise<unknown>;
  readonly ping: () => Promise<unknown>;
};

export class TabSession {
  /** Set by a hello that was accepted. */
  tabId: string | null = null;
  /** It said hello, which a port does once. */
  greeted = false;
  /** A page that said hello; a service worker is no tab. */
  isTab = false;
  /** Somebody can see it, as far as it told; its requests then come before those of hidden tabs. */
  visible = true;
  /** What it demands of models; set when its settings were looked at. */
  rules: LoadRules = noRules;
  /** Aborted when the tab is gone; everything done for the tab listens to it. */
  readonly #gone = new AbortController();
  readonly loads = new Map<string, AbortController>();
  readonly #deadline: ReturnType<typeof setTimeout>;

  constructor(
    private readonly port: MessagePort,
    private readonly calls: SessionCalls,
    private readonly left: (session: TabSession) => void,
  ) {
    this.#deadline = setTimeout(() => {
      if (this.tabId === null) this.end('It never said hello.');
    }, helloDeadline);
    port.addEventListener('close', this.#closed);
    expose(this.#facade(), guardPort(port));
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /**
   * The hello was good: from now on this session is that tab, for as long as the tab holds its lock.
   * @param locks null where the tab's is not seen: its port tells of its end
   */
  attach(hello: HelloRequest, locks: LockManager | null): void {
    clearTimeout(this.#deadline);
    this.tabId = hello.tabId;
    this.isTab = hello.role !== 'service-worker';
    if (locks !== null) watchLock(locks, hello.lifeLock, this.gone, () => this.end('The tab was closed.'));
  }

  /** Frees everything of this tab. Safe to call twice. */
  end(why: string): void {
    if (this.gone.aborted) return;
    clearTimeout(this.#deadline);
    this.#gone.abort(new EngineError('aborted', why));
    for (const load of this.loads.values()) load.abort(this.gone.reason);
    this.loads.clear();
    this.port.removeEventListener('close', this.#closed);
    this.left(this);
    // After the reply to a goodbye has been posted.
    setTimeout(() => this.port.close(), 0);
  }

  #closed = (): void => this.end('The tab closed its port.');

  #facade(): HostApi {
    const call = async (method: Exclude<HostMethod, 'goodbye'>, ...args: unknown[]): Promise<Reply<unknown>> => {
      try {
        if (this.gone.aborted || (this.tabId === null && method !== 'hello' && method !== 'ping')) {
          throw new EngineError('invalid-request', 'This page has not said hello, or has left.', {
            hint: 'Connect again.',
          });
        }
        const handler = this.calls[method] as (session: TabSession, ...rest: unknown[]) => Promise<unknown>;
        return { ok: true, value: await handler(this, ...args) };
      } catch (error) {
        for (const given of args) if (given instanceof MessagePort) given.close(); // nobody listens at it
        return { ok: false, error: EngineError.from(error).toShape() };
      }
    };
    const facade: Record<HostMethod, (...args: unknown[]) => Promise<Reply<unknown>>> = {
      hello: (request) => call('hello', request),
      state: () => call('state'),
      models: () => call('models'),
      load: (request) => call('load', request),
      cancelLoad: (loadId) => call('cancelLoad', loadId),
      pauseLoad: (paused) => call('pauseLoad', paused),
      stopLoad: () => call('stopLoad'),
      storage: () => call('storage'),
      deleteModel: (source) => call('deleteModel', source),
      unload: () => call('unload'),
      complete: (request, port) => call('complete', request, port),
      countTokens: (request) => call('countTokens', request),
      listConversations: (query) => call('listConversations', query),
      readConversation: (id) => call('readConversation', id),
      writeConversation: (request) => call('writeConversation', request),
      deleteConversation: (id) => call('deleteConversation', id),
      setCloudAllowed: (allowed) => call('setCloudAllowed', allowed),
      setPreferences: (change) => call('setPreferences', change),
      assess: () => call('assess'),
      kept: () => call('kept'),
      eraseAll: () => call('eraseAll'),
      profile: (running) => call('profile', running),
      offerHelper: (offer, orders) => call('offerHelper', offer, orders),
      setVisibility: (visible) => call('setVisibility', visible),
      fetched: () => call('fetched'),
      ping: () => call('ping'),
      goodbye: async () => {
        this.end('The tab said goodbye.');
        return { ok: true, value: null };
      },
    };
    return facade as HostApi;
  }
}
