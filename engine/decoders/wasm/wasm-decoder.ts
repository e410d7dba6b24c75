// The WebAssembly decoder: our own SIMD kernels over one memory that holds weights, activations, keys and values. Made by
// the host (engine/host), a bench or a test, driven by `generate/`. Knows nothing of text, chat, packs or GGUF.
// What was decided and measured is in README.md.
// What goes wrong: see `createWasmDecoder`; a trap in a kernel fails the running call and every later one.

import {
  type KernelBuild,
  type Kernels,
  largeMemorySupported,
  loadKernels,
  type MemoryKind,
  threadsSupported,
} from '../../../kernels/wasm/kernels.js';
import { EngineError } from '../../protocol/errors.js';
import { type KvPrecision, pageBytes, pageTokens } from '../../kv/page-layout.js';
import type { LoadProgress, Model } from '../../weights/model.js';
import type { Decoder, DecoderInfo, Holding, Sequence } from '../decoder.js';
import { heldBy } from '../holding.js';
import { Chooser } from './choosing.js';
import { asEngineError } from './failures.js';
import type { Activations, ForwardPlan } from './forward.js';
import { PagePool, PageTable } from './kv-pages.js';
import { WasmMemory } from './memory.js';
import { type LedTeam, PassRunner } from './pass-runner.js';
import { checkFit, mostBytes, mostLargeBytes, planWeights } from './plan.js';
import { planScratch, type ScratchPlan } from './scratch.js';
import { alone } from './sharing.js';
import type { ThreadOptions } from './thread-pool.js';
import { compileKernels, fetchedKernels, type KernelSource } from './wasm-kernels.js';
import { WasmSequence } from './wasm-sequence.js';
import { loadWeights } from './weights.js';

/** Models of fewer bytes are computed by one thread. */
export const threadsFromBytes = 16 * 2 ** 20;

