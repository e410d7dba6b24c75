// The WebGPU decoder: our own shaders over weights as they are stored. Made by the host (engine/host) or a test, driven by
// `generate/`. Knows nothing of text, chat, packs or GGUF.
// Loading: everything is checked, then buffers are made, then pipelines are compiled while weights arrive; a short warm-up
// runs every pipeline once, because drivers finish compiling at the first use.
// What goes wrong: see `createWebGpuDecoder`; a lost device fails the running call and every later one with `device-lost`.

import { type DeviceTraits, KernelError, traitsOf } from '../../../kernels/wgsl/kernel.js';
import type { KvPrecision } from '../../kv/page-layout.js';
import { EngineError } from '../../protocol/errors.js';
import type { LoadProgress, Model } from '../../weights/model.js';
import { greedyOptions } from '../choose.js';
import type { Decoder, DecoderInfo, Holding, Sequence } from '../decoder.js';
import { heldBy } from '../holding.js';
import { gpuName, GpuWatch, requestGpuDevice } from '../gpu.js';
import { Machine } from './machine.js';
import { planLoad } from './plan.js';
import { type KernelTime, plainEncoding, Profile } from './profile.js';
import { fewRows } from './step-parts.js';
import type { TuningStore } from './tuning.js';
import { WebGpuSequence } from './webgpu-sequence.js';

export interface WebGpuDecoderOptions {
  readonly model: Model;
  /** A device to share; it stays the caller's and outlives the decoder. Without one the decoder opens and destroys its own. */
  readonly gpuDevice?: GPUDevice;
  /** Tokens a sequence may hold; at most what the model was trained for. Default 4096. */
  readonly maxContext?: number;
  /** How keys and values of older text are kept; default `f32`. */
  readonly kvPrecision?: KvPrecision;
  /** What shaders are to take for granted of the device in place of what it says (tests; drivers that get things wrong). */
  readonly traits?: Partial<DeviceTraits>;
  /**
   * Where the autotuner remembers what it measured on this device: the first model of a shape is searched for up to a
   * second and a half. Absent: nothing is measured, the kernels' best guesses are used.
   */
  readonly tuning?: TuningStore;
  /** Measure software WebGPU, too (tests): its candidates differ little, and each takes long to compile. */
  readonly tuneSoftware?: boolean;
  /** Bytes of a buffer that shaders may bind, when less than the device's (tests). */
  readonly largestBinding?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

export interface WebGpuDecoder extends Decoder {
  /**
   * Begins to measure the GPU time of every kernel, or ends it. While it goes on each command is a pass of its own, which
   * makes steps slower; before and after it costs nothing.
   * @returns false where the device has no timestamps
   */
  profile(on: boolean): boolean;
  /** Of the profile that goes on, or of the last one; empty when there was none. The longest first. */
  kernelTimes(): Promise<readonly KernelTime[]>;
}

/**
 * Loads a model's weights, tensor by tensor, and opens it for decoding. The model may be closed afterwards.
 * @throws EngineError `webgpu-unavailable` (also for a driver that refuses a shader), `model-invalid`, `model-unsupported`,
 * `model-too-large`, `out-of-memory`, `device-lost`, `network` (the weights), `aborted`, `internal`
 */
export async function createWebGpuDecoder(options: WebGpuDecoderOptions): Promise<WebGpuDecoder> {
  const { model, signal } = options;
  const stopIfAborted = (): void => {
    if (signal?.aborted === true) throw new EngineError('aborted', 'Loading was stopped.');
  };
  stopIfAborted();
  const ownDevice = options.gpuDevice === undefined ? await requestGpuDevice() : null;
  const device = ownDevice ?? (options.gpuDevice as GPUDevice);
  const gpu = new GpuWatch(device);
  let machine: Machine | null = null;
  const close = (): void => {
    machine?.dispose();
    gpu.close();
    ownDevice?.destroy();
  };
  try {
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    const largestBinding = Math.min(maxBufferSize, maxStorageBufferBindingSize, options.largestBinding ?? Infinity);
    const plan = planLoad(model, { largestBinding });
    const contextLength = Math.min(model.spec.contextLength, options.maxContext ?? 4096);
    machine = await Machine.open(gpu, model.spec, plan, {
      contextLength,
      largestBinding,
      precision: options.kvPrecision ?? 'f32',
      traits: { ...traitsOf(device), ...options.traits },
    });
    const tunes = !device.adapterInfo.isFallbackAdapter || options.tuneSoftware === true;
    await machine.load(model, { signal, onProgress: options.onProgress, tuning: tunes ? options.tuning : undefined });
    stopIfAborted();
    const info: DecoderInfo = {
      kind: 'webgpu',
      device: 'webgpu',
      deviceName: gpuName(device),
      contextLength,
      vocabularySize: model.spec.vocabularySize,
      weightBytes: plan.weightBytes,
      concurrency: machine.concurrency,
    };
    const decoder = new GpuDecoder(info, gpu, machine, close);
    await decoder.warmUp();
    stopIfAborted();
    return decoder;
  } catch (error) {
    close();
    throw asLoadError(error);
  }
}

function asLoadError(error: unknown): EngineError {
  if (!(error instanceof KernelError)) return EngineError.from(error);
  return new EngineError('webgpu-unavailable', `The graphics card's driver refused a shader. ${error.message}`, {
    hint: 'The answer can be computed without the graphics card (slower). Please report this with the text above.',
    cause: error,
  });
}

class GpuDecoder implements WebGpuDecoder {
  private readonly open = new Set<Sequence>();
  private disposal: Promise<void> | null = null;
  private lastProfile: Profile | null = null;

