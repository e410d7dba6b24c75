// A model's weights on the GPU: buffers made as the plan says, then filled tensor by tensor. Called by webgpu-decoder.ts.
// JavaScript holds one tensor at a time (or what ../read-ahead.ts allows): `writeBuffer` takes it from where it was read, and what must be widened goes
// through a small scratch. Uploads are waited for every few megabytes, or the browser would hold the whole model in flight.
// Knows nothing of what the numbers mean.
// What goes wrong: no room (`out-of-memory`), a read that fails (the model's own errors), a tensor that is not what the
// model said it would be (`model-invalid`), an abort. Whatever it is, no buffer is left.

import { EngineError } from '../../protocol/errors.js';
import { fromHalf } from '../../weights/half.js';
import type { LoadProgress, Model, TensorName, WeightTensor } from '../../weights/model.js';
import { checkScales } from '../../weights/quantise.js';
import { partLengths } from '../../weights/tensor-layout.js';
import { type GpuWatch, withinMemory } from '../gpu.js';
import { readInOrder } from '../read-ahead.js';
import { type LoadPlan, type MatrixPlan, placeRows, rowBytes } from './plan.js';
import { hasQuants, widen } from './widen.js';

/** The buffers of one part of a matrix. */
export interface MatrixBuffers {
  readonly firstRow: number;
  readonly rows: number;
  /** Quants, or plain numbers. */
  readonly weights: GPUBuffer;
  /** Absent for plain kinds. */
  readonly scales?: GPUBuffer;
}

/** Bytes written before the GPU is waited for. */
const inFlightBytes = 32 * 2 ** 20;

const padded = (bytes: number): number => Math.ceil(bytes / 16) * 16;

export interface FillOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

export class GpuWeights {
  private readonly matrices = new Map<string, readonly MatrixBuffers[]>();
  private readonly buffers: GPUBuffer[] = [];
  private inFlight = 0;
  /** float32, in records of `plan.vectorLayout`. */
  readonly vectors: GPUBuffer;

  private constructor(
    private readonly gpu: GpuWatch,
    readonly plan: LoadPlan,
  ) {
    for (const matrix of plan.matrices.values()) this.matrices.set(matrix.name, this.allocate(matrix));
    this.vectors = this.buffer('vectors', plan.vectorBytes);
  }

  /** Makes all buffers, or none. @throws EngineError `out-of-memory`, `device-lost` */
  static async allocate(gpu: GpuWatch, plan: LoadPlan): Promise<GpuWeights> {
    return withinMemory(
      gpu,
      `${Math.ceil(plan.weightBytes / 2 ** 20)} MiB of weights`,
      () => new GpuWeights(gpu, plan),
    );
  }

  /** The parts of a matrix of the plan. */
  parts(name: string): readonly MatrixBuffers[] {
    const parts = this.matrices.get(name);
    if (parts === undefined) throw new RangeError(`no matrix is called ${name}`);
    return parts;
  }

  /** Reads every tensor once and uploads it. */
  async fill(model: Model, { signal, onProgress }: FillOptions): Promise<void> {
    const totalBytes = this.plan.readBytes;
    let loadedBytes = 0;
    const told = async (tensor: WeightTensor): Promise<void> => {
      const { data, scales } = partLengths(tensor.kind, tensor.shape);
      loadedBytes += data + scales;
      this.inFlight += data + scales;
      if (this.inFlight >= inFlightBytes) {
        await this.gpu.guard(() => this.gpu.device.queue.onSubmittedWorkDone());
        this.inFlight = 0;
      }
      this.gpu.check();
      onProgress?.({ loadedBytes, totalBytes });
    };
    // In the order of the model, which is the order of its file.
    const matrixOf = new Map<TensorName, MatrixPlan>();
    for (const matrix of this.plan.matrices.values()) for (const name of matrix.members) matrixOf.set(name, matrix);
    const vectorAt = new Map(this.plan.vectors.map(({ name, byteOffset }) => [name, byteOffset]));
    for await (const { name, tensor } of readInOrder(model, model.tensors.keys(), signal)) {
      checkRead(model, name, tensor);
      const matrix = matrixOf.get(name);
      const offset = vectorAt.get(name);
      if (matrix !== undefined) this.writeMatrix(model, matrix, name, tensor);
      else if (offset !== undefined) this.write(this.vectors, offset, asFloats(tensor));
      await told(tensor);
    }
    await this.gpu.guard(() => this.gpu.device.queue.onSubmittedWorkDone());
  }

