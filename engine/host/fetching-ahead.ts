// Fetches models while another one answers, so that neither a slow line nor a pause holds back answers: what is here then
// waits for its turn. Called by ModelSlot, once for each load; knows nothing of turns.
// What goes wrong is the load's own affair and changes nothing of the model that answers. Whatever was opened for a load
// that is stopped, or that somebody else began first, is closed.

import { EngineError } from '../protocol/errors.js';
import type { LoadedModel, ModelListing } from '../protocol/state.js';
import type { DeviceSetting, LadderPlan } from '../routing/ladder.js';
import type { OpenedModel } from '../routing/runner.js';
import type { JoinedLoad } from './joined-loads.js';
import type { LoadWish, Opening, Openings } from './openings.js';
import { rejectOnAbort } from './turnstile.js';

/** What a load loads. */
export interface Wanted {
  /** Tabs that want the same wait for the same load. */
  readonly key: string;
  readonly listing: ModelListing;
  readonly device: DeviceSetting;
  readonly wish: LoadWish;
}

export interface FetchingParts {
  readonly openings: Openings;
  readonly plan: (listing: ModelListing, device: DeviceSetting) => Promise<LadderPlan>;
}

/** A model that is here and waits for its turn. */
export class Ahead {
  #opened: OpenedModel | null;

  constructor(
    opened: OpenedModel,
    readonly opening: Opening,
  ) {
    this.#opened = opened;
  }

  /** The caller's from now on; null when it was taken before. */
  take(): OpenedModel | null {
    const opened = this.#opened;
    this.#opened = null;
    return opened;
  }

  /** Its turn never came. Safe to call twice, and after it was taken. */
  close(): void {
    this.take()?.close();
    this.opening.end();
  }
}

export class FetchingAhead {
  readonly #here = new Map<string, Ahead>();

  constructor(private readonly parts: FetchingParts) {}

  /** What was fetched for the load of this key, which has its turn now. The caller's. */
  take(key: string): Ahead | null {
    const ahead = this.#here.get(key) ?? null;
    this.#here.delete(key);
    return ahead;
  }

  /** @returns why it failed or was stopped; null when it is here, or begun by whoever could not wait */
  async fetch(load: JoinedLoad<LoadedModel>, { key, listing, device, wish }: Wanted): Promise<EngineError | null> {
    const stop = AbortSignal.any([load.signal, load.taken]);
    const stopped = rejectOnAbort(stop);
    const opening = this.parts.openings.begin(listing);
    let model: Promise<OpenedModel> | null = null;
    try {
      opening.show();
      const { rungs } = await Promise.race([this.parts.plan(listing, device), stopped]);
      const [rung] = rungs;
      if (rung === undefined || rung === 'cloud') {
        opening.end();
        return null;
      }
      model = opening.open(rung, load.signal, wish);
      const opened = await Promise.race([model, stopped]);
      await Promise.race([opened.downloaded?.(stop), stopped]);
      if (stop.aborted) throw EngineError.from(stop.reason);
      this.#keep(key, new Ahead(opened, opening), load.signal);
      return null;
    } catch (thrown) {
      opening.end();
      void model?.then((opened) => opened.close()).catch(() => undefined); // what never opened needs no closing
      if (load.signal.aborted) return EngineError.from(load.signal.reason);
      return load.taken.aborted ? null : EngineError.from(thrown);
    }
  }

  #keep(key: string, ahead: Ahead, stopped: AbortSignal): void {
    this.#here.set(key, ahead);
    const drop = (): void => {
      if (this.#here.get(key) === ahead) this.take(key)?.close();
    };
    stopped.addEventListener('abort', drop, { once: true });
  }
}
