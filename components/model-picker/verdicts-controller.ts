// Has the engine judge the models once in its life, and decides when the cards may be put in the order of the verdicts:
// nothing moves under a finger or away from the focus. One per `<llm-model-picker>`.

import type { ReactiveController, ReactiveElement } from 'lit';
import type { EngineStore } from '../internal/engine-store.js';

export class VerdictsController implements ReactiveController {
  readonly #host: ReactiveElement;
  readonly #store: () => EngineStore;
  /** The engine that was asked. */
  #assessed = '';
  #ordered = false;

  constructor(host: ReactiveElement, store: () => EngineStore) {
    this.#host = host;
    this.#store = store;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.#assessed = '';
    this.#ordered = false;
  }

  /** Whether the better ones stand first. To be asked in each render. */
  get ordered(): boolean {
    const verdicts = this.#store().state?.verdicts ?? [];
    if (verdicts.length === 0) this.#ordered = false;
    else if (!this.#host.shadowRoot?.activeElement) this.#ordered = true;
    return this.#ordered;
  }

  /** To be called after every change of the engine's state. */
  engineChanged(): void {
    const store = this.#store();
    const { state } = store;
    if (state === null || state.models.length === 0 || state.verdicts.length > 0) return;
    if (this.#assessed === state.hostId) return;
    this.#assessed = state.hostId;
    store
      .connect()
      .then(({ models }) => models.assess())
      .catch((error: unknown) => {
        void error; // without a verdict the cards say nothing of speed; what is wrong shows when a model is loaded
      });
  }
}
