// Opens a GGUF file as a Model, over any ByteSource: header at once, tensors when asked for, converted piece by piece.
// Called by open-model.ts and by the packer. It knows GGUF's tensor names and nothing of where the bytes lie.
// What goes wrong: see header.ts, architecture.ts and convert.ts; a tensor that the architecture needs and the file
// lacks (or has in another shape) is `model-invalid`, one that it has beyond those is `model-unsupported`, because a
// bias left out would give wrong answers without a word.

import { EngineError } from '../../protocol/errors.js';
import { checkSignal, type ByteSource } from '../byte-source.js';
import type { LoadProgress, Model, ModelSpec, TensorFacts, TokenizerFiles } from '../model.js';
import { checkScales } from '../quantise.js';
import { sha256 } from '../sha256.js';
import { canHold, expectedTensors, partLengths, sameShape, shapeText, type TensorKind } from '../tensor-layout.js';
import { readArchitecture } from './architecture.js';
import { createFiller, halfSplitOrder, kindOf, sameOrder, type RowOrder } from './convert.js';
import { readHeader, type GgufHeader, type GgufMetadata, type GgufTensorInfo } from './header.js';

/** Tensors are read and converted in pieces of about this many bytes, so that memory holds little but the result. */
const pieceLength = 8 * 2 ** 20;
/** Bytes of single weights that go into the identity. */
const sampleLength = 16_384;

const layerNames = new Map([
  ['attn_norm.weight', 'attentionNorm'],
  ['attn_q.weight', 'query'],
  ['attn_k.weight', 'key'],
  ['attn_v.weight', 'value'],
  ['attn_q.bias', 'queryBias'],
  ['attn_k.bias', 'keyBias'],
  ['attn_v.bias', 'valueBias'],
  ['attn_output.weight', 'attentionOutput'],
  ['ffn_norm.weight', 'feedForwardNorm'],
  ['ffn_gate.weight', 'gate'],
  ['ffn_up.weight', 'up'],
  ['ffn_down.weight', 'down'],
]);
const otherNames = new Map([
  ['token_embd.weight', 'embedding'],
  ['output_norm.weight', 'finalNorm'],
  ['output.weight', 'head'],
]);
const ropeFactorsName = 'rope_freqs.weight';

/** GGUF's name of a tensor -> ours, or null. */
function canonicalName(name: string): string | null {
  const match = /^blk\.(0|[1-9]\d{0,4})\.(.+)$/.exec(name);
  if (match === null) return otherNames.get(name) ?? null;
  const inLayer = layerNames.get(match[2] as string);
  return inLayer === undefined ? null : `layers.${match[1]}.${inLayer}`;
}

