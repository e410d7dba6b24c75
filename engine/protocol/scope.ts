// The names that keep one engine apart from another: one engine per origin, base URL of the kit, protocol version,
// build and (for tests and sites that want two) name. The SharedWorker's `name`, the BroadcastChannel and the Web Locks
// are all made of the scope, so a page with a newer kit never talks to an older host that another tab still holds.
// Used by the client (which knows the worker's URL) and by the host (which reads its scope from its own name).

import { protocolVersion } from './host-api.js';
import type { EngineHome } from './state.js';

/**
 * @param workerUrl absolute URL of the engine worker's script; its folder is the base URL of the kit
 * @param name tells several engines of one site apart; '' for the one that everybody shares
 * @param build of the engine that the page belongs to; '' when run from source
 * @param home a page that wants the engine in a tab has none in common with one that finds it in a SharedWorker
 */
export function engineScope(workerUrl: string, name = '', build = '', home: EngineHome = 'shared-worker'): string {
  const base = new URL('.', workerUrl).href;
  return `llm-elements/${protocolVersion}${build && `.${build}`}/${name}${home === 'tab' ? '~tab' : ''}@${base}`;
}

/** Held by the host for its whole life; whoever is granted it knows that this host is dead. */
export const hostLockName = (scope: string, hostId: string): string => `${scope}#host:${hostId}`;

/** Held by a tab for its whole life; the host waits for it, and when it is granted the tab is dead. */
export const tabLockName = (scope: string, tabId: string): string => `${scope}#tab:${tabId}`;
