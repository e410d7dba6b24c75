// A foreign graph in ONNX Runtime: one session, and the forward pass through it. Opened by graph-decoder.ts, run by
// onnx-sequence.ts. What the graph wants and gives was found out from the file (weights/onnx/); here it is fed.
// Memory while opening: ONNX Runtime's web builds used here take each file as one array, so the weights stand once in
// JavaScript until the session has copied them to its own memory or the GPU, and are let go then.

import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../protocol/errors.js';
import { checkSignal } from '../../weights/byte-source.js';
import type { GraphModel } from '../../weights/onnx/graph-model.js';
import { cachePartOf } from '../../weights/onnx/graph-config.js';
import { onnxTypes, type OnnxValue } from '../../weights/onnx/onnx-outline.js';
import { fromHalf } from '../../weights/half.js';
import type { LoadProgress } from '../../weights/model.js';
import type { GpuWatch } from '../gpu.js';
import { GraphKvCache, type CacheSlot } from './graph-cache.js';
import { asEngineError, type OrtRuntime } from './ort-runtime.js';
import { keepDevice } from './sessions.js';

export interface OpenGraphOptions {
  readonly runtime: OrtRuntime;
  /** Null on WebAssembly. */
  readonly gpu: GpuWatch | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

export class GraphSession {
  private constructor(
    private readonly session: InferenceSession,
    private readonly runtime: OrtRuntime,
    private readonly gpu: GpuWatch | null,
    private readonly inputs: ReadonlyMap<string, OnnxValue>,
    private readonly slots: readonly CacheSlot[],
    /** Numbers in a row of logits. */
    readonly vocabularySize: number,
  ) {}

  /** @throws EngineError of the model's source, `model-unsupported`, `out-of-memory`, `device-lost`, `aborted` */
  static async open(model: GraphModel, { runtime, gpu, signal, onProgress }: OpenGraphOptions): Promise<GraphSession> {
    const { graph } = model;
    const slots = cacheSlots(model);
    const totalBytes = model.identity.byteLength;
    let loadedBytes = 0;
    const read = async (path: string): Promise<Uint8Array<ArrayBuffer>> => {
      const bytes = await model.readFile(path, signal);
      loadedBytes += bytes.length;
      onProgress?.({ loadedBytes, totalBytes });
      return bytes;
    };
    const file = await read(graph.file.path);
    const externalData: { path: string; data: Uint8Array }[] = [];
    for (const { path } of graph.externalData) externalData.push({ path, data: await read(path) });
    const preferredOutputLocation = Object.fromEntries(
      slots.map(({ present }) => [present, gpu ? ('gpu-buffer' as const) : ('cpu' as const)]),
    );
    const create = () =>
      runtime.exclusive(async () => {
        checkSignal(signal);
        const made = await runtime.InferenceSession.create(file, {
          executionProviders: gpu ? [{ name: 'webgpu', device: gpu.device }] : ['wasm'],
          externalData,
          preferredOutputLocation: { ...preferredOutputLocation, logits: 'cpu' },
          graphOptimizationLevel: 'all',
          ...(gpu && { extra: keepDevice }),
        });
        try {
          checkSignal(signal);
          return made;
        } catch (error) {
          await made.release();
          throw error;
        }
      });
    try {
      const session = gpu === null ? await create() : await gpu.guard(create);
      const inputs = new Map(graph.inputs.map((input) => [input.name, input]));
      return new GraphSession(session, runtime, gpu, inputs, slots, rowOf(model));
    } catch (error) {
      throw notOurs(error, model);
    }
  }

  newCache(): GraphKvCache {
    return new GraphKvCache(this.slots, this.runtime, this.gpu);
  }

  /** As ModelSessions.run. */
  async run(
    cache: GraphKvCache,
    length: number,
    tokens: readonly number[],
    wanted: readonly number[],
  ): Promise<readonly Float32Array[]> {
    const work = () => this.runtime.exclusive(() => this.forward(cache, length, tokens, wanted));
    try {
      return await (this.gpu === null ? work() : this.gpu.guard(work));
    } catch (error) {
      throw asEngineError(error, 'computing the answer');
    }
  }

  dispose(): Promise<void> {
    return this.runtime.exclusive(() => this.session.release());
  }

