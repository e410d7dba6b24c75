// One step: a few rows or a chunk of many, encoded into one command buffer and submitted at once. Called by
// webgpu-sequence.ts, and by rounds.ts for rows of several sequences. Between making sure of pages and submitting, nothing
// of the step's sequences is touched by others, so that steps, which share activations, never mix. Creates no buffer and no
// bind group, unless the page pool has grown.
// What goes wrong: what `SequencePages.prepare` throws (then nothing was submitted), errors of the device.

import { EngineError } from '../../protocol/errors.js';
import type { BoundNetwork, Command, StepSize } from './network.js';
import { type CommandEncoding, plainEncoding } from './profile.js';
import type { Place } from './readback.js';
import { stateBlocks } from './scratch.js';
import type { PreparedStep, SequencePages } from './sequence-pages.js';
import type { Head, NetworkVariant, RowRequest, RowsOutcome, StepParts, StepRequest } from './step-parts.js';
import { type PreparedRow, StepWords } from './step-words.js';

export class Steps {
  private generation = -1;
  private bound: Record<StepRequest['rows'], Map<number, BoundNetwork>> = { few: new Map(), many: new Map() };
  private closed = false;
  /** How commands go into passes: plainly, or timed. */
  encoding: CommandEncoding = plainEncoding;
  private readonly words: StepWords;

  private readonly variants: Record<StepRequest['rows'], NetworkVariant[]>;
  private readonly heads: Head[];
  private readonly boundHeads = new Map<number, readonly Command[]>();
  private preparing: Promise<void> | null = null;

  constructor(private readonly parts: StepParts) {
    this.words = new StepWords(parts);
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
    const chooses = choosing !== null && choosing.commands.length > 0;
    const place = chooses ? await ring.take() : null;
    try {
      gpu.check();
      const prepared = await pages.prepare(position, position + count);
      this.checkOpen();
      const encoder = gpu.device.createCommandEncoder();
      const last = this.encodeBody(encoder, rows, { position, tokens, prepared, draw: place?.firstRecord ?? 0 });
      if (chooses) {
        choosing.startAt(0);
        if (rows === 'many')
          this.moveHidden(encoder, count - 1, 1, { position, prepared, draw: place?.firstRecord ?? 0 });
        const size = rows === 'many' ? { position: last, rows: 1, closing: 0 } : { position, rows: count, closing: 0 };
        this.encoding.encode(encoder, [this.head(size.rows), choosing.commands], size);
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
   * One token each of up to `fewRows` sequences, in one pass over the weights. A row's results are to the bit what `run`
   * computes for it alone. A row whose pages cannot be had is left out; the others go on.
   * Whoever asks must let nobody else at the rows' pages until this has returned.
   */
  async runRows(requests: readonly RowRequest[]): Promise<RowsOutcome> {
    const { gpu, ring } = this.parts;
    const chooses = requests.some(({ choosing }) => choosing.commands.length > 0);
    const place = chooses ? await ring.take() : null;
    try {
      gpu.check();
      const { rows, failed } = await this.prepareRows(requests);
      this.checkOpen();
      const taken = rows.map(({ row }) => row);
      if (rows.length === 0) {
        place?.giveBack();
        return { place: null, taken, failed };
      }
      for (const { row, prepared } of rows) this.movePages(row.position, prepared);
      const encoder = gpu.device.createCommandEncoder();
      this.words.rows(encoder, rows, place?.firstRecord ?? 0);
      const apart = taken.map(({ position }) => position);
      const size: StepSize = { position: 0, rows: rows.length, closing: 0, apart };
      const { body } = this.network('few', rows.length);
      this.encoding.encode(encoder, place === null ? [body] : [body, this.head(rows.length)], size);
      if (place !== null) {
        taken.forEach(({ choosing }, at) => choosing.startAt(at));
        this.encoding.encode(
          encoder,
          taken.map(({ choosing }) => choosing.commands),
          { ...size, rows: 1 },
        );
        place.copy(encoder, rows.length);
      }
      this.submit(encoder);
      for (const { pages, position } of taken) pages.settle(position + 1);
      return { place, taken, failed };
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

  private async prepareRows(requests: readonly RowRequest[]) {
    const rows: PreparedRow[] = [];
    const failed: { readonly row: RowRequest; readonly error: unknown }[] = [];
    for (const row of requests) {
      try {
        rows.push({ row, prepared: await row.pages.prepare(row.position, row.position + 1) });
      } catch (error) {
        failed.push({ row, error });
      }
    }
    return { rows, failed };
  }

  /** Closes and opens again what one row of several needs, every 32 tokens: one uniform says which pages, so it goes alone. */
  private movePages(position: number, prepared: PreparedStep): void {
    const { close, reopen } = prepared;
    if (close === null && reopen === null) return;
    const network = this.network('few', 1);
    const encoder = this.parts.gpu.device.createCommandEncoder();
    this.words.tasks(prepared);
    const size = { position, rows: 1 };
    this.encoding.encode(encoder, [network.reopen], { ...size, closing: reopen?.count ?? 0 });
    this.encoding.encode(encoder, [network.close], { ...size, closing: close?.count ?? 0 });
    this.submit(encoder);
  }

  private checkOpen(): void {
    if (this.closed) throw new EngineError('aborted', 'The model was closed.');
  }

  /** @returns the position of the last row */
  private encodeBody(
    encoder: GPUCommandEncoder,
    rows: StepRequest['rows'],
    step: Pick<StepRequest, 'position' | 'tokens'> & { readonly prepared: PreparedStep; readonly draw: number },
  ): number {
    const { position, tokens, prepared, draw } = step;
    const { scratch } = this.parts[rows];
    const count = this.words.tokens(encoder, scratch, tokens);
    const { reopen, close, body } = this.network(rows, count);
    this.words.step(scratch, position, count, prepared.tableEntry, draw);
    this.words.tasks(prepared);
    const { encoding } = this;
    if (prepared.reopen) encoding.encode(encoder, [reopen], { position, rows: count, closing: prepared.reopen.count });
    const size: StepSize = { position, rows: count, closing: prepared.close?.count ?? 0 };
    encoding.encode(encoder, [close, body], size);
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
    this.words.step(few.scratch, position + firstRow, rows, prepared.tableEntry, draw);
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
