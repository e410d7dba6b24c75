// `LanguageModel`, the Prompt API's class, over our engine: the same calls, events and errors, so that a program written
// for the browser's own model runs with ours. `languageModel(connect)` makes the class for one engine; nothing is put
// on the page unless it asks (install.ts). Source: the Prompt API (W3C Web Machine Learning CG). What differs, because a
// page and no browser decides here: `create()` needs no click, and languages are those that the catalogue names.

import type { EngineState, ModelListing } from '../../protocol/state.js';
import { cloudModelId } from '../../protocol/state.js';
import type { Engine } from '../engine.js';
import { asDomException } from './failures.js';
import {
  checkCore,
  checkCreate,
  languagesOf,
  onlyText,
  type LanguageModelCreateCoreOptions,
  type LanguageModelCreateOptions,
} from './options.js';
import { readPrompt, type LanguageModelPrompt } from './prompts.js';
import { Session, type LanguageModelPromptOptions, type SessionEngine } from './session.js';

export type LanguageModelAvailability = 'unavailable' | 'downloadable' | 'downloading' | 'available';

export type LanguageModelEngine = SessionEngine & Pick<Engine, 'state' | 'settings' | 'subscribe' | 'load' | 'models'>;

/** Keeps the constructor for ourselves, as the standard has it. */
const ours = Symbol('made by create() or clone()');

export class LanguageModel extends EventTarget {
  readonly #session: Session;
  #oncontextoverflow: ((event: Event) => unknown) | null = null;

  constructor(key: unknown, open: (overflowed: () => void) => Session) {
    if (key !== ours) throw new TypeError('Illegal constructor: sessions come from LanguageModel.create().');
    super();
    this.#session = open(() => this.dispatchEvent(new Event('contextoverflow')));
  }

  /** Tokens in the session's context now. */
  get contextUsage(): number {
    return this.#session.contextUsage;
  }

  /** Tokens that the context can have. */
  get contextWindow(): number {
    return this.#session.contextWindow;
  }

  get oncontextoverflow(): ((event: Event) => unknown) | null {
    return this.#oncontextoverflow;
  }

