// Gets a port to the host, however the host is started: today by a SharedWorker whose script is of the page's own
// origin. Called by Connection; the one place that an elected tab's worker will join. What goes wrong (no SharedWorker
// here, a script from elsewhere, a script that does not start) is a typed error with what to do, never a silence.

import { EngineError } from '../protocol/errors.js';
import { trustedScriptUrl } from './trusted-url.js';

export interface WorkerPort {
  readonly port: MessagePort;
  /** Rejects if the worker's script cannot be fetched or run; never resolves. */
  readonly failed: Promise<never>;
}

/**
 * @param url of the engine worker's script
 * @param scope becomes the worker's name (protocol/scope.ts)
 * @throws EngineError `engine-lost`
 */
export function openWorkerPort(url: string, scope: string): WorkerPort {
  if (typeof SharedWorker === 'undefined') {
    throw new EngineError('engine-lost', 'This browser has no SharedWorker, in which the engine lives.', {
      hint: 'Use a recent Chrome, Edge, Firefox or Safari; on Android, Chrome 148 or later.',
    });
  }
  if (!('locks' in navigator)) {
    throw new EngineError('engine-lost', 'This page is not a secure context: the engine cannot be shared safely.', {
      hint: 'Serve the site over https, or from localhost.',
    });
  }
  const script = trustedScriptUrl(url);
  let worker: SharedWorker;
  try {
    worker = new SharedWorker(script, { name: scope, type: 'module' });
  } catch (error) {
    throw new EngineError('engine-lost', `The browser refused to start the engine from ${url}.`, {
      hint: 'Serve engine-worker.js from the same origin as the page, and allow it in worker-src.',
      cause: error,
    });
  }
  const failed = new Promise<never>((_resolve, reject) => {
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      reject(
        new EngineError('engine-lost', `The engine could not be started from ${url}.`, {
          hint: 'Check that engine-worker.js is served there, as JavaScript and from the same origin as the page.',
        }),
      );
    });
  });
  failed.catch(() => undefined); // heard by whoever races it; a late error of a running worker is its own affair
  return { port: worker.port, failed };
}
