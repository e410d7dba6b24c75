// A thread of the WebAssembly decoder: a worker that instantiates the same kernels over the decoder's shared memory and
// follows its passes (team.ts). Its script calls `serveWasmThread`; thread-pool.ts starts and ends it.
// Knows nothing of models' files, sequences or choosing.
// What goes wrong: a trap in a kernel is told to the leader, which finds it at its barrier.

import { loadKernels } from '../../../kernels/wasm/kernels.js';
import { Forward, type ForwardPlan } from './forward.js';
import { WasmMemory } from './memory.js';
import { Follower } from './team.js';

export const threadBegin = 'llm-elements:wasm-thread';

/** What a thread is given. */
export interface ThreadOrder {
  readonly type: typeof threadBegin;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly plan: ForwardPlan;
  readonly index: number;
  readonly size: number;
}

export const isThreadOrder = (data: unknown): data is ThreadOrder =>
  typeof data === 'object' && data !== null && 'type' in data && data.type === threadBegin;

/** Is the thread until the leader stops; rejects when a step failed. `ready` is called before the first wait. */
export async function followPasses(order: ThreadOrder, ready: () => void): Promise<void> {
  const { module, memory, plan, index, size } = order;
  const kernels = await loadKernels(module, memory);
  const follower = new Follower(memory, plan.scratch.control, index, size);
  const forward = new Forward(plan, kernels, new WasmMemory(memory), follower);
  ready();
  try {
    follower.follow(forward, plan.spec.layers);
  } catch (error) {
    follower.fail();
    throw error;
  }
}

/** For a worker's script: waits for the order, answers 'ready', and is a thread from then on. */
export function serveWasmThread(): void {
  const listen = ({ data }: MessageEvent): void => {
    if (!isThreadOrder(data)) return;
    globalThis.removeEventListener('message', listen);
    followPasses(data, () => globalThis.postMessage('ready')).then(
      () => globalThis.close(),
      (error: unknown) => globalThis.reportError(error), // the worker's `error` event, which thread-pool.ts hears
    );
  };
  globalThis.addEventListener('message', listen);
}
