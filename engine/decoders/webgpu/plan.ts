// Before a byte of weights is read or a buffer made: does the model hold what its architecture has, and nothing else, and
// which buffers will hold it? Called once by webgpu-decoder.ts; pure arithmetic.
// Matrices that are multiplied by the same vector lie in one buffer, row after row: query, key and value; gate and up. One
// dispatch then serves all of them. Where a model mixes kinds within such a group (GGUF files do), the smaller kind is
// widened to the other on the way in, exactly: a 4-bit number is an 8-bit number, a half is a float.
// A matrix larger than the device can bind is cut into parts by rows; each part is a dispatch of its own.
// What goes wrong: a tensor missing, unknown or mis-shaped (`model-invalid`, naming it), sizes that the kernels do not
// know (`model-unsupported`), more than the device can hold at once (`model-too-large`).

import { EngineError } from '../../protocol/errors.js';
import type { Model, ModelSpec, TensorFacts, TensorName } from '../../weights/model.js';
import {
  canHold,
  checkSpec,
  expectedTensors,
  partLengths,
  sameShape,
  shapeText,
  type TensorKind,
} from '../../weights/tensor-layout.js';
import { placeVectors, type VectorLayout, type VectorPlan } from './vectors.js';

/** Rows of a matrix that lie in one buffer. */
export interface MatrixPart {
  readonly firstRow: number;
  readonly rows: number;
}

/** Tensors that share buffers. */
export interface MatrixPlan {
  /** For labels: "layers.3.gateUp". */
  readonly name: string;
  readonly kind: TensorKind;
  readonly members: readonly TensorName[];
  /**
   * `stacked`: members' rows follow one another, and a part cuts through the stack. `paired`: members have equally many
   * rows, and a part holds the same rows of each, first all of the first member's (a gate's row is multiplied with up's).
   */
  readonly order: 'stacked' | 'paired';
  /** Of one member when paired, of all together when stacked. */
  readonly rows: number;
  readonly columns: number;
  readonly parts: readonly MatrixPart[];
}

export interface LoadPlan {
  readonly matrices: ReadonlyMap<string, MatrixPlan>;
  readonly vectors: readonly VectorPlan[];
  readonly vectorLayout: VectorLayout;
  /** Of the buffer of all vectors. */
  readonly vectorBytes: number;
  /** On the device. */
  readonly weightBytes: number;
  /** As the model stores them. */
  readonly readBytes: number;
}

export interface PlanLimits {
  /** Bytes of the largest buffer that a shader can bind. */
  readonly largestBinding: number;
}

/** Kinds from the narrowest to the widest of each family. */
const widenings: readonly (readonly TensorKind[])[] = [
  ['q4', 'q8'],
  ['f16', 'f32'],
];

/** Rows of a part are a multiple of this, so that no tile of a kernel is cut. */
const partGranularity = 64;

