// What a page holds: `engine.chat.completions`, models, load and unload, the state of the one engine that all tabs of
// the site share, the visitor's cloud switch. Made by connect(). Keeps the newest state (hello's snapshot, then the
// broadcasts of the same host), notices the host's death and connects again; knows no element and no DOM but the page's
// life (pagehide, pageshow). Nothing is ever changed here optimistically: the host decides, the state says it.

import { chosenFileName } from '../protocol/chosen-file.js';
import type { ChatMessage } from '../protocol/chat.js';
import type { TokenCount } from '../protocol/conversations.js';
import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';
import type { Erasure, KeptReport } from '../protocol/kept-data.js';
import type { PreferencesChange } from '../protocol/preferences.js';
import type { ProfileReport } from '../protocol/profile.js';
import { parseBroadcast } from '../protocol/page-messages.js';
import { cloudModelId, type EngineState, type LoadedModel, type RecoveryState } from '../protocol/state.js';
import { Completions } from './completions.js';
import { Conversations } from './conversations.js';
import { Connection, type Call, type ConnectionOptions } from './connection.js';
import { given } from './given.js';
import { PageLife } from './page-life.js';
import type { EngineDoor } from './worker-port.js';
import { modelReference } from './locations.js';
import { askToPersist, Models } from './models.js';
import { Revival, type Rebirth } from './revival.js';
import type { TypedEventTarget } from './typed-events.js';

/** Fired on the engine whenever its state changed. */
export class LlmStateChangeEvent extends Event {
  static readonly type = 'llm-state-change';
  constructor(readonly state: EngineState) {
    super(LlmStateChangeEvent.type);
  }
}

export interface LoadOptions {
  readonly device?: 'auto' | 'webgpu' | 'wasm';
  readonly signal?: AbortSignal;
  /** The visitor agreed to this download: it begins on a metered connection, too. */
  readonly confirmed?: boolean;
}

type Lend = (connection: Connection) => Promise<void>;

export interface EngineOptions extends Omit<ConnectionOptions, 'openPort'> {
  readonly door: EngineDoor;
  /** Offers each connection's host what this page can lend (lend-helper.ts); null: nothing. */
  readonly lend: Promise<Lend | null>;
}

export class Engine extends (EventTarget as new () => TypedEventTarget<{ 'llm-state-change': LlmStateChangeEvent }>) {
  readonly tabId: string;
  readonly chat: { readonly completions: Completions };
  readonly models: Models;
  /** What this device keeps of conversations. */
  readonly conversations: Conversations;
  readonly cloud: { allow(allowed: boolean): Promise<void> };
  #state: EngineState;
  #settings: EngineSettings;
  #connection: Connection;
  #connecting: Promise<Connection> | null = null;
  #channel: BroadcastChannel | null = null;
  readonly #revival = new Revival(() => performance.now());
  /** Of the host's own state, beside what the revival says. */
  #mending: RecoveryState | null = null;
  #loadIds = 0;
  /** What the death that is being mended asks for. */
  #rebirth: Rebirth | null = null;
  /** The model this page last saw loaded: what a new host is asked for after the old one died. */
  #lastModel: string | undefined;
  #closed = false;
  /** Given up for another one. */
  #left: Connection | null = null;
  /** What is loaded was loaded under settings that hold no more, and is about to go. */
  #outdated = false;
  readonly #life: PageLife;

