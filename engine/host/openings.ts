// Models that are being opened. Each load under way has one Opening: it opens the model under the rules of the site and of
// the tab that asked, obeys the pause switch, and knows how far it has come. Several may be under way, because a model is
// downloaded while another one answers; the state shows the one that was begun last. Made by ModelSlot and FetchingAhead;
// knows nothing of turns.
// What goes wrong: what opening throws; what a pause holds back waits until it is over or the load is stopped.

import type { EngineSettings } from '../protocol/host-api.js';
import type { EngineStatus, ModelListing } from '../protocol/state.js';
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

export type LoadingStatus = Extract<EngineStatus, { kind: 'loading' }>;

export interface OpeningParts {
  readonly openModel: OpenModel;
  readonly settings: () => EngineSettings;
  readonly note: (text: string) => void;
  readonly changed: (kind: 'progress' | 'change') => void;
}

export class Openings {
  /** Oldest first. */
  readonly #under: Opening[] = [];

  constructor(private readonly parts: OpeningParts) {}

  /** Of the newest that has something to tell; null while nothing is being opened. */
  get status(): LoadingStatus | null {
    return this.#under.findLast(({ status }) => status !== null)?.status ?? null;
  }

  /** To be ended by whoever begins it. */
  begin(listing: ModelListing): Opening {
    const opening: Opening = new Opening(listing, this.parts, () => {
      const at = this.#under.indexOf(opening);
      if (at < 0) return;
      this.#under.splice(at, 1);
      this.parts.changed('change');
    });
    this.#under.push(opening);
    return opening;
  }

  /** Holds for all that is under way, also for what has not come to its download yet. */
  pause(paused: boolean): void {
    for (const opening of this.#under) opening.pause(paused);
  }
}

export class Opening {
  /** Null until there is something to tell. */
  status: LoadingStatus | null = null;
  #control: DownloadSwitch | null = null;
  #paused = false;

  /** @param end may be called twice; the state falls back to what else is under way */
  constructor(
    private readonly listing: ModelListing,
    private readonly parts: OpeningParts,
    readonly end: () => void,
  ) {}

  /** From now on the state tells of it. */
  show(): void {
    if (this.status === null) this.#tell({ loadedBytes: 0, totalBytes: this.listing.byteLength });
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#control?.set(paused);
    if (this.status === null) return;
    this.status = { ...this.status, phase: paused ? 'paused' : 'downloading' };
    this.parts.changed('change');
  }

  /** @throws EngineError */
  async open(rung: Rung, signal: AbortSignal, wish: LoadWish): Promise<OpenedModel> {
    const control = new DownloadSwitch();
    control.set(this.#paused);
    this.#control = control;
    const rules = both(rulesOf(this.parts.settings()), wish.rules ?? noRules);
    return this.parts.openModel(this.listing.url, {
      signal,
      control,
      ...rules,
      ...(rung === 'cloud' ? {} : { device: rung }),
      confirmed: wish.confirmed ?? false,
      file: wish.file ?? null,
      onNote: this.parts.note,
      // Told for as long as the download lasts, also while a device reads what is here already.
      onProgress: (progress) => {
        if (this.#control === control) this.#tell(progress);
      },
    });
  }

  /** What a device has read says nothing of the download, which tells of itself; it counts where there is none. */
  readonly stage = (progress: StageProgress): void => {
    const downloads = this.status !== null && this.status.totalBytes > 0 && this.status.phase !== 'preparing';
    if (!downloads) this.#tell(progress, 'preparing');
  };

  #tell(progress: StageProgress, known?: 'preparing'): void {
    const { loadedBytes, totalBytes, bytesPerSecond, secondsLeft } = progress;
    const here = totalBytes > 0 && loadedBytes >= totalBytes;
    const phase = known ?? (here ? 'preparing' : this.#paused ? 'paused' : 'downloading');
    const fresh = this.status?.phase !== phase;
    const { id: modelId, name: modelName } = this.listing;
    const rate = typeof bytesPerSecond === 'number' ? { bytesPerSecond } : {};
    const left = typeof secondsLeft === 'number' ? { secondsLeft } : {};
    this.status = { kind: 'loading', modelId, modelName, phase, loadedBytes, totalBytes, ...rate, ...left };
    this.parts.changed(fresh ? 'change' : 'progress');
  }
}
