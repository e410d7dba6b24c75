// A repository as transformers saves it, opened from its files wherever they lie: config.json, tokenizer.json,
// tokenizer_config.json, model.safetensors or model.safetensors.index.json with its parts, and, where they are,
// generation_config.json and chat_template.jinja. Called by hf-source.ts (over HTTP) and by the packer (on disk).
// What the fields mean is in ../hf-config.ts, which tensors hold what in ../hf-tensors.ts.
// What goes wrong: what those two refuse; a file that is missing is `model-not-found`, one that is no JSON `model-invalid`.

import * as v from 'valibot';
import { EngineError } from '../../protocol/errors.js';
import type { ByteSource } from '../byte-source.js';
import { readHfConfig, readHfGeneration } from '../hf-config.js';
import { matchHfTensors, type HfPlace } from '../hf-tensors.js';
import type { GenerationDefaults, ModelSpec, TensorName } from '../model.js';
import { readSafeTensors, type SafeTensor } from './safetensors.js';

/** The files of a repository. */
export interface RepositoryFiles {
  /** For messages: the folder's path or address. */
  readonly where: string;
  /** @returns a small file whole, null when there is none */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** @returns a large file, to be read in parts; null when there is none */
  open(name: string): Promise<ByteSource | null>;
}

export interface RepositoryTensor {
  readonly place: HfPlace;
  readonly tensor: SafeTensor;
  /** Values of our rows, with what the checkpoint leaves out added. */
  values(from: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
}

export interface Repository {
  readonly spec: ModelSpec;
  readonly generation: GenerationDefaults;
  readonly tokenizer: Uint8Array<ArrayBuffer>;
  /** With the chat template in it, wherever that was. */
  readonly config: Uint8Array<ArrayBuffer>;
  /** In the order of first use. */
  readonly tensors: ReadonlyMap<TensorName, RepositoryTensor>;
  /** Hashes of config.json and of the weights' headers. */
  readonly hashes: readonly string[];
}

const indexSchema = v.object({ weight_map: v.record(v.string(), v.pipe(v.string(), v.regex(/^[\w.-]{1,200}$/))) });
const contents = 'A repository needs config.json, model.safetensors, tokenizer.json and tokenizer_config.json.';
const templateSchema = v.looseObject({});

/** There is no config.json, so that this is no repository at all. */
export class NoRepositoryError extends EngineError {
  constructor(where: string) {
    super('model-not-found', `${where}config.json cannot be read.`, { hint: contents });
  }
}

/** There are no safetensors in it: perhaps graphs. */
export class NoSafetensorsError extends EngineError {
  constructor(where: string, name: string) {
    super('model-not-found', `${where}${name} cannot be read.`, { hint: contents });
  }
}

/** @throws EngineError */
export async function openRepository(files: RepositoryFiles, signal?: AbortSignal): Promise<Repository> {
  const { where } = files;
  const facts = await files.read('config.json');
  if (facts === null) throw new NoRepositoryError(where);
  const config = json(facts, `${where}config.json`);
  const weights = new Map<string, SafeTensor>();
  const hashes: string[] = [];
  for (const name of await weightFiles(files)) {
    const source = await files.open(name);
    if (source === null) throw weights.size === 0 ? new NoSafetensorsError(where, name) : missing(where, name);
    const file = await readSafeTensors(source, signal);
    hashes.push(file.hash);
    for (const [tensor, facts] of file.tensors) {
      if (weights.has(tensor)) throw invalid(`${where}${name}`, `tensor ${tensor.slice(0, 100)} is in two files`);
      weights.set(tensor, facts);
    }
  }
  const spec = readHfConfig(config, where);
  const places = matchHfTensors(weights, spec, where);
  const advice = await files.read('generation_config.json');
  return {
    spec,
    generation: readHfGeneration(advice === null ? {} : json(advice, `${where}generation_config.json`), config, where),
    ...(await readTokenizer(files)),
    tensors: new Map([...places].map(([name, place]) => [name, tensorAt(place, weights)])),
    hashes,
  };
}

function tensorAt(place: HfPlace, weights: ReadonlyMap<string, SafeTensor>): RepositoryTensor {
  const tensor = weights.get(place.source);
  if (tensor === undefined) throw new RangeError(`no tensor ${place.source}`);
  return {
    place,
    tensor,
    async values(from, count, signal) {
      // A vector is one row of ours and as many of the file's as it has elements.
      const vector = place.shape.length === 1;
      const [first, rows] = vector ? [place.firstRow, place.shape[0] ?? 0] : [place.firstRow + from, count];
      const values = await tensor.values(first, rows, signal);
      if (place.plus !== 0) for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) + place.plus;
      return values;
    },
  };
}

async function weightFiles(files: RepositoryFiles): Promise<readonly string[]> {
  const list = await files.read('model.safetensors.index.json');
  if (list === null) return ['model.safetensors'];
  const parsed = v.safeParse(indexSchema, json(list, `${files.where}model.safetensors.index.json`));
  if (!parsed.success) throw invalid(`${files.where}model.safetensors.index.json`, parsed.issues[0].message);
  return [...new Set(Object.values(parsed.output.weight_map))].sort();
}

/** The tokenizer's files, with the chat template in the second one, wherever that was. @throws EngineError */
export async function readTokenizer(files: RepositoryFiles): Promise<Pick<Repository, 'tokenizer' | 'config'>> {
  const tokenizer = await need(files, 'tokenizer.json');
  json(tokenizer, `${files.where}tokenizer.json`);
  const config = await need(files, 'tokenizer_config.json');
  // transformers lets the file win over the field.
  const template = await files.read('chat_template.jinja');
  if (template === null) return { tokenizer, config };
  const parsed = v.safeParse(templateSchema, json(config, `${files.where}tokenizer_config.json`));
  if (!parsed.success) throw invalid(`${files.where}tokenizer_config.json`, 'it is no object');
  const whole = { ...parsed.output, chat_template: new TextDecoder().decode(template) };
  return { tokenizer, config: new TextEncoder().encode(JSON.stringify(whole, null, 1)) };
}

async function need(files: RepositoryFiles, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await files.read(name);
  if (bytes === null) throw missing(files.where, name);
  return bytes;
}

function json(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (thrown) {
    throw invalid(where, 'it is no JSON', thrown);
  }
}

const missing = (where: string, name: string): EngineError =>
  new EngineError('model-not-found', `${where}${name} cannot be read.`, {
    hint: contents,
  });

const invalid = (where: string, what: string, cause?: unknown): EngineError =>
  new EngineError('model-invalid', `${where}: ${what}.`, { hint: 'Save the model again with transformers.', cause });
