// Opens a GGUF file as a Model, over any ByteSource: header at once, tensors when asked for, converted piece by piece.
// Called by gguf-source.ts and by the packer. It knows nothing of where the bytes lie or of what is kept of them.
// What goes wrong: see header.ts, architecture.ts, tensor-names.ts and convert.ts.

import { EngineError } from '../../protocol/errors.js';
import type { ByteSource } from '../byte-source.js';
import type { LoadProgress, Model, ModelSpec, TokenizerFiles } from '../model.js';
import { checkScales } from '../quantise.js';
import { sha256 } from '../sha256.js';
import { canHold, partLengths } from '../tensor-layout.js';
import { readWhole, rowsOf, type TensorRows } from '../tensor-rows.js';
import { readArchitecture } from './architecture.js';
import { convertRows, isExact, isRequantised, kindOf, unfoldRows } from './convert.js';
import { readHeader, type GgufHeader, type GgufMetadata, type GgufTensorInfo } from './header.js';
import { factorNames, findTensors, invalid, type GgufPlace } from './tensor-names.js';

/** Tensors are read and converted in pieces of about this many bytes, so that memory holds little but the result. */
const pieceLength = 8 * 2 ** 20;
/** Bytes of single weights that go into the identity. */
const sampleLength = 16_384;

/** An opened file: a Model, and its tensors as rows for whoever rewrites it. */
export interface GgufModel extends Model {
  readonly rows: ReadonlyMap<string, TensorRows>;
}

/** @throws EngineError `model-invalid`, `model-unsupported`, `network`, `aborted` */
export async function openGguf(
  source: ByteSource,
  signal?: AbortSignal,
  onProgress?: (progress: LoadProgress) => void,
): Promise<GgufModel> {
  const header = await readHeader(source, signal);
  const factors = (name: string): Promise<readonly number[] | null> => readFactors(name, header, source, signal);
  const evidence = {
    hasHead: header.tensors.has('output.weight'),
    ropeFactors: await factors(factorNames.all),
    longFactors: await factors(factorNames.long),
    shortFactors: await factors(factorNames.short),
  };
  const spec = readArchitecture(header.metadata, evidence, source.name);
  const places = findTensors(header.tensors, spec, source.name);
  const rows = new Map([...places].map(([name, place]) => [name, tensorRows(name, place, spec, source)]));
  const id = await identify(header, places, source, signal);
  let closed = false;
  const seen = new Set<string>();
  let loadedBytes = source.size - [...rows.values()].reduce((sum, one) => sum + one.rows * one.sourceRowBytes, 0);
  onProgress?.({ loadedBytes, totalBytes: source.size });

  return {
    identity: {
      id,
      name: textOf(header.metadata, 'general.name') ?? source.name,
      licence: textOf(header.metadata, 'general.license') ?? 'unknown',
      quantisation: label([...places.values()].map(({ info }) => info)),
      byteLength: [...rows.values()].reduce((sum, { facts }) => sum + facts.byteLength, 0),
    },
    spec,
    tokenizerFiles: tokenizerOf(header.metadata),
    tensors: new Map([...rows].map(([name, { facts }]) => [name, facts])),
    rows,
    readsAtOnce: 8,
    async readTensor(name, readSignal) {
      const tensor = rows.get(name);
      if (tensor === undefined) throw new EngineError('model-invalid', `${source.name} has no tensor ${name}.`);
      if (closed) throw new EngineError('invalid-request', `${source.name} was closed before ${name} was read.`);
      const first = !seen.has(name);
      const whole = await readWhole(tensor, pieceLength, readSignal, (bytes) => {
        if (!first) return;
        loadedBytes += bytes;
        onProgress?.({ loadedBytes, totalBytes: source.size });
      });
      seen.add(name);
      return whole;
    },
    close() {
      closed = true;
    },
  };
}

/**
 * Reads a GGUF just far enough for its tokenizer; a file that holds a vocabulary alone will do.
 * @throws EngineError as openGguf does
 */
