// connect(): the way in. One engine for a page however often it is called, one host for all pages of the site. Called
// by sites and by the elements. What goes wrong is a typed EngineError, and the next call tries again.

import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';
import { engineScope } from '../protocol/scope.js';
import type { EngineHome } from '../protocol/state.js';
import type { Connection } from './connection.js';
import { Engine } from './engine.js';
import { engineBuild } from './kit-build.js';
import { catalogueUrlIn, helperUrlBeside, isForeign, kitBaseUrl, modelReference, workerUrlIn } from './locations.js';
import { given } from './given.js';
import { later } from './later.js';
import type { ElectedTab, ElectedTabOptions } from './elected-tab.js';
import { sharedWorkerDoor, type EngineDoor } from './worker-port.js';

export interface ConnectOptions {
  /** Engine worker script. Default: `engine-worker.js` beside the kit. */
  readonly workerUrl?: string | URL;
  /** Catalogue of models. Default: `models/models.json` beside the kit. */
  readonly catalogueUrl?: string | URL;
  /** Model loaded when nobody chose one: id in the catalogue or URL. Default: 'default'. */
  readonly defaultModel?: string;
  /** 'auto' (default) lets the kit choose and step down; a device pins it. */
  readonly device?: 'auto' | 'webgpu' | 'wasm';
  /** Base URL of an OpenAI-compatible endpoint ("https://host/v1"); used only when the visitor allows it. */
  readonly cloudUrl?: string | URL | null;
  /** Name by which the endpoint knows its model. */
  readonly cloudModel?: string | null;
  /** Ed25519 public keys (64 hex digits), by one of which a model must be signed; none: any model is taken. */
  readonly trustedKeys?: readonly string[];
  /** Bytes that one model's download may have. */
  readonly maxDownload?: number;
  /**
   * Where the engine lives. 'auto' (default): in a SharedWorker, and where that cannot be had (the kit comes from another
   * origin, the browser has none) in the dedicated worker of a tab that all tabs elect. 'tab': there in any case.
   */
  readonly host?: 'auto' | 'tab';
  /**
   * These settings take the place of those that this page connected with before; they hold if no other tab is here. Absent:
   * a page that is connected keeps its settings.
   */
  readonly reconfigure?: boolean;
  /** Tells several engines of one site apart; '' is the one that everybody shares. */
  readonly name?: string;
  /** Identity of this page towards the engine; made up when absent. Another id is another connection. */
  readonly tabId?: string;
  /** Milliseconds for the engine to start. Default 30000. */
  readonly startTimeout?: number;
  /** Milliseconds of silence after which the engine counts as dead although its lock is held. Default 60000. */
  readonly heartbeatTimeout?: number;
}

const engines = new Map<string, { readonly engine: Promise<Engine>; readonly settings: EngineSettings }>();

/**
 * Connects this page to the engine of its site, starting it if no tab has. Nothing is downloaded by this but the
 * engine's script and the list of models.
 * @throws EngineError `engine-lost` when the engine cannot be started, `invalid-request` for a bad option
 */
export async function connect(options: ConnectOptions = {}): Promise<Engine> {
  // First of all: what is missing on a page without https (crypto.randomUUID, Web Locks) would fail in obscure words.
  if (!globalThis.isSecureContext) {
    throw new EngineError(
      'engine-lost',
      'This page is not secure (https); browsers start the engine only where it is.',
      {
        hint: 'The owner of this site should serve it over https. Without it, only localhost works.',
      },
    );
  }
  const page = globalThis.location.href;
  const base = kitBaseUrl();
  const workerUrl = absolute(options.workerUrl ?? workerUrlIn(base), page, 'workerUrl');
  const settings: EngineSettings = {
    catalogueUrl: absolute(options.catalogueUrl ?? catalogueUrlIn(base), page, 'catalogueUrl'),
    defaultModel: modelReference(options.defaultModel ?? 'default', page),
    device: options.device ?? 'auto',
    cloudUrl: options.cloudUrl ? absolute(options.cloudUrl, page, 'cloudUrl') : null,
    cloudModel: options.cloudModel ?? null,
    ...given({
      trustedKeys: options.trustedKeys?.map((key) => key.toLowerCase()),
      maxDownload: options.maxDownload,
    }),
  };
  const home: EngineHome =
    options.host === 'tab' || typeof SharedWorker === 'undefined' || isForeign(workerUrl) ? 'tab' : 'shared-worker';
  const scope = engineScope(workerUrl, options.name, engineBuild, home);
  const key = JSON.stringify([scope, options.tabId ?? '']);
  const known = engines.get(key);
  if (known) {
    if (!options.reconfigure && settings.trustedKeys) (await sameSettings()).checkSameKeys(known.settings, settings);
    const engine = await known.engine;
    if (options.reconfigure) {
      engines.set(key, { engine: known.engine, settings });
      await engine.reconfigure(settings);
    }
    await tellOfOthers(engine.settings, settings);
    return engine;
  }
  const startTimeout = options.startTimeout ?? 30_000;
  const opening = Engine.open(
    {
      door: home === 'tab' ? electedTabDoor({ workerUrl, scope, startTimeout }) : sharedWorkerDoor(workerUrl, scope),
      lend: lending(helperUrlBeside(workerUrl)),
      scope,
      tabId: options.tabId ?? crypto.randomUUID(),
      settings,
      startTimeout,
      heartbeatTimeout: options.heartbeatTimeout ?? 60_000,
    },
    () => engines.delete(key),
  );
  engines.set(key, { engine: opening, settings });
  try {
    const engine = await opening;
    await tellOfOthers(engine.settings, settings);
    return engine;
  } catch (error) {
    engines.delete(key);
    throw error;
  }
}

const sameSettings = async () => await later(() => import('./same-settings.js'));

async function tellOfOthers(held: EngineSettings, wanted: EngineSettings): Promise<void> {
  if (JSON.stringify(held) === JSON.stringify(wanted)) return;
  const told = await sameSettings().catch(() => null); // where it cannot be fetched, the developer is told another time
  told?.warnOfOthers(held, wanted);
}

/** Only a page that may share memory has something to lend. Without it the engine works, somewhat slower. */
async function lending(url: string): Promise<((connection: Connection) => Promise<void>) | null> {
  if (!globalThis.crossOriginIsolated) return null;
  try {
    const { lendHelper } = await import('./lend-helper.js');
    return (connection) => lendHelper(connection, url);
  } catch (error) {
    void error; // it cannot be fetched: the next page tries again
    return null;
  }
}

/** Most sites have no use for elections: their code is fetched where it is wanted. */
function electedTabDoor(options: ElectedTabOptions): EngineDoor {
  let tab: ElectedTab | null = null;
  return {
    open: async () => {
      const { ElectedTab } = await later(() => import('./elected-tab.js'));
      tab ??= new ElectedTab(options);
      return await tab.open();
    },
    leave: () => tab?.leave(),
  };
}

function absolute(url: string | URL, base: string, what: string): string {
  if (URL.canParse(String(url), base)) return new URL(String(url), base).href;
  throw new EngineError('invalid-request', `${what} is no URL: ${String(url).slice(0, 200)}`, {
    hint: 'Correct the attribute or option of this name.',
  });
}
