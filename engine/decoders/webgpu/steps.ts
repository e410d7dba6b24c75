// One step: a few rows or a chunk of many, encoded into one command buffer and submitted at once. Called by
// webgpu-sequence.ts. Between making sure of pages and submitting, nothing is waited for, so that steps of different
// sequences, which share activations, never mix. Creates no buffer and no bind group, unless the page pool has grown.
// What goes wrong: what `SequencePages.prepare` throws (then nothing was submitted), errors of the device.

import { EngineError } from '../../protocol/errors.js';
import { packStep, stepBytes } from '../../../kernels/wgsl/step.js';
import type { GpuWatch } from '../gpu.js';
import type { BoundNetwork, Command, SharedBuffers, StepSize } from './network.js';
import type { PagePool } from './page-pool.js';
import { type CommandEncoding, plainEncoding } from './profile.js';
import type { Place, ReadbackRing } from './readback.js';
import { type Scratch, stateBlocks } from './scratch.js';
import type { PreparedStep, SequencePages } from './sequence-pages.js';

/** Rows of a small step at most. */
export const fewRows = 8;

/** Activations, and the networks over them. */
export interface Networks {
  readonly scratch: Scratch;
  /** By the rows that each is compiled for, ascending; a step takes the first that is large enough. */
  readonly variants: readonly NetworkVariant[];
}

export interface NetworkVariant {
  readonly rows: number;
  bind(): BoundNetwork;
}

export interface Head {
  readonly rows: number;
  /** Once: its buffers stay. */
  bind(): readonly Command[];
}

export interface StepParts {
  readonly gpu: GpuWatch;
  readonly pool: PagePool;
  /** For one row at first; for several as soon as `prepareSeveral` has been asked for and has come. */
  readonly few: Networks;
  readonly many: Networks;
  /** Logits of the rows in the small scratch. */
  readonly heads: readonly Head[];
  /** Compiles what takes several rows at once. */
  prepareSeveral(): Promise<{ readonly variant: NetworkVariant; readonly head: Head }>;
  /** float32 [few rows, vocabulary]: where heads write. */
  readonly logits: GPUBuffer;
  readonly vocabularySize: number;
  readonly ring: ReadbackRing;
  readonly tasks: Pick<SharedBuffers, 'closeTask' | 'reopenTask'>;
  readonly hiddenSize: number;
  readonly postNorms: boolean;
  readonly recordBytes: number;
}

/** One choice on its way: looked at when the step that takes it is encoded. */
export interface Fed {
  /** In JavaScript, as soon as it is there; its record may then belong to another step. */
  readonly id: number | null;
  readonly record: number;
}

export interface StepRequest {
  readonly pages: SequencePages;
  /** Tokens held before. */
  readonly position: number;
  /** Ids, or the choice of the step before, which may not have arrived yet. */
  readonly tokens: readonly number[] | Fed;
  /** `few`: up to eight rows, each to the bit what it is alone. `many`: up to the large scratch. */
  readonly rows: 'few' | 'many';
  /** Commands that choose: for every row of a small step, for the last row of a large one. Null: nothing is chosen. */
  readonly choosing: readonly Command[] | null;
}

export class Steps {
  private generation = -1;
  private bound: Record<StepRequest['rows'], Map<number, BoundNetwork>> = { few: new Map(), many: new Map() };
  private closed = false;
  /** How commands go into passes: plainly, or timed. */
  encoding: CommandEncoding = plainEncoding;
  private readonly stepWords = new Uint32Array(stepBytes / 4);
  private readonly taskWords = new Uint32Array(4);
  private readonly idWords: Uint32Array<ArrayBuffer>;

  private readonly variants: Record<StepRequest['rows'], NetworkVariant[]>;
  private readonly heads: Head[];
  private readonly boundHeads = new Map<number, readonly Command[]>();
  private preparing: Promise<void> | null = null;

  constructor(private readonly parts: StepParts) {
    this.idWords = new Uint32Array(parts.many.scratch.rows);
    this.variants = { few: [...parts.few.variants], many: [...parts.many.variants] };
    this.heads = [...parts.heads];
  }

