// Reads safetensors files: 8 bytes length of the header (uint64), the header (JSON: name -> dtype, shape, data_offsets
// relative to the data), the data. Format: huggingface/safetensors README, "Format". Called by repository.ts.
// It knows nothing of names' meaning or of where the bytes lie.
// What goes wrong: a header that does not fit its file is `model-invalid`, with the offset; dtypes beyond F32, F16 and
// BF16 are `model-unsupported` when the tensor is asked for.

import * as v from 'valibot';
import { EngineError } from '../../protocol/errors.js';
import type { ByteSource } from '../byte-source.js';
import { fromHalf } from '../half.js';
import { sha256 } from '../sha256.js';
import { elementCount } from '../tensor-layout.js';

const headerLimit = 100 * 2 ** 20;
const dtypes = new Map([
  ['F32', 4],
  ['F16', 2],
  ['BF16', 2],
]);

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const entry = v.object({ dtype: v.string(), shape: v.array(count), data_offsets: v.tuple([count, count]) });

export interface SafeTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes of a row in the file; a vector's elements are its rows. */
  readonly rowBytes: number;
  /** @returns the values of these rows @throws EngineError of the source, `model-unsupported` */
  values(firstRow: number, rows: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
}

export interface SafeTensorsFile {
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** SHA-256 of the header. */
  readonly hash: string;
}

/** @throws EngineError `model-invalid`, and what the source throws */
export async function readSafeTensors(source: ByteSource, signal?: AbortSignal): Promise<SafeTensorsFile> {
  if (source.size < 8) throw invalid(source.name, 0, 'it is shorter than 8 bytes');
  const start = await source.read(0, 8, signal);
  const length = new DataView(start.buffer).getBigUint64(0, true);
  if (length > BigInt(Math.min(headerLimit, source.size - 8))) {
    throw invalid(source.name, 0, `its header claims ${length} bytes of ${source.size}`);
  }
  const header = await source.read(8, Number(length), signal);
  const dataStart = 8 + Number(length);
  const tensors = new Map<string, SafeTensor>();
  for (const [name, raw] of Object.entries(parseHeader(header, source.name))) {
    if (name === '__metadata__') continue;
    const result = v.safeParse(entry, raw);
    if (!result.success) throw invalid(source.name, 8, `the entry of ${name.slice(0, 100)} is malformed`);
    const { dtype, shape, data_offsets } = result.output;
    const [from, to] = data_offsets;
    const bytes = dtypes.get(dtype);
    if (
      to < from ||
      dataStart + to > source.size ||
      (bytes !== undefined && to - from !== elementCount(shape) * bytes)
    ) {
      throw invalid(source.name, dataStart + from, `tensor ${name.slice(0, 100)} does not lie inside it`);
    }
    const columns = elementCount(shape.slice(1));
    tensors.set(name, {
      dtype,
      shape,
      rowBytes: columns * (bytes ?? 0),
      async values(firstRow, rows, readSignal) {
        if (bytes === undefined) {
          throw new EngineError('model-unsupported', `${source.name}: tensor ${name.slice(0, 100)} is ${dtype}.`, {
            hint: 'Save the model in float32, float16 or bfloat16.',
          });
        }
        const at = dataStart + from + firstRow * columns * bytes;
        const raw = await source.read(at, rows * columns * bytes, readSignal);
        if (dtype === 'F32') return new Float32Array(raw.buffer);
        return dtype === 'F16' ? Float32Array.from(new Uint16Array(raw.buffer), fromHalf) : fromBrainFloats(raw);
      },
    });
  }
  return { tensors, hash: await sha256(header) };
}

function parseHeader(bytes: Uint8Array, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (thrown) {
    throw invalid(where, 8, 'its header is no JSON', thrown);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(where, 8, 'its header is no list of tensors');
}

/** bfloat16 is the upper half of a float32. */
function fromBrainFloats(raw: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const halves = new Uint16Array(raw.buffer);
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = (halves[i] as number) << 16;
  return new Float32Array(words.buffer);
}

const invalid = (where: string, offset: number, what: string, cause?: unknown): EngineError =>
  new EngineError('model-invalid', `${where} is no sound safetensors file: at byte ${offset}, ${what}.`, {
    hint: 'The file is truncated or damaged. Download or save it again.',
    cause,
  });
