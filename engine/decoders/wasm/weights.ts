// Tensors from the model into WebAssembly memory, one by one and once: a tensor is copied to its place and, when
// quantised, repacked there into the kernels' order. Called by wasm-decoder.ts. Peak beside the memory itself: one tensor, or
// what ../read-ahead.ts allows where the source is read ahead.
// What goes wrong: whatever the model's source says, a tensor that differs from its own facts (`model-invalid`), `aborted`.

import { dequantise } from '../../weights/quantise.js';
import type { LoadProgress, Model, WeightTensor } from '../../weights/model.js';
import type { Kernels } from '../../../kernels/wasm/kernels.js';
import { readInOrder } from '../read-ahead.js';
import type { WasmMemory } from './memory.js';
import { invalid, type TensorPlace, type WeightPlan } from './plan.js';

export interface LoadWeightsOptions {
  readonly plan: WeightPlan;
  readonly memory: WasmMemory;
  readonly kernels: Kernels;
  /** 4 bytes for each column of the widest matrix. */
  readonly scratch: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** @throws EngineError of the model's source, `model-invalid`, `aborted` */
export async function loadWeights(model: Model, options: LoadWeightsOptions): Promise<void> {
  const { plan, signal, onProgress } = options;
  let loadedBytes = 0;
  const places = new Map(plan.tensors.map((place) => [place.name, place]));
  for await (const { name, tensor } of readInOrder(model, places.keys(), signal)) {
    const place = places.get(name) as TensorPlace;
    put(tensor, place, options);
    loadedBytes += bytesOf(model, place);
    onProgress?.({ loadedBytes, totalBytes: plan.readBytes });
  }
}

const bytesOf = (model: Model, { name }: TensorPlace): number => model.tensors.get(name)?.byteLength ?? 0;

function put(tensor: WeightTensor, place: TensorPlace, { memory, kernels, scratch }: LoadWeightsOptions): void {
  const { name, kind, rows, columns, data, scales } = place;
  const elements = rows * Math.max(columns, 1);
  const check = (is: number, shouldBe: number): void => {
    if (is !== shouldBe) throw invalid(`the tensor ${name} came with ${is} numbers instead of ${shouldBe}`);
  };
  if (columns === 0) {
    const values = dequantise(tensor);
    check(values.length, elements);
    memory.floats(data, elements).set(values);
    return;
  }
  if (tensor.kind !== kind) throw invalid(`the tensor ${name} is ${tensor.kind} and was announced as ${kind}`);
  if (tensor.kind === 'f32' || tensor.kind === 'f16') {
    check(tensor.data.length, elements);
    const { buffer, byteOffset, byteLength } = tensor.data;
    memory.bytes(data, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
    return;
  }
  check(tensor.quants.length, tensor.kind === 'q4' ? elements / 2 : elements);
  check(tensor.scales.length, elements / 32);
  // The kernels take every half for finite.
  const broken = tensor.scales.findIndex((half) => (half & 0x7c00) === 0x7c00);
  if (broken >= 0) throw invalid(`scale ${broken} of the tensor ${name} is not a finite number`);
  memory.bytes(data, tensor.quants.length).set(tensor.quants);
  memory
    .bytes(scales, tensor.scales.byteLength)
    .set(new Uint8Array(tensor.scales.buffer, tensor.scales.byteOffset, tensor.scales.byteLength));
  const repack = tensor.kind === 'q4' ? kernels.repackQ4 : kernels.repackQ8;
  repack(data, scales, rows, columns, scratch);
}
