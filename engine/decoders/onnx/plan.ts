// Before a byte of weights is read: does the model hold what its spec promises, in which form does each matrix go to the
// device, how are layers grouped into sessions, and does it all fit? Called once by sessions.ts; pure.
// Layers are grouped because ONNX Runtime Web takes a session's constants all at once: a group bounds what JavaScript
// holds while they go to the device, and keeps each session's constants far from every 2 GiB limit.
// What goes wrong: a missing tensor or a wrong shape (`model-invalid`), a matrix or a sum that cannot fit
// (`model-too-large`).

import { EngineError } from '../../protocol/errors.js';
import type { Model, ModelSpec, TensorFacts } from '../../weights/model.js';
import { blockSize, deviceMatrixBytes } from './matrices.js';

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

export const matrixParts = ['query', 'key', 'value', 'attentionOutput', 'gate', 'up', 'down'] as const;
export const biasParts = ['queryBias', 'keyBias', 'valueBias'] as const;
export const normParts = ['attentionNorm', 'feedForwardNorm'] as const;

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
  const { spec, tensors } = model;
  const take = (name: string, ...shape: readonly number[]): TensorFacts => {
    const facts = tensors.get(name);
    if (facts === undefined) throw invalid(`the tensor ${name} is missing`);
    if (facts.shape.length !== shape.length || facts.shape.some((size, i) => size !== shape[i])) {
      throw invalid(`the tensor ${name} is [${facts.shape.join(', ')}], not [${shape.join(', ')}]`);
    }
    const quantised = facts.kind === 'q4' || facts.kind === 'q8';
    if (quantised && (shape.length !== 2 || (shape[1] ?? 0) % blockSize !== 0)) {
      throw invalid(`the tensor ${name} cannot be quantised in blocks of ${blockSize}`);
    }
    return facts;
  };
  checkHeads(spec);
  const { hiddenSize: hidden, feedForwardSize: inner, vocabularySize: vocabulary } = spec;
  const queryRows = spec.heads * spec.headSize;
  const kvRows = spec.kvHeads * spec.headSize;
  const shapes: Record<(typeof matrixParts)[number], readonly [number, number]> = {
    query: [queryRows, hidden],
    key: [kvRows, hidden],
    value: [kvRows, hidden],
    attentionOutput: [hidden, queryRows],
    gate: [inner, hidden],
    up: [inner, hidden],
    down: [hidden, inner],
  };
  const layers = Array.from({ length: spec.layers }, (_, layer) => [
    ...normParts.map((part) => take(`layers.${layer}.${part}`, hidden)),
    ...matrixParts.map((part) => take(`layers.${layer}.${part}`, ...shapes[part])),
    ...(spec.architecture === 'qwen2'
      ? biasParts.map((part) => take(`layers.${layer}.${part}`, part === 'queryBias' ? queryRows : kvRows))
      : []),
  ]);
  const outside = [take('embedding', vocabulary, hidden), take('finalNorm', hidden)];
  if (!spec.tiedHead) outside.push(take('head', vocabulary, hidden));
  return { layers, outside };
}

function checkHeads({ heads, kvHeads, headSize, layers }: ModelSpec): void {
  if (layers < 1) throw invalid('it has no layers');
  if (heads % kvHeads !== 0) throw invalid(`${heads} heads cannot share ${kvHeads} key-value heads`);
  if (headSize % 8 !== 0) {
    const message = `Attention heads of size ${headSize} are not supported: ONNX Runtime needs a multiple of 8.`;
    throw new EngineError('model-unsupported', message, { hint: 'Choose another model.' });
  }
}

function bytesOnDevice(facts: TensorFacts, dense: boolean): number {
  const elements = facts.shape.reduce((product, size) => product * size, 1);
  return deviceMatrixBytes(facts.kind, elements, dense);
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
