// The GGUF header: magic, version, metadata, tensor infos (ggml's docs/gguf.md, versions 2 and 3, little-endian).
//
//   bytes     what
//   4         "GGUF"
//   4         version, uint32
//   8, 8      number of tensors, number of metadata pairs, uint64 each
//   ...       pairs: key (string), type (uint32), value; string = uint64 length + UTF-8 without a terminator;
//             array = element type (uint32), uint64 count, elements
//   ...       tensor infos: name (string), number of dimensions (uint32), dimensions (uint64 each, fastest first),
//             type (uint32), offset into the data section (uint64)
//   padding   to `general.alignment` (32 when absent); the data section begins there
//
// Called by gguf-model.ts. It knows nothing of architectures or of what keys mean, save the alignment's.
// The file is untrusted: whatever it claims is checked against its size first. What goes wrong is `model-invalid`
// (with the offset), or `model-unsupported` for a version or byte order that we do not read.

import { EngineError } from '../../protocol/errors.js';
import type { ByteSource } from '../byte-source.js';
import { HeaderReader } from './header-reader.js';
import { tensorType, type GgufTensorType } from './tensor-types.js';

/** 64-bit integers beyond 2^53 stay bigints; everything else is what JSON would have. */
export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

export interface GgufTensorInfo {
  readonly name: string;
  /** Row-major as ours: [rows, columns], the reverse of the file's order. */
  readonly shape: readonly number[];
  readonly type: GgufTensorType;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface GgufHeader {
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensorInfo>;
  /** Stands for the header's bytes: 64 hex digits. */
  readonly hash: string;
}

const limits = { tensors: 65_536, pairs: 65_536, dimensions: 4, nesting: 3, nameBytes: 256, keyBytes: 65_535 };
/** Elements of all arrays together: no header we know of has a tenth of it, and each costs us 8 bytes or more. */
const elementLimit = 16_777_216;

const types = [
  { name: 'uint8', bytes: 1 },
  { name: 'int8', bytes: 1 },
  { name: 'uint16', bytes: 2 },
  { name: 'int16', bytes: 2 },
  { name: 'uint32', bytes: 4 },
  { name: 'int32', bytes: 4 },
  { name: 'float32', bytes: 4 },
  { name: 'bool', bytes: 1 },
  { name: 'string', bytes: 8 },
  { name: 'array', bytes: 12 },
  { name: 'uint64', bytes: 8 },
  { name: 'int64', bytes: 8 },
  { name: 'float64', bytes: 8 },
] as const;

type ValueType = (typeof types)[number];

/** @throws EngineError `model-invalid`, `model-unsupported`, `network`, `aborted` */
export async function readHeader(source: ByteSource, signal?: AbortSignal): Promise<GgufHeader> {
  const reader = new HeaderReader(source, signal);
  await checkMagic(reader);
  const tensorCount = await reader.count('tensors', 24);
  const pairCount = await reader.count('metadata pairs', 13);
  if (tensorCount > limits.tensors) throw reader.invalid(`it claims ${tensorCount} tensors`);
  if (pairCount > limits.pairs) throw reader.invalid(`it claims ${pairCount} metadata pairs`);

  const metadata = new Map<string, GgufValue>();
  const budget = { elements: elementLimit };
  for (let i = 0; i < pairCount; i++) {
    const key = await reader.string('a metadata key', limits.keyBytes);
    if (metadata.has(key)) throw reader.invalid(`the metadata key "${key.slice(0, 80)}" comes twice`);
    metadata.set(key, await readValue(reader, await readType(reader), budget, 0));
  }

  const infos: RawInfo[] = [];
  for (let i = 0; i < tensorCount; i++) infos.push(await readInfo(reader));
  const alignment = metadata.get('general.alignment') ?? 32;
  if (!isAlignment(alignment)) {
    throw reader.invalid(`its alignment is ${String(alignment).slice(0, 40)}, not a power of two from 8 to 65536`);
  }
  return {
    metadata,
    tensors: placeTensors(infos, Math.ceil(reader.offset / alignment) * alignment, alignment, reader),
    hash: await reader.finishHash(),
  };
}

const isAlignment = (value: GgufValue): value is number =>
  Number.isInteger(value) && typeof value === 'number' && value >= 8 && value <= 65_536 && (value & (value - 1)) === 0;

async function checkMagic(reader: HeaderReader): Promise<void> {
  const { name, size } = reader.source;
  const tooShort = size < 24;
  if (!tooShort) await reader.need(24);
  if (tooShort || reader.u32() !== 0x46554747) {
    throw new EngineError('model-invalid', `${name} is no GGUF file: it does not begin with "GGUF".`, {
      hint: 'Choose a file that ends in .gguf. A web page saved under that name is a frequent cause.',
    });
  }
  const version = reader.u32();
  if (version === 2 || version === 3) return;
  const swapped = (version & 0xffff) === 0;
  throw new EngineError(
    'model-unsupported',
    `${name} is a GGUF file ${swapped ? 'for big-endian machines' : `of version ${version}`}, which is not read here.`,
    { hint: 'Convert it to a little-endian GGUF of version 3 with a current llama.cpp.' },
  );
}

async function readType(reader: HeaderReader): Promise<ValueType> {
  await reader.need(4);
  const code = reader.u32();
  const type = types[code];
  if (type === undefined) throw reader.invalid(`a metadata value has the unknown type ${code}`);
  return type;
}

async function readValue(
  reader: HeaderReader,
  type: ValueType,
  budget: { elements: number },
  depth: number,
): Promise<GgufValue> {
  if (type.name === 'string') return reader.string('a metadata text');
  if (type.name !== 'array') {
    await reader.need(type.bytes);
    return readNumber(reader, type.name);
  }
  if (depth >= limits.nesting) throw reader.invalid('arrays are nested too deeply');
  const element = await readType(reader);
  const count = await reader.count(`elements of an array of ${element.name}`, element.bytes);
  budget.elements -= count;
  if (budget.elements < 0) throw reader.invalid('its metadata arrays have too many elements');
  if (element.name === 'string') return reader.strings('a text in an array', count);
  const values: GgufValue[] = [];
  for (let i = 0; i < count; i++) {
    const waiting = reader.need(element.name === 'array' ? 0 : element.bytes);
    if (waiting !== undefined) await waiting;
    values.push(
      element.name === 'array' ? await readValue(reader, element, budget, depth + 1) : readNumber(reader, element.name),
    );
  }
  return values;
}

function readNumber(
  reader: HeaderReader,
  type: Exclude<ValueType['name'], 'string' | 'array'>,
): number | bigint | boolean {
  switch (type) {
    case 'uint8':
      return reader.u8();
    case 'int8':
      return reader.i8();
    case 'uint16':
      return reader.u16();
    case 'int16':
      return reader.i16();
    case 'uint32':
      return reader.u32();
    case 'int32':
      return reader.i32();
    case 'float32':
      return reader.f32();
    case 'float64':
      return reader.f64();
    case 'bool':
      return reader.u8() !== 0;
    case 'uint64':
      return plain(reader.u64());
    case 'int64':
      return plain(reader.i64());
  }
}

const plain = (value: bigint): number | bigint => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

interface RawInfo {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: GgufTensorType;
  readonly offset: number;
}

async function readInfo(reader: HeaderReader): Promise<RawInfo> {
  const name = await reader.string('the name of a tensor', limits.nameBytes);
  await reader.need(4);
  const dimensionCount = reader.u32();
  if (dimensionCount < 1 || dimensionCount > limits.dimensions) {
    throw reader.invalid(`tensor ${name} has ${dimensionCount} dimensions`);
  }
  await reader.need(dimensionCount * 8 + 12);
  const safe = (value: bigint, what: string): number => {
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw reader.invalid(`the ${what} of tensor ${name} is ${value}`);
    return Number(value);
  };
  const dimensions: number[] = [];
  for (let i = 0; i < dimensionCount; i++) dimensions.push(safe(reader.u64(), 'size'));
  if (dimensions.includes(0)) throw reader.invalid(`tensor ${name} has an empty dimension`);
  return { name, dimensions, type: tensorType(reader.u32()), offset: safe(reader.u64(), 'offset') };
}

/** Places in the file, checked: aligned, inside it, each name once, none over another. */
function placeTensors(
  infos: readonly RawInfo[],
  dataStart: number,
  alignment: number,
  reader: HeaderReader,
): Map<string, GgufTensorInfo> {
  const { size } = reader.source;
  const tensors = new Map<string, GgufTensorInfo>();
  for (const { name, dimensions, type, offset } of infos) {
    if (tensors.has(name)) throw reader.invalid(`tensor ${name} comes twice`);
    const rowLength = dimensions[0] as number;
    const elements = dimensions.reduce((product, dimension) => product * dimension, 1);
    if (rowLength % type.blockElements !== 0) {
      throw reader.invalid(`tensor ${name} has rows of ${rowLength}, no whole blocks of ${type.blockElements}`);
    }
    const byteLength = (elements / type.blockElements) * type.blockBytes;
    if (offset % alignment !== 0) throw reader.invalid(`tensor ${name} begins at ${offset}, which is not aligned`);
    if (!Number.isSafeInteger(elements) || dataStart + offset + byteLength > size) {
      throw reader.invalid(`tensor ${name} (${byteLength} bytes at ${dataStart + offset}) ends outside the file`);
    }
    tensors.set(name, { name, shape: dimensions.toReversed(), type, offset: dataStart + offset, byteLength });
  }
  let end = dataStart;
  for (const { name, offset, byteLength } of [...tensors.values()].sort((a, b) => a.offset - b.offset)) {
    if (offset < end) throw reader.invalid(`tensor ${name} lies over the tensor before it`);
    end = offset + byteLength;
  }
  return tensors;
}
