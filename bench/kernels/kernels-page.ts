// The page side of bench/kernels-wgsl.bench.mjs: makes random weights, compiles one kernel and times it. Knows nothing of
// tables and files. Times are of many dispatches in one submit, the best of several; where the device has timestamps they
// are not used, since Chrome rounds them to 100 us.

import { createKernel, encode, traitsOf, type DeviceTraits, type Dispatch } from '../../kernels/wgsl/kernel.js';
import { matvecSource, matvecWorkgroups, type MatvecShape } from '../../kernels/wgsl/matvec.js';
import { matrixBytes, type WeightKind } from '../../kernels/wgsl/weight-format.js';

export interface KernelJob {
  readonly operation: 'matvec';
  readonly kind: WeightKind;
  readonly rows: number;
  readonly columns: number;
  readonly batch: number;
  readonly input: 'plain' | 'norm';
  readonly shape: MatvecShape;
  readonly subgroups: boolean;
  /** Milliseconds to spend on it. */
  readonly budget: number;
}

export interface KernelTime {
  readonly compileMs: number;
  readonly ms: number;
  readonly gmacs: number;
  readonly gbytes: number;
}

let device: GPUDevice | undefined;

async function open(): Promise<{ name: string; traits: DeviceTraits }> {
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
  return { name: `${vendor} ${architecture} ${description}`.trim(), traits: traitsOf(device) };
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

async function time(job: KernelJob): Promise<KernelTime> {
  if (device === undefined) throw new Error('open first');
  const { kind, rows, columns, batch, input, shape, subgroups, budget } = job;
  const matrix = { kind, rows, columns };
  const spec = {
    matrix,
    batch,
    input: input === 'plain' ? { kind: input } : { kind: input, epsilon: 1e-6, normAt: 0 },
    output: { kind: 'store', stride: rows, at: 0 },
    shape,
  } as const;
  const began = performance.now();
  const kernel = await createKernel(device, matvecSource(spec, traitsOf(device, subgroups)));
  const compileMs = performance.now() - began;
  const bytes = matrixBytes(matrix);
  const step = filled(32, 0, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  device.queue.writeBuffer(step, 0, Uint32Array.of(0, batch));
  const buffers: Record<string, GPUBuffer> = {
    step,
    x: filled(batch * columns * 4, 0x3f800000),
    weights: filled(bytes.weights, kind === 'f32' ? 0x3f800000 : 0x3c003c00),
    y: filled(batch * rows * 4, 0),
    ...(bytes.scales > 0 ? { scales: filled(bytes.scales, 0x3c003c00) } : {}),
    ...(input === 'norm' ? { vectors: filled(columns * 4, 0x3f800000) } : {}),
  };
  try {
    const ms = await timeOf(kernel.dispatch(buffers, matvecWorkgroups(spec)), budget);
    return {
      compileMs,
      ms,
      gmacs: (rows * columns * batch) / ms / 1e6,
      gbytes: (bytes.weights + bytes.scales) / ms / 1e6,
    };
  } finally {
    for (const buffer of Object.values(buffers)) buffer.destroy();
  }
}

const kernels = { open, time };
export type Kernels = typeof kernels;
Object.assign(globalThis, { kernels });
