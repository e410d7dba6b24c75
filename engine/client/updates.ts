// Newer builds of the kit, as a page sees them: the browser has fetched one whole and it waits, because pages of the old
// build are open; a click takes it over. Made by registerServiceWorker. Nothing that runs is cut: `apply` first waits
// for this page's own answers and for those of `/v1` in every tab, then lets the new service worker take over and
// reloads this page. Other tabs are told (`replaced`) and go on with what they have until they are reloaded.
// Source: the W3C Service Workers specification, "Update" and "skipWaiting".

import type { Engine } from './engine.js';
import type { TypedEventTarget } from './typed-events.js';

export type UpdateState =
  /** Nothing newer is known. */
  | { readonly kind: 'current' }
  /** A newer build is there and waits. */
  | { readonly kind: 'ready' }
  /** `apply` is at work; it waits for this many answers. */
  | { readonly kind: 'finishing'; readonly answers: number }
  /** A newer build is in force (another tab took it), and this page is still of the old one: reload it. */
  | { readonly kind: 'replaced' };

/** Fired on `updates` whenever its state changed. */
export class LlmUpdateEvent extends Event {
  static readonly type = 'llm-update';
  constructor(readonly state: UpdateState) {
    super(LlmUpdateEvent.type);
  }
}

/** Milliseconds between two looks for a newer build while the page stays open; at each visit the browser looks anyway. */
const checkInterval = 3_600_000;
export interface UpdateTiming {
  /** Milliseconds for the old service worker to say what runs; one that does not know the question says nothing. */
  readonly reply: number;
  /** Milliseconds after which it is asked again: one that the browser ended, and its answers with it, tells nobody. */
  readonly again: number;
}

const usualTiming: UpdateTiming = { reply: 3_000, again: 15_000 };

export class Updates extends (EventTarget as new () => TypedEventTarget<{ 'llm-update': LlmUpdateEvent }>) {
  #state: UpdateState = { kind: 'current' };
  #controller = navigator.serviceWorker.controller;
  /** This page is taking a newer build over and will be reloaded: what happens to it meanwhile is no news. */
  #applying = false;
  readonly #closing = new AbortController();
  readonly #checking: ReturnType<typeof setInterval>;

  constructor(
    private readonly registration: ServiceWorkerRegistration,
    private readonly engine: Engine | undefined,
    private readonly timing = usualTiming,
  ) {
    super();
    const { signal } = this.#closing;
    registration.addEventListener('updatefound', () => this.#follow(registration.installing), { signal });
    navigator.serviceWorker.addEventListener('controllerchange', this.#changed, { signal });
    this.#follow(registration.installing);
    this.#look();
    this.#checking = setInterval(() => {
      this.check().catch((error: unknown) => {
        void error; // offline: the next look, or the next visit, finds it
      });
    }, checkInterval);
  }

  get state(): UpdateState {
    return this.#state;
  }

  /** Looks for a newer build now. @throws TypeError offline, or when what the server has cannot be installed */
  async check(): Promise<void> {
    await this.registration.update();
  }

  /**
   * Takes the newer build over and reloads this page, after the answers that run. Without one it does nothing.
   * @param reload called at the end; by default `location.reload()`
   */
  async apply({ signal, reload = () => location.reload() }: ApplyOptions = {}): Promise<void> {
    const { waiting } = this.registration;
    const replaced = this.#state.kind === 'replaced';
    if (this.#applying || !(waiting || replaced)) return;
    this.#applying = true;
    try {
      this.#show({ kind: 'finishing', answers: 0 });
      await this.#ownAnswers(signal);
      if (waiting && !replaced) {
        await this.#answersOfAll(signal);
        await this.#takeOver(signal);
      }
    } catch (error) {
      this.#applying = false;
      this.#show({ kind: replaced ? 'replaced' : 'ready' });
      this.#look();
      throw error;
    }
    reload();
  }

  /** Stops looking and following. */
  close(): void {
    this.#closing.abort();
    clearInterval(this.#checking);
  }

  #show(state: UpdateState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    this.dispatchEvent(new LlmUpdateEvent(state));
  }

  #look = (): void => {
    if (this.#applying || this.#state.kind === 'replaced') return;
    // A first service worker replaces nobody, even while it waits for a moment.
    this.#show({ kind: this.registration.waiting && this.registration.active ? 'ready' : 'current' });
  };

  #follow(worker: ServiceWorker | null): void {
    worker?.addEventListener('statechange', this.#look, { signal: this.#closing.signal });
  }

  #changed = (): void => {
    const { controller } = navigator.serviceWorker;
    const replaced = this.#controller !== null && controller !== null && controller !== this.#controller;
    this.#controller = controller;
    if (replaced && !this.#applying) this.#show({ kind: 'replaced' });
  };

  /** Waits until the engine answers nobody in this page. */
  async #ownAnswers(signal: AbortSignal | undefined): Promise<void> {
    const { engine } = this;
    if (!engine) return;
    const own = (): number => {
      const { generating, waiting } = engine.state;
      return [...generating.map((running) => running.tabId), ...waiting].filter((tabId) => tabId === engine.tabId)
        .length;
    };
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        unsubscribe();
        reject(signal?.reason);
      };
      const look = (): void => {
        const answers = own();
        if (answers > 0) return this.#show({ kind: 'finishing', answers });
        unsubscribe();
        signal?.removeEventListener('abort', stop);
        return resolve();
      };
      const unsubscribe = engine.subscribe(look);
      signal?.addEventListener('abort', stop, { once: true });
      if (signal?.aborted) stop();
      else look();
    });
  }

  /** Waits until the service worker that holds has no answer under way, for whichever page. */
  async #answersOfAll(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const { active } = this.registration;
      if (!active || (await this.#answersOf(active, signal)) === 0) return;
    }
  }

  /** @returns 0 when it has none, or says nothing; how many when it is time to ask again */
  async #answersOf(worker: ServiceWorker, signal: AbortSignal | undefined): Promise<number> {
    const { port1, port2 } = new MessageChannel();
    const { reply, again } = this.timing;
    let answers = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<number>((resolve, reject) => {
        timer = setTimeout(() => resolve(0), reply);
        port1.onmessage = ({ data }: MessageEvent<{ running?: unknown }>) => {
          clearTimeout(timer);
          answers = typeof data.running === 'number' ? data.running : 0;
          if (answers === 0) return resolve(0);
          timer = setTimeout(() => resolve(answers), again);
          return this.#show({ kind: 'finishing', answers });
        };
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        worker.postMessage({ type: 'running?' }, [port2]);
      });
    } finally {
      clearTimeout(timer);
      port1.close();
    }
  }

  /** Has the newest build that waits take over. One that is replaced while it waits hands on to what replaced it. */
  async #takeOver(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const { waiting } = this.registration;
      if (!waiting) return; // another tab was quicker: the reload brings what holds
      const taken = new Promise<boolean>((resolve, reject) => {
        waiting.addEventListener('statechange', () => {
          if (waiting.state === 'activated') resolve(true);
          else if (waiting.state === 'redundant') resolve(false);
        });
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      waiting.postMessage({ type: 'activate' });
      if (await taken) return;
    }
  }
}

export interface ApplyOptions {
  /** Stops the waiting; the newer build stays ready. */
  readonly signal?: AbortSignal;
  readonly reload?: () => void;
}
