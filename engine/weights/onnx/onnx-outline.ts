// What an ONNX file says of itself, read without its numbers: inputs, outputs, and which bytes of which files beside it hold
// its constants. Called by hub-repository.ts, which must know those files before anything runs, and must refuse a graph
// that asks for something we cannot give before a gigabyte is downloaded for it.
// Format: protocol buffers (protobuf.dev/programming-guides/encoding), messages of onnx.proto3 (github.com/onnx/onnx); the
// fields read here, `=` meaning "has field number":
//   ModelProto graph=7;  GraphProto node=1 initializer=5 input=11 output=12;  NodeProto attribute=5
//   AttributeProto t=5 g=6 tensors=10 graphs=11;  TensorProto name=8 external_data=13;  StringStringEntry key=1 value=2
//   ValueInfoProto name=1 type=2;  TypeProto tensor_type=1;  Tensor elem_type=1 shape=2;  TensorShapeProto dim=1
//   Dimension dim_value=1 dim_param=2
// The file is untrusted: every length is checked against what is left, nesting and counts are bounded, and nothing is
// allocated by a number in it. What goes wrong is `model-invalid` with the offset.

import { EngineError } from '../../protocol/errors.js';

/** Element types of TensorProto.DataType that models of language use at their edges. */
export const onnxTypes = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10 } as const;

export interface OnnxValue {
  readonly name: string;
  /** TensorProto.DataType; 0 when it is no tensor or its type is not said. */
  readonly type: number;
  /** A number where it is fixed, a name (perhaps empty) where it varies. */
  readonly dims: readonly (number | string)[];
}

export interface OnnxOutline {
  /** Without those that are constants with a default. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** By name beside the graph's file: bytes that it must at least have. */
  readonly externalData: ReadonlyMap<string, number>;
}

/** Subgraphs within subgraphs. Exports have one level (If). */
const deepest = 8;
const mostValues = 4_096;
const mostFiles = 256;

/** @throws EngineError `model-invalid` */
export function readOnnxOutline(bytes: Uint8Array, where: string): OnnxOutline {
  const found: Found = { where, inputs: [], outputs: [], initializers: new Set(), externalData: new Map() };
  let graphs = 0;
  for (const { field, from, to } of fields(bytes, 0, bytes.length, where)) {
    if (field !== 7) continue;
    graphs++;
    readGraph(bytes, from, to, found, 0);
  }
  if (graphs !== 1) throw broken(where, 0, 'it has no graph');
  const inputs = found.inputs.filter(({ name }) => !found.initializers.has(name));
  if (inputs.length === 0 || found.outputs.length === 0)
    throw broken(where, 0, 'its graph has no inputs or no outputs');
  return { inputs, outputs: found.outputs, externalData: found.externalData };
}

interface Found {
  readonly where: string;
  readonly inputs: OnnxValue[];
  readonly outputs: OnnxValue[];
  readonly initializers: Set<string>;
  readonly externalData: Map<string, number>;
}

function readGraph(bytes: Uint8Array, start: number, end: number, found: Found, depth: number): void {
  const { where } = found;
  if (depth > deepest) throw broken(where, start, 'its graphs are nested too deeply');
  for (const { field, from, to } of fields(bytes, start, end, where)) {
    if (field === 1) readNode(bytes, from, to, found, depth);
    else if (field === 5) readTensor(bytes, from, to, found, depth === 0);
    else if (depth === 0 && (field === 11 || field === 12)) {
      const list = field === 11 ? found.inputs : found.outputs;
      if (list.length >= mostValues) throw broken(where, from, `it has more than ${mostValues} inputs or outputs`);
      list.push(readValue(bytes, from, to, where));
    }
  }
}

/** Only for what attributes hold: constants, and the graphs of branches. */
function readNode(bytes: Uint8Array, start: number, end: number, found: Found, depth: number): void {
  for (const node of fields(bytes, start, end, found.where)) {
    if (node.field !== 5) continue;
    for (const { field, from, to } of fields(bytes, node.from, node.to, found.where)) {
      if (field === 5 || field === 10) readTensor(bytes, from, to, found, false);
      else if (field === 6 || field === 11) readGraph(bytes, from, to, found, depth + 1);
    }
  }
}

