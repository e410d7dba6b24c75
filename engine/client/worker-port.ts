// What a connection takes its port from (`EngineDoor`), and the usual one: a SharedWorker whose script is of the page's own
// origin. The other one is elected-tab.ts. Called by connect(). What goes wrong (a script from elsewhere, one that
// does not start) is a typed error with what to do, never a silence.

import { EngineError } from '../protocol/errors.js';
import { trustedScriptUrl } from './trusted-url.js';

export interface WorkerPort {
  readonly port: MessagePort;
  /** Rejects if the worker's script cannot be fetched or run; never resolves. */
  readonly failed: Promise<never>;
  /** Aborted when the host behind it is known to be dead. */
  readonly gone?: AbortSignal;
  /** Frees what carries the port; the port is useless then. Absent: closing the port is all there is. */
  close?(): void;
  /** Its messages are carried over a channel: ports go to the host, and none come back. */
  readonly relayed?: boolean;
}

/** Where a page's connections to the host come from. */
export interface EngineDoor {
  /** A new port for each life of a connection. @throws EngineError `engine-lost` */
  open(): WorkerPort | Promise<WorkerPort>;
  /** The page is left or is done with the engine: it must hold nothing of it. `open` may be called again. */
  leave(): void;
}

/**
 * A SharedWorker ends by itself when its last page has gone.
 * @param url of the engine worker's script
 * @param scope becomes the worker's name (protocol/scope.ts)
 */
export const sharedWorkerDoor = (url: string, scope: string): EngineDoor => ({
  open: () => openWorkerPort(url, scope),
  leave: () => undefined,
});

/** @throws EngineError `engine-lost` */
function openWorkerPort(url: string, scope: string): WorkerPort {
  if (!('locks' in navigator)) {
    throw new EngineError('engine-lost', 'This browser has no Web Locks, by which the engine is shared safely.', {
      hint: 'Use a recent Chrome, Edge, Firefox or Safari; on Android, Chrome 148 or later.',
    });
  }
  const script = trustedScriptUrl(url);
  let worker: SharedWorker;
  try {
    // Where the browser knows it (Chromium), the engine outlives its last page by some seconds: a visitor who follows a
    // link within the site finds the model loaded.
    const options: WorkerOptions & { extendedLifetime: boolean } = {
      name: scope,
      type: 'module',
      extendedLifetime: true,
    };
    worker = new SharedWorker(script, options);
  } catch (error) {
    if (error instanceof Error && error.name === 'SecurityError') throw EngineError.from(error); // a sandboxed frame
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
          hint: 'Check that engine-worker.js is served there, as JavaScript and from the same origin, and that worker-src allows it.',
        }),
      );
    });
  });
  failed.catch(() => undefined); // heard by whoever races it; a late error of a running worker is its own affair
  return { port: worker.port, failed };
}
