// The page side of bench/kernels-wgsl.bench.mjs: makes random weights, compiles one kernel and times it. Knows nothing of
// tables and files. Times are of many dispatches in one submit, the best of several; where the device has timestamps they
// are not used, since Chrome rounds them to 100 us.

import {
  timeAttention,
  timeChoosing,
  type AttentionJob,
  type ChooseJob,
  type KernelFigures,
} from './attention-times.js';
import { createKernel, encode, traitsOf, type Dispatch } from '../../kernels/wgsl/kernel.js';
import { matmulSource, matmulWorkgroups, type MatmulShape } from '../../kernels/wgsl/matmul.js';
import { matvecSource, matvecWorkgroups, type MatvecShape } from '../../kernels/wgsl/matvec.js';
import { batchShapes, matvecShapes } from '../../kernels/wgsl/matvec-shapes.js';
import { matrixBytes, type MatrixShape } from '../../kernels/wgsl/weight-format.js';

export type KernelJob =
  | { readonly operation: 'matvec'; readonly rows: number; readonly shape: MatvecShape }
  | { readonly operation: 'matmul'; readonly rows: number; readonly shape: MatmulShape };

export type TimedJob = KernelJob & {
  readonly matrix: MatrixShape;
  readonly input: 'plain' | 'norm';
  /** Milliseconds to spend on it. */
  readonly budget: number;
};

export interface KernelTime {
  readonly compileMs: number;
  readonly ms: number;
  readonly gmacs: number;
  readonly gbytes: number;
}

let device: GPUDevice | undefined;

async function open(): Promise<{ name: string; copyGbytes: number }> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new Error('no WebGPU adapter');
  const wanted: GPUFeatureName[] = ['subgroups', 'shader-f16'];
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
  device.addEventListener('uncapturederror', ({ error }) => {
    throw new Error(error.message);
  });
  const { vendor, architecture, description } = device.adapterInfo;
  return { name: `${vendor} ${architecture} ${description}`.trim(), copyGbytes: await copySpeed(device) };
}

/** Bytes read and written a second by a buffer copy far larger than caches, in GB/s. */
async function copySpeed(gpu: GPUDevice): Promise<number> {
  const bytes = gpu.adapterInfo.isFallbackAdapter ? 2 ** 26 : 2 ** 29;
  const [from, to] = [0, 1].map(() =>
    gpu.createBuffer({ size: bytes, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST }),
  ) as [GPUBuffer, GPUBuffer];
  let best = Infinity;
  for (let i = 0; i < 8; i++) {
    const encoder = gpu.createCommandEncoder();
    for (let j = 0; j < 4; j++) encoder.copyBufferToBuffer(from, 0, to, 0, bytes);
    const commands = encoder.finish();
    const started = performance.now();
    gpu.queue.submit([commands]);
    await gpu.queue.onSubmittedWorkDone();
    if (i > 0) best = Math.min(best, (performance.now() - started) / 4);
  }
  from.destroy();
  to.destroy();
  return (2 * bytes) / best / 1e6;
}

const store = (stride: number) => ({ kind: 'store', stride, at: 0 }) as const;

/** What is worth timing for a matrix on this device. */
function jobs(matrix: MatrixShape, batches: readonly number[], chunks: readonly number[]): KernelJob[] {
  if (device === undefined) throw new Error('open first');
  const traits = traitsOf(device);
  const output = store(matrix.rows);
  const shapes = matvecShapes(traits, output);
  const vectors = batches.flatMap((rows) =>
    rows === 1
      ? shapes.map((shape) => ({ operation: 'matvec', rows, shape }) as const)
      : shapes.flatMap((chosen) => {
          const [shape = chosen] = batchShapes(chosen, { batch: rows, output }, traits);
          return { operation: 'matvec', rows, shape } as const;
        }),
  );
  const tiles = chunks.flatMap((rows) =>
    ([16, 32, 64] as const).flatMap((tileRows) =>
      ([32, 64] as const).map((tileColumns) => {
        return { operation: 'matmul', rows, shape: { tileRows, tileColumns } } as const;
      }),
    ),
  );
  const seen = new Set<string>();
  return [...vectors, ...tiles].filter((job) => !seen.has(JSON.stringify(job)) && seen.add(JSON.stringify(job)));
}

