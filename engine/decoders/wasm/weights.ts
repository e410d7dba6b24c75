// Tensors from the model into WebAssembly memory, one by one and once: a tensor comes to its place (straight from its source
// where that can place it) and, when quantised, is repacked there into the kernels' order. Called by wasm-decoder.ts. Peak beside
// the memory itself: nothing, or one tensor, or what ../read-ahead.ts allows where the source is read ahead.
// What goes wrong: whatever the model's source says, a tensor that differs from its own facts (`model-invalid`), `aborted`.

import { EngineError } from '../../protocol/errors.js';
import { dequantise } from '../../weights/quantise.js';
import type { LoadProgress, Model, WeightTensor } from '../../weights/model.js';
import { partLengths } from '../../weights/tensor-layout.js';
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
  const loaded = (place: TensorPlace): void => {
    loadedBytes += bytesOf(model, place);
    onProgress?.({ loadedBytes, totalBytes: plan.readBytes });
  };
  if (model.readTensorInto !== undefined) {
    for (const place of plan.tensors) {
      if (signal?.aborted === true) throw new EngineError('aborted', 'Loading was stopped.');
      await readInto(model as PlacingModel, place, options);
      loaded(place);
    }
    return;
  }
  const places = new Map(plan.tensors.map((place) => [place.name, place]));
  for await (const { name, tensor } of readInOrder(model, places.keys(), signal)) {
    const place = places.get(name) as TensorPlace;
    put(tensor, place, options);
    loaded(place);
  }
}

type PlacingModel = Model & Required<Pick<Model, 'readTensorInto'>>;

/** Vectors become f32, so they come through an array; matrices go to their place at once. */
async function readInto(model: PlacingModel, place: TensorPlace, options: LoadWeightsOptions): Promise<void> {
  const { name, kind, rows, columns, data, scales } = place;
  const { memory, signal } = options;
  if (columns === 0) {
    put(await model.readTensor(name, signal), place, options);
    return;
  }
  const lengths = partLengths(kind, [rows, columns]);
  const target = { data: memory.bytes(data, lengths.data), scales: memory.bytes(scales, lengths.scales) };
  await model.readTensorInto(name, target, signal);
  if (lengths.scales > 0) arrange(place, options);
}

const bytesOf = (model: Model, { name }: TensorPlace): number => model.tensors.get(name)?.byteLength ?? 0;

function put(tensor: WeightTensor, place: TensorPlace, options: LoadWeightsOptions): void {
  const { memory } = options;
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
  memory.bytes(data, tensor.quants.length).set(tensor.quants);
  memory
    .bytes(scales, tensor.scales.byteLength)
    .set(new Uint8Array(tensor.scales.buffer, tensor.scales.byteOffset, tensor.scales.byteLength));
  arrange(place, options);
}

/** A quantised matrix that lies in its place as the pack has it -> as the kernels read it. */
function arrange({ name, kind, rows, columns, data, scales }: TensorPlace, options: LoadWeightsOptions): void {
  const { kernels, scratch } = options;
  // The kernels take every half for finite.
  const broken = kernels.notFinite(scales, (rows * columns) / 32);
  if (broken >= 0) throw invalid(`scale ${broken} of the tensor ${name} is not a finite number`);
  const repack = kind === 'q4' ? kernels.repackQ4 : kernels.repackQ8;
  repack(data, scales, rows, columns, scratch);
}
