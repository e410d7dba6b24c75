// Models that live in memory, for tests: from tensors at hand, or with random weights of any shape. Run in both
// browsers and Node. They answer exactly as opened files do, so that a decoder cannot tell.

import { EngineError } from '../../engine/protocol/errors.js';
import type {
  GenerationDefaults,
  Model,
  ModelIdentity,
  ModelSpec,
  TensorFacts,
  TensorName,
  TokenizerFiles,
  WeightTensor,
} from '../../engine/weights/model.js';
import { dequantise, quantise } from '../../engine/weights/quantise.js';
import { canHold, expectedTensors, partLengths, type TensorKind } from '../../engine/weights/tensor-layout.js';
import { toHalf } from '../../engine/weights/half.js';

/** The smallest shape that every reader and decoder takes; tests say what differs. */
export const smallSpec: ModelSpec = {
  architecture: 'qwen2',
  layers: 1,
  hiddenSize: 64,
  feedForwardSize: 96,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  vocabularySize: 320,
  contextLength: 128,
  rmsNormEpsilon: 1e-6,
  ropeTheta: 10_000,
  ropeScaling: { kind: 'none' },
  tiedHead: true,
};

export interface MemoryModelParts {
  readonly spec: ModelSpec;
  readonly tensors: ReadonlyMap<TensorName, WeightTensor>;
  readonly tokenizerFiles?: TokenizerFiles;
  readonly identity?: Partial<ModelIdentity>;
  readonly generationDefaults?: GenerationDefaults;
}

/** A model over tensors at hand. Each read gives a copy, as reading from a file does. */
export function memoryModel(parts: MemoryModelParts): Model {
  const facts = new Map<TensorName, TensorFacts>();
  let total = 0;
  for (const [name, { kind, shape }] of parts.tensors) {
    const { data, scales } = partLengths(kind, shape);
    facts.set(name, { name, kind, shape, byteLength: data + scales });
    total += data + scales;
  }
  return {
    identity: {
      id: 'memory:test',
      name: 'in memory',
      licence: 'unknown',
      quantisation: 'mixed',
      byteLength: total,
      ...parts.identity,
    },
    spec: parts.spec,
    tokenizerFiles: parts.tokenizerFiles ?? { kind: 'gguf', metadata: new Map() },
    ...(parts.generationDefaults === undefined ? {} : { generationDefaults: parts.generationDefaults }),
    tensors: facts,
    readTensor(name, signal) {
      const tensor = parts.tensors.get(name);
      if (signal?.aborted) return Promise.reject(new EngineError('aborted', 'Loading the model was stopped.'));
      if (tensor === undefined) return Promise.reject(new EngineError('model-invalid', `There is no tensor ${name}.`));
      return Promise.resolve(structuredClone(tensor));
    },
    close: () => undefined,
  };
}

/** Rounds float32 values into a tensor of `kind`; a row that no block divides becomes f16 instead of q4 or q8. */
export function encodeTensor(kind: TensorKind, shape: readonly number[], values: Float32Array): WeightTensor {
  if (kind === 'f32') return { kind, shape, data: Float32Array.from(values) };
  if (kind === 'f16' || !canHold(kind, shape)) {
    return { kind: 'f16', shape, data: Uint16Array.from(values, toHalf) };
  }
  const { quants, scales } = quantise(kind, values);
  return { kind, shape: shape as readonly [number, number], quants, scales };
}

export interface RandomModelOptions {
  readonly seed?: number;
  /** Kind of the matrices; norms and biases are f32. Default f32. */
  readonly kind?: TensorKind;
  /** Kind of `embedding` (and of `head`), when another than `kind`. */
  readonly embeddingKind?: TensorKind;
  readonly tokenizerFiles?: TokenizerFiles;
}

/** Random weights: uniform, variance 1 / inputs, norms near 1, biases near 0. The same seed gives the same model. */
export function randomModel(spec: ModelSpec, options: RandomModelOptions = {}): Model {
  const random = createRandom(options.seed ?? 1);
  const tensors = new Map<TensorName, WeightTensor>();
  for (const [name, shape] of expectedTensors(spec)) {
    const { kind = 'f32', embeddingKind = kind } = options;
    const length = shape.reduce((product, size) => product * size, 1);
    const [rows, columns] = shape;
    const values = new Float32Array(length);
    const spread = Math.sqrt(3 / (columns ?? 1));
    for (let i = 0; i < length; i++) {
      const uniform = random() * 2 - 1;
      if (columns !== undefined) values[i] = uniform * spread;
      else values[i] = name.endsWith('Bias') ? uniform * 0.1 : 1 + uniform * 0.1;
    }
    const isTable = rows === spec.vocabularySize && (name === 'embedding' || name === 'head');
    tensors.set(name, encodeTensor(columns === undefined ? 'f32' : isTable ? embeddingKind : kind, shape, values));
  }
  const { tokenizerFiles } = options;
  return memoryModel({ spec, tensors, ...(tokenizerFiles === undefined ? {} : { tokenizerFiles }) });
}

/** The same model with every tensor as float32 of exactly the values it stands for: a reference for quantised ones. */
export async function asFloat32(model: Model): Promise<Model> {
  const tensors = new Map<TensorName, WeightTensor>();
  for (const [name, { shape }] of model.tensors) {
    tensors.set(name, { kind: 'f32', shape, data: dequantise(await model.readTensor(name)) });
  }
  return memoryModel({ spec: model.spec, tensors, tokenizerFiles: model.tokenizerFiles });
}

/** Mulberry32: uniform in [0, 1), enough for weights. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
