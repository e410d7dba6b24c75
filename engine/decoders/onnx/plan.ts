// Before a byte of weights is read: does the model hold what its spec promises, in which form does each matrix go to the
// device, how are layers grouped into sessions, and does it all fit? Called once by sessions.ts; pure.
// Layers are grouped because ONNX Runtime Web takes a session's constants all at once: a group bounds what JavaScript
// holds while they go to the device, and keeps each session's constants far from every 2 GiB limit.
// What goes wrong: a missing tensor or a wrong shape (`model-invalid`), a matrix or a sum that cannot fit
// (`model-too-large`).

import { EngineError } from '../../protocol/errors.js';
import type { Model, TensorFacts } from '../../weights/model.js';
import {
  canHold,
  checkSpec,
  elementCount,
  expectedTensors,
  sameShape,
  shapeText,
} from '../../weights/tensor-layout.js';
import { deviceMatrixBytes } from './matrices.js';

export interface LoadPlan {
  /** Quantised matrices are dequantised to float32. */
  readonly dense: boolean;
  /** Runs of layers, in order: [first, one past the last]. */
  readonly segments: readonly (readonly [from: number, to: number])[];
  /** Bytes that the weights take on the device. */
  readonly weightBytes: number;
  /** Bytes that will be read from the model. */
  readonly readBytes: number;
}

export interface PlanLimits {
  /** Dequantise when the whole model then fits into this many bytes; 0 never does. */
  readonly denseBytes: number;
  /** Weights that one session may hold, unless a single layer holds more. */
  readonly segmentBytes: number;
  /** The largest single buffer of the device. */
  readonly largestBuffer: number;
  /** The most that all weights may take. */
  readonly totalBytes: number;
}

/** @throws EngineError `model-invalid`, `model-too-large` */
export function planLoad(model: Model, limits: PlanLimits): LoadPlan {
  const { spec } = model;
  const { layers, outside } = collect(model);
  const all = [...outside, ...layers.flat()];
  const onDevice = all.filter((facts) => facts.name !== 'embedding' || spec.tiedHead);
  const sum = (list: readonly TensorFacts[], dense: boolean): number =>
    list.reduce((bytes, facts) => bytes + bytesOnDevice(facts, dense), 0);
  const dense = sum(onDevice, true) <= limits.denseBytes;
  const weightBytes = sum(onDevice, dense);
  if (weightBytes > limits.totalBytes) {
    throw tooLarge(`Its weights take ${mebibytes(weightBytes)}, and at most ${mebibytes(limits.totalBytes)} fit here.`);
  }
  for (const facts of onDevice) {
    const bytes = bytesOnDevice(facts, dense);
    if (bytes <= limits.largestBuffer) continue;
    throw tooLarge(`Its matrix ${facts.name} takes ${mebibytes(bytes)}, more than this device can hold in one piece.`);
  }
  const segments: [number, number][] = [];
  let held = 0;
  for (const [layer, tensors] of layers.entries()) {
    const bytes = sum(tensors, dense);
    const open = segments.at(-1);
    if (open !== undefined && held + bytes <= limits.segmentBytes) {
      open[1] = layer + 1;
      held += bytes;
    } else {
      segments.push([layer, layer + 1]);
      held = bytes;
    }
  }
  return { dense, segments, weightBytes, readBytes: all.reduce((bytes, facts) => bytes + facts.byteLength, 0) };
}

/** All tensors of the model, checked, by layer and outside of the layers. */
function collect(model: Model): { layers: TensorFacts[][]; outside: TensorFacts[] } {
  const { spec } = model;
  checkSpec(spec, 'This model');
  if (spec.headSize % 8 !== 0) {
    const message = `Attention heads of size ${spec.headSize} are not supported: ONNX Runtime needs a multiple of 8.`;
    throw new EngineError('model-unsupported', message, { hint: 'Choose another model.' });
  }
  const layers: TensorFacts[][] = Array.from({ length: spec.layers }, () => []);
  const outside: TensorFacts[] = [];
  for (const [name, shape] of expectedTensors(spec)) {
    const facts = model.tensors.get(name);
    if (facts === undefined) throw invalid(`the tensor ${name} is missing`);
    if (!sameShape(facts.shape, shape)) {
      throw invalid(`the tensor ${name} is ${shapeText(facts.shape)}, not ${shapeText(shape)}`);
    }
    if (!canHold(facts.kind, shape)) throw invalid(`the tensor ${name} cannot be ${facts.kind}`);
    const layer = /^layers\.(\d+)\./.exec(name)?.[1];
    (layer === undefined ? outside : layers[Number(layer)])?.push(facts);
  }
  return { layers, outside };
}

function bytesOnDevice(facts: TensorFacts, dense: boolean): number {
  return deviceMatrixBytes(facts.kind, elementCount(facts.shape), dense);
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

function invalid(what: string): EngineError {
  return new EngineError('model-invalid', `This model cannot be run: ${what}.`, {
    hint: 'Download it again; if that does not help, the file was made wrongly.',
  });
}

function tooLarge(what: string): EngineError {
  return new EngineError('model-too-large', `This model is too large for this device. ${what}`, {
    hint: 'Choose a smaller model, or its 4-bit version.',
  });
}
