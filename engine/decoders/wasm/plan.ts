// Before a byte of weights is read or memory taken: does the model hold what its architecture has, at which address of
// WebAssembly memory will each tensor lie, and does it all fit? Called once by wasm-decoder.ts; pure arithmetic.
// Matrices that are multiplied by the same vector and are of one quantised kind lie back to back and are one matrix to the
// kernels: query, key and value. Quantised matrices take room for rows up to a multiple of four (the kernels' quads).
// What goes wrong: a tensor missing or mis-shaped (`model-invalid`, naming it), sizes that the kernels do not know
// (`model-unsupported`), more than 32-bit WebAssembly memory can hold (`model-too-large`).

import { EngineError } from '../../protocol/errors.js';
import { architectures } from '../../weights/architectures.js';
import type { Model, ModelSpec, TensorFacts, TensorName } from '../../weights/model.js';
import {
  canHold,
  checkSpec,
  elementCount,
  expectedTensors,
  partLengths,
  sameShape,
  shapeText,
  type TensorKind,
} from '../../weights/tensor-layout.js';

/** Where a tensor is loaded to. Vectors are f32, whatever the model stores. */
export interface TensorPlace {
  readonly name: TensorName;
  readonly kind: TensorKind;
  readonly rows: number;
  /** 0: a vector of `rows` numbers. */
  readonly columns: number;
  readonly data: number;
  /** 0 unless quantised. */
  readonly scales: number;
}

/** A matrix as the kernels see it: several tensors may be one. */
export interface MatrixPlace {
  readonly kind: TensorKind;
  readonly rows: number;
  readonly columns: number;
  readonly data: number;
  readonly scales: number;
  /** Where its outputs begin among those of its stack. */
  readonly firstRow: number;
}

/** Matrices over one input whose outputs follow one another. */
export interface StackPlace {
  readonly rows: number;
  readonly columns: number;
  readonly matrices: readonly MatrixPlace[];
}

/** Addresses of vectors, 0 where the architecture has none. */
export interface LayerPlace {
  readonly attentionNorm: number;
  readonly queryKeyValue: StackPlace;
  /** f32 [query, key and value rows]. */
  readonly bias: number;
  readonly queryNorm: number;
  readonly keyNorm: number;
  readonly attentionOutput: StackPlace;
  readonly attentionPostNorm: number;
  readonly feedForwardNorm: number;
  readonly gateUp: StackPlace;
  readonly down: StackPlace;
  readonly feedForwardPostNorm: number;
}

/** Plain data, so that it can be posted to a thread. */
export interface WeightPlan {
  readonly tensors: readonly TensorPlace[];
  readonly embedding: MatrixPlace;
  readonly layers: readonly LayerPlace[];
  readonly finalNorm: number;
  readonly head: StackPlace;
  /** Where the weights end; scratch begins here. */
  readonly end: number;
  /** In WebAssembly memory, room for whole quads included. */
  readonly weightBytes: number;
  /** As the model stores them. */
  readonly readBytes: number;
}

/** 32-bit WebAssembly memory ends here. */
export const mostBytes = 65_536 * 65_536;

/** And memory with addresses of 64 bits here, by the limits that engines agreed on (WebAssembly JavaScript Interface, 6). */
export const mostLargeBytes = 4 * mostBytes;

/** Address 0 stays free, so that 0 can mean none. */
const firstAddress = 1024;

/** One cache line. */
export const aligned = (address: number): number => Math.ceil(address / 64) * 64;

