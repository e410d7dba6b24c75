// What ONNX Runtime 1.30's WebGPU shaders cannot do on every device, and what is asked of one because of it.
// Called by onnx-decoder.ts. Everything else about devices is decoders/gpu.ts.

import { requestGpuDevice } from '../gpu.js';

/**
 * Subgroups below this size make ONNX Runtime 1.30's attention wrong for 32 or more tokens at once (SwiftShader's are 4;
 * seen against two other computations): such a device is opened without them, and a lent one gets shorter runs.
 */
const smallestSubgroup = 8;

/** Tokens a run may take on a device with smaller subgroups, and on any other. */
const runTokens = { smallSubgroups: 31, otherwise: 256 };

/** @throws EngineError `webgpu-unavailable` */
export const requestOrtDevice = (): Promise<GPUDevice> => requestGpuDevice({ smallestSubgroup });

/** Tokens that one run may take on this device. */
export function gpuRunTokens({ features, adapterInfo }: GPUDevice): number {
  const small = features.has('subgroups') && !(adapterInfo.subgroupMinSize >= smallestSubgroup);
  return small ? runTokens.smallSubgroups : runTokens.otherwise;
}