export async function readGgufTokenizer(source: ByteSource, signal?: AbortSignal): Promise<TokenizerFiles> {
  return tokenizerOf((await readHeader(source, signal)).metadata);
}

const tokenizerOf = (metadata: GgufMetadata): TokenizerFiles => ({
  kind: 'gguf',
  metadata: new Map([...metadata].filter(([key]) => key.startsWith('tokenizer.'))),
});

function tensorRows(
  name: string,
  { info, firstRow, shape }: GgufPlace,
  spec: ModelSpec,
  source: ByteSource,
): TensorRows {
  const kind = kindOf(info.type.name, shape.length === 1, info.name, source.name);
  if (!canHold(kind, shape)) throw invalid(source.name, `tensor ${info.name} is quantised, which a vector never is`);
  const { data, scales } = partLengths(kind, shape);
  const sourceRowBytes = info.byteLength / rowsOf(info.shape);
  const turns = spec.architecture === 'llama' && (name.endsWith('.query') || name.endsWith('.key'));
  const headSize = turns ? spec.headSize : null;
  const rowsFrom = (from: number, count: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> =>
    source.read(info.offset + (firstRow + from) * sourceRowBytes, count * sourceRowBytes, signal);
  return {
    facts: { name, kind, shape, byteLength: data + scales },
    rows: rowsOf(shape),
    group: headSize ?? 1,
    sourceRowBytes,
    exact: isExact(info.type.name),
    async values(from, count, signal) {
      const bytes = await rowsFrom(from, count, signal);
      return unfoldRows(info.type, kind, bytes, sourceRowBytes, headSize);
    },
    async read(from, count, signal) {
      const bytes = await rowsFrom(from, count, signal);
      const rows = convertRows(info.type, kind, bytes, sourceRowBytes, headSize);
      if (rows.scales.length > 0) {
        checkScales(
          new Uint16Array(rows.scales.buffer, rows.scales.byteOffset, rows.scales.length / 2),
          info.name,
          source.name,
        );
      }
      return rows;
    },
  };
}

async function readFactors(
  name: string,
  header: GgufHeader,
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<readonly number[] | null> {
  const info = header.tensors.get(name);
  if (info === undefined) return null;
  if (info.type.name !== 'F32' || info.shape.length !== 1 || info.byteLength > 4096) {
    throw invalid(source.name, `${name} is no short list of 32-bit numbers`);
  }
  const bytes = await source.read(info.offset, info.byteLength, signal);
  return [...new Float32Array(bytes.buffer)];
}

/**
 * The header's hash alone would be the same for two fine-tunes of one model written by one tool, and keys and values
 * cached for one must never serve the other: a few weights of the first and last layer go in as well.
 */
async function identify(
  header: GgufHeader,
  found: ReadonlyMap<string, GgufPlace>,
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<string> {
  const parts = [header.hash, String(source.size)];
  const last = [...found.keys()].filter((name) => name.endsWith('.down')).at(-1) ?? 'embedding';
  for (const name of ['layers.0.query', last]) {
    const info = found.get(name)?.info;
    if (info === undefined) continue;
    parts.push(await sha256(await source.read(info.offset, Math.min(sampleLength, info.byteLength), signal)));
  }
  return `gguf:${await sha256(new TextEncoder().encode(parts.join(' ')))}`;
}

/** Types of the matrices, the one with most bytes last: "F16 and Q4_0"; what is requantised is said. */
function label(infos: readonly GgufTensorInfo[]): string {
  const bytes = new Map<string, number>();
  for (const { type, shape, byteLength } of new Set(infos)) {
    if (shape.length === 2) bytes.set(type.name, (bytes.get(type.name) ?? 0) + byteLength);
  }
  return [...bytes.entries()]
    .sort((a, b) => a[1] - b[1])
    .map(([name]) => (isRequantised(name) ? `${name} as ${kindOf(name, false, name, '')}` : name))
    .join(' and ');
}

const textOf = (metadata: GgufMetadata, key: string): string | undefined => {
  const value = metadata.get(key);
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
};
