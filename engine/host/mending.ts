// Brings a running model back after its device failed: frees it, starts it again as RecoveryPolicy says, and opens it anew
// when its kept copy is gone. Called by ModelSlot, once for all answers that failed with it. It knows nothing of answers.
// A graphics card that was reset takes some seconds to answer again (2.5 s seen after a crash of Chromium's GPU process),
// so the same device is asked several times before the next one is.

import { EngineError } from '../protocol/errors.js';
import type { RecoveryState } from '../protocol/state.js';
import { isDeviceFailure, stepDownNote, type Rung } from '../routing/ladder.js';
import { RecoveryPolicy, refetching } from '../routing/recovery.js';
import type { OpenedModel, StageProgress } from '../routing/runner.js';
import type { Climbing, Current } from './climbing.js';
import { rejectOnAbort } from './turnstile.js';

export interface MendingParts {
  readonly climbing: Climbing;
  readonly now: () => number;
  readonly cloudAllowed: () => boolean;
  readonly note: (text: string) => void;
  /** Tells what is being done. */
  readonly tell: (state: RecoveryState) => void;
  /** Milliseconds before each try of the same device. Passed in by tests. */
  readonly pauses?: readonly number[];
}

/** How the model that is mended is opened, and how far it has come. */
export interface Reopening {
  /** Anew, which may fetch it. */
  readonly reopen: (rung: Rung) => Promise<OpenedModel>;
  readonly onProgress: (progress: StageProgress) => void;
}

const usualPauses = [0, 500, 1_000, 2_000, 2_000];

export class Mending {
  readonly #policy: RecoveryPolicy;

  constructor(private readonly parts: MendingParts) {
    this.#policy = new RecoveryPolicy(parts.now);
  }

  /**
   * @param failed not in use any more; freed here
   * @returns null when nothing is left to try
   * @throws EngineError of the last try; everything is freed then
   */
  async mend(
    failed: Current,
    error: EngineError,
    { reopen, onProgress }: Reopening,
    signal: AbortSignal,
  ): Promise<Current | null> {
    const below = failed.below.filter((rung) => rung !== 'cloud' || this.parts.cloudAllowed());
    const { rungs, state } = this.#policy.plan(error, failed.rung, below);
    const [next] = rungs;
    this.parts.tell(state);
    if (next !== undefined) this.parts.note(stepDownNote(failed.rung, next, error));
    await this.parts.climbing.free(failed);
    if (next === undefined) {
      failed.opened?.close();
      return null;
    }
    let { opened } = failed;
    try {
      return await this.#climb(failed, { opened, onProgress }, rungs, signal);
    } catch (thrown) {
      const why = EngineError.from(thrown);
      opened?.close();
      if (signal.aborted || opened === null || isDeviceFailure(why) || why.code === 'aborted') throw why;
      this.parts.note(`${failed.loaded.name} could not be read again (${why.message})`);
      this.parts.tell(refetching);
      opened = await reopen(rungs[0] ?? failed.rung);
      try {
        return await this.#climb(failed, { opened, onProgress }, rungs, signal);
      } catch (again) {
        opened.close();
        throw again;
      }
    }
  }

  async #climb(
    { listing, rung }: Current,
    from: { readonly opened: OpenedModel | null } & Pick<Reopening, 'onProgress'>,
    rungs: readonly Rung[],
    signal: AbortSignal,
  ): Promise<Current> {
    const climb = { listing, ...from };
    if (rungs[0] !== rung) return await this.parts.climbing.climb({ ...climb, rungs }, signal);
    const below = rungs.slice(1);
    let last: EngineError | null = null;
    for (const pause of this.parts.pauses ?? usualPauses) {
      await sleep(pause, signal);
      try {
        return { ...(await this.parts.climbing.climb({ ...climb, rungs: [rung] }, signal)), below };
      } catch (thrown) {
        last = EngineError.from(thrown);
        if (signal.aborted || !isGpuAway(last)) break;
      }
    }
    const why = last ?? new EngineError('internal', 'The model was not tried again.');
    const [next] = below;
    if (signal.aborted || next === undefined || !isDeviceFailure(why)) throw why;
    this.parts.note(stepDownNote(rung, next, why));
    return await this.parts.climbing.climb({ ...climb, rungs: below }, signal);
  }
}

/** It may be back in a moment. */
const isGpuAway = ({ code }: EngineError): boolean => code === 'webgpu-unavailable' || code === 'device-lost';

async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds === 0) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await Promise.race([new Promise((resolve) => (timer = setTimeout(resolve, milliseconds))), rejectOnAbort(signal)]);
  } finally {
    clearTimeout(timer);
  }
}
