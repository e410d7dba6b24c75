// Opens models for ModelSlot: under the rules of the site and of the tab that asked, with the pause switch of the load under
// way. Knows nothing of turns.
// What goes wrong: what opening throws; what a pause holds back waits until it is over or the load is stopped.

import type { EngineSettings } from '../protocol/host-api.js';
import type { ModelListing } from '../protocol/state.js';
import type { Rung } from '../routing/ladder.js';
import type { OpenedModel, OpenModel, StageProgress } from '../routing/runner.js';
import { DownloadSwitch } from '../weights/download/switch.js';
import { both, noRules, rulesOf, type LoadRules } from './load-rules.js';

/** What a load brings beside the model's name. */
export interface LoadWish {
  readonly confirmed?: boolean;
  readonly file?: Blob;
  /** Of the tab that asks. */
  readonly rules?: LoadRules;
}

export interface OpenerParts {
  readonly openModel: OpenModel;
  readonly settings: () => EngineSettings;
  readonly note: (text: string) => void;
  /** Told of the download for as long as that lasts, also while a device reads what is here already. */
  readonly progress: (listing: ModelListing, progress: StageProgress) => void;
}

export class Opener {
  /** Of the load under way. */
  #control: DownloadSwitch | null = null;
  #paused = false;

  constructor(private readonly parts: OpenerParts) {}

  get paused(): boolean {
    return this.#paused;
  }

  /** Holds for the load under way, also when that has not come to its download yet. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.#control?.set(paused);
  }

  /** The load under way is over. */
  end(): void {
    this.#control = null;
    this.#paused = false;
  }

  /** @throws EngineError */
  async open(listing: ModelListing, rung: Rung, signal: AbortSignal, wish: LoadWish): Promise<OpenedModel> {
    const control = new DownloadSwitch();
    control.set(this.#paused);
    this.#control = control;
    const rules = both(rulesOf(this.parts.settings()), wish.rules ?? noRules);
    return this.parts.openModel(listing.url, {
      signal,
      control,
      ...rules,
      ...(rung === 'cloud' ? {} : { device: rung }),
      confirmed: wish.confirmed ?? false,
      file: wish.file ?? null,
      onNote: this.parts.note,
      onProgress: (progress) => {
        if (this.#control === control) this.parts.progress(listing, progress);
      },
    });
  }
}
