// How an element finds its store: the nearest `<llm-engine>` hands it down by Lit's context protocol (a community
// protocol of DOM events, so that it crosses shadow roots); without one the page's default is shared.
// The key is a registered symbol: two copies of this module on a page still mean the same context.

import { ContextRoot, createContext } from '@lit/context';
import type { ConnectOptions } from '../../engine/client/index.js';
import type { EngineLike } from './engine.js';
import { EngineStore } from './engine-store.js';

export const engineContext = createContext<EngineStore>(Symbol.for('llm-elements.engine-store'));

/** Connects with the kit's client, loaded when the first element asks: an empty chat paints without it. */
export async function connectWithClient(options: ConnectOptions): Promise<EngineLike> {
  const { connect } = await import('../../engine/client/connect.js');
  return connect(options);
}

let root: ContextRoot | null = null;

/**
 * Remembers who asked in vain, and asks again when a provider appears: where a site registers `<llm-engine>` after the
 * elements inside it (define/ registers it first). Called before the first request of a page.
 */
export function rememberRequests(): void {
  if (root !== null) return;
  root = new ContextRoot();
  root.attach(document.documentElement);
}

let pageDefault: EngineStore | null = null;

/** The store of all elements that stand in no `<llm-engine>`. */
export function defaultEngineStore(): EngineStore {
  pageDefault ??= new EngineStore(() => connectWithClient({}));
  return pageDefault;
}
