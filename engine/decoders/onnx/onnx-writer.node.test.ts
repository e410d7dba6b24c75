// The ONNX writer against a reader of protocol buffers written here from the encoding's description alone. That ONNX
// Runtime takes what is written is shown by the decoder's tests in the browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Graph, writeOnnx } from './onnx-writer.js';

type Field = bigint | Uint8Array;

/** Fields of one message by number, in order. */
function parse(bytes: Uint8Array): Map<number, Field[]> {
  const fields = new Map<number, Field[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      assert.ok(byte !== undefined, 'a number runs past the end');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    assert.ok(at + length <= bytes.length, 'a field runs past the end');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const value = { 0: () => varint(), 2: () => take(Number(varint())), 5: () => take(4) }[key % 8];
    assert.ok(value, `wire type ${key % 8}`);
    const list = fields.get(key >> 3) ?? [];
    list.push(value());
    fields.set(key >> 3, list);
  }
  return fields;
}

const messages = (message: Map<number, Field[]>, field: number): Map<number, Field[]>[] =>
  (message.get(field) ?? []).map((value) => parse(value as Uint8Array));
const texts = (message: Map<number, Field[]>, field: number): string[] =>
  (message.get(field) ?? []).map((value) => new TextDecoder().decode(value as Uint8Array));
const numbers = (message: Map<number, Field[]>, field: number): number[] =>
  (message.get(field) ?? []).map((value) => Number(value as bigint));
const only = <T>(list: readonly T[]): T => {
  assert.equal(list.length, 1);
  return list[0] as T;
};

test('a graph is found again, field by field', () => {
  const graph: Graph = {
    name: 'a graph',
    inputs: [{ name: 'x', type: 'float32', dims: [1, 'tokens', 64] }],
    outputs: [{ name: 'y', type: 'int64', dims: [] }],
    constants: [{ name: 'w', type: 'uint8', dims: [300, 2, 16], byteLength: 9600 }],
    nodes: [
      {
        domain: 'com.microsoft',
        operator: 'MatMulNBits',
        inputs: ['x', 'w', ''],
        outputs: ['y'],
        attributes: { K: 64, N: 300, scale: { float: 0.5 }, whole: { float: 2 } },
      },
    ],
  };
  const model = parse(writeOnnx(graph));
  assert.deepEqual(numbers(model, 1), [10]);
  assert.deepEqual(
    messages(model, 8).map((opset) => [only(texts(opset, 1)), only(numbers(opset, 2))]),
    [
      ['', 21],
      ['com.microsoft', 1],
    ],
  );
  const written = only(messages(model, 7));
  assert.deepEqual(texts(written, 2), ['a graph']);

  const node = only(messages(written, 1));
  assert.deepEqual(texts(node, 1), ['x', 'w', '']);
  assert.deepEqual(texts(node, 2), ['y']);
  assert.deepEqual([texts(node, 4), texts(node, 7)], [['MatMulNBits'], ['com.microsoft']]);
  const attributes = messages(node, 5).map((attribute) => {
    const [type, name] = [only(numbers(attribute, 20)), only(texts(attribute, 1))];
    if (type === 2) return [name, 'int', only(numbers(attribute, 3))];
    const bytes = only(attribute.get(2) ?? []) as Uint8Array;
    return [name, 'float', new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true)];
  });
  assert.deepEqual(attributes, [
    ['K', 'int', 64],
    ['N', 'int', 300],
    ['scale', 'float', 0.5],
    ['whole', 'float', 2],
  ]);

  const constant = only(messages(written, 5));
  assert.deepEqual(numbers(constant, 1), [300, 2, 16]);
  assert.deepEqual([numbers(constant, 2), texts(constant, 8), numbers(constant, 14)], [[2], ['w'], [1]]);
  const external = messages(constant, 13).map((entry) => [only(texts(entry, 1)), only(texts(entry, 2))]);
  assert.deepEqual(external, [
    ['location', 'w'],
    ['offset', '0'],
    ['length', '9600'],
  ]);

  const shapeOf = (field: number): unknown => {
    const value = only(messages(written, field));
    const tensor = only(messages(only(messages(value, 2)), 1));
    const dims = messages(only(messages(tensor, 2)), 1).map((dim) => numbers(dim, 1)[0] ?? texts(dim, 2)[0]);
    return [only(texts(value, 1)), only(numbers(tensor, 1)), dims];
  };
  assert.deepEqual(shapeOf(11), ['x', 1, [1, 'tokens', 64]]);
  assert.deepEqual(shapeOf(12), ['y', 7, []]);
});

test('any size and any name survives', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.array(fc.nat({ max: 2 ** 31 - 1 }), { maxLength: 5 }),
      fc.maxSafeNat(),
      (name, dims, byteLength) => {
        const constants = [{ name, type: 'float32' as const, dims, byteLength }];
        const graph = only(messages(parse(writeOnnx({ name, inputs: [], outputs: [], constants, nodes: [] })), 7));
        const constant = only(messages(graph, 5));
        assert.deepEqual(texts(constant, 8), [name.toWellFormed()]);
        assert.deepEqual(numbers(constant, 1), dims);
        assert.equal(texts(messages(constant, 13)[2] ?? new Map(), 2)[0], String(byteLength));
      },
    ),
  );
});

test('a size that is no count is refused', () => {
  const constants = [{ name: 'w', type: 'float32' as const, dims: [-1], byteLength: 4 }];
  assert.throws(() => writeOnnx({ name: '', inputs: [], outputs: [], constants, nodes: [] }), RangeError);
});
