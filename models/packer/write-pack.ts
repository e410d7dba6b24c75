// Writes a pack (engine/weights/pack-format.md) from any PackInput. Called by pack.ts and by tests.
// It knows kinds, places and the manifest, and nothing of where the weights come from. Rows pass through in pieces, so
// that a tensor is never held whole; the same input and options give the same bytes.
// What goes wrong: weights that the wanted kind cannot hold are `model-invalid`, naming the tensor.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../../engine/protocol/errors.js';
import { fromHalf, isFiniteHalf, toHalf } from '../../engine/weights/half.js';
import type { TensorName } from '../../engine/weights/model.js';
import {
  formatName,
  formatVersion,
  parseManifest,
  shardLimit,
  type ManifestTensor,
  type ParsedManifest,
} from '../../engine/weights/pack/manifest.js';
import { quantise, type QuantisedKind, type ScaleChoice } from '../../engine/weights/quantise.js';
import {
  canHold,
  elementCount,
  expectedTensors,
  partLengths,
  type TensorKind,
} from '../../engine/weights/tensor-layout.js';
import type { PackInput } from './input.js';
import { ShardWriter, writeHashed } from './shard-writer.js';
import type { Signer } from './signing.js';

/** A kind, or `keep` for the one that holds the input without loss. */
export type KindChoice = TensorKind | 'keep';

export interface PackOptions {
  readonly out: string;
  /** Of all matrices not named below. */
  readonly quant: KindChoice;
  /** Of `embedding` and `head`. */
  readonly embedding: KindChoice;
  /** Name patterns with `*`, the last match wins: `layers.0.*`, `*.down`. */
  readonly tensors: readonly { readonly pattern: string; readonly kind: KindChoice }[];
  readonly scales: ScaleChoice;
  readonly name?: string;
  readonly description?: string;
  readonly licence?: string;
  readonly revision?: number;
  /** ISO 8601 in UTC. */
  readonly expires?: string;
  readonly parent?: { readonly name: string; readonly revision: string };
  readonly signer?: Signer;
  /** Instead of the input's; for models whose stated context no browser would hold. */
  readonly contextLength?: number;
  /** For tests. */
  readonly shardLimit?: number;
}

export interface TensorReport {
  readonly name: TensorName;
  readonly kind: TensorKind;
  readonly byteLength: number;
  /** Sum of squared differences over sum of squares; 0 when nothing changed. */
  readonly error: number;
  /** The kind asked for, when rows that no block of 32 divides made it f16 instead. */
  readonly insteadOf?: TensorKind;
}

export interface PackReport {
  readonly manifest: ParsedManifest;
  readonly tensors: readonly TensorReport[];
}

/** @throws EngineError `model-invalid`, `model-unsupported` */
export async function writePack(input: PackInput, options: PackOptions): Promise<PackReport> {
  await mkdir(options.out, { recursive: true });
  const shards = new ShardWriter(options.out, options.shardLimit ?? shardLimit);
  const tensors: ManifestTensor[] = [];
  const reports: TensorReport[] = [];
  for (const [name, shape] of expectedTensors(input.spec)) {
    const { kind, ...rest } = chooseKind(input, options, name, shape);
    const { data, scales } = partLengths(kind, shape);
    const { entry, error } = await writeTensor(input, shards, name, kind, [...shape], options.scales);
    tensors.push(entry);
    reports.push({ name, kind, byteLength: data + scales, error, ...rest });
  }
  const manifest: ParsedManifest = {
    format: formatName,
    formatVersion,
    name: options.name ?? input.name,
    description: options.description ?? '',
    licence: options.licence ?? input.licence,
    quantisation: label(reports),
    revision: options.revision ?? 1,
    ...(options.expires === undefined ? {} : { expires: options.expires }),
    parent: options.parent ?? null,
    architecture: {
      ...input.spec,
      contextLength: options.contextLength ?? input.spec.contextLength,
    },
    totals: {
      byteLength: 0,
      tensorByteLength: reports.reduce((sum, report) => sum + report.byteLength, 0),
      parameters: tensors.reduce((sum, tensor) => sum + elementCount(tensor.shape), 0),
    },
    shards: [...(await shards.finish())],
    tensors,
    tokenizer: await writeTokenizer(input, options.out),
    generation: generationOf(input),
  };
  const { tokenizer } = manifest;
  const files = tokenizer.kind === 'gguf' ? [tokenizer.metadata] : [tokenizer.tokenizer, tokenizer.config];
  manifest.totals.byteLength = [...manifest.shards, ...files].reduce((sum, file) => sum + file.byteLength, 0);

  const signature = (await options.signer?.sign(manifest)) ?? null;
  const bytes = new TextEncoder().encode(`${JSON.stringify({ ...manifest, signature }, null, 1)}\n`);
  parseManifest(bytes, join(options.out, 'manifest.json')); // What a reader would refuse is not written.
  await writeFile(join(options.out, 'manifest.json'), bytes);
  await removeLeftovers(options.out, new Set([...manifest.shards, ...files].map(({ sha256 }) => sha256)));
  return { manifest, tensors: reports };
}

