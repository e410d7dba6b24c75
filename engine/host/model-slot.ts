// The one model that is loaded, and the loads under way. Equal loads are joined; a load of another model waits for the
// answer that runs (Turnstile) and is broken off when nobody wants it any more. Climbs the ladder of devices and keeps
// the rungs below for a device that fails in mid-answer. Called by EngineHost; knows nothing of tabs and ports.
// What goes wrong: the opened header or the plan fails -> the old model stays; a device fails -> the next rung; all
// fail -> no model is loaded, the status is `failed`, and the next request tries again.

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
import {
  isDeviceFailure,
  planLadder,
  rungsAfter,
  stepDownNote,
  type DeviceSetting,
  type Rung,
} from '../routing/ladder.js';
import type { OpenedModel, OpenModel, RunningModel, StageProgress } from '../routing/runner.js';
import { DownloadSwitch } from '../weights/download/switch.js';
import { fileListing, type Catalogue } from './catalogue.js';
import { cloudListing, consentRequired, loadedCloud } from './cloud-model.js';
import { JoinedLoads, type JoinedLoad } from './joined-loads.js';
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
}

/** What a load brings beside the model's name. */
export interface LoadWish {
  readonly confirmed?: boolean;
  readonly file?: Blob;
}

interface Current {
  readonly listing: ModelListing;
  readonly opened: OpenedModel | null;
  rung: Rung;
  /** Rungs below this one. */
  below: readonly Rung[];
  running: RunningModel | null;
  backend: Backend;
  loaded: LoadedModel;
}

export class ModelSlot {
  status: EngineStatus = { kind: 'idle' };
  /** What broke and is being mended. */
  recovering: RecoveryState | null = null;
  loads = 0;
  #current: Current | null = null;
  readonly #loads = new JoinedLoads<LoadedModel>();
  #lastModel: string | null = null;
  /** Of the load under way. */
  #control: DownloadSwitch | null = null;
  /** What the load under way loads. */
  #opening: ModelListing | null = null;

  constructor(private readonly parts: SlotParts) {}

  get kvBytes(): number {
    return this.#current?.running?.kvBytes() ?? 0;
  }

  /** What runs on this device; null where nothing does. */
  get running(): RunningModel | null {
    return this.#current?.running ?? null;
  }

  /** What these messages cost the loaded model; null where none is loaded or only the cloud could tell. */
  count(messages: readonly ChatMessage[]): { readonly tokens: number; readonly contextLength: number } | null {
    const { backend, loaded } = this.#current ?? {};
    if (backend?.countTokens === undefined || loaded === undefined) return null;
    return { tokens: backend.countTokens(messages), contextLength: loaded.contextLength };
  }