function readTensor(bytes: Uint8Array, start: number, end: number, found: Found, named: boolean): void {
  const { where, externalData } = found;
  const entries = new Map<string, string>();
  for (const { field, from, to } of fields(bytes, start, end, where)) {
    if (field === 8 && named) found.initializers.add(text(bytes, from, to, where));
    if (field !== 13) continue;
    let key = '';
    let value = '';
    for (const entry of fields(bytes, from, to, where)) {
      if (entry.field === 1) key = text(bytes, entry.from, entry.to, where);
      else if (entry.field === 2) value = text(bytes, entry.from, entry.to, where);
    }
    entries.set(key, value);
  }
  const location = entries.get('location')?.replace(/^\.\//, '');
  if (location === undefined) return;
  // Beside the graph's file and nowhere else: a path that leads out of the folder could name anything.
  if (!/^[\w-][\w.-]{0,199}$/.test(location)) {
    throw broken(where, start, `its numbers lie in "${location.slice(0, 60)}", which is no file beside it`);
  }
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? 0);
  const reach = offset + length;
  if (!(offset >= 0 && length >= 0 && Number.isSafeInteger(reach))) {
    throw broken(where, start, `a constant lies at "${String(entries.get('offset')).slice(0, 30)}" of ${location}`);
  }
  if (!externalData.has(location) && externalData.size >= mostFiles)
    throw broken(where, start, 'it has too many files');
  externalData.set(location, Math.max(externalData.get(location) ?? 0, reach));
}

function readValue(bytes: Uint8Array, start: number, end: number, where: string): OnnxValue {
  let name = '';
  let type = 0;
  const dims: (number | string)[] = [];
  for (const value of fields(bytes, start, end, where)) {
    if (value.field === 1) name = text(bytes, value.from, value.to, where);
    if (value.field !== 2) continue;
    for (const kind of fields(bytes, value.from, value.to, where)) {
      if (kind.field !== 1) continue;
      for (const tensor of fields(bytes, kind.from, kind.to, where)) {
        if (tensor.field === 1) type = tensor.number;
        if (tensor.field !== 2) continue;
        for (const { field, from, to } of fields(bytes, tensor.from, tensor.to, where)) {
          if (field !== 1) continue;
          if (dims.length >= 16) throw broken(where, from, 'a value has more than 16 dimensions');
          let dim: number | string = '';
          for (const part of fields(bytes, from, to, where)) {
            if (part.field === 1) dim = part.number;
            else if (part.field === 2) dim = text(bytes, part.from, part.to, where);
          }
          dims.push(dim);
        }
      }
    }
  }
  return { name, type, dims };
}

interface Field {
  readonly field: number;
  /** Of a length-delimited field; empty for the others. */
  readonly from: number;
  readonly to: number;
  /** Of a varint; NaN beyond 2^53 and for the others. */
  readonly number: number;
}

/** The fields of one message, in order. */
function* fields(bytes: Uint8Array, start: number, end: number, where: string): Generator<Field, void, undefined> {
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      if (at >= end) throw broken(where, at, 'a number is cut off');
      const byte = bytes[at++] as number;
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return value;
    }
    throw broken(where, at, 'a number has too many bytes');
  };
  while (at < end) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 0) {
      const number = varint();
      yield { field, from: at, to: at, number: Number.isSafeInteger(number) ? number : Number.NaN };
      continue;
    }
    const length = wire === 2 ? varint() : wire === 1 ? 8 : wire === 5 ? 4 : Number.NaN;
    if (!(length <= end - at)) throw broken(where, at, 'a part reaches beyond what holds it');
    yield { field, from: at, to: wire === 2 ? at + length : at, number: Number.NaN };
    at += length;
  }
}

function text(bytes: Uint8Array, from: number, to: number, where: string): string {
  if (to - from > 1_000) throw broken(where, from, 'a name has more than 1000 bytes');
  return new TextDecoder().decode(bytes.subarray(from, to));
}

const broken = (where: string, offset: number, what: string): EngineError =>
  new EngineError('model-invalid', `${where} is no sound ONNX file: at byte ${offset}, ${what}.`, {
    hint: 'The file is truncated, or was not made by an exporter. Download it again, or choose another one.',
  });
