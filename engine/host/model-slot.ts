// The one model that is loaded, and the loads under way. Equal loads are joined; a load of another model waits for the
// answers that run (Turnstile) and is broken off when nobody wants it any more. How a model is started is Climbing's
// affair, how it comes back after its device failed in mid-answer Mending's. Called by EngineHost; knows nothing of tabs
// and ports. What goes wrong: the opened header or the plan fails -> the old model stays; a device fails -> it is mended;
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
import { planLadder, type DeviceSetting, type LadderPlan } from '../routing/ladder.js';
import { gaveUp, refetching, waitingForNetwork } from '../routing/recovery.js';
import type { OpenedModel, OpenModel, RunningModel, StageProgress } from '../routing/runner.js';
import { isFull } from '../weights/store/failures.js';
import { fileListing, type Catalogue } from './catalogue.js';
import { Climbing, routeOf, type Current } from './climbing.js';
import { cloudListing } from './cloud-model.js';
import { JoinedLoads, type JoinedLoad } from './joined-loads.js';
import { Mending } from './mending.js';
import { checkSigned, noRules, type LoadRules } from './load-rules.js';
import { untilOnline } from './network.js';
import { Opener, type LoadWish } from './opener.js';
import { rejectOnAbort, type Turnstile } from './turnstile.js';

export interface SlotParts {
  readonly openModel: OpenModel;
  readonly createCloud: (settings: EngineSettings) => Backend;
  /** @param choice the device is ours to choose: then both are measured */
  readonly probe: (choice: boolean) => Promise<Capabilities>;
  readonly now: () => number;
  readonly catalogue: Catalogue;
  readonly turnstile: Turnstile;
  readonly settings: () => EngineSettings;
  readonly cloudAllowed: () => boolean;
  readonly changed: (kind: 'progress' | 'change') => void;
  readonly note: (text: string) => void;
  /** Milliseconds before each try of a device that failed; passed in by tests. */
  readonly pauses?: readonly number[];
}

/** Answers at once from an endpoint, which has its own line. */
const cloudConcurrency = 4;

/** How often a load that lost the network, or what was kept, goes on by itself. */
const retriesAllowed = 3;

/** With what the load is joined by. */
type KeyedWish = LoadWish & { readonly key: string };

export class ModelSlot {
  status: EngineStatus = { kind: 'idle' };
  /** What broke and is being mended. */
  recovering: RecoveryState | null = null;
  loads = 0;
  #current: Current | null = null;
  readonly #loads = new JoinedLoads<LoadedModel>();
  #lastModel: string | null = null;
  readonly #opener: Opener;
  /** Another model answers while the next one is downloaded. */
  #fetching = false;
  /** Downloaded, and waiting for its turn. */
  #ahead: { readonly key: string; readonly opened: OpenedModel } | null = null;
  /** What the load under way loads. */
  #opening: ModelListing | null = null;

  readonly #climbing: Climbing;
  readonly #mending: Mending;
  readonly #mends = new JoinedLoads<Route | null>();
  /** The backend that failed and is being replaced. */
  #failed: Backend | null = null;
  /** What the model that is loaded was asked for with. */
  #wish: LoadWish = {};