  set oncontextoverflow(listener: ((event: Event) => unknown) | null) {
    if (this.#oncontextoverflow) this.removeEventListener('contextoverflow', this.#oncontextoverflow);
    this.#oncontextoverflow = typeof listener === 'function' ? listener : null;
    if (this.#oncontextoverflow) this.addEventListener('contextoverflow', this.#oncontextoverflow);
  }

  /** The whole answer. @throws DOMException `AbortError`, `NotSupportedError`, `QuotaExceededError`, `OperationError` */
  async prompt(input: LanguageModelPrompt, options: LanguageModelPromptOptions = {}): Promise<string> {
    let text = '';
    for await (const piece of this.#session.prompt(input, options)) text += piece;
    return text;
  }

  /** The answer as it is written. What goes wrong ends the stream. */
  promptStreaming(input: LanguageModelPrompt, options: LanguageModelPromptOptions = {}): ReadableStream<string> {
    const stop = new AbortController();
    const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
    const pieces = this.#session.prompt(input, { ...options, signal });
    return new ReadableStream<string>({
      pull: async (controller) => {
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: async (reason: unknown) => {
        stop.abort(reason ?? new DOMException('The stream was cancelled.', 'AbortError'));
        await pieces.return();
      },
    });
  }

  /** Adds messages without an answer. */
  async append(input: LanguageModelPrompt, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#session.append(input, options);
  }

  /** Tokens that this prompt would add. */
  async measureContextUsage(input: LanguageModelPrompt, options: LanguageModelPromptOptions = {}): Promise<number> {
    return await this.#session.measure(input, options);
  }

  /** A session that goes on from here by itself. */
  async clone({ signal }: { readonly signal?: AbortSignal } = {}): Promise<LanguageModel> {
    signal?.throwIfAborted();
    const Same = this.constructor as typeof LanguageModel; // the page's `instanceof` is by the engine's own class
    return new Same(ours, (overflowed) => destroyedBy(this.#session.clone(overflowed), signal));
  }

  /** Ends what runs and the session; every later call fails with `AbortError`. */
  destroy(): void {
    this.#session.destroy();
  }
}

export interface LanguageModelClass {
  readonly prototype: LanguageModel;
  create(options?: LanguageModelCreateOptions): Promise<LanguageModel>;
  availability(options?: LanguageModelCreateCoreOptions): Promise<LanguageModelAvailability>;
}

/**
 * The class for one engine.
 * @param connected the engine; asked for when the class is first used
 */
export function languageModel(connected: () => Promise<LanguageModelEngine>): LanguageModelClass {
  class OfEngine extends LanguageModel {
    static async availability(options: LanguageModelCreateCoreOptions = {}): Promise<LanguageModelAvailability> {
      checkCore(options);
      if (!onlyText(options)) return 'unavailable';
      return await availabilityOf(await connected(), options);
    }

    static async create(options: LanguageModelCreateOptions = {}): Promise<LanguageModel> {
      const { signal, monitor } = options;
      signal?.throwIfAborted();
      checkCreate(options);
      const initial = readPrompt(options.initialPrompts ?? [], true).messages;
      try {
        const engine = await connected();
        if (!onlyText(options) || (await availabilityOf(engine, options)) === 'unavailable') {
          throw new DOMException('No model of this site does that on this device.', 'NotSupportedError');
        }
        await prepare(engine, signal, monitor);
        let overflowed = (): void => undefined;
        const session = await Session.open(engine, options, initial, () => overflowed());
        signal?.throwIfAborted();
        return new OfEngine(ours, (tell) => {
          overflowed = tell;
          return destroyedBy(session, signal);
        });
      } catch (error) {
        throw signal?.aborted === true ? signal.reason : asDomException(error);
      }
    }
  }
  Object.defineProperty(OfEngine, 'name', { value: 'LanguageModel' });
  return OfEngine;
}

/** As the standard has it: what aborts the making destroys what was made. */
function destroyedBy(session: Session, signal: AbortSignal | undefined): Session {
  signal?.addEventListener('abort', () => session.destroy(), { once: true, signal: session.ended });
  return session;
}

const isLocal = ({ status }: EngineState): boolean => status.kind === 'ready' && status.model.id !== cloudModelId;

async function availabilityOf(
  engine: LanguageModelEngine,
  options: LanguageModelCreateCoreOptions,
): Promise<LanguageModelAvailability> {
  try {
    const listing = await wanted(engine);
    const languages: readonly string[] = listing?.languages ?? [];
    if (languages.length > 0 && !languagesOf(options).every((tag) => languages.includes(tag))) return 'unavailable';
    if (isLocal(engine.state)) return 'available';
    if (engine.state.status.kind === 'loading') return 'downloading';
    const source = listing?.url ?? engine.settings.defaultModel;
    const { models } = await engine.models.storage();
    const kept = models.find((model) => model.source === source || model.source === `${source}/`);
    return kept !== undefined && kept.storedBytes >= kept.byteLength ? 'available' : 'downloadable';
  } catch (error) {
    throw asDomException(error);
  }
}

/** What the catalogue says of the model that is loaded, or of the one that would be. */
async function wanted(engine: LanguageModelEngine): Promise<ModelListing | undefined> {
  const { status } = engine.state;
  const id = isLocal(engine.state) && status.kind === 'ready' ? status.model.id : engine.settings.defaultModel;
  const { data } = await engine.models.list();
  return data.find((listing) => listing.id === id || listing.url === id);
}

/** Has a model loaded, telling the monitor how far it is. */
async function prepare(
  engine: LanguageModelEngine,
  signal: AbortSignal | undefined,
  tell: LanguageModelCreateOptions['monitor'],
): Promise<void> {
  const monitor = new EventTarget();
  tell?.(monitor);
  let last = -1;
  const progress = (loaded: number): void => {
    if (loaded <= last) return;
    last = loaded;
    monitor.dispatchEvent(new ProgressEvent('downloadprogress', { loaded, total: 1, lengthComputable: true }));
  };
  progress(0);
  const stop = engine.subscribe(({ status }) => {
    if (status.kind === 'loading' && status.totalBytes > 0)
      progress(Math.min(0.999, status.loadedBytes / status.totalBytes));
  });
  try {
    if (!isLocal(engine.state)) await engine.load(engine.settings.defaultModel, signal === undefined ? {} : { signal });
  } finally {
    stop();
  }
  progress(1);
}
