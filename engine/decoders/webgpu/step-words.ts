// The small numbers of a step, written where its commands find them: ids of its tokens, the `Step` uniform, which pages are
// to be closed or opened again. Written into the queue, so they hold for what is submitted after them and for nothing before.
// Called by steps.ts alone. Knows layouts, nothing of commands.

import { packRowsApart, packStep, stepBytes } from '../../../kernels/wgsl/step.js';
import type { Scratch } from './scratch.js';
import type { PreparedStep } from './sequence-pages.js';
import type { Fed, RowRequest, StepParts, StepRequest } from './step-parts.js';

export interface PreparedRow {
  readonly row: RowRequest;
  readonly prepared: PreparedStep;
}

export class StepWords {
  private readonly stepWords = new Uint32Array(stepBytes / 4);
  private readonly taskWords = new Uint32Array(4);
  private readonly ids: Uint32Array<ArrayBuffer>;

  constructor(private readonly parts: Pick<StepParts, 'gpu' | 'ring' | 'recordBytes' | 'few' | 'many' | 'tasks'>) {
    this.ids = new Uint32Array(parts.many.scratch.rows);
  }

  /** @returns how many there are */
  tokens(encoder: GPUCommandEncoder, scratch: Scratch, tokens: StepRequest['tokens']): number {
    if ('record' in tokens) {
      this.fed(encoder, scratch, [tokens]);
      return 1;
    }
    this.ids.set(tokens);
    this.write(scratch.tokens, this.ids, tokens.length);
    return tokens.length;
  }

  /** Rows that follow one another. */
  step(scratch: Scratch, position: number, rows: number, pageTable: number, draw: number): void {
    packStep({ position, rows, pageTable, draw }, this.stepWords);
    this.write(scratch.step, this.stepWords);
  }

  /** Tokens and places of rows that are apart. */
  rows(encoder: GPUCommandEncoder, rows: readonly PreparedRow[], draw: number): void {
    const { scratch } = this.parts.few;
    this.fed(
      encoder,
      scratch,
      rows.map(({ row }) => row.token),
    );
    const places = rows.map(({ row, prepared }) => ({ position: row.position, pageTable: prepared.tableEntry }));
    packRowsApart(places, draw, this.stepWords);
    this.write(scratch.step, this.stepWords);
  }

  tasks({ tableEntry, close, reopen }: PreparedStep): void {
    const { closeTask, reopenTask } = this.parts.tasks;
    this.task(closeTask, tableEntry, close?.first);
    this.task(reopenTask, tableEntry, reopen?.first);
  }

  /** Ids that JavaScript knows, and those that are still on the GPU, from the records of the steps before. */
  private fed(encoder: GPUCommandEncoder, scratch: Scratch, tokens: readonly Fed[]): void {
    const { ring, recordBytes } = this.parts;
    if (tokens.some(({ id }) => id !== null)) {
      this.ids.set(tokens.map(({ id }) => id ?? 0));
      this.write(scratch.tokens, this.ids, tokens.length);
    }
    tokens.forEach(({ id, record }, at) => {
      if (id === null) encoder.copyBufferToBuffer(ring.results, record * recordBytes, scratch.tokens, at * 4, 4);
    });
  }

  private task(task: GPUBuffer, tableEntry: number, page: number | undefined): void {
    if (page === undefined) return;
    this.taskWords[0] = tableEntry + page;
    this.write(task, this.taskWords);
  }

  private write(buffer: GPUBuffer, words: Uint32Array<ArrayBuffer>, count = words.length): void {
    this.parts.gpu.device.queue.writeBuffer(buffer, 0, words, 0, count);
  }
}
