// Where the engine lives: takes pages' ports, gives their calls to the parts that answer them (the line of requests, the
// one loaded model, the catalogue, the cloud switch), publishes one state. The same class runs in the SharedWorker and
// in an elected tab's worker; only the entry differs, and everything from outside is passed in as `EngineParts`.
// Called by serve-shared-worker.ts and by tests. Knows nothing of weights, decoders or the DOM.
// What goes wrong: a tab that dies frees all it had; a failing answer fails alone; a refused message changes nothing.

import { EngineError } from '../protocol/errors.js';
import { parseHello, parseId, parseLoad, parseSource, parseSwitch, type EngineSettings } from '../protocol/host-api.js';
import { hostLockName, tabLockName } from '../protocol/scope.js';
import { cloudModelId, type EngineHome, type EngineState } from '../protocol/state.js';
import { parseCompletionRequest } from '../protocol/text-completion.js';
import { EngineCounters } from '../metrics/answer-meter.js';
import type { Backend } from '../backends/backend.js';
import type { ConversationStore } from '../conversations/conversation-store.js';
import type { Capabilities } from '../routing/capabilities.js';
import type { ConsentStore } from '../routing/consent-store.js';
import type { PreferencesStore } from '../routing/preferences-store.js';
import type { KeptModels, OpenModel } from '../routing/runner.js';
import type { Abilities } from '../routing/verdicts.js';
import { AnswerLine } from './answer-line.js';
import { Answering } from './answering.js';
import { Catalogue } from './catalogue.js';
import { conversationCalls } from './conversation-calls.js';
import type { QueueLimits } from './fair-queue.js';
import type { Helpers } from './helpers.js';
import { KernelProfile } from './kernel-profile.js';
import { KeptData, type KeptPlace, type StorageEstimate } from './kept-data.js';
import { holdLock, seesLock } from './life-signs.js';
import { noRules, rulesOf, type LoadRules } from './load-rules.js';
import { ModelSlot } from './model-slot.js';
import { Site } from './site.js';
import { StatePublisher, type StateChannel, type StateFacts } from './state-publisher.js';
import { TabSession, type SessionCalls } from './tab-session.js';
import { Turnstile } from './turnstile.js';
import { Verdicts } from './verdicts.js';
import { Visitor } from './visitor.js';
import { visitorCalls } from './visitor-calls.js';

/** Everything of the outside world; tests pass their own. */
export interface EngineParts {
  readonly scope: string;
  /** Told in the state. */
  readonly home: EngineHome;
  readonly openModel: OpenModel;
  readonly createCloud: (settings: EngineSettings) => Backend;
  /** @param choice the device is ours to choose: then both are measured */
  readonly probe: (choice: boolean) => Promise<Capabilities>;
  readonly consent: ConsentStore;
  /** What the visitor chose; absent where nothing is kept. */
  readonly preferences?: PreferencesStore;
  /** What this device can do, measured; absent where nobody is told. */
  readonly abilities?: () => Promise<Abilities>;
  /** Everything that is kept on this device, to be looked at and erased. */
  readonly places?: readonly KeptPlace[];
  readonly estimate?: StorageEstimate;
  /** What tabs lend. */
  readonly helpers: Helpers;
  /** The models on this device; absent where nothing is kept. */
  readonly kept?: KeptModels;
  /** The conversations on this device; absent where none are kept. */
  readonly conversations?: () => Promise<ConversationStore>;
  readonly fetch: typeof globalThis.fetch;
  readonly locks: LockManager;
  readonly channel: StateChannel;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly createId: () => string;
  /** Same-origin URLs fetched so far. */
  readonly fetched: () => readonly string[];
  readonly limits?: QueueLimits;
}

const newestNotes = 8;
const unmeasured: Abilities = {
  webgpu: false,
  wasmSimd: false,
  rates: { webgpu: null, wasm: null },
  threads: 1,
  memoryBytes: null,
};
const unknownRoom = { usage: null, quota: null };