  private async forward(
    cache: GraphKvCache,
    length: number,
    tokens: readonly number[],
    wanted: readonly number[],
  ): Promise<readonly Float32Array[]> {
    const total = length + tokens.length;
    // Only the last rows are computed where the graph can be told so.
    const rows = this.inputs.has('num_logits_to_keep')
      ? tokens.length - (wanted[0] ?? tokens.length - 1)
      : tokens.length;
    const feeds: Record<string, Tensor> = {};
    const feed = (name: string, dims: readonly number[], value: (index: number) => number): void => {
      const input = this.inputs.get(name);
      if (input !== undefined) feeds[name] = this.integers(input, dims, value);
    };
    feed('input_ids', [1, tokens.length], (index) => tokens[index] ?? 0);
    feed('attention_mask', [1, total], () => 1);
    feed('position_ids', [1, tokens.length], (index) => length + index);
    feed('num_logits_to_keep', this.inputs.get('num_logits_to_keep')?.dims.length === 1 ? [1] : [], () => rows);
    feed('use_cache_branch', [1], () => 1);
    cache.bind(feeds);
    const outputs = await this.session.run(feeds);
    cache.accept(outputs);
    const logits = outputs['logits'] as Tensor | undefined;
    if (logits === undefined) throw new RangeError('the run left out the logits');
    try {
      const all = await logits.getData();
      const size = logits.dims.at(-1) ?? 0;
      const given = logits.dims.at(-2) ?? 0;
      if (size !== this.vocabularySize || given < (wanted.length === 0 ? 0 : rows)) {
        throw new EngineError('model-invalid', `The graph gives logits of [${logits.dims.join(', ')}].`, {
          hint: 'The graph does not fit its config.json. Choose another copy of the model.',
        });
      }
      const first = tokens.length - given;
      return wanted.map((index) => toFloat32(all, (index - first) * size, size));
    } finally {
      logits.dispose();
    }
  }

  private integers({ type, name }: OnnxValue, dims: readonly number[], value: (index: number) => number): Tensor {
    const { Tensor: OrtTensor } = this.runtime;
    const length = dims.reduce((product, size) => product * size, 1);
    if (type === onnxTypes.int64) {
      return new OrtTensor(
        'int64',
        BigInt64Array.from({ length }, (_, index) => BigInt(value(index))),
        dims,
      );
    }
    if (type === onnxTypes.int32)
      return new OrtTensor(
        'int32',
        Int32Array.from({ length }, (_, i) => value(i)),
        dims,
      );
    if (type === onnxTypes.bool)
      return new OrtTensor(
        'bool',
        Uint8Array.from({ length }, (_, i) => value(i)),
        dims,
      );
    throw new EngineError('model-unsupported', `The graph wants ${name} in the type ${type}.`, {
      hint: 'Graphs exported for transformers.js run.',
    });
  }
}

/** float32 of a row of logits, which a 16-bit graph gives in halves. */
function toFloat32(data: Tensor.DataType, from: number, length: number): Float32Array {
  if (data instanceof Float32Array) return data.slice(from, from + length);
  if (data instanceof Uint16Array) return Float32Array.from(data.subarray(from, from + length), fromHalf);
  return Float32Array.from((data as unknown as ArrayLike<number> & Float32Array).subarray(from, from + length));
}

function cacheSlots({ graph, identity }: GraphModel): CacheSlot[] {
  const slots: CacheSlot[] = [];
  for (const { name, type, dims } of graph.inputs) {
    const part = cachePartOf(name, 'past_key_values');
    if (part === null) continue;
    const [, heads, , size] = dims;
    const kvHeads = typeof heads === 'number' ? heads : graph.kvHeads;
    const headSize = typeof size === 'number' ? size : graph.headSize;
    if (dims.length !== 4 || kvHeads < 1 || headSize < 1) {
      throw new EngineError('model-unsupported', `${identity.name}: the shape of ${name} is not to be learnt.`, {
        hint: 'config.json must say num_key_value_heads and head_dim.',
      });
    }
    slots.push({ past: name, present: `present.${part.layer}.${part.part}`, type, kvHeads, headSize });
  }
  return slots;
}

function rowOf({ graph, identity }: GraphModel): number {
  const last = graph.outputs.find(({ name }) => name === 'logits')?.dims.at(-1);
  const size = typeof last === 'number' ? last : graph.vocabularySize;
  if (size >= 1) return size;
  throw new EngineError('model-unsupported', `${identity.name}: the size of its vocabulary is not to be learnt.`, {
    hint: 'config.json must say vocab_size.',
  });
}

/** What ONNX Runtime says of a file that it cannot take is the file's fault and no defect here. */
function notOurs(error: unknown, { identity, graph }: GraphModel): EngineError {
  const known = asEngineError(error, 'loading the model');
  if (known.code !== 'internal') return known;
  const message = error instanceof Error ? error.message : String(error);
  const missing = /not implemented|not supported|unsupported|no op registered|is not a registered function/i.test(
    message,
  );
  return new EngineError(
    missing ? 'model-unsupported' : 'model-invalid',
    `ONNX Runtime does not take ${graph.file.path} of ${identity.name}: ${message.slice(0, 400)}`,
    {
      cause: error,
      hint: missing
        ? 'Try another format of the model (?dtype=q4), or another device.'
        : 'The file is damaged, or belongs to another one. Delete the model and load it again.',
    },
  );
}
