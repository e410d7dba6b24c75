// Reads and checks a pack's manifest.json. The format is described byte by byte in ../pack-format.md.
// Called by pack-model.ts; the packer writes through the same types. Nothing here fetches anything.
// A manifest is untrusted: after `parseManifest` every size, place and shape in it is known to fit the others, so the
// reader can allocate by them. What goes wrong is `model-invalid`, or `model-unsupported` for a later version.

import * as v from 'valibot';
import { EngineError } from '../../protocol/errors.js';
import { isArchitecture } from '../architectures.js';
import type { GenerationDefaults, ModelSpec } from '../model.js';
import {
  canHold,
  checkSpec,
  elementCount,
  expectedTensors,
  partLengths,
  sameShape,
  shapeText,
} from '../tensor-layout.js';

export const manifestLimit = 8 * 2 ** 20;
export const shardLimit = 16 * 2 ** 20;
/** A tokenizer of 256k entries with merges takes some 20 MiB of JSON. */
const tokenizerFileLimit = 64 * 2 ** 20;
export const partAlignment = 64;
export const formatName = 'llm-elements-pack';
export const formatVersion = 1;

const text = (longest: number) => v.pipe(v.string(), v.maxLength(longest));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const number = v.pipe(v.number(), v.finite());
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'a SHA-256 has 64 lower-case hex digits'));

const fileOf = (limit: number) =>
  v.object({ sha256: hash, byteLength: v.pipe(count, v.minValue(1), v.maxValue(limit)) });
const place = v.object({ shard: count, offset: count });
const shape = v.pipe(v.array(v.pipe(count, v.minValue(1))), v.minLength(1), v.maxLength(2));

const factors = v.pipe(v.array(number), v.maxLength(1024), v.readonly());
const ropeScaling = v.variant('kind', [
  v.object({ kind: v.literal('none') }),
  v.object({ kind: v.literal('linear'), factor: number }),
  v.object({
    kind: v.literal('llama3'),
    factor: number,
    lowFrequencyFactor: number,
    highFrequencyFactor: number,
    originalContextLength: number,
  }),
  v.object({
    kind: v.literal('yarn'),
    factor: number,
    originalContextLength: number,
    betaFast: number,
    betaSlow: number,
    attentionFactor: number,
  }),
  v.object({
    kind: v.literal('factors'),
    factors,
    attentionFactor: v.exactOptional(number),
  }),
  v.object({
    kind: v.literal('longrope'),
    shortFactors: factors,
    longFactors: factors,
    originalContextLength: number,
    attentionFactor: number,
  }),
]);

const fraction = v.pipe(number, v.minValue(0), v.maxValue(1));

const manifestSchema = v.object({
  format: v.literal(formatName),
  formatVersion: v.literal(formatVersion),
  name: v.pipe(text(200), v.minLength(1)),
  description: text(2000),
  licence: v.pipe(text(200), v.minLength(1)),
  quantisation: text(200),
  revision: v.pipe(count, v.minValue(1)),
  /** The instant from which it is refused, ISO 8601 in UTC (RFC 3339); absent: never. */
  expires: v.exactOptional(v.pipe(text(40), v.isoTimestamp(), v.endsWith('Z', 'it is no time in UTC'))),
  parent: v.nullable(v.object({ name: text(400), revision: text(200) })),
  architecture: v.object({
    architecture: v.string(),
    layers: count,
    hiddenSize: count,
    feedForwardSize: count,
    heads: count,
    kvHeads: count,
    headSize: count,
    vocabularySize: count,
    contextLength: count,
    rmsNormEpsilon: number,
    ropeTheta: number,
    ropeScaling,
    rotarySize: v.exactOptional(count),
    slidingWindow: v.exactOptional(count),
    fullAttentionEvery: v.exactOptional(count),
    slidingRopeTheta: v.exactOptional(number),
    attentionScale: v.exactOptional(number),
    attentionSoftCap: v.exactOptional(number),
    logitSoftCap: v.exactOptional(number),
    tiedHead: v.boolean(),
  }),
  totals: v.object({ byteLength: count, tensorByteLength: count, parameters: count }),
  shards: v.pipe(v.array(fileOf(shardLimit)), v.minLength(1), v.maxLength(65_536)),
  tensors: v.array(
    v.variant('kind', [
      v.object({ name: text(200), kind: v.picklist(['f32', 'f16']), shape, data: place }),
      v.object({ name: text(200), kind: v.picklist(['q4', 'q8']), shape, quants: place, scales: place }),
    ]),
  ),
  tokenizer: v.variant('kind', [
    v.object({
      kind: v.literal('tokenizer-json'),
      tokenizer: fileOf(tokenizerFileLimit),
      config: fileOf(tokenizerFileLimit),
    }),
    v.object({ kind: v.literal('gguf'), metadata: fileOf(tokenizerFileLimit) }),
  ]),
  generation: v.object({
    temperature: v.exactOptional(v.pipe(number, v.minValue(0), v.maxValue(10))),
    topK: v.exactOptional(v.pipe(count, v.maxValue(4_194_304))),
    topP: v.exactOptional(fraction),
    minP: v.exactOptional(fraction),
    repetitionPenalty: v.exactOptional(v.pipe(number, v.minValue(0.01), v.maxValue(100))),
    endIds: v.exactOptional(v.pipe(v.array(count), v.maxLength(256))),
  }),
});

export type ParsedManifest = v.InferOutput<typeof manifestSchema>;
export type ManifestTensor = ParsedManifest['tensors'][number];
export type ManifestFile = v.InferOutput<ReturnType<typeof fileOf>>;
export type Place = v.InferOutput<typeof place>;