  /** Rows that a small step may take now: one, until more were prepared. To the bit it makes no difference. */
  get fewRows(): number {
    return this.variants.few.at(-1)?.rows ?? 1;
  }

  /** Begins to compile what takes several rows; a failure leaves single rows. */
  prepareSeveral(): Promise<void> {
    this.preparing ??= this.parts.prepareSeveral().then(
      ({ variant, head }) => {
        this.variants.few.push(variant);
        this.heads.push(head);
      },
      () => undefined, // as before: one row at a time
    );
    return this.preparing;
  }

  /** Computes one token at its place again. @returns its logits, float32 [vocabulary] */
  async logitsOf(pages: SequencePages, position: number, token: number): Promise<Float32Array> {
    const { gpu, logits, vocabularySize } = this.parts;
    const size = vocabularySize * 4;
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
    const copy = gpu.device.createBuffer({ label: 'logits to read', size, usage });
    try {
      await this.runForLogits({ pages, position, tokens: [token], rows: 'few' }, (encoder) =>
        encoder.copyBufferToBuffer(logits, 0, copy, 0, size),
      );
      await gpu.guard(() => copy.mapAsync(GPUMapMode.READ));
      return new Float32Array(copy.getMappedRange().slice(0));
    } finally {
      copy.destroy();
    }
  }

  /** From now on nothing is submitted. */
  close(): void {
    this.closed = true;
  }

  /** Rows of a large step at most. */
  get manyRows(): number {
    return this.parts.many.scratch.rows;
  }

  /** @returns where the choices will be, if any are made; whoever gets a place must read it */
  async run({ pages, position, tokens, rows, choosing }: StepRequest): Promise<Place | null> {
    const count = 'record' in tokens ? 1 : tokens.length;
    const { gpu, ring } = this.parts;
    const place = choosing === null ? null : await ring.take();
    try {
      gpu.check();
      const prepared = await pages.prepare(position, position + count);
      if (this.closed) throw new EngineError('aborted', 'The model was closed.');
      const encoder = gpu.device.createCommandEncoder();
      const last = this.encodeBody(encoder, rows, { position, tokens, prepared, draw: place?.firstRecord ?? 0 });
      if (choosing !== null) {
        if (rows === 'many')
          this.moveHidden(encoder, count - 1, 1, { position, prepared, draw: place?.firstRecord ?? 0 });
        const size = rows === 'many' ? { position: last, rows: 1, closing: 0 } : { position, rows: count, closing: 0 };
        this.encoding.encode(encoder, [this.head(size.rows), choosing], size);
        place?.copy(encoder, size.rows);
      }
      this.submit(encoder);
      pages.settle(position + count);
      return place;
    } catch (error) {
      place?.giveBack();
      throw error;
    }
  }

  /**
   * The logits of all rows, for tests and evaluation.
   * @param take is given `rows` rows of logits at a time, in order, while they are in `logits`: it adds a copy
   */
  async runForLogits(
    {
      pages,
      position,
      tokens,
      rows,
    }: Omit<StepRequest, 'tokens' | 'choosing'> & { readonly tokens: readonly number[] },
    take: (encoder: GPUCommandEncoder, firstRow: number, rows: number) => void,
  ): Promise<void> {
    const { gpu } = this.parts;
    gpu.check();
    const prepared = await pages.prepare(position, position + tokens.length);
    let encoder = gpu.device.createCommandEncoder();
    this.encodeBody(encoder, rows, { position, tokens, prepared, draw: 0 });
    const { fewRows: most } = this;
    for (let row = 0; row < tokens.length; row += most) {
      const count = Math.min(most, tokens.length - row);
      if (rows === 'many') this.moveHidden(encoder, row, count, { position, prepared, draw: 0 });
      this.encoding.encode(encoder, [this.head(count)], { position: position + row, rows: count, closing: 0 });
      take(encoder, row, count);
      this.submit(encoder); // the small scratch's `step` is written anew for the next rows
      encoder = gpu.device.createCommandEncoder();
    }
    pages.settle(position + tokens.length);
  }

