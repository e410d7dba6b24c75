// The one store that a group of elements shares: it connects to the engine once, keeps the newest state and passes
// requests on. Elements request and render; they never change what they show before the state says so, because
// another tab may have asked for something else in the same moment.
// It doesn't know the elements, and knows of the engine only what engine.ts says; how to connect is handed in.
// What goes wrong: a connection that fails is a state like any other (`failed`), shown by every element, and the next
// request tries again.

import { EngineError, type EngineErrorShape } from '../../engine/protocol/errors.js';
import type { ModelStorage } from '../../engine/client/index.js';
import type { EngineState } from '../../engine/protocol/state.js';
import type { EngineLike } from './engine.js';

export type Connection =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected'; readonly engine: EngineLike; readonly state: EngineState }
  | { readonly kind: 'failed'; readonly error: EngineErrorShape };

export class EngineStore {
  /** The newest connection and, in it, the engine's newest state. */
  get connection(): Connection {
    return this.#connection;
  }

  /** The engine's state; null until connected. */
  get state(): EngineState | null {
    return this.#connection.kind === 'connected' ? this.#connection.state : null;
  }

  /** The load under way was asked for here and can be cancelled here. */
  get loading(): boolean {
    return this.#load !== null;
  }

  /** What is kept on this device, as of the last `readStorage`; null before. */
  get storage(): ModelStorage | null {
    return this.#storage;
  }

  readonly #connect: () => Promise<EngineLike>;
  readonly #listeners = new Set<() => void>();
  #connection: Connection = { kind: 'idle' };
  #pending: Promise<EngineLike> | null = null;
  #unsubscribe: (() => void) | null = null;
  #load: AbortController | null = null;
  #storage: ModelStorage | null = null;

  /** @param connect makes the engine, when the first element needs it */
  constructor(connect: () => Promise<EngineLike>) {
    this.#connect = connect;
  }

  /**
   * Calls back after every change of `connection` until the returned function is called. The engine outlives elements,
   * so it holds the store only as long as somebody listens.
   */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#connection.kind === 'connected') this.#follow(this.#connection.engine);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#unfollow();
    };
  }

  /**
   * The engine, connecting where that has not happened. A failure is told in `connection` too, and the next call tries
   * again.
   * @throws EngineError whatever the client could not do
   */
  connect(): Promise<EngineLike> {
    this.#pending ??= this.#begin().catch((thrown: unknown) => {
      this.#pending = null;
      const error = EngineError.from(thrown);
      this.#set({ kind: 'failed', error: error.toShape() });
      throw error;
    });
    return this.#pending;
  }

  /**
   * Asks for a model; progress and outcome are in the state.
   * @param model Catalogue id, URL, or a GGUF file that the visitor chose; absent: the site's default
   * @param confirmed the visitor agreed to this download on a metered connection
   * @throws EngineError as told by the engine; `aborted` after `cancelLoad`
   */
  async load(model?: string | Blob, confirmed = false): Promise<void> {
    const engine = await this.connect();
    this.#load?.abort();
    const load = new AbortController();
    this.#load = load;
    try {
      await engine.load(model ?? engine.state.preferences.model ?? engine.settings.defaultModel, {
        signal: load.signal,
        confirmed,
      });
    } catch (thrown) {
      throw EngineError.from(thrown);
    } finally {
      if (this.#load === load) this.#load = null;
    }
  }

  /**
   * Gives up the load that this store asked for; where other tabs want it too, it goes on. One that only other tabs
   * asked for is broken off for all of them.
   */
  async cancelLoad(): Promise<void> {
    if (this.#load !== null) this.#load.abort();
    else await (await this.connect()).models.cancel();
  }

  /** Pauses the download under way for all tabs, or lets it go on. */
  async pauseLoad(paused: boolean): Promise<void> {
    const { models } = await this.connect();
    await (paused ? models.pause() : models.resume());
  }

  /** Looks anew at what is kept on this device. @throws EngineError `storage` */
  async readStorage(): Promise<void> {
    const engine = await this.connect();
    this.#storage = await engine.models.storage();
    this.#tell();
  }

  /** Removes a kept model from this device, after the answer that runs. @param source as `storage` names it */
  async deleteModel(source: string): Promise<void> {
    const engine = await this.connect();
    await engine.models.delete(source);
    await this.readStorage();
  }

  /** The visitor's cloud switch. */
  async allowCloud(allowed: boolean): Promise<void> {
    const engine = await this.connect();
    await engine.cloud.allow(allowed);
  }

  /** Leaves the engine as it is (others use it) and stops listening. */
  close(): void {
    this.#listeners.clear();
    this.#unfollow();
  }

  async #begin(): Promise<EngineLike> {
    this.#set({ kind: 'connecting' });
    const engine = await this.#connect();
    this.#set({ kind: 'connected', engine, state: engine.state });
    this.#follow(engine);
    return engine;
  }

  /** Hears the engine, if somebody hears the store; first of all what was missed while nobody did. */
  #follow(engine: EngineLike): void {
    if (this.#unsubscribe !== null || this.#listeners.size === 0) return;
    this.#unsubscribe = engine.subscribe((state) => this.#set({ kind: 'connected', engine, state }));
    if (this.state !== engine.state) this.#set({ kind: 'connected', engine, state: engine.state });
  }

  #unfollow(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  #set(connection: Connection): void {
    this.#connection = connection;
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** What the engine failed with, by itself or while connecting; null where nothing did. */
export function engineFailure(connection: Connection): EngineErrorShape | null {
  if (connection.kind === 'failed') return connection.error;
  if (connection.kind !== 'connected') return null;
  const { status } = connection.state;
  return status.kind === 'failed' ? status.error : null;
}