/** Weights whose values don't matter, in buffers of the right size. */
function filled(bytes: number, word: number, usage: number = GPUBufferUsage.STORAGE): GPUBuffer {
  if (device === undefined) throw new Error('open first');
  const buffer = device.createBuffer({ size: Math.ceil(bytes / 16) * 16, usage, mappedAtCreation: true });
  new Uint32Array(buffer.getMappedRange()).fill(word);
  buffer.unmap();
  return buffer;
}

/** Best time of one dispatch, from repeated submits of several. */
async function timeOf(dispatch: Dispatch, budget: number): Promise<number> {
  const gpu = device as GPUDevice;
  const submit = async (count: number): Promise<number> => {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < count; i++) encode(pass, dispatch);
    pass.end();
    const commands = encoder.finish();
    const started = performance.now();
    gpu.queue.submit([commands]);
    await gpu.queue.onSubmittedWorkDone();
    return performance.now() - started;
  };
  await submit(1);
  const first = await submit(1);
  const count = Math.max(1, Math.min(2000, Math.round(budget / 6 / first)));
  let best = Infinity;
  const began = performance.now();
  do best = Math.min(best, (await submit(count)) / count);
  while (performance.now() - began < budget);
  return best;
}

async function time(job: TimedJob): Promise<KernelTime> {
  if (device === undefined) throw new Error('open first');
  const { matrix, rows, budget } = job;
  const input = job.input === 'plain' ? ({ kind: 'plain' } as const) : { kind: job.input, epsilon: 1e-6, normAt: 0 };
  const output = store(matrix.rows);
  const began = performance.now();
  const source =
    job.operation === 'matvec'
      ? matvecSource({ matrix, input, output, batch: rows, shape: job.shape }, traitsOf(device))
      : matmulSource({ matrix, input, output, shape: job.shape });
  const kernel = await createKernel(device, source);
  const compileMs = performance.now() - began;
  const bytes = matrixBytes(matrix);
  const step = filled(32, 0, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  device.queue.writeBuffer(step, 0, Uint32Array.of(0, rows));
  const buffers: Record<string, GPUBuffer> = {
    step,
    x: filled(rows * matrix.columns * 4, 0x3f800000),
    weights: filled(bytes.weights, matrix.kind === 'f32' ? 0x3f800000 : 0x3c003c00),
    y: filled(rows * matrix.rows * 4, 0),
    ...(bytes.scales > 0 ? { scales: filled(bytes.scales, 0x3c003c00) } : {}),
    ...(job.input === 'norm' ? { vectors: filled(matrix.columns * 4, 0x3f800000) } : {}),
  };
  try {
    const grid =
      job.operation === 'matvec'
        ? matvecWorkgroups({ matrix, input, output, batch: rows, shape: job.shape })
        : matmulWorkgroups({ matrix, input, output, shape: job.shape }, rows);
    const ms = await timeOf(kernel.dispatch(buffers, grid), budget);
    return {
      compileMs,
      ms,
      gmacs: (matrix.rows * matrix.columns * rows) / ms / 1e6,
      gbytes: (bytes.weights + bytes.scales) / ms / 1e6,
    };
  } finally {
    for (const buffer of Object.values(buffers)) buffer.destroy();
  }
}

const opened = (): GPUDevice => {
  if (device === undefined) throw new Error('open first');
  return device;
};
const attention = (job: AttentionJob & { readonly budget: number }): Promise<KernelFigures> =>
  timeAttention(opened(), job, (dispatch) => timeOf(dispatch, job.budget));
const choosing = (job: ChooseJob & { readonly budget: number }): Promise<KernelFigures> =>
  timeChoosing(opened(), job, (dispatch) => timeOf(dispatch, job.budget));
/** Whether WebGPU runs on the processor. */
const software = (): boolean => traitsOf(opened()).software;

const kernels = { open, jobs, time, attention, choosing, software };
export type Kernels = typeof kernels;
Object.assign(globalThis, { kernels });