/** @throws EngineError `model-invalid`, `model-unsupported`, `model-too-large` */
export function planLoad(model: Model, { largestBinding }: PlanLimits): LoadPlan {
  const { spec } = model;
  const facts = checkTensors(model);
  const matrices = new Map<string, MatrixPlan>();
  let matrixBytes = 0;

  const addMatrix = (name: string, members: readonly TensorName[], order: MatrixPlan['order'] = 'stacked'): void => {
    const tensors = members.map((member) => facts.get(member) as TensorFacts);
    const [rowsOfOne, columns] = (tensors[0] as TensorFacts).shape as readonly [number, number];
    const kind = commonKind(tensors, columns);
    const rows = order === 'paired' ? rowsOfOne : tensors.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
    const perRow = rowBytes(kind, columns).data * (order === 'paired' ? members.length : 1);
    const parts = cut(name, rows, perRow, largestBinding);
    // Heads are whole in one part, or their rotary pairs would be torn.
    if (members.length === 3 && parts.length > 1) throw tooLarge(`${name} is more than this device can bind`);
    matrices.set(name, { name, kind, members, order, rows, columns, parts });
    const { data, scales } = rowBytes(kind, columns);
    matrixBytes += (data + scales) * rows * (order === 'paired' ? members.length : 1);
  };
  addMatrix('embedding', ['embedding']);
  for (let layer = 0; layer < spec.layers; layer++) {
    const at = (name: string): string => `layers.${layer}.${name}`;
    addMatrix(at('queryKeyValue'), [at('query'), at('key'), at('value')]);
    addMatrix(at('attentionOutput'), [at('attentionOutput')]);
    addMatrix(at('gateUp'), [at('gate'), at('up')], 'paired');
    addMatrix(at('down'), [at('down')]);
  }
  if (!spec.tiedHead) addMatrix('head', ['head']);

  const { layout: vectorLayout, vectors, byteLength: vectorBytes } = placeVectors(spec);
  const readBytes = [...facts.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  return { matrices, vectors, vectorLayout, vectorBytes, weightBytes: matrixBytes + vectorBytes, readBytes };
}

/** Bytes that a row takes in the buffer of quants (or of plain numbers) and in that of scales. */
export function rowBytes(kind: TensorKind, columns: number): { data: number; scales: number } {
  return partLengths(kind, [1, columns]);
}

/** Where the rows of one tensor go: `count` rows from row `from` of it to row `to` of the part's buffer. */
export interface RowPlacement {
  readonly part: number;
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** @param before rows of the members before this one in a stack */
export function placeRows(matrix: MatrixPlan, member: number, before: number, rows: number): RowPlacement[] {
  const start = matrix.order === 'stacked' ? before : 0;
  return matrix.parts.flatMap(({ firstRow, rows: partRows }, part) => {
    const first = Math.max(firstRow, start);
    const end = Math.min(firstRow + partRows, start + rows);
    if (end <= first) return [];
    const within = matrix.order === 'paired' ? member * partRows : 0;
    return [{ part, from: first - start, to: within + first - firstRow, count: end - first }];
  });
}

function cut(name: string, rows: number, bytesPerRow: number, largestBinding: number): MatrixPart[] {
  const most = Math.floor(largestBinding / bytesPerRow);
  if (rows <= most) return [{ firstRow: 0, rows }];
  const each = Math.floor(most / partGranularity) * partGranularity;
  if (each === 0) {
    throw tooLarge(`${partGranularity} rows of ${name} are more than this device can bind`);
  }
  return Array.from({ length: Math.ceil(rows / each) }, (_, i) => ({
    firstRow: i * each,
    rows: Math.min(each, rows - i * each),
  }));
}

/** Kernels read f16 by eight: rows that eight does not divide become f32. */
function commonKind(tensors: readonly TensorFacts[], columns: number): TensorKind {
  for (const family of widenings) {
    if (!tensors.every(({ kind }) => family.includes(kind))) continue;
    if (family.includes('f16') && columns % 8 !== 0) return 'f32';
    return family[Math.max(...tensors.map(({ kind }) => family.indexOf(kind)))] as TensorKind;
  }
  return 'f32'; // quantised beside plain: both are floats, exactly
}

function checkTensors({ spec, tensors }: Model): Map<TensorName, TensorFacts> {
  checkSpec(spec, 'This model');
  checkSizes(spec);
  const expected = expectedTensors(spec);
  const checked = new Map<TensorName, TensorFacts>();
  for (const [name, shape] of expected) {
    const facts = tensors.get(name);
    if (facts === undefined) throw invalid(`the tensor ${name} is missing (${shapeText(shape)} was expected)`);
    if (!sameShape(facts.shape, shape)) {
      throw invalid(`the tensor ${name} is ${shapeText(facts.shape)}, not ${shapeText(shape)}`);
    }
    if (!canHold(facts.kind, shape)) throw invalid(`the tensor ${name} (${shapeText(shape)}) cannot be ${facts.kind}`);
    checked.set(name, facts);
  }
  for (const name of tensors.keys()) {
    if (!expected.has(name)) throw invalid(`${spec.architecture} has no tensor called ${name}`);
  }
  return checked;
}

/** What the kernels ask of a model: vectors of four numbers never cross a row's end. */
function checkSizes({ hiddenSize, feedForwardSize, headSize }: ModelSpec): void {
  const wrong: [string, number, number][] = [];
  if (headSize % 8 !== 0) wrong.push(['headSize', headSize, 8]);
  if (hiddenSize % 4 !== 0) wrong.push(['hiddenSize', hiddenSize, 4]);
  if (feedForwardSize % 4 !== 0) wrong.push(['feedForwardSize', feedForwardSize, 4]);
  const [first] = wrong;
  if (first === undefined) return;
  const [name, size, divisor] = first;
  throw new EngineError('model-unsupported', `${name} is ${size}; our shaders need a multiple of ${divisor}.`, {
    hint: 'Choose another model, or run it on another device.',
  });
}

function tooLarge(what: string): EngineError {
  return new EngineError('model-too-large', `This model is too large for this device: ${what}.`, {
    hint: 'Choose a smaller model, or its 4-bit version.',
  });
}

function invalid(what: string): EngineError {
  return new EngineError('model-invalid', `This model cannot be run: ${what}.`, {
    hint: 'Download it again; if that does not help, the file was made wrongly.',
  });
}