  /** Safe to call twice. */
  dispose(): void {
    for (const buffer of this.buffers.splice(0)) buffer.destroy();
  }

  private allocate({ name, kind, order, members, columns, parts }: MatrixPlan): readonly MatrixBuffers[] {
    const { data, scales } = rowBytes(kind, columns);
    return parts.map(({ firstRow, rows }) => {
      const stored = order === 'paired' ? rows * members.length : rows;
      const label = parts.length === 1 ? name : `${name} from row ${firstRow}`;
      const weights = this.buffer(label, stored * data);
      return {
        firstRow,
        rows,
        weights,
        ...(scales > 0 && { scales: this.buffer(`${label}, scales`, stored * scales) }),
      };
    });
  }

  private buffer(label: string, bytes: number): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const buffer = this.gpu.device.createBuffer({ label, size: padded(bytes), usage });
    this.buffers.push(buffer);
    return buffer;
  }

  private writeMatrix(model: Model, matrix: MatrixPlan, name: TensorName, tensor: WeightTensor): void {
    const { kind, columns, members } = matrix;
    const member = members.indexOf(name);
    const rowsOf = (of: TensorName): number => model.tensors.get(of)?.shape[0] ?? 0;
    const before = members.slice(0, member).reduce((sum, other) => sum + rowsOf(other), 0);
    const { data: dataBytes, scales: scaleBytes } = rowBytes(kind, columns);
    for (const { part, from, to, count } of placeRows(matrix, member, before, rowsOf(name))) {
      const { weights, scales } = this.parts(matrix.name)[part] as MatrixBuffers;
      for (const piece of widen(tensor, kind, columns, from, count)) {
        const row = to + piece.row - from;
        this.write(weights, row * dataBytes, piece.data);
        if (scales && piece.scales) this.write(scales, row * scaleBytes, piece.scales);
      }
    }
  }

  /** Offsets are multiples of four; a length that is none ends a buffer, where there is padding. */
  private write(buffer: GPUBuffer, offset: number, data: ArrayBufferView): void {
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const whole = bytes.length & ~3;
    const { queue } = this.gpu.device;
    queue.writeBuffer(buffer, offset, bytes, 0, whole);
    if (whole === bytes.length) return;
    const tail = new Uint8Array(4);
    tail.set(bytes.subarray(whole));
    queue.writeBuffer(buffer, offset + whole, tail);
  }
}

function asFloats(tensor: WeightTensor): Float32Array {
  if (tensor.kind === 'f32') return tensor.data;
  if (tensor.kind === 'f16') return Float32Array.from(tensor.data, fromHalf);
  throw new EngineError('model-invalid', 'This model cannot be run: one of its norms or biases is quantised.');
}

function checkRead(model: Model, name: TensorName, tensor: WeightTensor): void {
  const facts = model.tensors.get(name);
  const lengths = facts === undefined ? null : partLengths(facts.kind, facts.shape);
  const [data, scales] = hasQuants(tensor)
    ? [tensor.quants.byteLength, tensor.scales.byteLength]
    : [tensor.data.byteLength, 0];
  if (facts?.kind === tensor.kind && lengths?.data === data && lengths.scales === scales) {
    if (hasQuants(tensor)) checkScales(tensor.scales, name, 'This model');
    return;
  }
  throw new EngineError('model-invalid', `The tensor ${name} that was read is not the one the model describes.`, {
    hint: 'Download it again; if that does not help, the file was made wrongly.',
  });
}
