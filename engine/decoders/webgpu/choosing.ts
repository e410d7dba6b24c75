// Choosing tokens on the GPU: what a request asks for becomes a uniform, and (where it asks for bias, penalties or a mask)
// three buffers over the vocabulary; the kernels' records become choices. Made by machine.ts, used by webgpu-sequence.ts.
// Buffers and bind groups are kept for the next request, so that choosing creates nothing once it has been asked for.
// What the GPU cannot tell (a draw beyond its candidates, more alternatives than a record holds) is `null`: the sequence
// then reads the logits and asks ../choose.ts, whose meaning of every option is also the kernels'.
// What goes wrong: logits that are no numbers throw `internal`, as there; no room for the buffers, `out-of-memory`.

import {
  chooseBytes,
  chooseFirstRowAt,
  choiceFlags,
  maxAlternatives,
  packChoose,
  readChoice,
  recordWords,
} from '../../../kernels/wgsl/choose-params.js';
import { pickSource, pickWorkgroups } from '../../../kernels/wgsl/choose-pick.js';
import { type ChooseSpec, scanBytes, scanSource, scanWorkgroups } from '../../../kernels/wgsl/choose-scan.js';
import { createKernel, type Kernel, type Slots } from '../../../kernels/wgsl/kernel.js';
import { badLogits } from '../choose.js';
import type { Choice, ChooseOptions } from '../decoder.js';
import { type GpuWatch, withinMemory } from '../gpu.js';
import { Adjustments } from './adjustments.js';
import type { Command } from './network.js';

/** The choosing of one request. */
export interface Choosing {
  readonly options: ChooseOptions;
  /** Empty where only the CPU can choose. */
  readonly commands: readonly Command[];
  /** Which row of the step the commands, encoded and submitted next, begin with. */
  startAt(row: number): void;
  /** Whether the GPU counts its choices among the penalised: only the first row of its commands is counted. */
  readonly counting: boolean;
  /** The choice of a step's row; null where the CPU must choose. @throws EngineError `internal` */
  choiceOf(words: Uint32Array, row: number): Choice | null;
  /** Begins again with these ids penalised, after choices that the GPU counted and that do not hold. */
  restart(penalised: readonly number[]): void;
  /** Keeps the buffers for another request. */
  close(): void;
}

/** Buffers of a request, and the commands bound to them. */
interface Desk {
  readonly uniform: GPUBuffer;
  readonly adjustments: Adjustments | null;
  readonly commands: readonly Command[];
  /** What the uniform says. */
  firstRow: number;
  dispose(): void;
}

export interface ChooserParts {
  readonly gpu: GpuWatch;
  readonly vocabularySize: number;
  /** Of the device: then one thread chooses, since waiting costs more than working. */
  readonly software: boolean;
  /** Of the small scratch, and the logits of its rows. */
  readonly step: GPUBuffer;
  readonly tokens: GPUBuffer;
  readonly logits: GPUBuffer;
  readonly rows: number;
  /** Where records go. */
  readonly results: GPUBuffer;
}

type Kernels = readonly [scan: Kernel<Slots>, pick: Kernel<Slots>];

export class Chooser {
  private readonly idle: Record<'plain' | 'adjusted', Desk[]> = { plain: [], adjusted: [] };
  private readonly desks = new Set<Desk>();
  private adjusted: Promise<Kernels> | null = null;

  private constructor(
    private readonly parts: ChooserParts,
    private readonly plain: Kernels,
    private readonly blocks: GPUBuffer,
  ) {}

  static async create(parts: ChooserParts): Promise<Chooser> {
    const spec = specOf(parts, false);
    const [kernels, { blocks }] = await Promise.all([
      compile(parts.gpu.device, spec),
      withinMemory(parts.gpu, 'choosing', () => {
        const size = scanBytes(spec, parts.rows);
        const made = parts.gpu.device.createBuffer({ label: 'choosing', size, usage: GPUBufferUsage.STORAGE });
        return { blocks: made, dispose: () => made.destroy() };
      }),
    ]);
    return new Chooser(parts, kernels, blocks);
  }

