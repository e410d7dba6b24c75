// Everything of one model on one device: weights, pages, activations, compiled kernels, and the steps that run them. Made by
// webgpu-decoder.ts. Knows the order in which these come to be and how they go; what each is, its own file says.
// What goes wrong: what the parts throw; nothing is left on the device then.

import { recordWords } from '../../../kernels/wgsl/choose-params.js';
import type { DeviceTraits } from '../../../kernels/wgsl/kernel.js';
import type { KvPrecision } from '../../kv/page-layout.js';
import type { Model, ModelSpec } from '../../weights/model.js';
import type { GpuWatch } from '../gpu.js';
import { Chooser } from './choosing.js';
import { attentionSpecOf, type CommonFacts, hasPostNorms } from './kernels.js';
import { type Buffers, createBuffers } from './buffers.js';
import { bindHead, bindNetwork, type UnboundParts } from './network.js';
import { Lane } from './lane.js';
import { Pace } from './pace.js';
import { PagePool } from './page-pool.js';
import type { LoadPlan } from './plan.js';
import { compilePrograms, tiles, type HeadProgram, type Program, type Programs } from './programs.js';
import { Rounds } from './rounds.js';
import type { Scratch } from './scratch.js';
import type { ShapeChoice } from './shapes.js';
import { fewRows, type Head, type NetworkVariant } from './step-parts.js';
import { Steps } from './steps.js';
import { Tuning, type TuningStore } from './tuning.js';
import { type FillOptions, GpuWeights } from './weights.js';
import type { SequenceParts, WebGpuSequence } from './webgpu-sequence.js';

/** Rows of a chunk of prompt at most. */
const manyRows = 128;

/**
 * Bytes of keys and values that texts decoded at once may come to; WebGPU does not say what there is. One that finds no room
 * after all fails alone.
 */
const textMemory = 2 ** 30;

export interface MachineOptions {
  readonly contextLength: number;
  readonly largestBinding: number;
  readonly precision: KvPrecision;
  readonly traits: DeviceTraits;
}

export interface LoadOptions extends FillOptions {
  /** Where the autotuner remembers; absent: nothing is measured, the kernels' guesses are used. */
  readonly tuning?: TuningStore | undefined;
}

type LoadedParts = Omit<SequenceParts, 'info' | 'gpu' | 'onRelease'>;

export class Machine {
  private readonly facts: CommonFacts;
  private loaded: LoadedParts | null = null;

  private constructor(
    private readonly gpu: GpuWatch,
    private readonly spec: ModelSpec,
    private readonly plan: LoadPlan,
    private readonly weights: GpuWeights,
    private readonly pool: PagePool,
    private readonly buffers: Buffers,
    { contextLength, precision, traits }: MachineOptions,
  ) {
    const { device } = gpu;
    const { kvHeads, headSize } = spec;
    const kvPool = { kvHeads, headSize, layers: pool.layersPerBuffer };
    this.facts = { device, traits, spec, plan, pool: kvPool, precision, contextLength };
  }

  /** Makes all buffers, or none. @throws EngineError `out-of-memory`, `device-lost` */
  static async open(gpu: GpuWatch, spec: ModelSpec, plan: LoadPlan, options: MachineOptions): Promise<Machine> {
    const { contextLength, largestBinding, precision, traits } = options;
    const made: { dispose(): void }[] = [];
    const keep = <T extends { dispose(): void }>(part: T): T => {
      made.push(part);
      return part;
    };
    try {
      const weights = keep(await GpuWeights.allocate(gpu, plan));
      const pool = keep(new PagePool(gpu, { shape: spec, precision, contextLength, largestBinding }));
      await pool.open();
      const { kvHeads, headSize } = spec;
      const { layersPerBuffer } = pool;
      const kvPool = { kvHeads, headSize, layers: layersPerBuffer };
      const attention = attentionSpecOf({ spec, pool: kvPool, precision, contextLength, traits });
      const buffers = keep(
        await createBuffers(gpu, {
          spec,
          attention,
          contextLength,
          layersPerBuffer,
          fewRows,
          manyRows,
          tiled: tiles(traits),
        }),
      );
      return new Machine(gpu, spec, plan, weights, pool, buffers, options);
    } catch (error) {
      for (const part of made) part.dispose();
      throw error;
    }
  }