function chooseKind(
  input: PackInput,
  options: PackOptions,
  name: TensorName,
  shape: readonly number[],
): { kind: TensorKind; insteadOf?: TensorKind } {
  if (shape.length === 1) return { kind: 'f32' };
  let choice = name === 'embedding' || name === 'head' ? options.embedding : options.quant;
  for (const { pattern, kind } of options.tensors) if (matches(pattern, name)) choice = kind;
  const kind = choice === 'keep' ? input.kindOf(name) : choice;
  return canHold(kind, shape) ? { kind } : { kind: 'f16', insteadOf: kind };
}

function matches(pattern: string, name: string): boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`).test(name);
}

interface Written {
  readonly entry: ManifestTensor;
  readonly error: number;
}

async function writeTensor(
  input: PackInput,
  shards: ShardWriter,
  name: TensorName,
  kind: TensorKind,
  shape: number[],
  scaleChoice: ScaleChoice,
): Promise<Written> {
  try {
    if (kind === 'q4' || kind === 'q8') return await writeQuantised(input, shards, name, kind, shape, scaleChoice);
    return await writePlain(input, shards, name, kind, shape);
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    throw new EngineError(thrown.code, `${name}: ${thrown.message}`, { cause: thrown, hint: thrown.hint });
  }
}

async function writeQuantised(
  input: PackInput,
  shards: ShardWriter,
  name: TensorName,
  kind: QuantisedKind,
  shape: number[],
  scaleChoice: ScaleChoice,
): Promise<Written> {
  const lengths = partLengths(kind, shape);
  const quants = await shards.begin(lengths.data);
  const scales = new Uint16Array(lengths.scales / 2);
  let filled = 0;
  let squaredError = 0;
  let squaredNorm = 0;
  const stored = input.readBlocks(name, kind);
  if (stored !== null) {
    for await (const blocks of stored) {
      await shards.append(blocks.quants);
      scales.set(blocks.scales, filled);
      filled += blocks.scales.length;
    }
  } else {
    for await (const values of input.readValues(name)) {
      const blocks = quantise(kind, values, scaleChoice);
      await shards.append(blocks.quants);
      scales.set(blocks.scales, filled);
      filled += blocks.scales.length;
      squaredError += blocks.squaredError;
      squaredNorm += blocks.squaredNorm;
    }
  }
  const place = await shards.begin(lengths.scales);
  await shards.append(new Uint8Array(scales.buffer));
  return { entry: { name, kind, shape, quants, scales: place }, error: ratio(squaredError, squaredNorm) };
}

async function writePlain(
  input: PackInput,
  shards: ShardWriter,
  name: TensorName,
  kind: 'f32' | 'f16',
  shape: number[],
): Promise<Written> {
  const data = await shards.begin(partLengths(kind, shape).data);
  let squaredError = 0;
  let squaredNorm = 0;
  for await (const values of input.readValues(name)) {
    if (!values.every(Number.isFinite)) throw unholdable('holds a NaN or an infinity');
    if (kind === 'f32') {
      await shards.append(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      continue;
    }
    const halves = Uint16Array.from(values, toHalf);
    if (!halves.every(isFiniteHalf)) throw unholdable('holds a number beyond 65504, the largest that f16 can');
    values.forEach((value, i) => {
      squaredError += (value - fromHalf(halves[i] as number)) ** 2;
      squaredNorm += value ** 2;
    });
    await shards.append(new Uint8Array(halves.buffer));
  }
  return { entry: { name, kind, shape, data }, error: ratio(squaredError, squaredNorm) };
}

const ratio = (error: number, norm: number): number => (norm === 0 ? 0 : error / norm);

async function writeTokenizer(input: PackInput, directory: string): Promise<ParsedManifest['tokenizer']> {
  const { tokenizer } = input;
  if (tokenizer.kind === 'gguf') {
    return { kind: 'gguf', metadata: await writeHashed(directory, '.json', tokenizer.metadata) };
  }
  return {
    kind: 'tokenizer-json',
    tokenizer: await writeHashed(directory, '.json', tokenizer.tokenizer),
    config: await writeHashed(directory, '.json', tokenizer.config),
  };
}

function generationOf({ generation }: PackInput): ParsedManifest['generation'] {
  const { endIds, ...rest } = generation;
  return endIds === undefined ? rest : { ...rest, endIds: [...endIds] };
}

/** "q4", or "q4, embedding q8": the kind of most matrices first, then the matrices of other kinds. */
function label(reports: readonly TensorReport[]): string {
  const matrices = reports.filter(({ name }) => !/(Norm|Bias)$/.test(name));
  const counts = new Map<TensorKind, number>();
  for (const { kind } of matrices) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const [main] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? ['f32'];
  const others = new Map<string, string>();
  for (const { name, kind } of matrices) if (kind !== main) others.set(name.replace(/^layers\.\d+\./, ''), kind);
  return [main, ...[...others].map(([name, kind]) => `${name} ${kind}`)].join(', ').slice(0, 200);
}

/** Shards and tokenizer files of an earlier pack in the same place; nothing else is touched. */
async function removeLeftovers(directory: string, named: ReadonlySet<string>): Promise<void> {
  for (const file of await readdir(directory)) {
    const match = /^([0-9a-f]{64})\.(bin|json)$/.exec(file);
    if (match !== null && !named.has(match[1] as string)) await rm(join(directory, file));
  }
}

const unholdable = (what: string): EngineError =>
  new EngineError('model-invalid', `the tensor ${what}.`, {
    hint: 'The weights are damaged (training diverged, perhaps), or the tensor must stay f32.',
  });