  private constructor(
    private options: EngineOptions,
    private readonly onClosed: () => void,
    private readonly lend: Lend | null,
    first: { connection: Connection; state: EngineState; settings: EngineSettings; channel: BroadcastChannel },
  ) {
    super();
    this.tabId = options.tabId;
    this.#connection = first.connection;
    this.#state = first.state;
    this.#settings = first.settings;
    this.#remember(first.state);
    this.#listen(first.channel);
    this.#life = new PageLife({ aside: this.#aside, back: this.#back, seen: this.#seen });
    this.#watch(first.connection);
    this.chat = {
      completions: new Completions({
        connected: (signal) => this.#connected(signal),
        model: () => (this.#state.status.kind === 'idle' ? this.#lastModel : undefined),
      }),
    };
    this.models = new Models(this.#call);
    this.conversations = new Conversations(this.#call, () => this.#state.changes.erased);
    this.cloud = { allow: (allowed) => this.#allowCloud(allowed) };
  }

  /** Called by connect(). @throws EngineError `engine-lost` when the host cannot be started */
  static async open(options: EngineOptions, onClosed: () => void): Promise<Engine> {
    const channel = new BroadcastChannel(options.scope); // before hello, so that no state falls between
    try {
      const [{ connection, hello }, lend] = await Promise.all([Engine.#connect(options), options.lend]);
      return new Engine(options, onClosed, lend, { connection, state: hello.state, settings: hello.settings, channel });
    } catch (error) {
      channel.close();
      options.door.leave();
      throw error;
    }
  }

  static async #connect({ door, ...options }: EngineOptions): ReturnType<typeof Connection.open> {
    return await Connection.open({ ...options, asksAgain: true, openPort: () => door.open() });
  }

  /** The newest state of the engine that all tabs share. */
  get state(): EngineState {
    return this.#state;
  }

  /** The settings that hold: those of the tab that came first. */
  get settings(): EngineSettings {
    return this.#settings;
  }

  /** Calls `listener` with every later state. @returns ends it */
  subscribe(listener: (state: EngineState) => void): () => void {
    const heard = (event: Event): void => {
      if (event instanceof LlmStateChangeEvent) listener(event.state);
    };
    this.addEventListener(LlmStateChangeEvent.type, heard);
    return () => this.removeEventListener(LlmStateChangeEvent.type, heard);
  }

  /**
   * Loads a model for all tabs; joins a load of it that is under way.
   * @param model id in the catalogue, URL of a pack, a GGUF file or a repository (absolute, or begun with "./", "../" or
   *   "/"), a GGUF file that the visitor chose, 'cloud'
   * @throws EngineError, `aborted` by the signal (other tabs that wait for the same model still get it)
   */
  async load(model: string | Blob, { device, signal, confirmed }: LoadOptions = {}): Promise<LoadedModel> {
    if (signal?.aborted) throw new EngineError('aborted', 'Loading was stopped.');
    askToPersist();
    const connection = await this.#connected(signal);
    const loadId = `${this.tabId}.${++this.#loadIds}`;
    const cancel = (): void => {
      connection.call('cancelLoad', loadId).catch((error: unknown) => {
        // The connection ended, and with it the load; the call below reports that.
        void error;
      });
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const named =
        typeof model === 'string' ? { model: modelReference(model) } : { model: chosenFileName(model), file: model };
      return await connection.call('load', { ...named, loadId, ...given({ device, confirmed }) });
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  /**
   * Tokens of the prompt that these messages make: exact where a model is loaded, else estimated.
   * @throws EngineError `invalid-request`
   */
  async countTokens(request: { readonly messages: readonly ChatMessage[] }): Promise<TokenCount> {
    return await this.#call('countTokens', request);
  }

  /** Frees the model for all tabs, after the answer that runs. */
  async unload(): Promise<void> {
    this.#lastModel = undefined;
    await this.#call('unload');
  }

  /**
   * Changes what the visitor chose for this site; what is not named stays. Acts at once, in all tabs.
   * @throws EngineError `invalid-request`; `storage` when it acts but could not be kept
   */
  async setPreferences(change: PreferencesChange): Promise<void> {
    await this.#call('setPreferences', change);
  }

  /** All that this site keeps on this device for the kit, by kind. */
  async kept(): Promise<KeptReport> {
    return await this.#call('kept');
  }

  /**
   * Ends answers and loads of all tabs, frees the model and erases all that this site keeps here for the kit: models,
   * conversations, the cloud switch, preferences, measurements, the kit's own files. What could not be erased is in the result.
   * Pages that use the kit afterwards keep it again.
   */
  async eraseAll(): Promise<Erasure> {
    this.#lastModel = undefined;
    return await this.#call('eraseAll');
  }

  /**
   * GPU time of each kernel of the loaded model.
   * @param running begins anew or ends the measuring, which makes answers somewhat slower; absent: leaves it as it is
   */
  async profile(running?: boolean): Promise<ProfileReport> {
    return await this.#call('profile', running);
  }

  /** Same-origin URLs the engine's worker fetched: what offline use needs, beside the page's own. */
  async fetched(): Promise<readonly string[]> {
    return await this.#call('fetched');
  }

  /**
   * A further port to the engine, for whoever speaks to it on its own and not through this page: the service worker.
   * @throws EngineError `engine-lost`
   */
  async openPort(): Promise<{ readonly port: MessagePort; readonly scope: string; readonly settings: EngineSettings }> {
    await this.#connected(); // the page holds the engine, which would end with its last page
    const { port } = await this.options.door.open();
    // What holds for the site, and what this page itself demands of models: its answers over HTTP are held to that, too.
    const { trustedKeys, maxDownload } = this.options.settings;
    const settings = { ...this.#settings, ...given({ trustedKeys, maxDownload }) };
    return { port, scope: this.options.scope, settings };
  }

  /**
   * The page changed its settings: it says hello anew. They hold if no other tab is here; what was loaded under others is
   * freed then, and answers of this page end. Called by connect().
   */
  async reconfigure(settings: EngineSettings): Promise<void> {
    if (JSON.stringify(settings) === JSON.stringify(this.options.settings)) return;
    await this.#connected();
    this.options = { ...this.options, settings };
    const before = this.#connection;
    const held = JSON.stringify(this.#settings);
    this.#left = before; // the host ends it when it hears of the next: no death
    this.#outdated = true;
    await this.#reconnect();
    if (JSON.stringify(this.#settings) === held) this.#outdated = false;
    else this.#lastModel = undefined;
    before.goodbye('The page connected with other settings.');
  }

  /** Leaves the engine; every pending call of this page fails. The engine lives on for other tabs. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#life.close();
    this.#connection.goodbye('The page closed its connection to the engine.');
    this.options.door.leave();
    this.#channel?.close();
    this.onClosed();
  }

  async #allowCloud(allowed: boolean): Promise<void> {
    if (allowed && globalThis.top !== globalThis.self) {
      throw new EngineError('invalid-request', 'The cloud can be allowed only in the site itself, not in a frame.', {
        hint: 'Open this page in a tab of its own and switch the cloud on there.',
      });
    }
    await this.#call('setCloudAllowed', allowed);
  }

  /** Over the connection; a new one if the last is over. */
  #call: Call = async (method, argument) => await (await this.#connected()).call(method, argument);

  /** The connection; a new one if the last is over. */
  async #connected(signal?: AbortSignal): Promise<Connection> {
    if (this.#closed) {
      throw new EngineError('engine-lost', 'This page has closed its connection to the engine.', {
        hint: 'Call connect() again.',
      });
    }
    await this.#life.here();
    if (!this.#connection.gone.aborted) return this.#connection;
    this.#connecting ??= this.#reconnect().finally(() => {
      this.#connecting = null;
    });
    const connection = await this.#connecting;
    if (signal?.aborted) throw new EngineError('aborted', 'The request was stopped.');
    return connection;
  }

  async #reconnect(): Promise<Connection> {
    if (this.#channel === null) this.#listen(new BroadcastChannel(this.options.scope));
    const { connection, hello } = await Engine.#connect(this.options);
    if (this.#closed || this.#life.isAside) {
      connection.goodbye(this.#closed ? 'The page closed its connection to the engine.' : 'The page was left.');
      this.options.door.leave();
      throw EngineError.from(connection.gone.reason);
    }
    this.#connection = connection;
    this.#settings = hello.settings;
    this.#watch(connection);
    this.#take(hello.state, true);
    // Before any answer goes on, which would load it where it failed.
    if (this.#rebirth?.device !== undefined) await this.#reload(connection, this.#rebirth);
    return connection;
  }

  #watch(connection: Connection): void {
    const died = (): void => {
      if (this.#closed || connection !== this.#connection || connection === this.#left) return;
      const error = EngineError.from(connection.gone.reason).toShape();
      const failed = { ...this.#state, status: { kind: 'failed', error }, generating: [], waiting: [] } as const;
      if (this.#channel === null) return this.#show(failed); // put aside
      // One that lives and hangs is no death: it is what the next connection meets again, working perhaps.
      const rebirth = connection.silent ? {} : this.#revival.died(this.#state, this.#settings, this.#lastModel);
      this.#show(connection.silent || rebirth === null ? failed : { ...failed, status: { kind: 'idle' } });
      if (rebirth !== null) void this.#revive(rebirth);
    };
    connection.gone.addEventListener('abort', died, { once: true });
    if (!this.#life.visible) this.#tellVisible(connection, false);
    // A worker's port cannot be handed to another tab's; and the tab that hosts the engine lends its own.
    if (connection.relayed) return;
    this.lend?.(connection).catch((error: unknown) => {
      // The connection ended meanwhile: `died` deals with it, and the next one offers again.
      void error;
    });
  }

  /** Starts the next engine and loads what the last one had. */
  async #revive(rebirth: Rebirth): Promise<void> {
    this.#rebirth = rebirth;
    try {
      const connection = await this.#connected();
      if (rebirth.model !== undefined && rebirth.device === undefined) await this.#reload(connection, rebirth);
    } catch (failure) {
      const error = EngineError.from(failure).toShape();
      if (this.#connection.gone.aborted && !this.#closed)
        this.#show({ ...this.#state, status: { kind: 'failed', error } });
    }
    if (this.#rebirth !== rebirth) return; // it died again
    this.#rebirth = null;
    this.#revival.done();
    this.#show({ ...this.#state, recovering: this.#mending });
  }

  async #reload(connection: Connection, { model, device }: Rebirth): Promise<void> {
    const loadId = `${this.tabId}.${++this.#loadIds}`;
    await connection.call('load', given({ model, loadId, device }));
  }

  #listen(channel: BroadcastChannel): void {
    this.#channel = channel;
    channel.addEventListener('message', (event) => {
      const state = parseBroadcast(event.data);
      if (state) this.#take(state, false);
    });
  }

  /** @param fresh from hello: also a new host's */
  #take(state: EngineState, fresh: boolean): void {
    if (this.#connection.gone.aborted) return;
    const same = state.hostId === this.#state.hostId;
    if (same ? state.sequence <= this.#state.sequence : !fresh) return;
    this.#remember(state);
    if (state.status.kind === 'ready' && this.#rebirth === null) this.#revival.done();
    this.#show(state);
  }

  #remember({ status }: EngineState): void {
    if (status.kind !== 'ready') this.#outdated = false;
    if (this.#outdated) return;
    if (status.kind === 'ready' && status.model.id !== cloudModelId) this.#lastModel = status.model.id;
  }

  #show(state: EngineState): void {
    this.#mending = state.recovering === this.#revival.state ? null : state.recovering;
    this.#state = { ...state, recovering: this.#revival.state ?? state.recovering };
    this.dispatchEvent(new LlmStateChangeEvent(this.#state));
  }

  /** A page that is put aside must hold nothing of the engine, and host nothing. */
  #aside = (): void => {
    this.#channel?.close();
    this.#channel = null;
    this.#connection.goodbye('The page was left.');
    this.options.door.leave();
  };

  #back = (): void => {
    this.#connected().catch((error: unknown) => {
      this.#show({ ...this.#state, status: { kind: 'failed', error: EngineError.from(error).toShape() } });
    });
  };

  #seen = (visible: boolean): void => this.#tellVisible(this.#connection, visible);

  #tellVisible(connection: Connection, visible: boolean): void {
    if (connection.gone.aborted) return;
    connection.call('setVisibility', visible).catch((error: unknown) => {
      void error; // the connection ended meanwhile, and the next one is told
    });
  }
}