  /** Reads and uploads all weights while pipelines are compiled; measures which are fastest, where that is wanted. */
  async load(model: Model, { signal, onProgress, tuning }: LoadOptions): Promise<void> {
    const stop = new AbortController();
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const filling = this.weights.fill(model, { signal: either, onProgress });
    const compiling = this.chooseShapes(tuning, filling, either).then((choice) =>
      compilePrograms(this.facts, { fewRows, manyRows, choice }),
    );
    const { few, logits, ring } = this.buffers;
    const { step, tokens } = few;
    const { vocabularySize } = this.spec;
    const { software } = this.facts.traits;
    const parts = {
      gpu: this.gpu,
      vocabularySize,
      software,
      step,
      tokens,
      logits,
      rows: fewRows,
      results: ring.results,
    };
    const choosing = Chooser.create(parts);
    try {
      const [programs, chooser] = await Promise.all([compiling, choosing, filling]);
      this.loaded = this.assemble(programs, chooser);
    } catch (error) {
      stop.abort();
      const settled = await Promise.allSettled([choosing, filling, compiling]); // before their buffers go
      if (settled[0].status === 'fulfilled') settled[0].value.dispose();
      throw error;
    }
  }

  private async chooseShapes(
    store: TuningStore | undefined,
    filling: Promise<void>,
    signal: AbortSignal,
  ): Promise<ShapeChoice> {
    const { traits } = this.facts;
    if (store === undefined) return new Map();
    const facts = { ...this.facts, rows: fewRows, tiled: false };
    const buffers = this.networkParts(this.buffers.few);
    const tuning = new Tuning({ gpu: this.gpu, traits, facts, buffers, logits: this.buffers.logits }, store);
    return (await tuning.remembered()) ?? (await tuning.search(filling, signal));
  }

  get sequenceParts(): LoadedParts {
    if (this.loaded === null) throw new Error('the weights are not loaded');
    return this.loaded;
  }

  /** Texts that are worth decoding at once: those that a round has rows for, and memory for if they were all long. */
  get concurrency(): number {
    const fitting = Math.floor(textMemory / this.pool.bytesOf(this.facts.contextLength));
    return Math.max(1, Math.min(fewRows, fitting));
  }

  /** The logits of every position of `tokens`, computed in `sequence`, which is empty. */
  async logits(
    sequence: WebGpuSequence,
    tokens: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const { device } = this.gpu;
    const { vocabularySize } = this.spec;
    const all = new Float32Array(tokens.length * vocabularySize);
    const rowBytes = vocabularySize * 4;
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
    const copy = device.createBuffer({ label: 'logits to read', size: manyRows * rowBytes, usage });
    let firstRow = -1;
    let rows = 0;
    try {
      await sequence.logits(
        tokens,
        signal,
        (encoder, position, count) => {
          if (firstRow < 0) firstRow = position;
          encoder.copyBufferToBuffer(this.buffers.logits, 0, copy, (position - firstRow) * rowBytes, count * rowBytes);
          rows = position + count - firstRow;
        },
        async () => {
          await this.gpu.guard(() => copy.mapAsync(GPUMapMode.READ));
          all.set(new Float32Array(copy.getMappedRange(), 0, rows * vocabularySize), firstRow * vocabularySize);
          copy.unmap();
          firstRow = -1;
        },
      );
    } finally {
      copy.destroy();
    }
    return all;
  }

  /** From now on nothing is submitted. */
  close(): void {
    this.loaded?.steps.close();
  }

  /** Safe to call twice. */
  dispose(): void {
    this.close();
    this.loaded?.chooser.dispose();
    this.buffers.dispose();
    this.pool.dispose();
    this.weights.dispose();
  }

  private assemble({ one, many, several }: Programs, chooser: Chooser): LoadedParts {
    const { gpu, pool, buffers, spec } = this;
    const network = (scratch: Scratch, { rows, kernels }: Program): NetworkVariant => ({
      rows,
      bind: () => bindNetwork({ ...this.networkParts(scratch), kernels }),
    });
    const head = ({ rows, kernels }: HeadProgram): Head => ({
      rows,
      bind: () => bindHead(this.networkParts(buffers.few), kernels, buffers.logits),
    });
    const steps = new Steps({
      gpu,
      pool,
      few: { scratch: buffers.few, variants: [network(buffers.few, one.body)] },
      many: { scratch: buffers.many, variants: [network(buffers.many, many)] },
      heads: [head(one.head)],
      prepareSeveral: async () => {
        const programs = await several();
        return { variant: network(buffers.few, programs.body), head: head(programs.head) };
      },
      logits: buffers.logits,
      vocabularySize: spec.vocabularySize,
      ring: buffers.ring,
      tasks: buffers.shared,
      hiddenSize: spec.hiddenSize,
      postNorms: hasPostNorms(spec),
      recordBytes: recordWords * 4,
    });
    return { pool, steps, rounds: new Rounds(steps), lane: new Lane(), chooser, pace: new Pace(manyRows) };
  }

  private networkParts(scratch: Scratch): UnboundParts {
    const { spec, plan, weights, pool, buffers } = this;
    return { spec, plan, weights, pool, shared: buffers.shared, scratch };
  }
}
