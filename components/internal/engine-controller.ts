// Ties an element to its store: finds it, listens, asks for a render when it changes, lets go when the element leaves.
// Every element has one; the element asks `store` for what it needs and `state` for what to show.

import { ContextConsumer } from '@lit/context';
import type { ReactiveController, ReactiveElement } from 'lit';
import type { EngineState } from '../../engine/protocol/state.js';
import { defaultEngineStore, engineContext, rememberRequests } from './engine-context.js';
import type { EngineStore } from './engine-store.js';
import { inLanguageOf } from './texts.js';

export class EngineController implements ReactiveController {
  /** The store; the page's default until a provider answers (it answers before the first render). */
  get store(): EngineStore {
    return this.#store ?? defaultEngineStore();
  }

  get state(): EngineState | null {
    return this.store.state;
  }

  readonly #host: ReactiveElement;
  readonly #changed: (store: EngineStore) => void;
  /** What the provider above handed down; the consumer's own value outlives a move to another place. */
  #provided: EngineStore | null = null;
  #store: EngineStore | null = null;
  #unsubscribe: (() => void) | null = null;

  /**
   * @param changed called after every change, before the render it causes; in the element's language
   */
  constructor(host: ReactiveElement, changed: (store: EngineStore) => void = () => undefined) {
    this.#host = host;
    this.#changed = changed;
    // A controller that hears of the connection before the consumer does: the root must be there when it asks.
    host.addController({ hostConnected: rememberRequests });
    // The consumer is added first: its answer is there when hostConnected runs below.
    new ContextConsumer(host, {
      context: engineContext,
      subscribe: true,
      callback: (store) => {
        this.#provided = store;
        if (host.isConnected) this.#use();
      },
    });
    host.addController(this);
  }

  hostConnected(): void {
    this.#use();
  }

  hostDisconnected(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#store = null;
    this.#provided = null;
  }

  #use(): void {
    const store = this.#provided ?? defaultEngineStore();
    if (store === this.#store) return;
    this.#unsubscribe?.();
    this.#store = store;
    this.#unsubscribe = store.subscribe(() => this.#tell());
    this.#tell();
    // Not in the way of the first paint. A failure is a state of the store, shown by the render it causes.
    void this.#host.updateComplete
      .then(() => registered(this.#host))
      .then(() => (store === this.#store ? store.connect() : undefined))
      .catch(() => undefined);
  }

  #tell(): void {
    inLanguageOf(this.#host, () => this.#changed(this.store));
    this.#host.requestUpdate();
  }
}

/** Waits for an `<llm-engine>` around it that is not registered yet: its settings hold then, and not the defaults. */
async function registered(element: Element): Promise<void> {
  for (let node: Node = element; node instanceof Element;) {
    if (node.closest('llm-engine:not(:defined)') !== null) await customElements.whenDefined('llm-engine');
    const root = node.getRootNode();
    if (!(root instanceof ShadowRoot)) return;
    node = root.host;
  }
}
