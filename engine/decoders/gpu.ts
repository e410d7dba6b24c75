// A WebGPU device as decoders need it: found or handed over, named for people, and watched for being lost and for errors
// that no call reports. Called by webgpu/ and onnx/. Destroying a device is its owner's affair.
// What goes wrong: no adapter, or one that offers WebGPU's compatibility mode alone (`webgpu-unavailable`: the next rung
// of the ladder), lost (`device-lost`), memory (`out-of-memory`).

import { EngineError } from '../protocol/errors.js';

export interface GpuRequest {
  /** Subgroups are left out where the smallest may have fewer lanes than this; default 1. */
  readonly smallestSubgroup?: number;
  /** Passed in by tests. */
  readonly gpu?: Pick<GPU, 'requestAdapter'>;
}

/** Features that shaders use where there are any; none is required. */
function wantedFeatures({ features, info }: GPUAdapter, smallestSubgroup: number): GPUFeatureName[] {
  const wanted: GPUFeatureName[] = ['shader-f16', 'timestamp-query'];
  if (info.subgroupMinSize >= smallestSubgroup) wanted.push('subgroups');
  return wanted.filter((feature) => features.has(feature));
}

/** Opens a device with this adapter's largest buffers. Hosts that share one device between decoders call it once. */
export async function requestGpuDevice({ smallestSubgroup = 1, ...request }: GpuRequest = {}): Promise<GPUDevice> {
  const hint = 'The answer can be computed without the graphics card (slower), or in another browser.';
  const gpu = request.gpu ?? (globalThis.navigator as Partial<Navigator> | undefined)?.gpu;
  if (gpu === undefined) {
    throw new EngineError('webgpu-unavailable', 'This browser offers no WebGPU here.', { hint });
  }
  let adapter: GPUAdapter | null;
  let lesser: GPUAdapter | null = null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    // Asked for only to say why: a device of that mode has neither the buffers nor the limits that shaders count on.
    if (adapter === null) lesser = await gpu.requestAdapter({ featureLevel: 'compatibility' });
  } catch (cause) {
    throw new EngineError('webgpu-unavailable', 'The graphics card could not be opened.', { hint, cause });
  }
  if (lesser !== null) {
    const { vendor, architecture } = lesser.info;
    const what = `The graphics card (${[vendor, architecture].filter(Boolean).join(' ') || 'unnamed'})`;
    const why = "offers WebGPU's compatibility mode only, which is not enough for a language model";
    throw new EngineError('webgpu-unavailable', `${what} ${why}.`, { hint });
  }
  if (adapter === null) {
    throw new EngineError('webgpu-unavailable', 'No graphics card answers to WebGPU.', { hint });
  }
  const { limits } = adapter;
  try {
    return await adapter.requestDevice({
      requiredFeatures: wantedFeatures(adapter, smallestSubgroup),
      requiredLimits: {
        maxBufferSize: limits.maxBufferSize,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
        maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
        maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
        maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
        maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
        maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
        maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      },
    });
  } catch (cause) {
    throw new EngineError('webgpu-unavailable', 'The graphics card could not be opened.', { hint, cause });
  }
}

/** "swiftshader (google)": the most telling of the names that the browser gives away. */
export function gpuName(device: GPUDevice): string {
  const { description, device: model, architecture, vendor } = device.adapterInfo;
  const name = description || model || architecture || 'graphics card';
  return vendor === '' ? name : `${name} (${vendor})`;
}

/** Milliseconds between what a loss makes fail and the word of the loss itself: some tenths were seen, more cost nobody. */
const lossPatience = 500;

/** Watches one device for one decoder. */
export class GpuWatch {
  private error: EngineError | null = null;
  private closed = false;
  private readonly rejectLost: (error: EngineError) => void;
  /** Rejects when the device is lost; never resolves. */
  readonly lost: Promise<never>;
  private readonly listener = (event: GPUUncapturedErrorEvent): void => {
    // Kept until the run that caused it asks: the browser reports such errors to nobody in particular.
    this.error ??= asGpuError(event.error);
  };

  constructor(readonly device: GPUDevice) {
    let reject: (error: EngineError) => void = () => undefined;
    this.lost = new Promise<never>((_resolve, fail) => (reject = fail));
    this.rejectLost = reject;
    this.lost.catch(() => undefined); // nobody may be waiting
    device.addEventListener('uncapturederror', this.listener);
    void device.lost.then((info) => {
      if (this.closed) return;
      this.error = new EngineError('device-lost', `The graphics card was lost (${info.message || info.reason}).`, {
        hint: 'The model must be loaded again. If this repeats, close other tabs that use the graphics card.',
      });
      this.rejectLost(this.error);
    });
  }

  /** Throws what has happened to the device: a loss for ever, any other error once. */
  check(): void {
    const { error } = this;
    if (error === null) return;
    if (error.code !== 'device-lost') this.error = null;
    throw error;
  }

  /** The outcome of `work`, or the loss of the device, whichever comes first. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    let result: T;
    try {
      result = await Promise.race([work(), this.lost]);
    } catch (error) {
      // A buffer that is being read fails with an AbortError just before the browser says that the device is lost; nobody
      // stopped anything, and who hears "aborted" tries no other device.
      if (error instanceof DOMException && !this.closed) await this.lossSoon();
      throw error;
    }
    this.check();
    return result;
  }

  /** Throws the loss if it is told within a moment. */
  private async lossSoon(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const moment = new Promise<void>((resolve) => (timer = setTimeout(resolve, lossPatience)));
    try {
      await Promise.race([this.lost, moment]);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.closed = true;
    this.device.removeEventListener('uncapturederror', this.listener);
  }
}

function asGpuError(error: GPUError): EngineError {
  if (error instanceof GPUOutOfMemoryError) return outOfGpuMemory(error.message);
  return new EngineError('internal', `The graphics card refused a command: ${error.message}`, {
    hint: 'Please report this with the text above. The next request may work.',
  });
}

export function outOfGpuMemory(detail: string): EngineError {
  return new EngineError('out-of-memory', `The graphics card's memory ran out (${detail}).`, {
    hint: 'Start a new chat, close other tabs, or choose a smaller model.',
  });
}

/**
 * Runs `make`, which creates buffers, and waits whether the device had room for them. `make` returns what owns them.
 * @throws EngineError `out-of-memory` (what was made is disposed of), `device-lost`
 */
export async function withinMemory<T extends { dispose(): void }>(
  gpu: GpuWatch,
  what: string,
  make: () => T,
): Promise<T> {
  const { device } = gpu;
  gpu.check();
  device.pushErrorScope('validation'); // a buffer beyond the device's largest is "invalid", not "out of memory"
  device.pushErrorScope('out-of-memory');
  let made: T;
  let errors: Promise<(GPUError | null)[]>;
  try {
    made = make();
  } finally {
    errors = Promise.all([device.popErrorScope(), device.popErrorScope()]);
    errors.catch(() => undefined); // the loss of the device is told by the guard below
  }
  try {
    const error = (await gpu.guard(() => errors)).find((each) => each !== null);
    if (error) throw outOfGpuMemory(`there is no room for ${what}: ${error.message}`);
  } catch (error) {
    made.dispose();
    throw error;
  }
  return made;
}
