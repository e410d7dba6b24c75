// Writes an ONNX model file in memory. Used by graph.ts only; it knows the file format and no neural network.
// Format: protocol buffers (encoding: protobuf.dev/programming-guides/encoding) of the messages in onnx.proto3 of
// github.com/onnx/onnx; the field numbers used are listed here, `=` meaning "has field number":
//   ModelProto          ir_version=1 producer_name=2 graph=7 opset_import=8
//   OperatorSetIdProto  domain=1 version=2
//   GraphProto          node=1 name=2 initializer=5 input=11 output=12
//   NodeProto           input=1 output=2 name=3 op_type=4 attribute=5 domain=7
//   AttributeProto      name=1 f=2 i=3 type=20 (FLOAT 1, INT 2)
//   TensorProto         dims=1 data_type=2 name=8 raw_data=9 external_data=13 data_location=14 (EXTERNAL 1)
//   StringStringEntry   key=1 value=2
//   ValueInfoProto      name=1 type=2;  TypeProto tensor_type=1 (elem_type=1 shape=2)
//   TensorShapeProto    dim=1 (dim_value=1 dim_param=2)
// Weights never enter the protobuf (which may not pass 2 GiB): each is "external data" under its own name, handed to the
// session beside the graph. Nothing here checks operators; ONNX Runtime refuses a graph that makes no sense.

/** Element types as onnx.proto's TensorProto.DataType numbers them. */
export const elementTypes = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10 } as const;

export type ElementType = keyof typeof elementTypes;

/** A dimension: a number where it is fixed, a name where it varies from run to run. */
export type Dimension = number | string;

export interface GraphValue {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly Dimension[];
}

/**
 * A constant whose bytes travel beside the graph, under the path `name` unless `place` says where else; or inside it
 * (`inline`), for the few that shape inference reads.
 */
export interface GraphConstant {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly byteLength: number;
  readonly place?: { readonly location: string; readonly offset: number };
  readonly inline?: Uint8Array;
}

/** Whole numbers are written as INT attributes, the others as FLOAT; a float that happens to be whole is `{ float }`. */
export type AttributeValue = number | { readonly float: number };

export interface GraphNode {
  readonly operator: string;
  /** '' (ai.onnx) or 'com.microsoft'. */
  readonly domain: string;
  /** '' stands for an optional input or output that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  readonly constants: readonly GraphConstant[];
  readonly nodes: readonly GraphNode[];
}

// ai.onnx 21 is the newest set that all operators used here have had kernels for in ONNX Runtime 1.30; IR 10 goes with it.
const irVersion = 10;
const opsetVersion = 21;

/** @returns the bytes of a ModelProto */
export function writeOnnx(graph: Graph): Uint8Array<ArrayBuffer> {
  const model = new Message();
  model.int(1, irVersion);
  model.string(2, 'llm-elements');
  model.message(7, graphMessage(graph));
  model.message(8, new Message().string(1, '').int(2, opsetVersion));
  model.message(8, new Message().string(1, 'com.microsoft').int(2, 1));
  return model.bytes();
}

function graphMessage(graph: Graph): Message {
  const message = new Message();
  for (const [index, node] of graph.nodes.entries()) message.message(1, nodeMessage(node, index));
  message.string(2, graph.name);
  for (const constant of graph.constants) message.message(5, constantMessage(constant));
  for (const value of graph.inputs) message.message(11, valueMessage(value));
  for (const value of graph.outputs) message.message(12, valueMessage(value));
  return message;
}

function nodeMessage(node: GraphNode, index: number): Message {
  const message = new Message();
  for (const input of node.inputs) message.string(1, input);
  for (const output of node.outputs) message.string(2, output);
  message.string(3, `${node.operator}.${index}`).string(4, node.operator);
  for (const [name, value] of Object.entries(node.attributes)) {
    const attribute = new Message().string(1, name);
    if (typeof value === 'number') attribute.int(3, value).int(20, 2);
    else attribute.float(2, value.float).int(20, 1);
    message.message(5, attribute);
  }
  return message.string(7, node.domain);
}

function constantMessage(constant: GraphConstant): Message {
  const message = new Message();
  for (const size of constant.dims) message.int(1, size);
  message.int(2, elementTypes[constant.type]).string(8, constant.name);
  if (constant.inline !== undefined) return message.raw(9, constant.inline);
  const { location, offset } = constant.place ?? { location: constant.name, offset: 0 };
  const entries = { location, offset: String(offset), length: String(constant.byteLength) };
  for (const [key, value] of Object.entries(entries)) {
    message.message(13, new Message().string(1, key).string(2, value));
  }
  return message.int(14, 1);
}

function valueMessage(value: GraphValue): Message {
  const shape = new Message();
  for (const size of value.dims) {
    shape.message(1, typeof size === 'number' ? new Message().int(1, size) : new Message().string(2, size));
  }
  const tensor = new Message().int(1, elementTypes[value.type]).message(2, shape);
  return new Message().string(1, value.name).message(2, new Message().message(1, tensor));
}

/** One protobuf message being written. Wire types: 0 varint, 2 length-delimited, 5 four bytes. */
class Message {
  private readonly parts: Uint8Array[] = [];
  private size = 0;

  /** A non-negative integer below 2^53. */
  int(field: number, value: number): this {
    return this.push(varint(field * 8), varint(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.push(varint(field * 8 + 5), bytes);
  }

  string(field: number, value: string): this {
    return this.delimited(field, new TextEncoder().encode(value));
  }

  raw(field: number, bytes: Uint8Array): this {
    return this.delimited(field, bytes);
  }

  message(field: number, message: Message): this {
    return this.delimited(field, message.bytes());
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.size);
    let offset = 0;
    for (const part of this.parts) {
      all.set(part, offset);
      offset += part.length;
    }
    return all;
  }

  private delimited(field: number, bytes: Uint8Array): this {
    return this.push(varint(field * 8 + 2), varint(bytes.length), bytes);
  }

  private push(...parts: readonly Uint8Array[]): this {
    for (const part of parts) {
      this.parts.push(part);
      this.size += part.length;
    }
    return this;
  }
}

function varint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} cannot be written as a varint here`);
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