  constructor(private readonly parts: SlotParts) {
    this.#climbing = new Climbing(parts);
    this.#opener = new Opener({ ...parts, progress: (listing, progress) => this.#loading(listing, progress) });
    this.#mending = new Mending({
      ...parts,
      climbing: this.#climbing,
      tell: (state) => this.#tell(state),
      reopen: (listing, rung, signal) => this.#opener.open(listing, rung, signal, this.#wish),
      progress: (listing) => this.#stage(listing),
    });
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
    const load = this.#join(listing, device, signal, wish);
    if (!load.scheduled) {
      load.scheduled = true;
      void this.#schedule(listing, device, load, wish);
    }
    return await Promise.race([load.result, rejectOnAbort(signal), rejectOnAbort(load.signal)]);
  }

  /** While another model answers, its turn comes when it is here: neither a slow line nor a pause holds back answers. */
  async #schedule(
    listing: ModelListing,
    device: DeviceSetting,
    load: JoinedLoad<LoadedModel>,
    wish: LoadWish,
  ): Promise<void> {
    if (this.#current !== null && listing.id !== cloudModelId && !(await this.#fetch(listing, device, load, wish)))
      return;
    // Its own failures reach `result`; what rejects here is only an abort before its turn, seen by who waits.
    await this.parts.turnstile.run(() => load.begin(), load.signal).catch(() => undefined);
    this.#takeAhead(loadKey(listing, device, wish))?.close(); // its turn never came
  }

  /** @returns false when it failed, which is told, or was stopped */
  async #fetch(
    listing: ModelListing,
    device: DeviceSetting,
    load: JoinedLoad<LoadedModel>,
    wish: LoadWish,
  ): Promise<boolean> {
    const before = this.status;
    const stop = AbortSignal.any([load.signal, load.taken]);
    const stopped = rejectOnAbort(stop);
    this.#opening = listing;
    this.#fetching = true;
    let opening: Promise<OpenedModel> | null = null;
    try {
      this.#loading(listing, { loadedBytes: 0, totalBytes: listing.byteLength });
      const { rungs } = await Promise.race([this.#plan(listing, device), stopped]);
      const [rung] = rungs;
      if (rung === undefined || rung === 'cloud') return true;
      opening = this.#opener.open(listing, rung, load.signal, wish);
      const opened = await Promise.race([opening, stopped]);
      await Promise.race([opened.downloaded?.(stop), stopped]);
      this.#ahead = { key: loadKey(listing, device, wish), opened };
      return true;
    } catch (thrown) {
      void opening?.then((opened) => opened.close()).catch(() => undefined); // what never opened needs no closing
      if (load.taken.aborted) return true; // an answer could not wait and loads it in its own turn
      const error = load.signal.aborted ? EngineError.from(load.signal.reason) : EngineError.from(thrown);
      this.#opening = null;
      this.#opener.end();
      this.#set(load.signal.aborted ? before : { kind: 'failed', error: error.toShape() });
      load.fail(error);
      return false;
    } finally {
      this.#fetching = false;
    }
  }

  #takeAhead(key: string): OpenedModel | null {
    if (this.#ahead?.key !== key) return null;
    const { opened } = this.#ahead;
    this.#ahead = null;
    return opened;
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
        await this.#join(listing, this.parts.settings().device, signal, { rules }).begin();
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
    const route = await this.#mends.join('mend', signal, work).begin();
    signal.throwIfAborted();
    return route;
  }

  async #mend(failed: Current, error: EngineError, signal: AbortSignal): Promise<Route | null> {
    this.#current = null;
    this.#opening = failed.listing;
    try {
      const mended = await this.#mending.mend(failed, error, signal);
      if (mended === null) {
        this.#set({ kind: 'failed', error: error.toShape() });
        return null;
      }
      this.#settle(mended);
      return routeOf(mended);
    } catch (failure) {
      const final = EngineError.from(failure);
      this.#giveUp(signal);
      this.#set(signal.aborted ? { kind: 'idle' } : { kind: 'failed', error: final.toShape() });
      throw final;
    } finally {
      this.#opening = null;
      this.#opener.end();
    }
  }

  /** Pauses the download of the load under way, or lets it go on. */
  pause(paused: boolean): void {
    const { status } = this;
    if (status.kind !== 'loading') return;
    this.#opener.pause(paused);
    this.#set({ ...status, phase: paused ? 'paused' : 'downloading' });
  }

  /** Breaks off the load under way, whoever wants it. */
  stop(): void {
    const reason = new EngineError('aborted', 'Loading was stopped.');
    this.#loads.stopAll(reason);
    this.#mends.stopAll(reason);
  }

  /** Frees the model after the answers that run, if it is the one kept under this name. */
  async release(source: string): Promise<void> {
    if (this.#opening !== null && isKeptAs(source, this.#opening.url)) this.stop();
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

  #join(
    listing: ModelListing,
    device: DeviceSetting,
    signal: AbortSignal,
    wish: LoadWish = {},
  ): JoinedLoad<LoadedModel> {
    const key = loadKey(listing, device, wish);
    return this.#loads.join(key, signal, (shared) => this.#replace(listing, device, shared, wish));
  }

  async #replace(
    listing: ModelListing,
    device: DeviceSetting,
    signal: AbortSignal,
    wish: LoadWish,
  ): Promise<LoadedModel> {
    if (this.#fits(listing.id, device) && this.#current) return this.#current.loaded;
    const before = this.status;
    const key = loadKey(listing, device, wish);
    this.#opening = listing;
    try {
      signal.throwIfAborted();
      this.#loading(listing, { loadedBytes: 0, totalBytes: listing.byteLength });
      const plan = await Promise.race([this.#plan(listing, device), rejectOnAbort(signal)]);
      const current = await this.#persist(listing, plan, signal, { ...wish, key });
      this.#wish = wish;
      this.#opener.end();
      this.#settle(current);
      return current.loaded;
    } catch (thrown) {
      this.#opener.end();
      const error = signal.aborted ? EngineError.from(signal.reason) : EngineError.from(thrown);
      this.#giveUp(signal);
      if (!signal.aborted) this.#set({ kind: 'failed', error: error.toShape() });
      else this.#set(this.#current ? before : { kind: 'idle' });
      throw error;
    } finally {
      this.#opening = null;
    }
  }

  /** Begins again when the network is back, and once when what this device keeps cannot be read. */
  async #persist(listing: ModelListing, plan: LadderPlan, signal: AbortSignal, wish: KeyedWish): Promise<Current> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#begin(listing, plan, signal, wish);
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

  async #begin(listing: ModelListing, plan: LadderPlan, signal: AbortSignal, wish: KeyedWish): Promise<Current> {
    const { rungs, notes } = plan;
    let opened: OpenedModel | null = null;
    try {
      if (listing.id !== cloudModelId && rungs[0] !== 'cloud') {
        opened = this.#takeAhead(wish.key) ?? (await this.#opener.open(listing, rungs[0] ?? 'wasm', signal, wish));
        signal.throwIfAborted();
      }
      for (const note of notes) this.parts.note(note);
      await this.#dispose();
      this.loads++;
      return await this.#climbing.climb({ listing, opened, rungs, onProgress: this.#stage(listing) }, signal);
    } catch (thrown) {
      opened?.close();
      throw thrown;
    }
  }

  async #plan(listing: ModelListing, device: DeviceSetting): Promise<LadderPlan> {
    if (listing.id === cloudModelId) return { rungs: ['cloud'], notes: [] };
    return planLadder(await this.parts.probe(device === 'auto'), device, this.parts.cloudAllowed());
  }

  /** What a device has read says nothing of the download, which tells of itself; it counts where there is none. */
  #stage(listing: ModelListing) {
    return (progress: StageProgress): void => {
      const { status } = this;
      const downloads = status.kind === 'loading' && status.totalBytes > 0 && status.phase !== 'preparing';
      if (!downloads) this.#loading(listing, progress, 'preparing');
    };
  }

  #loading(listing: ModelListing, progress: StageProgress, known?: 'preparing'): void {
    const { loadedBytes, totalBytes, bytesPerSecond, secondsLeft } = progress;
    const here = totalBytes > 0 && loadedBytes >= totalBytes;
    const phase = known ?? (here ? 'preparing' : this.#opener.paused ? 'paused' : 'downloading');
    const fresh = this.status.kind !== 'loading' || this.status.phase !== phase;
    const status = { kind: 'loading', modelId: listing.id, modelName: listing.name, phase } as const;
    const rate = typeof bytesPerSecond === 'number' ? { bytesPerSecond } : {};
    const left = typeof secondsLeft === 'number' ? { secondsLeft } : {};
    this.status = { ...status, loadedBytes, totalBytes, ...rate, ...left };
    this.parts.changed(fresh ? 'change' : 'progress');
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
    if (this.#fetching) return; // the download is what there is to be told and paused
    if (this.status.kind !== 'ready' || this.status.model !== current.loaded) {
      this.#set({ kind: 'ready', model: current.loaded });
    }
  }

  #set(status: EngineStatus): void {
    this.status = status;
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

/** Tabs that demand the same wait for the same load. */
const loadKey = (listing: ModelListing, device: DeviceSetting, { rules = noRules }: LoadWish): string =>
  JSON.stringify([device, listing.id, rules]);

/**
 * Whether `source`, a model's name in the store, is what was listed or asked for as `url`: a pack is named by its folder
 * or its manifest and kept under its manifest's address, a repository by its folder or its page on the hub.
 */
function isKeptAs(source: string, url: string): boolean {
  const folder = url.replace(/\/$/, '');
  return [url, `${folder}/manifest.json`, `${folder}/`, `${folder}/resolve/main/`].includes(source);
}
