// The ONNX decoder: a model's graph written in memory and run by ONNX Runtime Web on WebGPU or WebAssembly. Made by the host
// (engine/host) or a test, driven by `generate/`. Knows nothing of text, chat, packs or GGUF.
// It is the first decoder, the cross-check of the later ones and their stand-in; what was measured is in README.md.
// What goes wrong: see `createOnnxDecoder`; a lost device fails the running call and every later one with `device-lost`.

import { EngineError } from '../../protocol/errors.js';
import type { LoadProgress, Model } from '../../weights/model.js';
import type { Decoder, DecoderDevice, DecoderInfo, Holding, Sequence } from '../decoder.js';
import { heldBy } from '../holding.js';
import { gpuName, GpuWatch } from '../gpu.js';
import { GpuKvCache, HostKvCache, type KvCache, type SequenceCache } from './kv-cache.js';
import { OnnxSequence, type ForwardPass } from './onnx-sequence.js';
import { gpuRunTokens, requestOrtDevice } from './ort-gpu.js';
import { loadOrt } from './ort-runtime.js';
import { planLoad } from './plan.js';
import { ModelSessions } from './sessions.js';

export interface OnnxDecoderOptions {
  readonly model: Model;
  readonly device: DecoderDevice;
  /** Folder of ONNX Runtime's WebAssembly files, relative to the page or worker ("./ort/"). */
  readonly assetBase: string;
  /** A device to share; it stays the caller's and outlives the decoder. Without one the decoder opens and destroys its own. */
  readonly gpuDevice?: GPUDevice;
  /** Tokens a sequence may hold; at most what the model was trained for. Default 4096. */
  readonly maxContext?: number;
  /** WebAssembly threads; default 1 where memory cannot be shared (SharedWorker), else up to 4. */
  readonly threads?: number;
  /**
   * On WebAssembly quantised weights are dequantised to float32 when the model then fits into this many bytes: measured
   * ten times as fast a token as MatMulNBits, and exact. Default 512 MiB; 0 keeps every model in blocks.
   */
  readonly denseBytes?: number;
  /** Weights a session may hold: what JavaScript holds at once while loading. Default 128 MiB. */
  readonly segmentBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

const mebibyte = 2 ** 20;

/** Tokens a run takes at most on WebAssembly: about a second for a model of 100 million parameters. */
export const wasmRunTokens = 32;

/**
 * Loads a model's weights, tensor by tensor, and opens it for decoding. The model may be closed afterwards.
 * @throws EngineError `webgpu-unavailable`, `wasm-unsupported`, `model-invalid`, `model-unsupported`, `model-too-large`,
 * `out-of-memory`, `device-lost`, `network` (ONNX Runtime's files or the weights), `aborted`, `internal`
 */
export async function createOnnxDecoder(options: OnnxDecoderOptions): Promise<Decoder> {
  const { model, device, signal } = options;
  if (signal?.aborted === true) throw new EngineError('aborted', 'Loading was stopped.');
  const ownDevice = device === 'webgpu' && options.gpuDevice === undefined ? await requestOrtDevice() : null;
  const gpuDevice = ownDevice ?? (device === 'webgpu' ? options.gpuDevice : undefined);
  const gpu = gpuDevice ? new GpuWatch(gpuDevice) : null;
  const close = (): void => {
    gpu?.close();
    ownDevice?.destroy();
  };
  try {
    const plan = planLoad(model, {
      denseBytes: gpu ? 0 : (options.denseBytes ?? 512 * mebibyte),
      segmentBytes: options.segmentBytes ?? 128 * mebibyte,
      largestBuffer: gpu ? gpu.device.limits.maxStorageBufferBindingSize : 2 ** 31 - 1,
      totalBytes: gpu ? Infinity : 3 * 1024 * mebibyte, // of WebAssembly's 4 GiB, the rest for keys, values and scratch
    });
    const contextLength = Math.min(model.spec.contextLength, options.maxContext ?? 4096);
    const { assetBase, threads, onProgress } = options;
    const runtime = await loadOrt(device, { assetBase, ...(threads && { threads }) });
    const sessions = await ModelSessions.open(model, {
      runtime,
      gpu,
      plan,
      contextLength,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
    const info: DecoderInfo = {
      kind: 'onnx',
      device,
      deviceName: gpu ? gpuName(gpu.device) : wasmName(runtime.threads),
      contextLength,
      vocabularySize: model.spec.vocabularySize,
      weightBytes: plan.weightBytes,
    };
    const { spec } = model;
    const newCache = (): KvCache =>
      gpu ? new GpuKvCache(spec, runtime, gpu, contextLength) : new HostKvCache(spec, runtime);
    return new OnnxDecoder(info, sessions, newCache, gpu ? gpuRunTokens(gpu.device) : wasmRunTokens, close);
  } catch (error) {
    close();
    throw EngineError.from(error);
  }
}

/** Sequences over a forward pass: our own graphs' or a foreign one's (graph-decoder.ts). */
export class OnnxDecoder<Cache extends SequenceCache> implements Decoder {
  private readonly open = new Set<Sequence>();
  private disposal: Promise<void> | null = null;

  constructor(
    readonly info: DecoderInfo,
    private readonly sessions: ForwardPass<Cache> & { dispose(): Promise<void> },
    private readonly newCache: () => Cache,
    private readonly runTokens: number,
    private readonly close: () => void,
  ) {}

  get holding(): Holding {
    return heldBy(this.open);
  }

  openSequence(): Sequence {
    return this.newSequence();
  }

  async logits(tokens: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
    const size = this.info.vocabularySize;
    const all = new Float32Array(tokens.length * size);
    const sequence = this.newSequence();
    try {
      await sequence.advance(tokens, 'every', signal, (index, row) => all.set(row, index * size));
    } finally {
      sequence.release();
    }
    return all;
  }

  dispose(): Promise<void> {
    this.disposal ??= this.free();
    return this.disposal;
  }

  private newSequence(): OnnxSequence<Cache> {
    if (this.disposal !== null) throw new EngineError('invalid-request', 'This decoder was disposed of.');
    const sequence: OnnxSequence<Cache> = new OnnxSequence(
      this.info,
      this.sessions,
      this.newCache(),
      this.runTokens,
      () => this.open.delete(sequence),
    );
    this.open.add(sequence);
    return sequence;
  }

  private async free(): Promise<void> {
    for (const sequence of [...this.open]) sequence.release();
    try {
      await this.sessions.dispose(); // after the run in progress, if there is one
    } finally {
      this.close();
    }
  }
}

export function wasmName(threads: number): string {
  return `WebAssembly SIMD, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}