  /** @returns the position of the last row */
  private encodeBody(
    encoder: GPUCommandEncoder,
    rows: StepRequest['rows'],
    step: Pick<StepRequest, 'position' | 'tokens'> & { readonly prepared: PreparedStep; readonly draw: number },
  ): number {
    const { position, tokens, prepared, draw } = step;
    const { scratch } = this.parts[rows];
    const count = this.writeTokens(encoder, scratch, tokens);
    const { reopen, body } = this.network(rows, count);
    this.writeStep(scratch, position, count, prepared.tableEntry, draw);
    this.writeTask(this.parts.tasks.closeTask, prepared.tableEntry, prepared.close?.first);
    this.writeTask(this.parts.tasks.reopenTask, prepared.tableEntry, prepared.reopen?.first);
    const { encoding } = this;
    if (prepared.reopen) encoding.encode(encoder, [reopen], { position, rows: count, closing: prepared.reopen.count });
    const size: StepSize = { position, rows: count, closing: prepared.close?.count ?? 0 };
    encoding.encode(encoder, [body], size);
    return position + count - 1;
  }

  /** Moves rows of the large scratch's hidden state to the small one's first rows, for the head. */
  private moveHidden(
    encoder: GPUCommandEncoder,
    firstRow: number,
    rows: number,
    { position, prepared, draw }: { readonly position: number; readonly prepared: PreparedStep; readonly draw: number },
  ): void {
    const { few, many, hiddenSize, postNorms } = this.parts;
    const from = stateBlocks(many.scratch.rows, hiddenSize);
    const to = stateBlocks(few.scratch.rows, hiddenSize);
    const blocks = postNorms ? (['second', 'pending'] as const) : (['first'] as const);
    for (const block of blocks) {
      const source = (from[block] + firstRow * hiddenSize) * 4;
      encoder.copyBufferToBuffer(many.scratch.hidden, source, few.scratch.hidden, to[block] * 4, rows * hiddenSize * 4);
    }
    this.writeStep(few.scratch, position + firstRow, rows, prepared.tableEntry, draw);
  }

  private writeTokens(encoder: GPUCommandEncoder, scratch: Scratch, tokens: StepRequest['tokens']): number {
    if ('record' in tokens && tokens.id === null) {
      const { ring, recordBytes } = this.parts;
      encoder.copyBufferToBuffer(ring.results, tokens.record * recordBytes, scratch.tokens, 0, 4);
      return 1;
    }
    const ids = 'record' in tokens ? [tokens.id ?? 0] : tokens;
    this.idWords.set(ids);
    this.parts.gpu.device.queue.writeBuffer(scratch.tokens, 0, this.idWords, 0, ids.length);
    return ids.length;
  }

  private writeStep(scratch: Scratch, position: number, rows: number, pageTable: number, draw: number): void {
    packStep({ position, rows, pageTable, draw }, this.stepWords);
    this.parts.gpu.device.queue.writeBuffer(scratch.step, 0, this.stepWords);
  }

  private writeTask(task: GPUBuffer, tableEntry: number, page: number | undefined): void {
    if (page === undefined) return;
    this.taskWords[0] = tableEntry + page;
    this.parts.gpu.device.queue.writeBuffer(task, 0, this.taskWords);
  }

  private submit(encoder: GPUCommandEncoder): void {
    const submitted = this.encoding.finish(encoder);
    this.parts.gpu.device.queue.submit([encoder.finish()]);
    submitted();
  }

  private head(rows: number): readonly Command[] {
    const head = this.heads.find((each) => each.rows >= rows);
    if (head === undefined) throw new RangeError(`no head takes ${rows} rows`);
    let bound = this.boundHeads.get(head.rows);
    if (bound === undefined) this.boundHeads.set(head.rows, (bound = head.bind()));
    return bound;
  }

  private network(rows: StepRequest['rows'], count: number): BoundNetwork {
    const { pool } = this.parts;
    if (this.generation !== pool.generation) {
      this.bound = { few: new Map(), many: new Map() };
      this.generation = pool.generation;
    }
    const variant = this.variants[rows].find((each) => each.rows >= count);
    if (variant === undefined) throw new RangeError(`no network takes ${count} rows`);
    let bound = this.bound[rows].get(variant.rows);
    if (bound === undefined) this.bound[rows].set(variant.rows, (bound = variant.bind()));
    return bound;
  }
}
