// The one model that is loaded, and the loads under way. Equal loads are joined; a load of another model waits for the
// answers that run (Turnstile) and is broken off when nobody wants it any more. How a model is opened is Openings' affair,
// what is fetched before its turn FetchingAhead's, how it is started Climbing's, how it comes back after its device failed
// in mid-answer Mending's. Called by EngineHost; knows nothing of tabs and ports. What goes wrong: the opened header or the plan fails -> the old model stays; a device fails -> it is mended;
// all fail -> no model is loaded, the status is `failed`, and the next request tries again.

import type { ChatMessage } from '../protocol/chat.js';
import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';
import {
  cloudModelId,
  type EngineStatus,
  type LoadedModel,
  type ModelListing,
  type RecoveryState,
} from '../protocol/state.js';
import type { Backend } from '../backends/backend.js';
import type { Route } from '../routing/answer.js';
import type { Capabilities } from '../routing/capabilities.js';
import { planLadder, type DeviceSetting, type LadderPlan, type Rung } from '../routing/ladder.js';
import { gaveUp, refetching, waitingForNetwork } from '../routing/recovery.js';
import type { OpenedModel, RunningModel } from '../routing/runner.js';
import { isFull } from '../weights/store/failures.js';
import { fileListing, type Catalogue } from './catalogue.js';
import { Climbing, routeOf, type Current } from './climbing.js';
import { cloudListing } from './cloud-model.js';
import { FetchingAhead, type Ahead, type Wanted } from './fetching-ahead.js';
import { JoinedLoads, type JoinedLoad } from './joined-loads.js';
import { Mending } from './mending.js';
import { checkSigned, noRules, type LoadRules } from './load-rules.js';
import { untilOnline } from './network.js';
import { Openings, type LoadWish, type Opening, type OpeningParts } from './openings.js';
import { rejectOnAbort, type Turnstile } from './turnstile.js';

export interface SlotParts extends OpeningParts {
  readonly createCloud: (settings: EngineSettings) => Backend;
  /** @param choice the device is ours to choose: then both are measured */
  readonly probe: (choice: boolean) => Promise<Capabilities>;
  readonly now: () => number;
  readonly catalogue: Catalogue;
  readonly turnstile: Turnstile;
  readonly cloudAllowed: () => boolean;
  /** Milliseconds before each try of a device that failed; passed in by tests. */
  readonly pauses?: readonly number[];
}

/** Answers at once from an endpoint, which has its own line. */
const cloudConcurrency = 4;

/** How often a load that lost the network, or what was kept, goes on by itself. */
const retriesAllowed = 3;

export class ModelSlot {
  /** What broke and is being mended. */
  recovering: RecoveryState | null = null;
  loads = 0;
  #current: Current | null = null;
  readonly #loads = new JoinedLoads<LoadedModel>();
  #lastModel: string | null = null;
  /** While nothing is being opened. */
  #settled: EngineStatus = { kind: 'idle' };
  readonly #openings: Openings;
  readonly #ahead: FetchingAhead;

  readonly #climbing: Climbing;
  readonly #mending: Mending;
  readonly #mends = new JoinedLoads<Route | null>();
  /** The backend that failed and is being replaced. */
  #failed: Backend | null = null;
  /** What the model that is loaded was asked for with. */
  #wish: LoadWish = {};

