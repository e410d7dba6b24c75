// The kernels' times of the model that runs on this device. Called by visitor-calls.ts; knows of the model what
// `RunningModel` says. A profile belongs to the model it was begun with: another one has none yet.

import type { ProfileReport } from '../protocol/profile.js';
import type { Profiler, RunningModel } from '../routing/runner.js';

/** Kernels told at most; a model has some tens. */
const mostKernels = 1_000;

export class KernelProfile {
  /** Those that are being measured. */
  readonly #measured = new WeakSet<Profiler>();

  constructor(private readonly running: () => RunningModel | null) {}

  /** @param on begins anew or ends the measuring; absent: leaves it */
  async report(on?: boolean): Promise<ProfileReport> {
    const model = this.running();
    if (model === null) return { kind: 'none', reason: 'no-model' };
    const { profiler } = model;
    if (profiler === undefined) return { kind: 'none', reason: 'decoder' };
    if (on !== undefined && !profiler.profile(on)) return { kind: 'none', reason: 'device' };
    if (on === true) this.#measured.add(profiler);
    if (on === false) this.#measured.delete(profiler);
    const kernels = (await profiler.kernelTimes()).slice(0, mostKernels);
    return { kind: 'kernels', running: this.#measured.has(profiler), kernels };
  }
}