  constructor(
    readonly info: DecoderInfo,
    private readonly gpu: GpuWatch,
    private readonly machine: Machine,
    private readonly close: () => void,
  ) {}

  get holding(): Holding {
    return heldBy(this.open);
  }

  openSequence(): Sequence {
    return this.newSequence();
  }

  async logits(tokens: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
    const sequence = this.newSequence();
    try {
      return await this.machine.logits(sequence, tokens, signal);
    } finally {
      sequence.release();
    }
  }

  profile(on: boolean): boolean {
    if (!this.gpu.device.features.has('timestamp-query')) return false;
    if (on) {
      this.lastProfile?.dispose();
      this.lastProfile = new Profile(this.gpu);
    }
    this.machine.sequenceParts.steps.encoding = on && this.lastProfile ? this.lastProfile : plainEncoding;
    return true;
  }

  async kernelTimes(): Promise<readonly KernelTime[]> {
    return (await this.lastProfile?.times()) ?? [];
  }

  /** Runs pipelines once, for drivers that finish compiling at the first use; on a processor that is no use. */
  async warmUp(): Promise<void> {
    if (this.gpu.device.adapterInfo.isFallbackAdapter) return;
    const sequence = this.newSequence();
    try {
      const tokens = Array.from({ length: Math.min(2 * fewRows, this.info.contextLength - 1) }, () => 0);
      await sequence.append({ tokens, at: 'last', choose: greedyOptions });
      await sequence.append({ tokens: [0], at: 'last', choose: greedyOptions });
    } finally {
      sequence.release();
    }
  }

  dispose(): Promise<void> {
    this.disposal ??= this.free();
    return this.disposal;
  }

  private newSequence(): WebGpuSequence {
    if (this.disposal !== null) throw new EngineError('invalid-request', 'This decoder was disposed of.');
    const sequence: WebGpuSequence = new WebGpuSequence({
      ...this.machine.sequenceParts,
      info: this.info,
      gpu: this.gpu,
      onRelease: () => this.open.delete(sequence),
    });
    this.open.add(sequence);
    return sequence;
  }

  private async free(): Promise<void> {
    for (const sequence of [...this.open]) sequence.release();
    this.machine.close();
    try {
      await this.gpu.guard(() => this.gpu.device.queue.onSubmittedWorkDone());
    } catch {
      // Lost, or an error that nobody waits for any more: there is nothing left to wait for.
    } finally {
      this.lastProfile?.dispose();
      this.close();
    }
  }
}
