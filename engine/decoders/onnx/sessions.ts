// A model's weights in ONNX Runtime: one session a run of layers, one for the head, and the forward pass through them.
// Opened by onnx-decoder.ts, run by onnx-sequence.ts. Knows nothing of choosing, sequences' lengths or abort.
// The embedding table stays in JavaScript and rows are dequantised here, one a token. Reasons: a lookup needs a few hundred
// bytes a token; a tied table serves the head from the same read; no operator is needed that both devices must agree on.
// Price: the table as stored is held once more beside the device's copy.
// Memory while opening: what is on the device already, plus one segment's weights (plan.ts) in JavaScript. The plain
// build copies constants into WebAssembly memory and repacks dense ones, so for a moment it holds up to two copies of the
// segment being opened; that memory is used again by the next segment.

import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { EngineError } from '../../protocol/errors.js';
import type { LoadProgress, Model, ModelSpec, WeightTensor } from '../../weights/model.js';
import { dequantise } from '../../weights/quantise.js';
import type { GpuWatch } from '../gpu.js';
import {
  type BuiltGraph,
  buildBody,
  buildHead,
  type LayerTables,
  type LayerWeights,
  names,
  turnsApart,
} from './graph.js';
import type { KvCache } from './kv-cache.js';
import { type DeviceMatrix, rowInto, toDeviceMatrix } from './matrices.js';
import type { OrtRuntime } from './ort-runtime.js';
import { asEngineError } from './ort-runtime.js';
import type { LoadPlan } from './plan.js';
import { architectures, layerFacts, rotarySizeOf } from '../../weights/architectures.js';
import { rotaryTables, type RotaryTables } from '../rotary.js';

export interface OpenSessionsOptions {
  readonly runtime: OrtRuntime;
  /** Null on WebAssembly. */
  readonly gpu: GpuWatch | null;
  readonly plan: LoadPlan;
  readonly contextLength: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

interface Body {
  readonly session: InferenceSession;
  readonly from: number;
  readonly to: number;
}

export class ModelSessions {
  private constructor(
    private readonly spec: ModelSpec,
    private readonly runtime: OrtRuntime,
    private readonly gpu: GpuWatch | null,
    private readonly embedding: WeightTensor,
    private readonly bodies: readonly Body[],
    private readonly head: InferenceSession,
  ) {}

  /** @throws EngineError of the model's source, `out-of-memory`, `device-lost`, `aborted`; nothing is left behind then */
  static async open(model: Model, options: OpenSessionsOptions): Promise<ModelSessions> {
    const { runtime, gpu, plan, contextLength, signal } = options;
    const { spec } = model;
    const read = reader(model, options);
    const matrix = async (name: string): Promise<DeviceMatrix> => toDeviceMatrix(await read(name), plan.dense);
    const vector = async (name: string): Promise<Float32Array> => dequantise(await read(name));
    const opened: InferenceSession[] = [];
    const openSession = async (graph: BuiltGraph, output: 'cpu' | 'gpu-buffer'): Promise<InferenceSession> => {
      signal?.throwIfAborted();
      const session = await guarded(gpu, () =>
        runtime.exclusive(async () => {
          const made = await createSession(runtime, gpu, graph, output);
          opened.push(made); // here, so that one made while its caller has given up is released too
          return made;
        }),
      );
      return session;
    };
    try {
      const embedding = await read('embedding');
      const headMatrix = spec.tiedHead ? toDeviceMatrix(embedding, plan.dense) : await matrix('head');
      const head = await openSession(buildHead(spec, await vector('finalNorm'), headMatrix), 'cpu');
      const tables = layerTables(spec, contextLength);
      const bodies: Body[] = [];
      for (const [from, to] of plan.segments) {
        const layers: LayerWeights[] = [];
        for (let layer = from; layer < to; layer++) layers.push(await readLayer(spec, layer, matrix, vector));
        const graph = buildBody(spec, from, layers, tables);
        bodies.push({ session: await openSession(graph, gpu ? 'gpu-buffer' : 'cpu'), from, to });
      }
      return new ModelSessions(spec, runtime, gpu, embedding, bodies, head);
    } catch (error) {
      await runtime.exclusive(async () => {
        for (const session of opened) await session.release();
      });
      if (signal?.aborted === true) throw aborted();
      throw asEngineError(error, 'loading the model');
    }
  }

  /**
   * Appends `tokens` at position `length` of the cache, which must have room, and returns the logits of the wanted ones.
   * @param wanted indices into `tokens`
   * @returns one float32 [vocabularySize] for each wanted index
   */
  async run(
    cache: KvCache,
    length: number,
    tokens: readonly number[],
    wanted: readonly number[],
  ): Promise<readonly Float32Array[]> {
    try {
      return await guarded(this.gpu, () => this.runtime.exclusive(() => this.forward(cache, length, tokens, wanted)));
    } catch (error) {
      throw asEngineError(error, 'computing the answer');
    }
  }

  async dispose(): Promise<void> {
    for (const session of [this.head, ...this.bodies.map((body) => body.session)]) {
      await this.runtime.exclusive(() => session.release());
    }
  }

