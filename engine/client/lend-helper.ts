// The page's side of lending (protocol/helper.ts): offers the engine threads where this page may share memory, and starts
// the helper's worker when the engine orders one. Called by Engine for each life of its connection. Knows nothing of what
// a helper computes. A worker that cannot be started is reported to the host, which computes without it.

import { EngineError } from '../protocol/errors.js';
import { helperBegin, parseHelperOrder, type HelperReport } from '../protocol/helper.js';
import type { Connection } from './connection.js';
import { startWorker, type StartedWorker } from './start-worker.js';

/** More threads than this gain nothing for products that wait for memory, and take the page its processor. */
const mostThreads = 8;

/** How many threads this page can lend; 0 where memory cannot be shared (no COOP and COEP) or there is one core. */
export function lendableThreads(): number {
  const cores = Math.min(globalThis.navigator.hardwareConcurrency, mostThreads);
  return globalThis.crossOriginIsolated && typeof Worker === 'function' && cores >= 2 ? cores : 0;
}

/** Ends with the connection. @param url of helper-worker.js */
export async function lendHelper(connection: Connection, url: string): Promise<void> {
  const threads = lendableThreads();
  if (threads === 0) return;
  const { port1: orders, port2: offered } = new MessageChannel();
  const workers = new Map<string, StartedWorker>();
  const stop = (id: string): void => {
    workers.get(id)?.stop();
    workers.delete(id);
  };
  const fail = (id: string): void => {
    stop(id);
    const report: HelperReport = { type: 'failed', id };
    orders.postMessage(report);
  };
  const start = (id: string, port: MessagePort): void => {
    try {
      const started = startWorker(url, 'llm-elements helper');
      workers.set(id, started);
      started.failed.catch(() => {
        if (workers.get(id) === started) fail(id);
      });
      started.worker.postMessage(helperBegin, [port]);
    } catch (error) {
      // worker-src, Trusted Types: the engine goes on without threads, and the host says so in its notes.
      void error;
      fail(id);
    }
  };
  orders.onmessage = ({ data, ports: [port] }: MessageEvent): void => {
    try {
      const order = parseHelperOrder(data);
      if (order.type === 'stop') stop(order.id);
      else if (port !== undefined && !workers.has(order.id)) start(order.id, port);
    } catch (error) {
      connection.end(EngineError.from(error)); // a host that speaks otherwise is none of ours
    }
  };
  const end = (): void => {
    orders.close();
    for (const id of [...workers.keys()]) stop(id);
  };
  connection.gone.addEventListener('abort', end, { once: true });
  if (connection.gone.aborted) end();
  else await connection.call('offerHelper', { threads }, offered);
}