export interface WasmDecoderOptions {
  readonly model: Model;
  /** Where the kernels' files are: the folder that holds `kernels/` ("./"), or whoever gives their bytes. */
  readonly kernels: string | KernelSource;
  /** Tokens a sequence may hold; at most what the model was trained for. Default 4096. */
  readonly maxContext?: number;
  /** How closed pages of keys and values are kept. Default `f32`: exactly. */
  readonly kvPrecision?: KvPrecision;
  /**
   * Default `int16`: logits within 1e-4 of PyTorch's. `int8`: what other runtimes on processors have, 4e-4 there and a fifth to
   * a third faster. `f32`: the float reference mode, many times slower; for cross-checks.
   */
  readonly activations?: Activations;
  /**
   * Other workers to compute with, where memory can be shared (a cross-origin isolated page); elsewhere, or when they do
   * not start, the decoder computes alone. `DecoderInfo.deviceName` says how many there are.
   */
  readonly threads?: ThreadOptions;
  /** Another build than the best that this browser runs, for tests and measurements. */
  readonly build?: KernelBuild;
  /**
   * Memory with addresses of 64 bits (Memory64) also for a small model, for tests. Default: when 4 GiB are too few for weights
   * and a text as long as the context.
   */
  readonly large?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** Tokens of a pass at most: enough that a matrix is read from memory seldom, few enough that activations stay in cache. */
const passRows = 64;

/** Texts as long as the context that shared memory has room for: more than any host keeps. */
const sharedContexts = 16;

/** Rows of logits of a pass at most; one row of a large vocabulary is 1 MB. */
const passLogits = 8;

/**
 * Loads a model's weights, tensor by tensor, and opens it for decoding. The model may be closed afterwards.
 * @throws EngineError `wasm-unsupported`, `model-invalid`, `model-unsupported`, `model-too-large`, `out-of-memory`,
 * `network` (the kernels or the weights), `aborted`, `internal`
 */
export async function createWasmDecoder(options: WasmDecoderOptions): Promise<Decoder> {
  try {
    return await open(options);
  } catch (error) {
    throw asEngineError(error);
  }
}

async function open(options: WasmDecoderOptions): Promise<Decoder> {
  const { model, kvPrecision = 'f32', activations = 'int16', signal, onProgress } = options;
  const { spec } = model;
  if (signal?.aborted === true) throw new EngineError('aborted', 'Loading was stopped.');
  const weights = planWeights(model);
  const page = pageBytes(spec, false);
  const contextLength = Math.min(spec.contextLength, options.maxContext ?? 4096);
  const scratchFor = (threads: number): ScratchPlan =>
    planScratch(spec, weights.end, { rows: passRows, logitRows: passLogits, threads, contextLength });
  const plain = scratchFor(options.threads?.count ?? 1);
  // A text as long as the context shall fit, too; where addresses end at 4 GiB, one page of it must do.
  const text = pageBytes(spec, kvPrecision === 'int8') * Math.ceil(contextLength / pageTokens);
  const large = options.large ?? (plain.end + text > mostBytes && largeMemorySupported());
  const most = large ? mostLargeBytes : mostBytes;
  checkFit(plain.end, page, most);
  const threads = options.threads;
  const worthSharing = weights.weightBytes >= (threads?.fromBytes ?? threadsFromBytes) && threadsSupported();
  const machine = await assemble(options, large, worthSharing ? threads : undefined, (build, threads) => {
    const scratch = scratchFor(threads);
    return { spec, weights, scratch, activations, build, int8Pages: kvPrecision === 'int8' };
  });
  const { plan, kernels, memory, team } = machine;
  try {
    const scratch = plan.scratch.threads[0]?.matmul ?? 0;
    const watched = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
    await loadWeights(model, { plan: weights, memory, kernels, scratch, ...watched });
  } catch (error) {
    machine.close();
    throw error;
  }
  const info: DecoderInfo = {
    kind: 'wasm',
    device: 'wasm',
    deviceName: deviceName(machine.build, team.size),
    contextLength,
    vocabularySize: spec.vocabularySize,
    weightBytes: weights.weightBytes,
  };
  return new WasmDecoder({
    info,
    memory,
    runner: new PassRunner(plan, kernels, memory, team, contextLength),
    chooser: new Chooser(kernels, memory, plan.scratch, spec.vocabularySize),
    pool: new PagePool(memory, kernels, spec, kvPrecision, contextLength),
    close: machine.close,
  });
}

/** Memory, kernels and threads, before any weight is read. */
interface Machine {
  readonly build: KernelBuild;
  readonly plan: ForwardPlan;
  readonly memory: WasmMemory;
  readonly kernels: Kernels;
  readonly team: LedTeam;
  close(): void;
}

async function assemble(
  options: WasmDecoderOptions,
  large: boolean,
  threads: ThreadOptions | undefined,
  makePlan: (build: KernelBuild, threads: number) => ForwardPlan,
): Promise<Machine> {
  const { signal } = options;
  const source = typeof options.kernels === 'string' ? fetchedKernels(options.kernels) : options.kernels;
  const wanted = { source, ...(options.build && { build: options.build }) };
  if (threads !== undefined && threads.count > 1) {
    const { build, module } = await compileKernels({ ...wanted, memory: { shared: true, large } });
    try {
      const plan = makePlan(build, threads.count);
      // Memory that is shared must say how far it may grow, and browsers reserve that many addresses.
      const texts = sharedContexts * pageBytes(plan.spec, false) * Math.ceil(plan.spec.contextLength / pageTokens);
      const most = large ? mostLargeBytes : mostBytes;
      const memory = memoryFor(plan, { shared: true, large }, Math.min(plan.scratch.end + texts, most));
      const kernels = await loadKernels(module, memory.memory);
      const { leader, close } = await threads.pool(threads, { module, memory: memory.memory, plan }, signal);
      return { build, plan, memory, kernels, team: leader, close };
    } catch (error) {
      if (signal?.aborted === true) throw error;
      // Workers are refused here (a policy, a script that is not there), or so much shared memory: one thread computes, in
      // memory of its own.
    }
  }
  const { build, module } = await compileKernels({ ...wanted, memory: { shared: false, large } });
  const plan = makePlan(build, 1);
  const memory = memoryFor(plan, { shared: false, large });
  const kernels = await loadKernels(module, memory.memory);
  return {
    build,
    plan,
    memory,
    kernels,
    team: { ...alone, newPace: () => always, start: nothing, took: nothing, next: nothing, abandon: nothing },
    close: nothing,
  };
}

function memoryFor({ scratch }: ForwardPlan, kind: MemoryKind, limit = mostBytes): WasmMemory {
  const memory = WasmMemory.of(scratch.end, kind, limit);
  memory.startAt(scratch.end);
  return memory;
}

interface DecoderParts {
  readonly info: DecoderInfo;
  readonly memory: WasmMemory;
  readonly runner: PassRunner;
  readonly chooser: Chooser;
  readonly pool: PagePool;
  close(): void;
}

class WasmDecoder implements Decoder {
  readonly info: DecoderInfo;
  private readonly open = new Set<Sequence>();
  private disposal: Promise<void> | null = null;
  /** Null once disposed of: nothing then holds the memory. */
  private parts: DecoderParts | null;

  constructor(parts: DecoderParts) {
    this.parts = parts;
    this.info = parts.info;
  }

  get holding(): Holding {
    return heldBy(this.open);
  }

  openSequence(): Sequence {
    return this.newSequence();
  }

  async logits(tokens: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
    const size = this.info.vocabularySize;
    const all = new Float32Array(tokens.length * size);
    const sequence = this.newSequence();
    try {
      await sequence.advance(tokens, 'every', signal, (index, row) => {
        const memory = this.parts?.memory;
        if (memory !== undefined) all.set(memory.floats(row, size), index * size);
      });
    } finally {
      sequence.release();
    }
    return all;
  }

  dispose(): Promise<void> {
    this.disposal ??= this.free();
    return this.disposal;
  }

  private newSequence(): WasmSequence {
    if (this.disposal !== null || this.parts === null) {
      throw new EngineError('invalid-request', 'This decoder was disposed of.');
    }
    const { info, runner, chooser, pool } = this.parts;
    const sequence: WasmSequence = new WasmSequence({
      info,
      runner,
      chooser,
      pages: new PageTable(pool),
      passRows,
      passLogits,
      onRelease: () => this.open.delete(sequence),
    });
    this.open.add(sequence);
    return sequence;
  }

  private async free(): Promise<void> {
    for (const sequence of [...this.open]) sequence.release();
    const { parts } = this;
    await parts?.runner.close();
    parts?.close();
    this.parts = null;
  }
}

const nothing = (): void => undefined;
/** One thread is all there are. */
const always = { together: true, took: nothing };

function deviceName(build: KernelBuild, threads: number): string {
  const simd = build === 'relaxed' ? 'relaxed SIMD' : 'SIMD';
  return `WebAssembly ${simd}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}
