// When to look anew at what is kept on this device: with the first state, after each load, when the engine's counter of
// changes grew (another tab deleted something), and when the page is seen again (another site may have filled the disk).
// One per `<llm-model-picker>`; a deletion here is told by the store itself.

import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { EngineStore } from '../internal/engine-store.js';

export class StorageController implements ReactiveController {
  readonly #store: () => EngineStore;
  readonly #failed: (thrown: unknown) => void;
  /** What was looked at last: an engine's life and what it was doing. */
  #seen = '';

  /** @param failed hears why the storage could not be read */
  constructor(host: ReactiveControllerHost, store: () => EngineStore, failed: (thrown: unknown) => void) {
    this.#store = store;
    this.#failed = failed;
    host.addController(this);
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
    const { hostId, status, changes } = state;
    const model = status.kind === 'ready' ? status.model.id : '';
    const seen = [hostId, status.kind, model, changes.storage].join(' ');
    if (seen === this.#seen) return;
    const first = !this.#seen.startsWith(hostId);
    this.#seen = seen;
    if (first || status.kind !== 'loading') this.#look();
  }

  readonly #shown = (): void => {
    if (document.visibilityState === 'visible' && this.#seen !== '') this.#look();
  };

  #look(): void {
    this.#store().readStorage().catch(this.#failed);
  }
}
