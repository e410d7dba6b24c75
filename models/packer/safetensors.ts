// Reads safetensors files: 8 bytes length of the header (uint64), the header (JSON: name -> dtype, shape, data_offsets
// relative to the data), the data. Format: huggingface/safetensors README, "Format". Called by hf-input.ts.
// A repository has one `model.safetensors`, or several that `model.safetensors.index.json` lists.
// What goes wrong: a header that does not fit its file is `model-invalid`; dtypes beyond F32, F16 and BF16 are
// `model-unsupported` when the tensor is asked for.

import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { EngineError } from '../../engine/protocol/errors.js';
import { fromHalf } from '../../engine/weights/half.js';
import { elementCount } from '../../engine/weights/tensor-layout.js';
import { openFileSource, type FileSource } from './file-source.js';
import { pieceElements } from './input.js';

const headerLimit = 100 * 2 ** 20;
const dtypes = new Map([
  ['F32', 4],
  ['F16', 2],
  ['BF16', 2],
]);

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const entry = v.object({ dtype: v.string(), shape: v.array(count), data_offsets: v.tuple([count, count]) });
const index = v.object({ weight_map: v.record(v.string(), v.string()) });

export interface SafeTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Values of these rows (of all) as float32, whole rows at a time, in order; a vector's elements are its rows. */
  values(firstRow?: number, rows?: number): AsyncGenerator<Float32Array>;
}

export interface SafeTensors {
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  close(): Promise<void>;
}

/** Opens all safetensors of a repository's directory. */
export async function openSafeTensors(directory: string): Promise<SafeTensors> {
  const sources: FileSource[] = [];
  const tensors = new Map<string, SafeTensor>();
  const close = async (): Promise<void> => {
    await Promise.all(sources.map((source) => source.close()));
  };
  try {
    for (const path of await weightFiles(directory)) {
      const source = await openFileSource(path);
      sources.push(source);
      for (const [name, tensor] of await readFileHeader(source)) {
        if (tensors.has(name)) throw invalid(source.name, `tensor ${name} is in two files`);
        tensors.set(name, tensor);
      }
    }
    return { tensors, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function weightFiles(directory: string): Promise<string[]> {
  const single = join(directory, 'model.safetensors');
  if (existsSync(single)) return [single];
  const list = join(directory, 'model.safetensors.index.json');
  if (!existsSync(list)) {
    throw new EngineError('model-not-found', `${directory} holds no model.safetensors.`, {
      hint: 'Give a directory as transformers saves it: config.json, tokenizer.json, model.safetensors.',
    });
  }
  const { weight_map } = v.parse(index, JSON.parse(await readFile(list, 'utf8')));
  return [...new Set(Object.values(weight_map))].sort().map((name) => join(directory, basename(name)));
}

async function readFileHeader(source: FileSource): Promise<Map<string, SafeTensor>> {
  const start = await source.read(0, 8);
  const length = new DataView(start.buffer).getBigUint64(0, true);
  if (length > BigInt(Math.min(headerLimit, source.size - 8))) throw invalid(source.name, 'its header is too long');
  const header = await source.read(8, Number(length));
  const dataStart = 8 + Number(length);
  const tensors = new Map<string, SafeTensor>();
  const parsed = JSON.parse(new TextDecoder().decode(header)) as Record<string, unknown>;
  for (const [name, raw] of Object.entries(parsed)) {
    if (name === '__metadata__') continue;
    const result = v.safeParse(entry, raw);
    if (!result.success) throw invalid(source.name, `the entry of ${name} is malformed`);
    const { dtype, shape, data_offsets } = result.output;
    const [from, to] = data_offsets;
    const bytes = dtypes.get(dtype);
    if (
      to < from ||
      dataStart + to > source.size ||
      (bytes !== undefined && to - from !== elementCount(shape) * bytes)
    ) {
      throw invalid(source.name, `tensor ${name} does not lie inside it`);
    }
    const values: SafeTensor['values'] = (firstRow = 0, rows = shape[0] ?? 1) => {
      const row = elementCount(shape.slice(1));
      const start = dataStart + from + firstRow * row * (bytes ?? 0);
      return readValues(source, name, dtype, [rows, ...shape.slice(1)], start);
    };
    tensors.set(name, { dtype, shape, values });
  }
  return tensors;
}

async function* readValues(
  source: FileSource,
  name: string,
  dtype: string,
  shape: readonly number[],
  offset: number,
): AsyncGenerator<Float32Array> {
  const bytes = dtypes.get(dtype);
  if (bytes === undefined) {
    throw new EngineError('model-unsupported', `${source.name}: tensor ${name} is ${dtype}.`, {
      hint: 'Save the model in float32, float16 or bfloat16.',
    });
  }
  const columns = shape.at(-1) ?? 1;
  const total = elementCount(shape);
  const step = Math.max(1, Math.floor(pieceElements / columns)) * columns;
  for (let at = 0; at < total; at += step) {
    const raw = await source.read(offset + at * bytes, Math.min(step, total - at) * bytes);
    if (dtype === 'F32') yield new Float32Array(raw.buffer);
    else if (dtype === 'F16') yield Float32Array.from(new Uint16Array(raw.buffer), fromHalf);
    else yield fromBrainFloats(new Uint16Array(raw.buffer));
  }
}

/** bfloat16 is the upper half of a float32. */
function fromBrainFloats(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = (halves[i] as number) << 16;
  return new Float32Array(words.buffer);
}

const invalid = (where: string, what: string): EngineError =>
  new EngineError('model-invalid', `${where} is no sound safetensors file: ${what}.`, {
    hint: 'The file is truncated or damaged. Download or save it again.',
  });