  /** @param counting the GPU adds each choice to the penalised ones, for steps that run ahead */
  async open(options: ChooseOptions, counting = false): Promise<Choosing> {
    if (options.logprobs > maxAlternatives) return onCpu(options);
    const kind = needsAdjusting(options) ? 'adjusted' : 'plain';
    const desk = this.idle[kind].pop() ?? (await this.newDesk(kind));
    const learns = counting && kind === 'adjusted' && penalises(options);
    const bytes = new ArrayBuffer(chooseBytes);
    packChoose({ ...options, learns }, bytes);
    this.parts.gpu.device.queue.writeBuffer(desk.uniform, 0, bytes);
    desk.firstRow = 0;
    desk.adjustments?.set(options);
    let open = true;
    return {
      options,
      commands: desk.commands,
      startAt: (row) => this.startAt(desk, row),
      counting: learns,
      choiceOf: (words, row) => asChoice(words, row, options.logprobs >= 0),
      restart: (penalised) => desk.adjustments?.set({ ...options, penalised }, true),
      close: () => {
        if (open) this.idle[kind].push(desk);
        open = false;
        if (learns) desk.adjustments?.forgetCounts();
      },
    };
  }

  dispose(): void {
    this.blocks.destroy();
    for (const desk of this.desks) desk.dispose();
    this.desks.clear();
  }

  private startAt(desk: Desk, row: number): void {
    if (desk.firstRow === row) return;
    desk.firstRow = row;
    this.parts.gpu.device.queue.writeBuffer(desk.uniform, chooseFirstRowAt, Uint32Array.of(row));
  }

  private async newDesk(kind: 'plain' | 'adjusted'): Promise<Desk> {
    const { gpu, step, tokens, logits, results, vocabularySize } = this.parts;
    const spec = specOf(this.parts, kind === 'adjusted');
    if (kind === 'adjusted') this.adjusted ??= compile(gpu.device, spec);
    const [scan, pick] = kind === 'plain' ? this.plain : await (this.adjusted as Promise<Kernels>);
    const desk = await withinMemory(gpu, 'choosing', () => {
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      const uniform = gpu.device.createBuffer({ label: 'how to choose', size: chooseBytes, usage });
      const adjustments = kind === 'adjusted' ? new Adjustments(gpu.device, vocabularySize) : null;
      const buffers = { step, tokens, logits, results, choose: uniform, blocks: this.blocks, ...adjustments?.buffers };
      const commands: Command[] = [
        { dispatch: scan.dispatch(buffers, [1, 1, 1]), grid: ({ rows }) => scanWorkgroups(spec, rows) },
        { dispatch: pick.dispatch(buffers, [1, 1, 1]), grid: ({ rows }) => pickWorkgroups(rows) },
      ];
      const dispose = (): void => {
        uniform.destroy();
        adjustments?.dispose();
      };
      return { uniform, adjustments, commands, firstRow: 0, dispose };
    });
    this.desks.add(desk);
    return desk;
  }
}

const specOf = ({ vocabularySize, software }: ChooserParts, adjusted: boolean): ChooseSpec => ({
  vocabularySize,
  adjusted,
  byOneThread: software,
});

const compile = (device: GPUDevice, spec: ChooseSpec): Promise<Kernels> =>
  Promise.all([createKernel(device, scanSource(spec)), createKernel(device, pickSource(spec))]);

/** Greedy and sampled choices of the logits as they are go without. */
const needsAdjusting = (options: ChooseOptions): boolean =>
  options.logitBias.size > 0 || options.allowed !== undefined || penalises(options);

const penalises = ({ presencePenalty, frequencyPenalty, repetitionPenalty }: ChooseOptions): boolean =>
  presencePenalty !== 0 || frequencyPenalty !== 0 || repetitionPenalty !== 1;

function asChoice(words: Uint32Array, row: number, wantsLogprobs: boolean): Choice | null {
  const { id, flags, logprob, alternatives } = readChoice(words, row * recordWords);
  if ((flags & choiceFlags.notANumber) !== 0) throw badLogits('the logit of a token is not a number');
  if ((flags & choiceFlags.infinite) !== 0) throw badLogits('the logit of a token is infinite');
  if ((flags & choiceFlags.noneFinite) !== 0) throw badLogits('no token has a finite logit');
  if ((flags & choiceFlags.notCovered) !== 0) return null;
  return wantsLogprobs ? { id, logprob: { id, logprob }, alternatives } : { id };
}

const onCpu = (options: ChooseOptions): Choosing => ({
  options,
  commands: [],
  startAt: () => undefined,
  counting: false,
  choiceOf: () => null,
  restart: () => undefined,
  close: () => undefined,
});