/** @throws EngineError `model-invalid`, `model-unsupported`, `network`, `aborted` */
export async function openGguf(
  source: ByteSource,
  signal?: AbortSignal,
  onProgress?: (progress: LoadProgress) => void,
): Promise<Model> {
  const header = await readHeader(source, signal);
  const spec = readArchitecture(
    header.metadata,
    { hasHead: header.tensors.has('output.weight'), ropeFactors: await readRopeFactors(header, source, signal) },
    source.name,
  );
  const found = matchTensors(header, spec, source.name);
  const id = await identify(header, found, source, signal);
  let closed = false;
  const seen = new Set<string>();
  let loadedBytes = source.size - [...header.tensors.values()].reduce((sum, info) => sum + info.byteLength, 0);
  onProgress?.({ loadedBytes, totalBytes: source.size });

  return {
    identity: {
      id,
      name: textOf(header.metadata, 'general.name') ?? source.name,
      licence: textOf(header.metadata, 'general.license') ?? 'unknown',
      quantisation: label([...found.values()].map(({ info }) => info)),
      byteLength: [...found.values()].reduce((sum, { facts }) => sum + facts.byteLength, 0),
    },
    spec,
    tokenizerFiles: tokenizerOf(header.metadata),
    tensors: new Map([...found].map(([name, { facts }]) => [name, facts])),
    async readTensor(name, readSignal) {
      const tensor = found.get(name);
      if (tensor === undefined) throw new EngineError('model-invalid', `${source.name} has no tensor ${name}.`);
      if (closed) throw new EngineError('invalid-request', `${source.name} was closed before ${name} was read.`);
      const { info, facts } = tensor;
      const filler = createFiller(facts.kind, facts.shape, rowOrder(name, spec));
      const first = !seen.has(name);
      await readRows(source, info, readSignal, (bytes) => {
        filler.take(bytes);
        if (!first) return;
        loadedBytes += bytes.length;
        onProgress?.({ loadedBytes, totalBytes: source.size });
      });
      seen.add(name);
      if ('scales' in filler.tensor) checkScales(filler.tensor.scales, info.name, source.name);
      return filler.tensor;
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

interface Found {
  readonly info: GgufTensorInfo;
  readonly facts: TensorFacts;
}

/** The tensors the architecture needs, by our names, in the order of first use. */
function matchTensors(header: GgufHeader, spec: ModelSpec, where: string): Map<string, Found> {
  const byName = new Map<string, GgufTensorInfo>();
  for (const info of header.tensors.values()) {
    if (info.name === ropeFactorsName) continue;
    byName.set(canonicalName(info.name) ?? info.name, info);
  }
  const found = new Map<string, Found>();
  for (const [name, shape] of expectedTensors(spec)) {
    const info = byName.get(name);
    if (info === undefined) throw invalid(where, `it lacks the tensor for ${name}`);
    byName.delete(name);
    if (!sameShape(info.shape, shape)) {
      throw invalid(where, `tensor ${info.name} is ${shapeText(info.shape)} where ${shapeText(shape)} is needed`);
    }
    const kind = kindOf(info.type.name, info.name, where);
    if (!canHold(kind, shape)) throw invalid(where, `tensor ${info.name} is quantised, which a vector never is`);
    found.set(name, { info, facts: { name, kind, shape, byteLength: storedLength(kind, shape) } });
  }
  const [unknown] = byName.values();
  if (unknown !== undefined) {
    throw new EngineError(
      'model-unsupported',
      `${where} has the tensor ${unknown.name}, which ${spec.architecture} models do not have here.`,
      { hint: 'This variant of the architecture is not run, because leaving a tensor out would give wrong answers.' },
    );
  }
  return found;
}

function storedLength(kind: TensorKind, shape: readonly number[]): number {
  const { data, scales } = partLengths(kind, shape);
  return data + scales;
}

function rowOrder(name: string, spec: ModelSpec): RowOrder {
  const turns = name.endsWith('.query') || name.endsWith('.key');
  return spec.architecture === 'llama' && turns ? halfSplitOrder(spec.headSize) : sameOrder;
}

/** Reads a tensor's bytes in order, whole rows at a time. */
async function readRows(
  source: ByteSource,
  info: GgufTensorInfo,
  signal: AbortSignal | undefined,
  take: (bytes: Uint8Array<ArrayBuffer>) => void,
): Promise<void> {
  const rows = info.shape.length === 2 ? (info.shape[0] as number) : 1;
  const rowBytes = info.byteLength / rows;
  const piece = Math.max(1, Math.floor(pieceLength / rowBytes)) * rowBytes;
  for (let at = 0; at < info.byteLength; at += piece) {
    checkSignal(signal);
    take(await source.read(info.offset + at, Math.min(piece, info.byteLength - at), signal));
  }
}

async function readRopeFactors(
  header: GgufHeader,
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<readonly number[] | null> {
  const info = header.tensors.get(ropeFactorsName);
  if (info === undefined) return null;
  if (info.type.name !== 'F32' || info.shape.length !== 1 || info.byteLength > 4096) {
    throw invalid(source.name, `${ropeFactorsName} is no short list of 32-bit numbers`);
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
  found: ReadonlyMap<string, Found>,
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

/** Types of the matrices, the one with most bytes last: "F16 and Q4_0". Vectors stay F32 in every file. */
function label(infos: readonly GgufTensorInfo[]): string {
  const bytes = new Map<string, number>();
  for (const { type, shape, byteLength } of infos) {
    if (shape.length === 2) bytes.set(type.name, (bytes.get(type.name) ?? 0) + byteLength);
  }
  return [...bytes.entries()]
    .sort((a, b) => a[1] - b[1])
    .map(([name]) => name)
    .join(' and ');
}

const textOf = (metadata: GgufMetadata, key: string): string | undefined => {
  const value = metadata.get(key);
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
};

const invalid = (where: string, what: string): EngineError =>
  new EngineError('model-invalid', `${where} is no sound model: ${what}.`, {
    hint: 'The file is damaged, or was written by a tool that does not follow the GGUF description.',
  });
