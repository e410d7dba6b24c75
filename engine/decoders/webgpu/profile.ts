// Puts commands into passes: all into one, or, while a profile is taken, each into a pass of its own with timestamps around
// it, which is the only place where WebGPU lets them be. Off, it costs nothing: no query set, no branch in a shader.
// Called by steps.ts. WebGPU: https://www.w3.org/TR/webgpu/#timestamp . Browsers round timestamps (Chrome: 100 us), so
// sums over many steps tell more than one step.

import type { Command, StepSize } from './network.js';

export interface CommandEncoding {
  encode(encoder: GPUCommandEncoder, commands: readonly (readonly Command[])[], size: StepSize): void;
}

/** All commands of a step in one pass. */
export const plainEncoding: CommandEncoding = {
  encode(encoder, lists, size) {
    const pass = encoder.beginComputePass();
    for (const commands of lists) for (const command of commands) encodeCommand(pass, command, size);
    pass.end();
  },
};

/** @returns whether there was anything to do */
export function encodeCommand(pass: GPUComputePassEncoder, { dispatch, grid }: Command, size: StepSize): boolean {
  const workgroups = grid === undefined ? dispatch.workgroups : grid(size);
  if (workgroups === null) return false;
  pass.setPipeline(dispatch.pipeline);
  pass.setBindGroup(0, dispatch.bindGroup);
  pass.dispatchWorkgroups(...workgroups);
  return true;
}
