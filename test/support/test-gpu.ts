// A GPU device for kernel tests (software WebGPU in Chromium), and the few moves a test needs: put arrays into buffers, run
// dispatches, read a buffer back. Called by kernels/wgsl/*.test.ts. One device serves a whole test file; its buffers go
// with it. What WebGPU only reports aside (validation, out of memory) fails the test that caused it.

import { encode, type Dispatch } from '../../kernels/wgsl/kernel.js';
import { packStep, stepBytes, type Step } from '../../kernels/wgsl/step.js';

export interface TestGpu {
  readonly device: GPUDevice;
  /** A storage buffer with these contents. */
  store(data: Float32Array | Uint32Array | Uint8Array | Uint16Array): GPUBuffer;
  /** A storage buffer of zeros. */
  zeros(bytes: number): GPUBuffer;
  uniform(data: Float32Array | Uint32Array): GPUBuffer;
  step(step: Step): GPUBuffer;
  /** Runs dispatches in one pass, in order. */
  run(...dispatches: readonly Dispatch[]): Promise<void>;
  floats(buffer: GPUBuffer): Promise<Float32Array>;
  words(buffer: GPUBuffer): Promise<Uint32Array>;
  /** Frees the buffers made so far; between the runs of a property test. */
  free(): void;
  destroy(): void;
}

/** A device with no more than what WebGPU promises everywhere, except the features named. */
export async function openTestGpu(features: readonly GPUFeatureName[] = ['subgroups']): Promise<TestGpu> {
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) throw new Error('no WebGPU adapter: kernel tests need Chromium with software WebGPU');
  const requiredFeatures = features.filter((feature) => adapter.features.has(feature));
  const device = await adapter.requestDevice({ requiredFeatures });
  const buffers: GPUBuffer[] = [];
  const make = (bytes: number, usage: number): GPUBuffer => {
    const buffer = device.createBuffer({ size: Math.max(16, Math.ceil(bytes / 16) * 16), usage });
    buffers.push(buffer);
    return buffer;
  };
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const fill = (buffer: GPUBuffer, data: ArrayBufferView): GPUBuffer => {
    const bytes = new Uint8Array(Math.ceil(data.byteLength / 4) * 4);
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    device.queue.writeBuffer(buffer, 0, bytes);
    return buffer;
  };
  const read = async (buffer: GPUBuffer): Promise<ArrayBuffer> => {
    const target = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, target, 0, buffer.size);
    device.queue.submit([encoder.finish()]);
    await target.mapAsync(GPUMapMode.READ);
    const copy = target.getMappedRange().slice(0);
    target.destroy();
    return copy;
  };
  const uniform = (data: ArrayBufferView): GPUBuffer =>
    fill(make(data.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST), data);
  const free = (): void => {
    for (const buffer of buffers.splice(0)) buffer.destroy();
  };
  return {
    device,
    store: (data) => fill(make(data.byteLength, storage), data),
    zeros: (bytes) => make(bytes, storage),
    uniform,
    step: (step) => {
      const words = new Uint32Array(stepBytes / 4);
      packStep(step, words);
      return uniform(words);
    },
    run: async (...dispatches) => {
      device.pushErrorScope('validation');
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const dispatch of dispatches) encode(pass, dispatch);
      pass.end();
      device.queue.submit([encoder.finish()]);
      const error = await device.popErrorScope();
      if (error !== null) throw new Error(error.message);
    },
    floats: async (buffer) => new Float32Array(await read(buffer)),
    words: async (buffer) => new Uint32Array(await read(buffer)),
    free,
    destroy: () => {
      free();
      device.destroy();
    },
  };
}
