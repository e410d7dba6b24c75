// Starts an opened model on the first rung of the ladder that takes it. Called by ModelSlot (loading) and Mending (after a
// device failed); knows nothing of who wants the model. What goes wrong on one device is noted and the next is tried; an
// error of the model, an abort, or the last device's failure is thrown.

import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';
import type { LoadedModel, ModelListing } from '../protocol/state.js';
import type { Backend } from '../backends/backend.js';
import type { Route } from '../routing/answer.js';
import { isDeviceFailure, stepDownNote, type Rung } from '../routing/ladder.js';
import type { OpenedModel, RunningModel, StageProgress } from '../routing/runner.js';
import { consentRequired, loadedCloud } from './cloud-model.js';

export interface ClimbingParts {
  readonly createCloud: (settings: EngineSettings) => Backend;
  readonly settings: () => EngineSettings;
  readonly cloudAllowed: () => boolean;
  readonly now: () => number;
  readonly note: (text: string) => void;
}

/** A model that runs. */
export interface Current {
  readonly listing: ModelListing;
  readonly opened: OpenedModel | null;
  readonly rung: Rung;
  /** Rungs below this one. */
  readonly below: readonly Rung[];
  readonly running: RunningModel | null;
  readonly backend: Backend;
  readonly loaded: LoadedModel;
}

/** What is to be started. */
export interface Climb {
  readonly listing: ModelListing;
  readonly opened: OpenedModel | null;
  readonly rungs: readonly Rung[];
  readonly onProgress: (progress: StageProgress) => void;
}

export class Climbing {
  constructor(private readonly parts: ClimbingParts) {}

  /** @throws EngineError */
  async climb(climb: Climb, signal: AbortSignal): Promise<Current> {
    const { rungs } = climb;
    for (const [index, rung] of rungs.entries()) {
      try {
        return await this.#start(climb, rung, rungs.slice(index + 1), signal);
      } catch (thrown) {
        const error = EngineError.from(thrown);
        const next = rungs[index + 1];
        const mayTry = next !== 'cloud' || this.parts.cloudAllowed(); // the switch may have gone off since the plan
        if (signal.aborted || next === undefined || !mayTry || !isDeviceFailure(error)) throw error;
        this.parts.note(stepDownNote(rung, next, error));
      }
    }
    throw new EngineError('internal', 'The ladder of devices is empty.');
  }

  /** What cannot be freed (its device is lost, say) must not keep the next one from starting: it is noted, no more. */
  async free(current: Current): Promise<void> {
    try {
      await current.backend.dispose();
    } catch (error) {
      this.parts.note(`${current.loaded.name} could not be freed in full (${EngineError.from(error).message})`);
    }
  }

  async #start(climb: Climb, rung: Rung, below: readonly Rung[], signal: AbortSignal): Promise<Current> {
    const { listing, opened, onProgress } = climb;
    const started = this.parts.now();
    if (rung === 'cloud' || opened === null) {
      if (!this.parts.cloudAllowed()) throw consentRequired();
      const backend = this.parts.createCloud(this.parts.settings());
      const loaded = loadedCloud(backend.info.modelName, this.parts.settings());
      return { listing, opened, rung: 'cloud', below: [], running: null, backend, loaded };
    }
    const running = await opened.start(rung, { signal, onProgress });
    if (signal.aborted) {
      await running.backend.dispose();
      throw EngineError.from(signal.reason);
    }
    const loaded: LoadedModel = {
      id: listing.id,
      name: listing.id === listing.url ? opened.name : listing.name,
      backend: 'local',
      decoder: running.decoder.kind,
      device: running.decoder.device,
      deviceName: running.decoder.deviceName,
      contextLength: running.decoder.contextLength,
      weightBytes: running.decoder.weightBytes,
      loadMilliseconds: this.parts.now() - started,
    };
    return { listing, opened, rung, below, running, backend: running.backend, loaded };
  }
}

export const routeOf = ({ backend, loaded, rung }: Current): Route => ({
  device: rung,
  backend,
  provenance: { backend: loaded.backend, model: loaded.id },
});
