// Puts commands into passes: all into one, or, while a profile is taken, each into a pass of its own with timestamps around
// it, which is the only place where WebGPU lets them be. Off, it costs nothing: no query set, no branch in a shader.
// Called by steps.ts; switched by webgpu-decoder.ts. WebGPU: https://www.w3.org/TR/webgpu/#timestamp . Browsers round
// timestamps (Chrome: 100 us, unless told otherwise), so sums over many steps tell more than one step.
// What goes wrong: a device without `timestamp-query` has no profile; a pass whose clock ran backwards counts as 0.

import type { GpuWatch } from '../gpu.js';
import type { Command, StepSize } from './network.js';

/** GPU time of all dispatches of one kernel since the profile began. */
export interface KernelTime {
  /** The kernel's label: operation, shape, variant. */
  readonly label: string;
  readonly dispatches: number;
  readonly milliseconds: number;
}

export interface CommandEncoding {
  encode(encoder: GPUCommandEncoder, commands: readonly (readonly Command[])[], size: StepSize): void;
  /** Ends a step's commands. @returns to be called once they are submitted */
  finish(encoder: GPUCommandEncoder): () => void;
}

/** All commands of a step in one pass. */
export const plainEncoding: CommandEncoding = {
  encode(encoder, lists, size) {
    const pass = encoder.beginComputePass();
    for (const commands of lists) for (const command of commands) encodeCommand(pass, command, gridOf(command, size));
    pass.end();
  },
  finish: () => nothing,
};

const nothing = (): void => undefined;

const gridOf = ({ dispatch, grid }: Command, size: StepSize) => (grid === undefined ? dispatch.workgroups : grid(size));

function encodeCommand(
  pass: GPUComputePassEncoder,
  { dispatch }: Command,
  workgroups: ReturnType<typeof gridOf>,
): void {
  if (workgroups === null) return;
  pass.setPipeline(dispatch.pipeline);
  pass.setBindGroup(0, dispatch.bindGroup);
  pass.dispatchWorkgroups(...workgroups);
}

/** Passes of a step that are timed; what comes after them is not. */
const mostPasses = 2048;

/** Every command in a pass of its own, timed. */
export class Profile implements CommandEncoding {
  private readonly queries: GPUQuerySet;
  private readonly totals = new Map<string, { dispatches: number; nanoseconds: number }>();
  private readonly reading = new Set<Promise<void>>();
  private labels: string[] = [];

  constructor(private readonly gpu: GpuWatch) {
    this.queries = gpu.device.createQuerySet({ label: 'profile', type: 'timestamp', count: mostPasses * 2 });
  }

  encode(encoder: GPUCommandEncoder, lists: readonly (readonly Command[])[], size: StepSize): void {
    for (const commands of lists) {
      for (const command of commands) {
        const workgroups = gridOf(command, size);
        if (workgroups === null) continue;
        const at = this.labels.length * 2;
        const timestampWrites = { querySet: this.queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
        const timed = this.labels.length < mostPasses;
        const pass = encoder.beginComputePass(timed ? { timestampWrites } : {});
        encodeCommand(pass, command, workgroups);
        pass.end();
        if (timed) this.labels.push(command.dispatch.label);
      }
    }
  }

  finish(encoder: GPUCommandEncoder): () => void {
    const { labels } = this;
    this.labels = [];
    if (labels.length === 0) return nothing;
    const { device } = this.gpu;
    const size = labels.length * 16;
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    const resolved = device.createBuffer({ label: 'profile', size, usage: QUERY_RESOLVE | COPY_SRC });
    const copy = device.createBuffer({ label: 'profile to read', size, usage: COPY_DST | MAP_READ });
    encoder.resolveQuerySet(this.queries, 0, labels.length * 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, copy, 0, size);
    return () => {
      const read = this.read(labels, copy).finally(() => {
        resolved.destroy();
        copy.destroy();
        this.reading.delete(read);
      });
      read.catch(nothing); // a lost device is told by whoever waits for the step
      this.reading.add(read);
    };
  }

  /** What was measured so far, the longest first. */
  async times(): Promise<readonly KernelTime[]> {
    await Promise.all(this.reading);
    return [...this.totals]
      .map(([label, { dispatches, nanoseconds }]) => ({ label, dispatches, milliseconds: nanoseconds / 1e6 }))
      .sort((a, b) => b.milliseconds - a.milliseconds);
  }

  dispose(): void {
    this.queries.destroy();
  }

  private async read(labels: readonly string[], copy: GPUBuffer): Promise<void> {
    await this.gpu.guard(() => copy.mapAsync(GPUMapMode.READ));
    const stamps = new BigUint64Array(copy.getMappedRange());
    labels.forEach((label, i) => {
      const took = Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n));
      const total = this.totals.get(label) ?? { dispatches: 0, nanoseconds: 0 };
      total.dispatches += 1;
      total.nanoseconds += Math.max(0, took);
      this.totals.set(label, total);
    });
    copy.unmap();
  }
}