/** A manifest whose facts are known to be sound and of an architecture we run. */
export interface Manifest extends Omit<ParsedManifest, 'architecture' | 'generation'> {
  readonly architecture: ModelSpec;
  readonly generation: GenerationDefaults;
}

/**
 * @param where the manifest's address, for messages
 * @throws EngineError `model-invalid`, `model-unsupported`
 */
export function parseManifest(bytes: Uint8Array, where: string): Manifest {
  const parsed = v.safeParse(manifestSchema, parseJson(bytes, where));
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const path = v.getDotPath(issue);
    if (path === 'formatVersion' && typeof issue.input === 'number') {
      throw new EngineError('model-unsupported', `${where} is a pack of version ${issue.input}; version 1 is known.`, {
        hint: 'Update llm-elements, or pack the model again.',
      });
    }
    throw invalid(where, `${path === null ? '' : `${path}: `}${issue.message.slice(0, 300)}`);
  }
  const { architecture } = parsed.output.architecture;
  if (!isArchitecture(architecture)) {
    throw new EngineError(
      'model-unsupported',
      `${where} is a model of the architecture "${architecture.slice(0, 40)}", which llm-elements does not run.`,
      { hint: 'Llama, Mistral, Qwen2, Qwen3, Gemma 3 and Phi-3 models run.' },
    );
  }
  const spec: ModelSpec = { ...parsed.output.architecture, architecture };
  checkSpec(spec, where);
  const manifest: Manifest = { ...parsed.output, architecture: spec };
  checkTensors(manifest, where);
  checkTotals(manifest, where);
  return manifest;
}

/**
 * Whoever can hold back new releases must not be able to keep an old one in use for ever (TUF's freeze attack).
 * @param now milliseconds since 1970
 * @throws EngineError `model-invalid`
 */
export function checkExpiry({ expires, name }: Pick<Manifest, 'expires' | 'name'>, where: string, now: number): void {
  if (expires === undefined || now < Date.parse(expires)) return;
  throw new EngineError('model-invalid', `${where} is refused: this release of ${name} was good until ${expires}.`, {
    hint: "Connect to the network, so that a newer release can be fetched. If this device's clock is wrong, set it.",
  });
}

export function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (thrown) {
    const isPage = /^\s*<(!doctype|html)/i.test(new TextDecoder().decode(bytes.subarray(0, 100)));
    throw new EngineError(
      'model-invalid',
      `${where} is ${isPage ? 'a web page' : 'no JSON'}, so there is no model in that place.`,
      { cause: thrown, hint: 'Give the address of a directory made by the packer, or of a GGUF file.' },
    );
  }
}

/** Each needed tensor once, in its shape, its parts inside the shards, one after the other. */
function checkTensors(manifest: Manifest, where: string): void {
  const expected = expectedTensors(manifest.architecture);
  const starts = shardStarts(manifest);
  const end = starts[manifest.shards.length] as number;
  let taken = 0;
  const take = (name: string, part: Place, length: number): void => {
    const shard = manifest.shards[part.shard];
    if (shard === undefined) throw invalid(where, `tensor ${name} lies in shard ${part.shard}, which does not exist`);
    const at = (starts[part.shard] as number) + part.offset;
    if (part.offset % partAlignment !== 0) throw invalid(where, `tensor ${name} does not begin at a multiple of 64`);
    if (part.offset >= shard.byteLength || at + length > end)
      throw invalid(where, `tensor ${name} ends outside its shards`);
    if (at < taken) throw invalid(where, `tensor ${name} lies over the tensor before it`);
    taken = at + length;
  };
  for (const tensor of manifest.tensors) {
    const { name, kind } = tensor;
    const wanted = expected.get(name);
    if (wanted === undefined) throw invalid(where, `tensor ${name} is given twice or belongs to another architecture`);
    expected.delete(name);
    if (!sameShape(wanted, tensor.shape)) {
      throw invalid(where, `tensor ${name} is ${shapeText(tensor.shape)} where ${shapeText(wanted)} is needed`);
    }
    if (!canHold(kind, tensor.shape)) throw invalid(where, `tensor ${name} cannot be ${kind}`);
    const { data, scales } = partLengths(kind, tensor.shape);
    if ('data' in tensor) {
      take(name, tensor.data, data);
    } else {
      take(name, tensor.quants, data);
      take(name, tensor.scales, scales);
    }
  }
  const [missing] = expected.keys();
  if (missing !== undefined) throw invalid(where, `tensor ${missing} is missing`);
}

function checkTotals({ totals, tensors, shards, tokenizer }: Manifest, where: string): void {
  let tensorBytes = 0;
  let parameters = 0;
  for (const { kind, shape: dimensions } of tensors) {
    const { data, scales } = partLengths(kind, dimensions);
    tensorBytes += data + scales;
    parameters += elementCount(dimensions);
  }
  const files = tokenizer.kind === 'gguf' ? [tokenizer.metadata] : [tokenizer.tokenizer, tokenizer.config];
  const bytes = [...shards, ...files].reduce((sum, file) => sum + file.byteLength, 0);
  if (totals.byteLength !== bytes || totals.tensorByteLength !== tensorBytes || totals.parameters !== parameters) {
    throw invalid(where, 'its totals differ from the sums of its parts');
  }
}

/** Where each shard begins if all lay one after the other; one entry more than shards, the last being the end. */
export function shardStarts({ shards }: Pick<Manifest, 'shards'>): readonly number[] {
  const starts = [0];
  for (const { byteLength } of shards) starts.push((starts.at(-1) as number) + byteLength);
  return starts;
}

const invalid = (where: string, what: string): EngineError =>
  new EngineError('model-invalid', `${where} is no sound manifest of a pack: ${what}.`, {
    hint: 'The pack is damaged or incomplete. Pack the model again.',
  });
