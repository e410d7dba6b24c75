// Which tensors an architecture has, of which shapes, and how many bytes each takes. The one place that knows; both
// formats check what a file claims against it before anything is allocated.
// What goes wrong: facts that contradict each other or are beyond every real model are `model-invalid`.

import { EngineError } from '../protocol/errors.js';
import { architectures, rotarySizeOf } from './architectures.js';
import { blockLength } from './quantise.js';
import type { ModelSpec, TensorName, WeightTensor } from './model.js';

export type TensorKind = WeightTensor['kind'];

/** Far above every model that a browser could run, far below what would make sums inexact. */
const limits = {
  layers: 1024,
  hiddenSize: 65_536,
  feedForwardSize: 1_048_576,
  heads: 1024,
  kvHeads: 1024,
  headSize: 1024,
  vocabularySize: 4_194_304,
  contextLength: 16_777_216,
} as const;

/** @throws EngineError `model-invalid`, naming the fact; `where` says whose facts they are */
export function checkSpec(spec: ModelSpec, where: string): void {
  const refuse = (what: string): never => {
    throw new EngineError('model-invalid', `${where}: ${what}.`, {
      hint: 'The file does not describe a usable model.',
    });
  };
  for (const [field, limit] of Object.entries(limits) as [keyof typeof limits, number][]) {
    const value = spec[field];
    if (!Number.isInteger(value) || value < 1 || value > limit)
      refuse(`${field} is ${value}, not within 1 to ${limit}`);
  }
  if (spec.heads % spec.kvHeads !== 0) refuse(`${spec.heads} heads cannot share ${spec.kvHeads} key-value heads`);
  if (spec.headSize % 2 !== 0) refuse(`headSize is ${spec.headSize}, which rotary positions cannot halve`);
  if (!(spec.rmsNormEpsilon > 0 && spec.rmsNormEpsilon < 1)) refuse(`rmsNormEpsilon is ${spec.rmsNormEpsilon}`);
  if (!(spec.ropeTheta > 0 && spec.ropeTheta < 1e15)) refuse(`ropeTheta is ${spec.ropeTheta}`);
  const scaling = spec.ropeScaling;
  const turned = rotarySizeOf(spec);
  if (!(Number.isInteger(turned) && turned > 0 && turned % 2 === 0 && turned <= spec.headSize)) {
    refuse(`rotarySize is ${turned}, no even number within a head of ${spec.headSize}`);
  }
  for (const factors of Object.values(scaling).filter((value) => Array.isArray(value))) {
    if (factors.length === turned / 2) continue;
    refuse(`there are ${factors.length} rotary factors for ${turned} turning elements of a head`);
  }
  for (const field of ['slidingWindow', 'fullAttentionEvery'] as const) {
    const value = spec[field];
    if (value !== undefined && !(Number.isInteger(value) && value > 0)) refuse(`${field} is ${value}`);
  }
  for (const field of ['slidingRopeTheta', 'attentionScale', 'attentionSoftCap', 'logitSoftCap'] as const) {
    const value = spec[field];
    if (value !== undefined && !(value > 0 && value < 1e15)) refuse(`${field} is ${value}`);
  }
  const numbers = Object.values(scaling)
    .flat()
    .filter((value) => typeof value !== 'string');
  if (!numbers.every((value) => Number.isFinite(value) && value > 0))
    refuse('a rotary factor is not a positive number');
}

/** Every tensor that a model of this kind has, with its shape, in the order of first use. */
export function expectedTensors(spec: ModelSpec): Map<TensorName, readonly number[]> {
  const { hiddenSize, feedForwardSize } = spec;
  const facts = architectures[spec.architecture];
  const queryRows = spec.heads * spec.headSize;
  const kvRows = spec.kvHeads * spec.headSize;
  const tensors = new Map<TensorName, readonly number[]>([['embedding', [spec.vocabularySize, hiddenSize]]]);
  for (let layer = 0; layer < spec.layers; layer++) {
    const add = (name: string, ...shape: number[]): unknown => tensors.set(`layers.${layer}.${name}`, shape);
    add('attentionNorm', hiddenSize);
    add('query', queryRows, hiddenSize);
    add('key', kvRows, hiddenSize);
    add('value', kvRows, hiddenSize);
    if (facts.projectionBias) {
      add('queryBias', queryRows);
      add('keyBias', kvRows);
      add('valueBias', kvRows);
    }
    if (facts.queryKeyNorm) {
      add('queryNorm', spec.headSize);
      add('keyNorm', spec.headSize);
    }
    add('attentionOutput', hiddenSize, queryRows);
    if (facts.postNorms) add('attentionPostNorm', hiddenSize);
    add('feedForwardNorm', hiddenSize);
    add('gate', feedForwardSize, hiddenSize);
    add('up', feedForwardSize, hiddenSize);
    add('down', hiddenSize, feedForwardSize);
    if (facts.postNorms) add('feedForwardPostNorm', hiddenSize);
  }
  tensors.set('finalNorm', [hiddenSize]);
  if (!spec.tiedHead) tensors.set('head', [spec.vocabularySize, hiddenSize]);
  return tensors;
}

/** Bytes of a tensor's parts: `data` for plain kinds, `data` (the quants) and `scales` for quantised ones. */
export function partLengths(kind: TensorKind, shape: readonly number[]): { data: number; scales: number } {
  const elements = elementCount(shape);
  switch (kind) {
    case 'f32':
      return { data: elements * 4, scales: 0 };
    case 'f16':
      return { data: elements * 2, scales: 0 };
    case 'q4':
      return { data: elements / 2, scales: (elements / blockLength) * 2 };
    case 'q8':
      return { data: elements, scales: (elements / blockLength) * 2 };
  }
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Whether a tensor of this shape can be of this kind: norms and biases are never quantised. */
export const canHold = (kind: TensorKind, shape: readonly number[]): boolean =>
  kind === 'f32' || kind === 'f16' || (shape.length === 2 && (shape[1] as number) % blockLength === 0);

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i]);

/** For messages: "64 x 512". */
export const shapeText = (shape: readonly number[]): string => shape.join(' x ');