/** @throws EngineError `model-invalid`, `model-unsupported`, `model-too-large` */
export function planWeights(model: Model): WeightPlan {
  const { spec } = model;
  const facts = checkTensors(model);
  const { projectionBias, queryKeyNorm, postNorms } = architectures[spec.architecture];
  const tensors: TensorPlace[] = [];
  let at = firstAddress;
  const take = (bytes: number): number => {
    const address = at;
    at = aligned(at + bytes);
    return address;
  };

  const vectors = (...names: TensorName[]): number => {
    const address = at;
    for (const name of names) {
      const rows = (facts.get(name) as TensorFacts).shape[0] as number;
      tensors.push({ name, kind: 'f32', rows, columns: 0, data: at, scales: 0 });
      at += rows * 4;
    }
    at = aligned(at);
    return address;
  };

  const stack = (...names: TensorName[]): StackPlace => {
    const parts = names.map((name) => facts.get(name) as TensorFacts);
    const columns = (parts[0] as TensorFacts).shape[1] as number;
    const runs: TensorFacts[][] = [];
    for (const part of parts) {
      const before = runs.at(-1)?.at(-1);
      const joins = before?.kind === part.kind && (before.shape[0] as number) % 4 === 0;
      if (joins) runs.at(-1)?.push(part);
      else runs.push([part]);
    }
    const matrices: MatrixPlace[] = [];
    let firstRow = 0;
    for (const run of runs) {
      const { kind } = run[0] as TensorFacts;
      const rows = run.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
      const isQuantised = kind === 'q4' || kind === 'q8';
      const room = isQuantised ? Math.ceil(rows / 4) * 4 : rows;
      const lengths = partLengths(kind, [room, columns]);
      const data = take(lengths.data);
      const scales = isQuantised ? take(lengths.scales) : 0;
      matrices.push({ kind, rows, columns, data, scales, firstRow });
      let row = 0;
      for (const { name, shape } of run) {
        const before = partLengths(kind, [row, columns]);
        const place = { data: data + before.data, scales: isQuantised ? scales + before.scales : 0 };
        tensors.push({ name, kind, rows: shape[0] as number, columns, ...place });
        row += shape[0] as number;
      }
      firstRow += rows;
    }
    return { rows: firstRow, columns, matrices };
  };

  const embedding = stack('embedding');
  const layers = Array.from({ length: spec.layers }, (_, layer): LayerPlace => {
    const name = (part: string): TensorName => `layers.${layer}.${part}`;
    return {
      attentionNorm: vectors(name('attentionNorm')),
      queryKeyValue: stack(name('query'), name('key'), name('value')),
      bias: projectionBias ? vectors(name('queryBias'), name('keyBias'), name('valueBias')) : 0,
      queryNorm: queryKeyNorm ? vectors(name('queryNorm')) : 0,
      keyNorm: queryKeyNorm ? vectors(name('keyNorm')) : 0,
      attentionOutput: stack(name('attentionOutput')),
      attentionPostNorm: postNorms ? vectors(name('attentionPostNorm')) : 0,
      feedForwardNorm: vectors(name('feedForwardNorm')),
      gateUp: stack(name('gate'), name('up')),
      down: stack(name('down')),
      feedForwardPostNorm: postNorms ? vectors(name('feedForwardPostNorm')) : 0,
    };
  });
  const finalNorm = vectors('finalNorm');
  const head = spec.tiedHead ? embedding : stack('head');
  const readBytes = [...facts.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const weightBytes = at - firstAddress;
  return {
    tensors,
    embedding: embedding.matrices[0] as MatrixPlace,
    layers,
    finalNorm,
    head,
    end: at,
    weightBytes,
    readBytes,
  };
}

/** @throws EngineError `model-too-large` when weights, scratch and one page of keys and values exceed the memory there can be */
export function checkFit(end: number, pageBytes: number, limit = mostBytes): void {
  if (end + pageBytes <= limit) return;
  const message = `This model takes ${mebibytes(end + pageBytes)} of WebAssembly memory, which ends at ${mebibytes(limit)}.`;
  throw new EngineError('model-too-large', message, {
    hint: 'Choose a smaller model, or its 4-bit version, or a device with WebGPU.',
  });
}

export const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;

function checkTensors({ spec, tensors }: Model): Map<TensorName, TensorFacts> {
  checkSpec(spec, 'This model');
  checkSizes(spec);
  const checked = new Map<TensorName, TensorFacts>();
  for (const [name, shape] of expectedTensors(spec)) {
    const facts = tensors.get(name);
    if (facts === undefined) throw invalid(`the tensor ${name} is missing (${shapeText(shape)} was expected)`);
    if (!sameShape(facts.shape, shape)) {
      throw invalid(`the tensor ${name} is ${shapeText(facts.shape)}, not ${shapeText(shape)}`);
    }
    if (!canHold(facts.kind, shape)) throw invalid(`the tensor ${name} (${shapeText(shape)}) cannot be ${facts.kind}`);
    const { data, scales } = partLengths(facts.kind, shape);
    if (facts.byteLength !== data + scales) {
      throw invalid(`the tensor ${name} has ${facts.byteLength} bytes for ${elementCount(shape)} numbers`);
    }
    checked.set(name, facts);
  }
  return checked;
}

/** What the kernels ask of a model: vectors of four numbers never cross a row's end. */
function checkSizes({ hiddenSize, feedForwardSize, headSize }: ModelSpec): void {
  const wrong = (
    [
      ['headSize', headSize, 8],
      ['hiddenSize', hiddenSize, 4],
      ['feedForwardSize', feedForwardSize, 4],
    ] as const
  ).find(([, size, divisor]) => size % divisor !== 0);
  if (wrong === undefined) return;
  const [name, size, divisor] = wrong;
  const message = `Our WebAssembly kernels cannot run this model: its ${name} is ${size}, not a multiple of ${divisor}.`;
  throw new EngineError('model-unsupported', message, { hint: 'Choose another model.' });
}

export function invalid(what: string): EngineError {
  return new EngineError('model-invalid', `This model cannot be run: ${what}.`, {
    hint: 'Download it again; if that does not help, the file was made wrongly.',
  });
}