  /** Loads in a turn of its own. @throws EngineError */
  async load(model: string, device: DeviceSetting, signal: AbortSignal, wish: LoadWish = {}): Promise<LoadedModel> {
    const listing = await Promise.race([this.#find(model), rejectOnAbort(signal)]);
    if (this.#fits(listing.id, device) && this.#current) return this.#current.loaded;
    const load = this.#join(listing, device, signal, wish);
    if (!load.scheduled) {
      load.scheduled = true;
      // Its own failures reach `result`; what rejects here is only an abort before its turn, seen by the race below.
      this.parts.turnstile.run(() => load.begin(), load.signal).catch(() => undefined);
    }
    return await Promise.race([load.result, rejectOnAbort(signal), rejectOnAbort(load.signal)]);
  }

  /** The route to the model wanted, loaded if need be. Only within a turn. @param model absent: the one that is loaded */
  async ensure(model: string | undefined, signal: AbortSignal): Promise<Route> {
    const wanted = model ?? this.#current?.listing.id ?? this.#lastModel ?? this.parts.settings().defaultModel;
    if (this.#current?.listing.id !== wanted) {
      const listing = await Promise.race([this.#find(wanted), rejectOnAbort(signal)]);
      if (!this.#fits(listing.id, 'auto')) {
        // Not raced against the signal: the turn is ours until the work has ended, though we may have left it to others.
        await this.#join(listing, this.parts.settings().device, signal).begin();
        signal.throwIfAborted();
      }
    }
    if (!this.#current) throw new EngineError('aborted', 'The model was unloaded while the answer waited for it.');
    this.#ready(this.#current);
    return routeOf(this.#current);
  }

  /** After the running model's device failed: the same model on the next rung, null when there is none. Within a turn. */
  async stepDown(error: EngineError, signal: AbortSignal): Promise<Route | null> {
    const current = this.#current;
    const left = current ? rungsAfter(error, current.rung, current.below) : [];
    const below = left.filter((rung) => rung !== 'cloud' || this.parts.cloudAllowed());
    const [next] = below;
    if (!current || next === undefined) {
      await this.#dispose();
      this.#set({ kind: 'failed', error: error.toShape() });
      return null;
    }
    this.parts.note(stepDownNote(current.rung, next, error));
    this.#current = null;
    try {
      await this.#free(current);
      const climbed = await this.#climb(current.listing, current.opened, below, signal);
      this.#settle(climbed);
      return routeOf(climbed);
    } catch (failure) {
      current.opened?.close();
      const final = EngineError.from(failure);
      this.#set(signal.aborted ? { kind: 'idle' } : { kind: 'failed', error: final.toShape() });
      throw final;
    }
  }

  /** Pauses the download of the load under way, or lets it go on. */
  pause(paused: boolean): void {
    this.#control?.set(paused);
    const { status } = this;
    if (status.kind === 'loading') this.#set({ ...status, phase: paused ? 'paused' : 'downloading' });
  }

  /** Breaks off the load under way, whoever wants it. */
  stop(): void {
    this.#loads.stopAll(new EngineError('aborted', 'Loading was stopped.'));
  }

  /** Frees the model after the answer that runs, if it is the one kept under this name. */
  async release(source: string): Promise<void> {
    if (this.#opening !== null && isKeptAs(source, this.#opening.url)) this.stop();
    if (this.#current && isKeptAs(source, this.#current.listing.url)) await this.unload();
  }

  /**
   * Frees the model after the answer that runs.
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
    const key = `${device} ${listing.id}`;
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
    let opened: OpenedModel | null = null;
    this.#opening = listing;
    try {
      signal.throwIfAborted();
      this.#loading(listing, { loadedBytes: 0, totalBytes: listing.byteLength });
      const { rungs, notes } = await Promise.race([this.#plan(listing, device), rejectOnAbort(signal)]);
      if (listing.id !== cloudModelId && rungs[0] !== 'cloud') {
        opened = await this.#open(listing, signal, wish);
        signal.throwIfAborted();
      }
      for (const note of notes) this.parts.note(note);
      await this.#dispose();
      this.loads++;
      const current = await this.#climb(listing, opened, rungs, signal);
      this.#control = null;
      this.#settle(current);
      return current.loaded;
    } catch (thrown) {
      opened?.close();
      this.#control = null;
      const error = signal.aborted ? EngineError.from(signal.reason) : EngineError.from(thrown);
      if (!signal.aborted) this.#set({ kind: 'failed', error: error.toShape() });
      else this.#set(this.#current ? before : { kind: 'idle' });
      throw error;
    } finally {
      this.#opening = null;
    }
  }

  #open(listing: ModelListing, signal: AbortSignal, wish: LoadWish): Promise<OpenedModel> {
    const control = new DownloadSwitch();
    this.#control = control;
    const { trustedKeys = [], maxDownload = null } = this.parts.settings();
    return this.parts.openModel(listing.url, {
      signal,
      control,
      trustedKeys,
      maxDownload,
      confirmed: wish.confirmed ?? false,
      file: wish.file ?? null,
      onNote: this.parts.note,
      // It tells of the download for as long as that lasts, also while a device reads what is here already.
      onProgress: (progress) => {
        if (this.#control === control) this.#loading(listing, progress);
      },
    });
  }

  async #plan(listing: ModelListing, device: DeviceSetting) {
    if (listing.id === cloudModelId) return { rungs: ['cloud'] as const, notes: [] };
    return planLadder(await this.parts.probe(device === 'auto'), device, this.parts.cloudAllowed());
  }

  async #climb(
    listing: ModelListing,
    opened: OpenedModel | null,
    rungs: readonly Rung[],
    signal: AbortSignal,
  ): Promise<Current> {
    for (const [index, rung] of rungs.entries()) {
      try {
        return await this.#start(listing, opened, rung, rungs.slice(index + 1), signal);
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

  async #start(
    listing: ModelListing,
    opened: OpenedModel | null,
    rung: Rung,
    below: readonly Rung[],
    signal: AbortSignal,
  ): Promise<Current> {
    const started = this.parts.now();
    if (rung === 'cloud' || opened === null) {
      if (!this.parts.cloudAllowed()) throw consentRequired();
      const backend = this.parts.createCloud(this.parts.settings());
      const loaded = loadedCloud(backend.info.modelName, this.parts.settings());
      return { listing, opened, rung: 'cloud', below: [], running: null, backend, loaded };
    }
    const running = await opened.start(rung, this.#stage(listing, signal));
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

  /** What a device has read says nothing of the download, which tells of itself; it counts where there is none. */
  #stage(listing: ModelListing, signal: AbortSignal) {
    const onProgress = (progress: StageProgress): void => {
      const { status } = this;
      const downloads = status.kind === 'loading' && status.totalBytes > 0 && status.phase !== 'preparing';
      if (!downloads) this.#loading(listing, progress, 'preparing');
    };
    return { signal, onProgress };
  }

  #loading(listing: ModelListing, progress: StageProgress, known?: 'preparing'): void {
    const { loadedBytes, totalBytes, bytesPerSecond, secondsLeft } = progress;
    const here = totalBytes > 0 && loadedBytes >= totalBytes;
    const phase = known ?? (here ? 'preparing' : this.#control?.paused === true ? 'paused' : 'downloading');
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

  #ready(current: Current): void {
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
    await this.#free(current);
    current.opened?.close();
  }

  /** What cannot be freed (its device is lost, say) must not keep the next one from starting: it is noted, no more. */
  async #free(current: Current): Promise<void> {
    try {
      await current.backend.dispose();
    } catch (error) {
      this.parts.note(`${current.loaded.name} could not be freed in full (${EngineError.from(error).message})`);
    }
  }
}

/**
 * Whether `source`, a model's name in the store, is what was listed or asked for as `url`: a pack is named by its folder
 * or its manifest and kept under its manifest's address, a repository by its folder or its page on the hub.
 */
function isKeptAs(source: string, url: string): boolean {
  const folder = url.replace(/\/$/, '');
  return [url, `${folder}/manifest.json`, `${folder}/`, `${folder}/resolve/main/`].includes(source);
}

const routeOf = ({ backend, loaded, rung }: Current): Route => ({
  backend,
  device: rung,
  provenance: { backend: loaded.backend, model: loaded.id },
});
