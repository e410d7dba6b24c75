// Keys and values of one sequence for GroupQueryAttention: float32 [1, kvHeads, positions, headSize] a layer and part.
// Made by onnx-sequence.ts, handed to runs by sessions.ts. Knows nothing of tokens; "length" is the caller's word.
//
// On the GPU (`GpuKvCache`) past and present are one buffer with room to spare: the operator appends in place, so nothing is
// copied a token, and truncating costs nothing, since the operator reads only the first total_sequence_length positions.
// The buffer doubles when it is full (one copy a head, on the GPU).
// On WebAssembly (`HostKvCache`) ONNX Runtime Web copies every input into its memory and every output out of it: the cache
// is exactly as long as the sequence, and truncating copies what remains.
// What goes wrong: `out-of-memory` while growing; the sequence then holds what it held.

import type { InferenceSession, Tensor } from 'onnxruntime-web';
import type { ModelSpec } from '../../weights/model.js';
import { type GpuWatch, outOfGpuMemory } from '../gpu.js';
import { names } from './graph.js';
import type { OrtRuntime } from './ort-runtime.js';

type CacheShape = Pick<ModelSpec, 'layers' | 'kvHeads' | 'headSize'>;

const parts = ['key', 'value'] as const;

/** What a sequence does with its cache. */
export interface SequenceCache {
  /** Bytes held now. */
  readonly bytes: number;
  /** Makes room for `total` positions of which the first `length` are kept. */
  reserve(length: number, total: number): Promise<void>;
  /** Keeps the first `length` positions. */
  truncate(length: number): void;
  release(): void;
}

/** What the sessions of our own graphs do with it besides. */
export interface KvCache extends SequenceCache {
  /** Adds the inputs and outputs of one layer to a run's. */
  bind(layer: number, feeds: Record<string, Tensor>, fetches: Record<string, Tensor | null>): void;
  /** Takes a layer's outputs after the run. */
  accept(layer: number, outputs: InferenceSession.ReturnType): void;
}

export class HostKvCache implements KvCache {
  /** [layer][0 key, 1 value] */
  private cache: Tensor[][];

  constructor(
    private readonly shape: CacheShape,
    private readonly runtime: OrtRuntime,
  ) {
    this.cache = Array.from({ length: shape.layers }, () => parts.map(() => this.tensor(new Float32Array(0), 0)));
  }

  get bytes(): number {
    return this.cache.flat().reduce((sum, tensor) => sum + tensor.size * 4, 0);
  }

  reserve(): Promise<void> {
    return Promise.resolve();
  }

  bind(layer: number, feeds: Record<string, Tensor>, fetches: Record<string, Tensor | null>): void {
    for (const [i, part] of parts.entries()) {
      const tensor = this.cache[layer]?.[i];
      if (tensor === undefined) throw new RangeError(`layer ${layer} has no keys and values: released, or not there`);
      feeds[names.past(layer, part)] = tensor;
      fetches[names.present(layer, part)] = null;
    }
  }

  accept(layer: number, outputs: InferenceSession.ReturnType): void {
    this.cache[layer] = parts.map((part) => {
      const tensor = outputs[names.present(layer, part)];
      if (tensor === undefined) throw new RangeError(`the run left out layer ${layer}'s ${part}s`);
      return tensor as Tensor;
    });
  }

  truncate(length: number): void {
    const { kvHeads, headSize } = this.shape;
    this.cache = this.cache.map((layer) =>
      layer.map((tensor) => {
        const held = tensor.dims[2] ?? 0;
        if (held <= length) return tensor;
        const kept = new Float32Array(kvHeads * length * headSize);
        for (let head = 0; head < kvHeads; head++) {
          const first = head * held * headSize;
          const rows = (tensor.data as Float32Array).subarray(first, first + length * headSize);
          kept.set(rows, head * length * headSize);
        }
        return this.tensor(kept, length);
      }),
    );
  }

  release(): void {
    this.cache = [];
  }

  private tensor(data: Float32Array, positions: number): Tensor {
    return new this.runtime.Tensor('float32', data, [1, this.shape.kvHeads, positions, this.shape.headSize]);
  }
}

/** Positions that a fresh GPU cache has room for. */
const firstCapacity = 256;

export class GpuKvCache implements KvCache {
  /** [layer][0 key, 1 value] */
  private buffers: GPUBuffer[][] = [];
  private tensors: Tensor[][] = [];
  private capacity = 0;

  constructor(
    private readonly shape: CacheShape,
    private readonly runtime: OrtRuntime,
    private readonly gpu: GpuWatch,
    /** Positions never exceeded. */
    private readonly limit: number,
  ) {}

  get bytes(): number {
    return this.buffers.flat().reduce((sum, buffer) => sum + buffer.size, 0);
  }

  async reserve(length: number, total: number): Promise<void> {
    if (total <= this.capacity) return;
    const capacity = Math.min(this.limit, Math.max(firstCapacity, 2 ** Math.ceil(Math.log2(total))));
    const grown = await this.allocate(capacity);
    this.copy(grown, capacity, length);
    for (const buffer of this.buffers.flat()) buffer.destroy(); // the copies are submitted and finish first
    const { kvHeads, headSize } = this.shape;
    const dims = [1, kvHeads, capacity, headSize];
    this.buffers = grown;
    this.capacity = capacity;
    this.tensors = grown.map((layer) =>
      layer.map((buffer) => this.runtime.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims })),
    );
  }

  bind(layer: number, feeds: Record<string, Tensor>, fetches: Record<string, Tensor | null>): void {
    for (const [i, part] of parts.entries()) {
      const tensor = this.tensors[layer]?.[i];
      if (tensor === undefined) throw new RangeError(`layer ${layer} has no keys and values: released, or not there`);
      feeds[names.past(layer, part)] = tensor;
      fetches[names.present(layer, part)] = tensor;
    }
  }

  accept(): void {
    // written in place
  }

  truncate(): void {
    // what lies past the length is never read
  }

  release(): void {
    for (const buffer of this.buffers.flat()) buffer.destroy();
    this.buffers = [];
    this.tensors = [];
    this.capacity = 0;
  }

  private async allocate(capacity: number): Promise<GPUBuffer[][]> {
    const { layers, kvHeads, headSize } = this.shape;
    const { device } = this.gpu;
    const size = kvHeads * capacity * headSize * 4;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    device.pushErrorScope('out-of-memory');
    const buffers = Array.from({ length: layers }, (_, layer) =>
      parts.map((part) => device.createBuffer({ label: `${part}s of layer ${layer}`, size, usage })),
    );
    const error = await device.popErrorScope();
    if (error === null) return buffers;
    for (const buffer of buffers.flat()) buffer.destroy();
    throw outOfGpuMemory(`keys and values of ${capacity} tokens`);
  }

  private copy(target: readonly (readonly GPUBuffer[])[], capacity: number, length: number): void {
    if (length === 0) return;
    const { kvHeads, headSize } = this.shape;
    const row = headSize * 4;
    const encoder = this.gpu.device.createCommandEncoder();
    for (const [layer, buffers] of this.buffers.entries()) {
      for (const [i, buffer] of buffers.entries()) {
        const to = target[layer]?.[i];
        if (to === undefined) continue;
        for (let head = 0; head < kvHeads; head++) {
          encoder.copyBufferToBuffer(buffer, head * this.capacity * row, to, head * capacity * row, length * row);
        }
      }
    }
    this.gpu.device.queue.submit([encoder.finish()]);
  }
}
