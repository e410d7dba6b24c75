// `engine.models`: what the site offers, what is kept on this device, and the download under way. Made by Engine. Nothing
// is changed here: the host does it, and the state tells every tab.

import type { ModelListing, StorageReport } from '../protocol/state.js';
import type { Call } from './connection.js';

export interface ModelStorage extends StorageReport {
  /** Whether the browser promised not to clear it when the disk fills up; null where it does not say. */
  readonly persisted: boolean | null;
}

export class Models {
  constructor(private readonly call: Call) {}

  /** The catalogue of the site. @throws EngineError */
  async list(): Promise<{ readonly object: 'list'; readonly data: readonly ModelListing[] }> {
    return { object: 'list', data: await this.call('models') };
  }

  /** What is kept on this device, with its size. @throws EngineError `storage` */
  async storage(): Promise<ModelStorage> {
    const report = await this.call('storage');
    const { storage } = navigator as { storage?: StorageManager };
    return { ...report, persisted: (await storage?.persisted?.()) ?? null };
  }

  /**
   * Frees a model, if it is loaded, after the answer that runs, and removes it from this device.
   * @param source as `storage()` names it
   * @throws EngineError `model-not-found` when it is not kept here
   */
  async delete(source: string): Promise<void> {
    await this.call('deleteModel', source);
  }

  /**
   * Measures this device, where that has not happened, and judges the catalogue's models by it: `state.verdicts` has them
   * from then on, in all tabs. Takes some tenths of a second, the first time.
   * @throws EngineError of the catalogue
   */
  async assess(): Promise<void> {
    await this.call('assess');
  }

  /** Pauses the download under way, for all tabs. `load()` goes on waiting. */
  async pause(): Promise<void> {
    await this.call('pauseLoad', true);
  }

  async resume(): Promise<void> {
    await this.call('pauseLoad', false);
  }

  /** Breaks off the load under way, for all tabs. What was downloaded stays, and the next load goes on from there. */
  async cancel(): Promise<void> {
    await this.call('stopLoad');
  }
}

/**
 * Asks the browser not to clear this site's storage when the disk fills up, where a person has just chosen something:
 * some browsers ask them, and nobody is asked out of the blue. What comes of it is in `storage()`.
 */
export function askToPersist(): void {
  const { storage, userActivation } = navigator as {
    storage?: Partial<StorageManager>;
    userActivation?: { readonly isActive: boolean };
  };
  if (userActivation?.isActive !== true) return;
  storage?.persist?.().catch((error: unknown) => {
    void error; // it may be refused in any way: the model is kept all the same, only less surely
  });
}