export class EngineHost {
  readonly id: string;
  readonly #sessions = new Set<TabSession>();
  /** Those whose settings were looked at. */
  readonly #greeted = new Set<TabSession>();
  readonly #turnstile = new Turnstile();
  readonly #site: Site;
  readonly #visitor: Visitor;
  readonly #verdicts: Verdicts;
  readonly #calls: SessionCalls;
  readonly #catalogue: Catalogue;
  readonly #slot: ModelSlot;
  readonly #counters: EngineCounters;
  readonly #publisher: StatePublisher;
  readonly #answering: Answering;
  readonly #line: AnswerLine;
  readonly #alive: Promise<void>;
  readonly #end = new AbortController();
  #notes: readonly string[] = [];
  #changes = { storage: 0, conversations: 0, erased: 0 };
  #wasLoading = false;

  constructor(private readonly parts: EngineParts) {
    this.id = parts.createId();
    this.#counters = new EngineCounters(parts.now);
    this.#site = new Site(parts.consent);
    this.#visitor = new Visitor(parts.preferences);
    this.#catalogue = new Catalogue(
      () => this.#site.settings.catalogueUrl,
      parts.fetch,
      () => this.#publisher.changed(),
    );
    this.#verdicts = new Verdicts({
      abilities: parts.abilities ?? (async () => unmeasured),
      listings: async () => {
        await this.#catalogue.ready();
        return this.#catalogue.listings;
      },
    });
    this.#slot = new ModelSlot({
      openModel: parts.openModel,
      createCloud: parts.createCloud,
      probe: parts.probe,
      now: parts.now,
      catalogue: this.#catalogue,
      turnstile: this.#turnstile,
      settings: () => this.#visitor.over(this.#site.settings),
      cloudAllowed: () => this.#site.cloudAllowed,
      changed: (kind) => this.#slotChanged(kind),
      note: (text) => this.#note(text),
    });
    this.#answering = new Answering({
      slot: this.#slot,
      settings: () => this.#site.settings,
      cloudAllowed: () => this.#site.cloudAllowed,
      rules: (tabId) => this.#rulesFor(tabId),
      createCloud: parts.createCloud,
      now: parts.now,
      changed: (kind) => this.#publisher.changed(kind),
      note: (text) => this.#note(text),
    });
    this.#line = new AnswerLine({
      answering: this.#answering,
      counters: this.#counters,
      turnstile: this.#turnstile,
      createId: parts.createId,
      limits: parts.limits,
      concurrency: () => this.#slot.concurrency,
      changed: () => this.#publisher.changed(),
    });
    this.#publisher = new StatePublisher(this.id, () => this.#facts(), parts.channel, parts.now);
    this.#calls = this.#makeCalls();
    this.#alive = holdLock(parts.locks, hostLockName(parts.scope, this.id), this.#end.signal);
  }

  /** Resolves when the host holds the lock by which its death is noticed. */
  get alive(): Promise<void> {
    return this.#alive;
  }

  /** No page is here and none is about to say hello: at most a service worker, which asks for pages. */
  get deserted(): boolean {
    return [...this.#sessions].every(({ tabId, isTab }) => tabId !== null && !isTab);
  }

  /**
   * A page connected. The port is the page's alone, and the host closes it when the page has gone.
   * @param left called once, when it has
   */
  attach(port: MessagePort, left: () => void = () => undefined): void {
    const gone = (session: TabSession): void => {
      this.#left(session);
      left();
    };
    this.#sessions.add(new TabSession(port, this.#calls, gone));
  }

  /** Ends every session and frees the model. For tests and for an elected tab that hands over. */
  async close(): Promise<void> {
    for (const session of this.#sessions) session.end('The engine was closed.');
    await this.#slot.unload();
    this.#publisher.close();
    this.#end.abort();
  }

  #makeCalls(): SessionCalls {
    return {
      hello: async (session, request) => {
        const hello = parseHello(request);
        if (!hello.lifeLock.startsWith(tabLockName(this.parts.scope, ''))) {
          throw new EngineError('invalid-request', 'hello, lifeLock: this is no lock of a tab of this engine.');
        }
        await this.#alive; // so that a page that asks for our lock never gets it while we live
        if (session.greeted) {
          throw new EngineError('invalid-request', 'hello: this port is a tab’s already.', { hint: 'Connect again.' });
        }
        session.greeted = true;
        session.gone.throwIfAborted(); // it left while it waited: its settings must not hold
        for (const other of this.#sessions) {
          if (other !== session && other.tabId === hello.tabId) other.end('The tab connected again.');
        }
        await this.#settle(session, hello.settings);
        await this.#visitor.ready;
        // The tab holds its lock as long as it waits for this answer. Where we do not see it, it does not see ours.
        const sharesLocks = await seesLock(this.parts.locks, hello.lifeLock);
        session.attach(hello, sharesLocks ? this.parts.locks : null);
        this.#publisher.changed();
        return { state: this.#publisher.current(), settings: this.#site.settings, sharesLocks };
      },
      ping: async () => ({ hostId: this.id }),
      state: async () => this.#publisher.current(),
      models: async () => {
        await this.#catalogue.ready();
        return this.#catalogue.listings;
      },
      load: async (session, request) => {
        const { model, device, loadId, ...wish } = parseLoad(request);
        if (session.loads.has(loadId)) throw new EngineError('invalid-request', 'This loadId is in use.');
        if (model === cloudModelId) this.#answering.requireCloud();
        const controller = new AbortController();
        session.loads.set(loadId, controller);
        try {
          return await this.#slot.load(
            model,
            device ?? this.#visitor.over(this.#site.settings).device,
            controller.signal,
            { ...wish, rules: session.rules },
          );
        } finally {
          session.loads.delete(loadId);
        }
      },
      cancelLoad: async (session, loadId) => {
        const load = session.loads.get(parseId(loadId, 'loadId'));
        load?.abort(new EngineError('aborted', 'Loading was stopped.'));
        return null;
      },
      pauseLoad: async (_session, paused) => {
        this.#slot.pause(parseSwitch(paused, 'the pause switch'));
        return null;
      },
      stopLoad: async () => {
        this.#slot.stop();
        return null;
      },
      storage: async () => (await this.parts.kept?.report()) ?? { kind: 'none', usage: null, quota: null, models: [] },
      deleteModel: async (_session, given) => {
        const source = parseSource(given);
        await this.#slot.release(source);
        if (await this.parts.kept?.delete(source)) {
          this.#keptChanged('storage');
          return null;
        }
        throw new EngineError('model-not-found', `“${source.slice(0, 100)}” is not kept on this device.`, {
          hint: 'storage() lists what is.',
        });
      },
      unload: async () => {
        await this.#slot.unload();
        return null;
      },
      complete: async (session, request, port) => {
        if (!(port instanceof MessagePort)) {
          throw new EngineError('invalid-request', 'complete: a MessagePort for the answer is wanted.');
        }
        return { requestId: this.#admit(session, request, port) };
      },
      ...conversationCalls({
        ...(this.parts.conversations === undefined ? {} : { conversations: this.parts.conversations }),
        mayKeep: () => this.#visitor.preferences.keepConversations,
        changed: () => this.#keptChanged('conversations'),
        erased: () => this.#changes.erased,
        count: (messages) => this.#slot.count(messages),
      }),
      ...visitorCalls({
        visitor: this.#visitor,
        verdicts: this.#verdicts,
        kept: new KeptData(this.parts.places ?? [], this.parts.estimate ?? (async () => unknownRoom)),
        profile: new KernelProfile(() => this.#slot.running),
        changed: () => this.#publisher.changed(),
        alone: (work) => this.#alone(work),
      }),
      setCloudAllowed: async (_session, allowed) => {
        await this.#setCloudAllowed(parseSwitch(allowed, 'the cloud switch'));
        return null;
      },
      offerHelper: async (session, offer, orders) => {
        this.parts.helpers.offer(offer, orders, session.gone);
        return null;
      },
      setVisibility: async (session, visible) => {
        session.visible = parseSwitch(visible, 'the visibility');
        this.#line.lookAgain();
        return null;
      },
      fetched: async () => this.parts.fetched(),
    };
  }

  /**
   * The first tab's settings hold for as long as any tab is here. When all had left and the browser kept the worker (a
   * reload does), the next tab's settings hold, and what was loaded under others is freed.
   */
  async #settle(session: TabSession, settings: EngineSettings): Promise<void> {
    const inUse = this.#greeted.size > 0;
    this.#greeted.add(session);
    session.rules = rulesOf(settings);
    const outcome = await this.#site.adopt(settings, inUse);
    if (outcome === 'kept') return;
    if (outcome === 'replaced') {
      this.#catalogue.reset();
      this.#verdicts.reset();
      void this.#slot.unload();
    }
    // So that elements can list the models before one is asked for; a load tries again and reports what is wrong.
    this.#catalogue.ready().catch((error: unknown) => this.#note(EngineError.from(error).message));
  }

  #rulesFor(tabId: string): LoadRules {
    for (const session of this.#sessions) if (session.tabId === tabId) return session.rules;
    return noRules; // it has left, and so has its answer
  }

  #admit(session: TabSession, request: unknown, port: MessagePort): string {
    try {
      const completion = this.#visitor.complete(parseCompletionRequest(request));
      if (completion.model === cloudModelId) this.#answering.requireCloud();
      const asker = { tabId: session.tabId ?? '', gone: session.gone, visible: () => session.visible };
      return this.#line.admit(asker, completion, port);
    } catch (error) {
      port.close();
      throw error;
    }
  }

  async #setCloudAllowed(allowed: boolean): Promise<void> {
    const stored = this.#site.allowCloud(allowed); // it acts already; only the storing takes time
    if (!allowed) {
      for (const job of this.#line.running) {
        if (!job.atCloud) continue;
        job.controller.abort(
          new EngineError('consent-required', 'The cloud was switched off while it answered.', {
            hint: 'What had arrived is kept. Ask again to have this device answer.',
          }),
        );
      }
      this.#slot.dropCloud();
    }
    this.#publisher.changed();
    await stored;
  }

  /** Everything ends, so that nobody writes while `work` is done; then the tabs look at what is kept again. */
  async #alone(work: () => Promise<void>): Promise<void> {
    this.#keptChanged('erased');
    this.#line.stopAll(new EngineError('aborted', 'Everything that this site keeps here is being erased.'));
    this.#slot.stop();
    // What its store cannot forget is told by the erasing itself, which looks there.
    await this.#setCloudAllowed(false).catch(() => undefined);
    await this.#slot.unload(work);
    this.#keptChanged('storage');
    this.#keptChanged('conversations');
  }

  #keptChanged(what: keyof EngineState['changes']): void {
    this.#changes = { ...this.#changes, [what]: this.#changes[what] + 1 };
    this.#publisher.changed();
  }

  /** A load that has ended, however it did, has left something on this device. */
  #slotChanged(kind: 'progress' | 'change'): void {
    const loading = this.#slot.status.kind === 'loading';
    if (this.#wasLoading && !loading) this.#keptChanged('storage');
    this.#wasLoading = loading;
    this.#publisher.changed(kind);
  }

  #left(session: TabSession): void {
    this.#sessions.delete(session);
    this.#greeted.delete(session);
    if (session.tabId !== null) this.#line.leave({ tabId: session.tabId, gone: session.gone });
    this.#publisher.changed();
  }

  #note(text: string): void {
    if (this.#notes.at(-1) === text) return;
    this.#notes = [...this.#notes, text].slice(-newestNotes);
    this.#publisher.changed();
  }

  #facts(): StateFacts {
    const { running, waiting } = this.#line;
    return {
      host: this.parts.home,
      status: this.#slot.status,
      models: this.#catalogue.listings,
      verdicts: this.#verdicts.current,
      preferences: this.#visitor.preferences,
      changes: this.#changes,
      generating: running.map(({ tabId, requestId }) => ({ tabId, requestId })),
      waiting,
      tabs: [...this.#sessions].filter((session) => session.isTab).length,
      cloud: {
        endpoint: this.#site.endpoint,
        allowed: this.#site.cloudAllowed,
        active: running.some(({ atCloud }) => atCloud),
      },
      recovering: this.#slot.recovering,
      loads: this.#slot.loads,
      metrics: this.#counters.snapshot({
        kvHotBytes: this.#slot.kvBytes,
        kvColdBytes: 0,
        gpuBytes:
          this.#slot.running?.decoder.device === 'webgpu'
            ? this.#slot.running.decoder.weightBytes + this.#slot.kvBytes
            : 0,
        queueLength: waiting.length,
      }),
      notes: this.#notes,
    };
  }
}
