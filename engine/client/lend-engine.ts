// The page's side of `/v1`: hands the site's service worker a port to the engine when it asks for one
// (protocol/lending.ts). Called by registerServiceWorker. Knows nothing of what the service worker does with it; the
// port ends when the host goes, and the service worker asks again.

import { isEngineQuestion, type LentEngine } from '../protocol/lending.js';
import type { Engine } from './engine.js';

/** Answers every service worker of this origin until called off. @returns calls it off */
export function lendEngine(engine: Engine): () => void {
  const container = navigator.serviceWorker;
  const asked = ({ data, ports, source }: MessageEvent): void => {
    const [reply] = ports;
    if (!(source instanceof ServiceWorker) || !reply || !isEngineQuestion(data)) return;
    engine.openPort().then(
      ({ port, settings, scope }) => {
        const lent: LentEngine = { scope, settings };
        reply.postMessage(lent, [port]);
        reply.close();
      },
      (error: unknown) => {
        // This page cannot (its engine does not start, it has left): the service worker asks another, then says so.
        void error;
        reply.close();
      },
    );
  };
  container.addEventListener('message', asked);
  container.startMessages();
  return () => container.removeEventListener('message', asked);
}