  private async forward(
    cache: KvCache,
    length: number,
    tokens: readonly number[],
    wanted: readonly number[],
  ): Promise<readonly Float32Array[]> {
    const total = length + tokens.length;
    const { Tensor: OrtTensor } = this.runtime;
    let hidden: Tensor = new OrtTensor('float32', this.embed(tokens), [1, tokens.length, this.spec.hiddenSize]);
    try {
      for (const { session, from, to } of this.bodies) {
        const feeds: Record<string, Tensor> = {
          [names.hidden]: hidden,
          [names.lastIndex]: new OrtTensor('int32', Int32Array.of(total - 1), [1]),
          [names.totalLength]: new OrtTensor('int32', Int32Array.of(total), [1]),
        };
        if (turnsApart(this.spec))
          feeds[names.firstPosition] = new OrtTensor('int64', BigInt64Array.of(BigInt(length)), [1]);
        const fetches: Record<string, Tensor | null> = { [names.hiddenOut]: null };
        for (let layer = from; layer < to; layer++) cache.bind(layer, feeds, fetches);
        const outputs = await session.run(feeds, fetches);
        hidden.dispose();
        hidden = output(outputs, names.hiddenOut);
        for (let layer = from; layer < to; layer++) cache.accept(layer, outputs);
      }
      return wanted.length === 0 ? [] : await this.logits(hidden, wanted);
    } finally {
      hidden.dispose();
    }
  }

  private async logits(hidden: Tensor, wanted: readonly number[]): Promise<readonly Float32Array[]> {
    const positions = new this.runtime.Tensor('int64', BigInt64Array.from(wanted, BigInt), [wanted.length]);
    const outputs = await this.head.run({ [names.hidden]: hidden, [names.positions]: positions });
    const all = output(outputs, names.logits).data as Float32Array;
    const size = this.spec.vocabularySize;
    return wanted.map((_, i) => all.subarray(i * size, (i + 1) * size));
  }

  /** float32 [tokens, hiddenSize] */
  private embed(tokens: readonly number[]): Float32Array {
    const rows = new Float32Array(tokens.length * this.spec.hiddenSize);
    for (const [i, token] of tokens.entries()) rowInto(this.embedding, token, rows, i * this.spec.hiddenSize);
    if (!architectures[this.spec.architecture].scaledEmbedding) return rows;
    const scale = Math.sqrt(this.spec.hiddenSize);
    return rows.map((value) => value * scale);
  }
}

async function readLayer(
  spec: ModelSpec,
  layer: number,
  matrix: (name: string) => Promise<DeviceMatrix>,
  vector: (name: string) => Promise<Float32Array>,
): Promise<LayerWeights> {
  const name = (part: string): string => `layers.${layer}.${part}`;
  const facts = architectures[spec.architecture];
  return {
    attentionNorm: await vector(name('attentionNorm')),
    query: await matrix(name('query')),
    key: await matrix(name('key')),
    value: await matrix(name('value')),
    ...(facts.projectionBias && {
      biases: {
        query: await vector(name('queryBias')),
        key: await vector(name('keyBias')),
        value: await vector(name('valueBias')),
      },
    }),
    ...(facts.queryKeyNorm && {
      headNorms: { query: await vector(name('queryNorm')), key: await vector(name('keyNorm')) },
    }),
    attentionOutput: await matrix(name('attentionOutput')),
    feedForwardNorm: await vector(name('feedForwardNorm')),
    gate: await matrix(name('gate')),
    up: await matrix(name('up')),
    down: await matrix(name('down')),
    ...(facts.postNorms && {
      postNorms: {
        attention: await vector(name('attentionPostNorm')),
        feedForward: await vector(name('feedForwardPostNorm')),
      },
    }),
  };
}

/** One pair of tables for each way in which layers turn. */
function layerTables(spec: ModelSpec, contextLength: number): LayerTables {
  const made = new Map<string, RotaryTables>();
  return (layer) => {
    const { ropeTheta, ropeScaling } = layerFacts(spec, layer);
    const kind = `${ropeTheta} ${ropeScaling.kind}`;
    const tables =
      made.get(kind) ?? rotaryTables({ rotarySize: rotarySizeOf(spec), ropeTheta, ropeScaling }, contextLength);
    made.set(kind, tables);
    return tables;
  };
}

/** Reads tensors and tells of progress. */
function reader(model: Model, options: OpenSessionsOptions): (name: string) => Promise<WeightTensor> {
  let loadedBytes = 0;
  return async (name) => {
    const tensor = await model.readTensor(name, options.signal);
    loadedBytes += model.tensors.get(name)?.byteLength ?? 0;
    options.onProgress?.({ loadedBytes, totalBytes: options.plan.readBytes });
    return tensor;
  };
}

/** Without this, releasing the last session on a device destroys the device, whoever made it. */
export const keepDevice = { ep: { webgpuexecutionprovider: { preserveDevice: '1' } } };

async function createSession(
  runtime: OrtRuntime,
  gpu: GpuWatch | null,
  graph: BuiltGraph,
  outputLocation: 'cpu' | 'gpu-buffer',
): Promise<InferenceSession> {
  return runtime.InferenceSession.create(graph.model, {
    executionProviders: gpu ? [{ name: 'webgpu', device: gpu.device }] : ['wasm'],
    externalData: graph.constants.map(({ path, data }) => ({ path, data })),
    preferredOutputLocation: outputLocation,
    graphOptimizationLevel: 'all', // on WebGPU it folds norm, query, key and value into one dispatch, gate and up into another
    ...(gpu && { extra: keepDevice }),
  });
}

/**
 * A lost device fails the caller at once, but the work is left to settle inside `exclusive`: a session released under a
 * run that still unwinds brings the whole build down.
 */
function guarded<T>(gpu: GpuWatch | null, work: () => Promise<T>): Promise<T> {
  return gpu === null ? work() : gpu.guard(work);
}

function output(outputs: InferenceSession.ReturnType, name: string): Tensor {
  const tensor = outputs[name];
  if (tensor === undefined) throw new RangeError(`the run left out ${name}`);
  return tensor as Tensor;
}

function aborted(): EngineError {
  return new EngineError('aborted', 'Loading was stopped.');
}
