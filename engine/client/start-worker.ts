// Starts a dedicated module worker from a script of the kit: straight from its address where that is of the page's own
// origin, and otherwise (the kit comes from a CDN) by a blob: of the page's origin that imports it, because browsers take
// no worker script from elsewhere. Such a worker has the page's origin, with its storage and locks. Called by
// elected-tab.ts and lend-helper.ts. What goes wrong is told once by `failed`, as a typed error that says what to allow.
// Source: HTML standard, "Worker" (same-origin scripts, module workers fetch imports with CORS); CSP 3, worker-src.

import { EngineError } from '../protocol/errors.js';
import { isForeign } from './locations.js';
import { trustedScriptUrl } from './trusted-url.js';

export interface StartedWorker {
  readonly worker: Worker;
  /** Rejects if the script cannot be fetched or run, or throws; never resolves. */
  readonly failed: Promise<never>;
  /** Ends the worker. Safe to call twice. */
  stop(): void;
}

/** @throws EngineError `engine-lost` where the page allows no such worker */
export function startWorker(url: string, name: string): StartedWorker {
  const foreign = isForeign(url);
  // The blob's address is needed for as long as the worker lives: a helper starts its threads from its own script.
  const script = foreign ? URL.createObjectURL(new Blob([importing(url)], { type: 'text/javascript' })) : url;
  let forbidden = false;
  const noted = (event: SecurityPolicyViolationEvent): void => {
    if (event.effectiveDirective === 'worker-src') forbidden = true;
  };
  const release = (): void => {
    globalThis.removeEventListener('securitypolicyviolation', noted);
    if (foreign) URL.revokeObjectURL(script);
  };
  globalThis.addEventListener('securitypolicyviolation', noted);
  let worker: Worker;
  try {
    worker = new Worker(trustedScriptUrl(script), { type: 'module', name });
  } catch (error) {
    release();
    if (error instanceof EngineError) throw error;
    throw refused(url, foreign, error);
  }
  const failed = new Promise<never>((_resolve, reject) => {
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      // The violation is told in a task of its own, before or after this one.
      setTimeout(() => reject(forbidden ? refused(url, foreign) : broken(url, foreign)), 0);
    });
  });
  failed.catch(() => undefined); // heard by whoever races it
  return {
    worker,
    failed,
    stop: () => {
      worker.terminate();
      release();
    },
  };
}

/**
 * A script that imports another one. Not by an `import` statement: that is judged by worker-src, which would then have to
 * name the other origin beside blob:, while `import()` is judged by script-src, which names it already. What arrives
 * before the script is there is kept for it.
 */
const importing = (url: string): string => `
const early = [];
const keep = (event) => early.push(event);
addEventListener('message', keep);
import(${JSON.stringify(url)}).then(() => {
  removeEventListener('message', keep);
  for (const { data, ports } of early) dispatchEvent(new MessageEvent('message', { data, ports: [...ports] }));
}, reportError);
`;

const refused = (url: string, foreign: boolean, cause?: unknown): EngineError =>
  new EngineError('engine-lost', `This page's content security policy does not let the engine start from ${url}.`, {
    hint: foreign
      ? "Allow blob: in worker-src (worker-src 'self' blob:), or serve the kit's files from this site."
      : "Allow 'self' in worker-src.",
    ...(cause === undefined ? {} : { cause }),
  });

const broken = (url: string, foreign: boolean): EngineError =>
  new EngineError('engine-lost', `The engine could not be started from ${url}.`, {
    hint: foreign
      ? 'Check that the script is there, is sent with Access-Control-Allow-Origin, and is allowed by script-src; and that worker-src allows blob:.'
      : 'Check that the script is served there, as JavaScript.',
  });
