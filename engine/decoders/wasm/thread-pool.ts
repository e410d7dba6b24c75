// Starts the other threads of a decoder and ends them. Called by wasm-decoder.ts before weights are read, so that threads
// that cannot be had (a policy forbids workers, no script there) cost nothing: then the decoder opens with one.
// Knows nothing of passes; what threads do is in wasm-thread.ts.

import type { Balancing } from './balance.js';
import type { Pacing } from './pace.js';
import { Leader } from './team.js';
import { threadBegin, type ThreadOrder } from './wasm-thread.js';

export interface ThreadOptions {
  /**
   * `startThreads`. Who wants threads brings it, so that an engine in a SharedWorker, which can have none, does not carry their
   * code: a tab's helper does.
   */
  readonly pool: StartThreads;
  /** This thread included. */
  readonly count: number;
  /**
   * Models of fewer bytes are computed by one thread: meeting takes longer than what there is to share. Default 16 MiB.
   */
  readonly fromBytes?: number;
  /** Milliseconds that the others are waited for at a barrier before they count as gone; for tests. Default 20 s. */
  readonly patience?: number;
  /** When one thread computes instead of all, other than `Pace` says; for tests. */
  readonly pace?: () => Pacing;
  /** What share of the work each has, other than `Balance` says; for tests. */
  readonly balance?: Balancing;
  /** A module worker whose script calls `serveWasmThread`. */
  start(): Worker;
}

export type StartThreads = (
  options: ThreadOptions,
  order: Omit<ThreadOrder, 'type' | 'index' | 'size'>,
  signal?: AbortSignal,
) => Promise<ThreadPool>;

export interface ThreadPool {
  readonly leader: Leader;
  close(): void;
}

/** Milliseconds that a worker may take to start. */
const startPatience = 20_000;

/** @throws Error when a worker does not start; none is left behind then */
export async function startThreads(
  { count, start, patience, pace, balance }: ThreadOptions,
  order: Omit<ThreadOrder, 'type' | 'index' | 'size'>,
  signal?: AbortSignal,
): Promise<ThreadPool> {
  const workers: Worker[] = [];
  const leader = new Leader(order.memory, order.plan.scratch.control, count, patience, pace, balance);
  const close = (): void => {
    leader.stop(); // browsers give a thread that sleeps two seconds before they terminate it; this wakes it up
    workers.forEach((worker) => worker.terminate());
  };
  try {
    const ready: Promise<void>[] = [];
    for (let index = 1; index < count; index++) {
      const worker = start();
      workers.push(worker);
      ready.push(begun(worker, signal));
      const whole: ThreadOrder = { type: threadBegin, ...order, index, size: count };
      worker.postMessage(whole);
    }
    await Promise.all(ready);
  } catch (error) {
    close();
    throw error;
  }
  return { leader, close };
}

function begun(worker: Worker, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('a thread did not start in time')), startPatience);
    const settle = (how: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      how();
    };
    const aborted = (): void => settle(() => reject(new DOMException('Loading was stopped.', 'AbortError')));
    worker.addEventListener('message', () => settle(resolve), { once: true });
    worker.addEventListener('error', (event) => {
      event.preventDefault(); // after the start: the leader finds it at its barrier
      settle(() => reject(new Error(event.message || 'a thread could not be started')));
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
