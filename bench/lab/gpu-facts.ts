// What a decoder asks of its device, seen from outside of it, so that ours and ONNX Runtime are counted alike: dispatches and
// submits (by wrapping the browser's own methods) and how fast the machine copies memory, the measure that decoding is
// held against. Called by lab-page.ts.

let dispatches = 0;
let submits = 0;

/** Counts from now on; without WebGPU there is nothing to count. */
export function countGpuCommands(): void {
  if (typeof GPUComputePassEncoder === 'undefined') return;
  const pass = GPUComputePassEncoder.prototype;
  const { dispatchWorkgroups, dispatchWorkgroupsIndirect } = pass;
  pass.dispatchWorkgroups = function (...sizes) {
    dispatches++;
    return dispatchWorkgroups.apply(this, sizes);
  };
  pass.dispatchWorkgroupsIndirect = function (...place) {
    dispatches++;
    return dispatchWorkgroupsIndirect.apply(this, place);
  };
  const queue = GPUQueue.prototype;
  const { submit } = queue;
  queue.submit = function (buffers) {
    submits++;
    return submit.call(this, buffers);
  };
}

export const gpuCommands = (): { dispatches: number; submits: number } => ({ dispatches, submits });

const size = 64 * 2 ** 20;

/** @returns bytes read and written a second by the best of several copies of 64 MiB, on one thread or on the GPU */
export async function copyRate(device: 'webgpu' | 'wasm'): Promise<number> {
  if (device === 'wasm') {
    const [from, to] = [new Uint8Array(size).fill(1), new Uint8Array(size).fill(2)];
    let best = Infinity;
    for (let run = 0; run < 8; run++) {
      const began = performance.now();
      to.set(from);
      best = Math.min(best, performance.now() - began);
    }
    return (2 * size * 1000) / best;
  }
  const gpu = await (await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }))?.requestDevice();
  if (gpu === undefined) throw new Error('lab: no WebGPU');
  try {
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const [from, to] = [gpu.createBuffer({ size, usage }), gpu.createBuffer({ size, usage })];
    let best = Infinity;
    for (let run = 0; run < 6; run++) {
      const times = run === 0 ? 1 : 8;
      const encoder = gpu.createCommandEncoder();
      for (let i = 0; i < times; i++) encoder.copyBufferToBuffer(from, 0, to, 0, size);
      const began = performance.now();
      gpu.queue.submit([encoder.finish()]);
      await gpu.queue.onSubmittedWorkDone();
      best = Math.min(best, (performance.now() - began) / times);
    }
    return (2 * size * 1000) / best;
  } finally {
    gpu.destroy();
  }
}
