// Keys and values of one sequence for a foreign graph: each run takes the past and gives the present, whole, whatever the graph
// makes of it inside. Made by graph-decoder.ts for onnx-sequence.ts, handed to runs by graph-session.ts.
// On the GPU they stay there from run to run; truncating copies what remains. In 16 or 32 bits, as the graph has them.
// Price, which the graph's interface sets: a run on WebAssembly copies the whole cache in and out.

import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { onnxTypes } from '../../weights/onnx/onnx-outline.js';
import type { GpuWatch } from '../gpu.js';
import type { SequenceCache } from './kv-cache.js';
import type { OrtRuntime } from './ort-runtime.js';

/** One input of the past and its output. */
export interface CacheSlot {
  readonly past: string;
  readonly present: string;
  readonly type: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

export class GraphKvCache implements SequenceCache {
  /** By the input's name. */
  private tensors = new Map<string, Tensor>();
  private released = false;

  constructor(
    private readonly slots: readonly CacheSlot[],
    private readonly runtime: OrtRuntime,
    /** Null on WebAssembly. */
    private readonly gpu: GpuWatch | null,
  ) {}

  get bytes(): number {
    let bytes = 0;
    for (const slot of this.slots) bytes += (this.tensors.get(slot.past)?.size ?? 0) * elementBytes(slot);
    return bytes;
  }

  reserve(): Promise<void> {
    return Promise.resolve();
  }

  bind(feeds: Record<string, Tensor>): void {
    if (this.released) throw new RangeError('the keys and values were released');
    for (const slot of this.slots) feeds[slot.past] = this.tensors.get(slot.past) ?? this.#tensor(slot, 0);
  }

  accept(outputs: InferenceSession.ReturnType): void {
    for (const { past, present } of this.slots) {
      const tensor = outputs[present];
      if (tensor === undefined) throw new RangeError(`the run left out ${present}`);
      this.tensors.get(past)?.dispose();
      this.tensors.set(past, tensor as Tensor);
    }
  }

  truncate(length: number): void {
    for (const slot of this.slots) {
      const tensor = this.tensors.get(slot.past);
      if (tensor === undefined || (tensor.dims[2] ?? 0) <= length) continue;
      this.tensors.set(slot.past, length === 0 ? this.#tensor(slot, 0) : this.#shortened(slot, tensor, length));
      tensor.dispose();
    }
  }

  release(): void {
    this.released = true;
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors = new Map();
  }

  #shortened(slot: CacheSlot, tensor: Tensor, length: number): Tensor {
    const { kvHeads, headSize } = slot;
    const held = tensor.dims[2] ?? 0;
    if (tensor.location === 'gpu-buffer') return this.#shortenedOnGpu(slot, tensor, length);
    const source = tensor.data as Float32Array;
    const kept =
      slot.type === onnxTypes.float16
        ? emptyHalves(kvHeads * length * headSize)
        : new Float32Array(kvHeads * length * headSize);
    for (let head = 0; head < kvHeads; head++) {
      const first = head * held * headSize;
      kept.set(source.subarray(first, first + length * headSize), head * length * headSize);
    }
    return this.#tensor(slot, length, kept);
  }

  #shortenedOnGpu(slot: CacheSlot, tensor: Tensor, length: number): Tensor {
    const { kvHeads, headSize } = slot;
    const device = this.gpu?.device;
    if (device === undefined) throw new RangeError('a tensor lies on a GPU that this decoder has not');
    const held = tensor.dims[2] ?? 0;
    const row = headSize * elementBytes(slot);
    const size = Math.ceil((kvHeads * length * row) / 16) * 16;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ label: slot.past, size, usage });
    const encoder = device.createCommandEncoder();
    for (let head = 0; head < kvHeads; head++) {
      encoder.copyBufferToBuffer(
        tensor.gpuBuffer as GPUBuffer,
        head * held * row,
        buffer,
        head * length * row,
        length * row,
      );
    }
    device.queue.submit([encoder.finish()]);
    return this.runtime.Tensor.fromGpuBuffer(buffer, {
      dataType: slot.type === onnxTypes.float16 ? 'float16' : 'float32',
      dims: [1, kvHeads, length, headSize],
      dispose: () => buffer.destroy(),
    });
  }

  #tensor({ type, kvHeads, headSize }: CacheSlot, positions: number, data?: Float32Array | Uint16Array): Tensor {
    const dims = [1, kvHeads, positions, headSize];
    const { Tensor: OrtTensor } = this.runtime;
    if (type === onnxTypes.float16) return new OrtTensor('float16', (data ?? emptyHalves(0)) as Uint16Array, dims);
    return new OrtTensor('float32', (data ?? new Float32Array(0)) as Float32Array, dims);
  }
}

const elementBytes = ({ type }: CacheSlot): number => (type === onnxTypes.float16 ? 2 : 4);

/** ONNX Runtime takes and gives Float16Array where the browser has it, and 16-bit words otherwise. */
function emptyHalves(length: number): Uint16Array {
  const { Float16Array: Halves } = globalThis as { Float16Array?: new (length: number) => unknown };
  return (Halves === undefined ? new Uint16Array(length) : new Halves(length)) as Uint16Array;
}
