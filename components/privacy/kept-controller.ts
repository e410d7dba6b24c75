// Knows when to look again at what is kept on this device: when the engine's counters of changes grow, and when the page
// is seen again, because other sites' tabs may have filled the disk. One per `<llm-privacy>`.

import type { ReactiveController, ReactiveElement } from 'lit';
import type { KeptReport } from '../../engine/protocol/kept-data.js';
import type { EngineStore } from '../internal/engine-store.js';

export class KeptController implements ReactiveController {
  readonly #host: ReactiveElement;
  readonly #store: () => EngineStore;
  readonly #failed: (thrown: unknown) => void;
  /** Of the state for which the report was asked. */
  #seen = '';
  #report: KeptReport | null = null;

  /** @param failed hears why it could not be read */
  constructor(host: ReactiveElement, store: () => EngineStore, failed: (thrown: unknown) => void) {
    this.#host = host;
    this.#store = store;
    this.#failed = failed;
    host.addController(this);
  }

  /** The newest; null until it is known. */
  get report(): KeptReport | null {
    return this.#report;
  }

  hostConnected(): void {
    document.addEventListener('visibilitychange', this.#shown);
  }

  hostDisconnected(): void {
    document.removeEventListener('visibilitychange', this.#shown);
    this.#seen = '';
  }

  /** To be called after every change of the engine's state. */
  engineChanged(): void {
    const { state } = this.#store();
    if (state === null) return;
    const { hostId, changes, cloud, preferences } = state;
    const seen = JSON.stringify([hostId, changes, cloud.allowed, preferences]);
    if (seen === this.#seen) return;
    this.#seen = seen;
    void this.look();
  }

  async look(): Promise<void> {
    const store = this.#store();
    try {
      const report = await (await store.connect()).kept();
      if (store !== this.#store()) return; // another engine meanwhile
      this.#report = report;
      this.#host.requestUpdate();
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  readonly #shown = (): void => {
    if (document.visibilityState === 'visible' && this.#seen !== '') void this.look();
  };
}