  constructor(private readonly parts: SlotParts) {
    this.#climbing = new Climbing(parts);
    this.#openings = new Openings(parts);
    this.#ahead = new FetchingAhead({
      openings: this.#openings,
      plan: (listing, device) => this.#plan(listing, device),
    });
    this.#mending = new Mending({ ...parts, climbing: this.#climbing, tell: (state) => this.#tell(state) });
  }

  get status(): EngineStatus {
    return this.#openings.status ?? this.#settled;
  }

  get kvBytes(): number {
    return this.#current?.running?.kvBytes() ?? 0;
  }

  /** What runs on this device; null where nothing does. */
  get running(): RunningModel | null {
    return this.#current?.running ?? null;
  }

  /** What these messages cost the loaded model, null where it cannot tell (the cloud); null where none is loaded. */
  count(messages: readonly ChatMessage[]): { readonly tokens: number | null; readonly contextLength: number } | null {
    const { backend, loaded } = this.#current ?? {};
    if (backend === undefined || loaded === undefined) return null;
    return { tokens: backend.countTokens?.(messages) ?? null, contextLength: loaded.contextLength };
  }

  /** Loads in a turn of its own. @throws EngineError */
  async load(model: string, device: DeviceSetting, signal: AbortSignal, wish: LoadWish = {}): Promise<LoadedModel> {
    const listing = await Promise.race([this.#find(model), rejectOnAbort(signal)]);
    if (this.#fits(listing.id, device) && this.#current) return this.#held(this.#current, wish.rules).loaded;
    const wanted = wantedOf(listing, device, wish);
    const load = this.#join(wanted, signal);
    if (!load.scheduled) {
      load.scheduled = true;
      void this.#schedule(wanted, load);
    }
    return await Promise.race([load.result, rejectOnAbort(signal), rejectOnAbort(load.signal)]);
  }

  /** While another model answers, its turn comes when it is here: neither a slow line nor a pause holds back answers. */
  async #schedule(wanted: Wanted, load: JoinedLoad<LoadedModel>): Promise<void> {
    if (this.#answersWhile(wanted.listing) && !(await this.#fetch(wanted, load))) return;
    // Its own failures reach `result`; what rejects here is only an abort before its turn, seen by who waits.
    await this.parts.turnstile.run(() => load.begin(), load.signal).catch(() => undefined);
  }

  /** Once for each load. @returns false when it failed, which is told, or was stopped */
  #fetch(wanted: Wanted, load: JoinedLoad<LoadedModel>): Promise<boolean> {
    load.fetched ??= this.#ahead.fetch(load, wanted).then((error) => {
      if (error === null) return true;
      if (!load.signal.aborted) this.#failedWith(error);
      load.fail(error);
      return false;
    });
    return load.fetched;
  }

  #answersWhile(listing: ModelListing): boolean {
    return this.#current !== null && listing.id !== cloudModelId;
  }

  /** Whether this is another model than the one that answers: then `prepare` is worth waiting for before a turn is. */
  mayFetch(model: string | undefined): boolean {
    return model !== undefined && model !== cloudModelId && this.#current !== null && !this.serves(model);
  }

  /**
   * Fetches the model beside the one that answers, so that `ensure` finds it here. What was fetched is kept until the
   * signal; without a model that answers nothing happens, because nobody is held back then.
   * @throws EngineError
   */
  async prepare(model: string, signal: AbortSignal, rules = noRules): Promise<void> {
    const listing = await Promise.race([this.#find(model), rejectOnAbort(signal)]);
    if (!this.#answersWhile(listing) || this.#fits(listing.id, 'auto')) return;
    const wanted = wantedOf(listing, this.parts.settings().device, { rules });
    const load = this.#join(wanted, signal);
    if (load.taken.aborted) return; // somebody has its turn already
    const stopped = Promise.race([rejectOnAbort(signal), rejectOnAbort(load.signal)]);
    if (!(await Promise.race([this.#fetch(wanted, load), stopped]))) await Promise.race([load.result, stopped]);
  }

  /** Answers that are worth running at once on what is loaded. */
  get concurrency(): number {
    if (this.#current?.rung === 'cloud') return cloudConcurrency;
    return this.#current?.running?.decoder.concurrency ?? 1;
  }

  /** Whether `ensure` would load nothing. */
  serves(model: string | undefined): boolean {
    return this.#current !== null && this.#current.listing.id === this.#wanted(model);
  }

  /** Whether this is what answers now. */
  runs(backend: Backend): boolean {
    return this.#current?.backend === backend;
  }

  #wanted(model: string | undefined): string {
    return model ?? this.#current?.listing.id ?? this.#lastModel ?? this.parts.settings().defaultModel;
  }

  /** The route to the model wanted, loaded if need be: only within a turn, and to load, alone. @param model absent: the one that is loaded */
  async ensure(model: string | undefined, signal: AbortSignal, rules = noRules): Promise<Route> {
    const wanted = this.#wanted(model);
    if (this.#current?.listing.id !== wanted) {
      const listing = await Promise.race([this.#find(wanted), rejectOnAbort(signal)]);
      if (!this.#fits(listing.id, 'auto')) {
        // Not raced against the signal: the turn is ours until the work has ended, though we may have left it to others.
        await this.#join(wantedOf(listing, this.parts.settings().device, { rules }), signal).begin();
        signal.throwIfAborted();
      }
    }
    if (!this.#current) throw new EngineError('aborted', 'The model was unloaded while the answer waited for it.');
    const current = this.#held(this.#current, rules);
    this.#ready(current);
    return routeOf(current);
  }

  /** @throws EngineError `model-invalid` when the tab that asks would not take it */
  #held(current: Current, rules: LoadRules = noRules): Current {
    if (current.rung !== 'cloud') checkSigned(rules, current.loaded.name, current.opened?.signedBy ?? null);
    return current;
  }

  /**
   * After the device of a running model failed: the same model started again, there or on the next rung; null when nothing
   * is left. Several answers that failed with it are mended once. Alone in the turn.
   * @param failed what answered
   */
  async recover(failed: Backend, error: EngineError, signal: AbortSignal): Promise<Route | null> {
    const current = this.#current;
    if (this.#failed !== failed) {
      if (failed.info.leavesDevice || current === null) return null;
      if (current.backend !== failed) return routeOf(current); // it is mended already
    }
    this.#failed = failed;
    const work = async (shared: AbortSignal): Promise<Route | null> => {
      try {
        return current && (await this.#mend(current, error, shared));
      } finally {
        this.#failed = null;
      }
    };
    // Not raced against the signal: the turn is ours until the work has ended.
    const route = await this.#mends.join('mend', signal, work, current?.listing.url).begin();
    signal.throwIfAborted();
    return route;
  }

  async #mend(failed: Current, error: EngineError, signal: AbortSignal): Promise<Route | null> {
    this.#current = null;
    const opening = this.#openings.begin(failed.listing);
    const reopen = (rung: Rung): Promise<OpenedModel> => opening.open(rung, signal, this.#wish);
    try {
      const mended = await this.#mending.mend(failed, error, { reopen, onProgress: opening.stage }, signal);
      opening.end();
      if (mended === null) {
        this.#set({ kind: 'failed', error: error.toShape() });
        return null;
      }
      this.#settle(mended);
      return routeOf(mended);
    } catch (failure) {
      const final = EngineError.from(failure);
      opening.end();
      this.#giveUp(signal);
      this.#set(signal.aborted ? { kind: 'idle' } : { kind: 'failed', error: final.toShape() });
      throw final;
    }
  }

  /** Pauses the downloads under way, or lets them go on. */
  pause(paused: boolean): void {
    this.#openings.pause(paused);
  }

  /**
   * Breaks off the loads under way, whoever wants them.
   * @param which by the model's address; absent: all
   */
  stop(which?: (url: string) => boolean): void {
    const reason = new EngineError('aborted', 'Loading was stopped.');
    this.#loads.stop(reason, which);
    this.#mends.stop(reason, which);
  }

  /** Frees the model after the answers that run, if it is the one kept under this name. */
  async release(source: string): Promise<void> {
    this.stop((url) => isKeptAs(source, url));
    if (this.#current && isKeptAs(source, this.#current.listing.url)) await this.unload();
  }

  /**
   * Frees the model after the answers that run.
   * @param before done in the same turn, when nothing is loaded and nothing loads
   */
  async unload(before?: () => Promise<void>): Promise<void> {
    await this.parts.turnstile.run(async () => {
      await this.#dispose();
      this.#lastModel = null;
      await before?.();
      this.#set({ kind: 'idle' });
    });
  }

  /** The visitor's switch went off: a model that answers from the cloud is no longer loaded. */
  dropCloud(): void {
    if (this.#current?.rung !== 'cloud') return;
    this.#current.opened?.close();
    this.#current = null;
    this.#set({ kind: 'idle' });
  }

  async #find(model: string): Promise<ModelListing> {
    if (model === cloudModelId) return cloudListing(this.parts.settings());
    return model.startsWith('file:') ? fileListing(model) : await this.parts.catalogue.find(model);
  }

  #fits(id: string, device: DeviceSetting): boolean {
    const current = this.#current;
    return current !== null && current.listing.id === id && (device === 'auto' || device === current.rung);
  }

  #join(wanted: Wanted, signal: AbortSignal): JoinedLoad<LoadedModel> {
    const { key, listing } = wanted;
    return this.#loads.join(key, signal, (shared) => this.#replace(wanted, shared), listing.url);
  }

  async #replace(wanted: Wanted, signal: AbortSignal): Promise<LoadedModel> {
    const { key, listing, device, wish } = wanted;
    const ahead = this.#ahead.take(key);
    if (this.#fits(listing.id, device) && this.#current) {
      ahead?.close();
      return this.#current.loaded;
    }
    const opening = ahead?.opening ?? this.#openings.begin(listing);
    try {
      signal.throwIfAborted();
      opening.show();
      const plan = await Promise.race([this.#plan(listing, device), rejectOnAbort(signal)]);
      const current = await this.#persist(wanted, plan, { opening, ahead }, signal);
      this.#wish = wish;
      opening.end();
      this.#settle(current);
      return current.loaded;
    } catch (thrown) {
      opening.end();
      const error = signal.aborted ? EngineError.from(signal.reason) : EngineError.from(thrown);
      this.#giveUp(signal);
      if (!signal.aborted) this.#failedWith(error);
      else if (this.#current === null) this.#set({ kind: 'idle' });
      throw error;
    } finally {
      ahead?.close();
    }
  }

  /** Begins again when the network is back, and once when what this device keeps cannot be read. */
  async #persist(wanted: Wanted, plan: LadderPlan, stage: Stage, signal: AbortSignal): Promise<Current> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#begin(wanted, plan, stage, signal);
      } catch (thrown) {
        const { code } = EngineError.from(thrown);
        if (signal.aborted || attempt > retriesAllowed) throw thrown;
        if (code === 'network') {
          const away = (): void => this.#tell(waitingForNetwork(attempt, retriesAllowed));
          if (!(await untilOnline(signal, away))) throw thrown;
        } else if (code === 'storage' && attempt === 1 && !isFull(thrown)) {
          this.#tell(refetching);
        } else {
          throw thrown;
        }
      }
    }
  }

  async #begin(
    { listing, wish }: Wanted,
    { rungs, notes }: LadderPlan,
    { opening, ahead }: Stage,
    signal: AbortSignal,
  ): Promise<Current> {
    let opened: OpenedModel | null = null;
    try {
      if (listing.id !== cloudModelId && rungs[0] !== 'cloud') {
        opened = ahead?.take() ?? (await opening.open(rungs[0] ?? 'wasm', signal, wish));
        signal.throwIfAborted();
      }
      for (const note of notes) this.parts.note(note);
      await this.#dispose();
      this.loads++;
      return await this.#climbing.climb({ listing, opened, rungs, onProgress: opening.stage }, signal);
    } catch (thrown) {
      opened?.close();
      throw thrown;
    }
  }

  async #plan(listing: ModelListing, device: DeviceSetting): Promise<LadderPlan> {
    if (listing.id === cloudModelId) return { rungs: ['cloud'], notes: [] };
    return planLadder(await this.parts.probe(device === 'auto'), device, this.parts.cloudAllowed());
  }

  #settle(current: Current): void {
    this.#current = current;
    this.#lastModel = current.listing.id;
    this.#ready(current);
  }

  #tell(state: RecoveryState): void {
    this.recovering = state;
    this.parts.changed('change');
  }

  /** What was being mended is not; unless it was stopped, that stays told until something works. */
  #giveUp(signal: AbortSignal): void {
    this.recovering = signal.aborted || this.recovering === null ? null : gaveUp(this.recovering);
  }

  #ready(current: Current): void {
    const mended = this.recovering !== null;
    this.recovering = null;
    if (mended) this.parts.changed('change');
    if (this.#settled.kind !== 'ready' || this.#settled.model !== current.loaded) {
      this.#set({ kind: 'ready', model: current.loaded });
    }
  }

  /** Whoever asked is told; for all others the model before is there as it was, where one still is. */
  #failedWith(error: EngineError): void {
    if (this.#current === null) this.#set({ kind: 'failed', error: error.toShape() });
    else this.#ready(this.#current);
  }

  #set(status: EngineStatus): void {
    this.#settled = status;
    this.parts.changed('change');
  }

  async #dispose(): Promise<void> {
    const current = this.#current;
    this.#current = null;
    if (!current) return;
    await this.#climbing.free(current);
    current.opened?.close();
  }
}

/** With what a load in its turn begins. */
interface Stage {
  readonly opening: Opening;
  readonly ahead: Ahead | null;
}

const wantedOf = (listing: ModelListing, device: DeviceSetting, wish: LoadWish): Wanted => ({
  key: JSON.stringify([device, listing.id, wish.rules ?? noRules]),
  listing,
  device,
  wish,
});

/**
 * Whether `source`, a model's name in the store, is what was listed or asked for as `url`: a pack is named by its folder
 * or its manifest and kept under its manifest's address, a repository by its folder or its page on the hub.
 */
function isKeptAs(source: string, url: string): boolean {
  const folder = url.replace(/\/$/, '');
  return [url, `${folder}/manifest.json`, `${folder}/`, `${folder}/resolve/main/`].includes(source);
}
