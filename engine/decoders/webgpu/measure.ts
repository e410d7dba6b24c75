// The rate of the WebGPU kernels on this machine, for routing's choice between devices. Called by device-rates.ts.
// The device is its own and destroyed at the end: a measurement leaves nothing behind.
// What goes wrong: as in requestGpuDevice; a device that is lost meanwhile rejects.

import { createKernel, encode, traitsOf } from '../../../kernels/wgsl/kernel.js';
import { matvecSource, matvecWorkgroups, type MatvecSpec } from '../../../kernels/wgsl/matvec.js';
import { matvecShapes } from '../../../kernels/wgsl/matvec-shapes.js';
import { packStep, stepBytes } from '../../../kernels/wgsl/step.js';
import { matrixBytes } from '../../../kernels/wgsl/weight-format.js';
import { requestGpuDevice } from '../gpu.js';

const matrix = { kind: 'q4', rows: 2048, columns: 1024 } as const;

/** Best guesses tried; the best one counts. */
const guesses = 2;

/** Milliseconds that one submit should take: enough above the cost of a submit. */
const submitMilliseconds = 10;
const largestSubmit = 256;

/** @returns billions of multiply-adds a second, q4, one vector */
export async function measureWebGpu(): Promise<number> {
  const device = await requestGpuDevice();
  try {
    const buffer = (size: number, usage = GPUBufferUsage.STORAGE): GPUBuffer =>
      device.createBuffer({ size, usage: usage | GPUBufferUsage.COPY_DST });
    const bytes = matrixBytes(matrix);
    const step = buffer(stepBytes, GPUBufferUsage.UNIFORM);
    const numbers = new Uint32Array(stepBytes / 4);
    packStep({ position: 0, rows: 1, pageTable: 0, draw: 0 }, numbers);
    device.queue.writeBuffer(step, 0, numbers);
    const buffers = {
      step,
      x: buffer(matrix.columns * 4),
      weights: buffer(bytes.weights),
      scales: buffer(bytes.scales),
      y: buffer(matrix.rows * 4),
    };
    let best = 0;
    const output = { kind: 'store', stride: matrix.rows, at: 0 } as const;
    const traits = traitsOf(device);
    for (const shape of matvecShapes(traits, output).slice(0, guesses)) {
      const spec: MatvecSpec = { matrix, batch: 1, input: { kind: 'plain' }, output, shape };
      const kernel = await createKernel(device, matvecSource(spec, traits));
      const dispatch = kernel.dispatch(buffers, matvecWorkgroups(spec));
      const run = async (times: number): Promise<number> => {
        const began = performance.now();
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        for (let i = 0; i < times; i++) encode(pass, dispatch);
        pass.end();
        device.queue.submit([encoder.finish()]);
        await device.queue.onSubmittedWorkDone();
        return performance.now() - began;
      };
      await run(1); // drivers finish their compiling at the first use
      const once = await run(1);
      const times = Math.max(1, Math.min(largestSubmit, Math.round(submitMilliseconds / Math.max(once, 0.02))));
      const took = Math.min(await run(times), await run(times));
      best = Math.max(best, (matrix.rows * matrix.columns * times) / Math.max(took, 0.05) / 1e6);
    }
    return best;
  } finally {
    device.destroy();
  }
}
