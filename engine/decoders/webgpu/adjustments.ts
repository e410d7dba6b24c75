// What a request adds to logits before choosing, over the whole vocabulary on the GPU: bias, counts of penalised tokens, the
// mask of allowed ones. Called by choosing.ts, one for each request at a time. From one token to the next little changes,
// so only what changed is written; a copy of each array in JavaScript tells.

import type { ChooseOptions } from '../decoder.js';

/** Entries written one by one; more, and the whole array is written. */
const fewWrites = 32;

interface Mirrored<T extends Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>> {
  readonly buffer: GPUBuffer;
  /** What the buffer holds. */
  readonly values: T;
  /** Ids whose entry is not 0. */
  used: Set<number>;
}

export class Adjustments {
  /** By the names of the kernels' slots. */
  readonly buffers: Readonly<Record<'bias' | 'counts' | 'allowed', GPUBuffer>>;
  private readonly bias: Mirrored<Float32Array<ArrayBuffer>>;
  private readonly counts: Mirrored<Uint32Array<ArrayBuffer>>;
  private readonly allowed: Uint32Array<ArrayBuffer>;
  /** Whether the GPU has counted on its own. */
  private countsUnknown = false;
  private allAllowed = false;

  /** To be called within a memory scope. */
  constructor(
    private readonly device: GPUDevice,
    private readonly vocabularySize: number,
  ) {
    const make = (label: string, words: number): GPUBuffer =>
      device.createBuffer({ label, size: words * 4, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
    this.allowed = new Uint32Array(Math.ceil(vocabularySize / 32));
    this.buffers = {
      bias: make('logit bias', vocabularySize),
      counts: make('penalised tokens', vocabularySize),
      allowed: make('allowed tokens', this.allowed.length),
    };
    this.bias = { buffer: this.buffers.bias, values: new Float32Array(vocabularySize), used: new Set() };
    this.counts = { buffer: this.buffers.counts, values: new Uint32Array(vocabularySize), used: new Set() };
  }

  /** @param recount the counts on the GPU are not what was written there */
  set({ logitBias, penalised, allowed }: ChooseOptions, recount = false): void {
    this.update(this.bias, this.within(logitBias), false);
    const counts = new Map<number, number>();
    for (const id of penalised) counts.set(id, (counts.get(id) ?? 0) + 1);
    this.update(this.counts, this.within(counts), recount || this.countsUnknown);
    this.countsUnknown = false;
    this.allow(allowed);
  }

  forgetCounts(): void {
    this.countsUnknown = true;
  }

  dispose(): void {
    for (const buffer of Object.values(this.buffers)) buffer.destroy();
  }

  private within(entries: ReadonlyMap<number, number>): Map<number, number> {
    return new Map([...entries].filter(([id]) => Number.isInteger(id) && id >= 0 && id < this.vocabularySize));
  }

  private update(
    array: Mirrored<Float32Array<ArrayBuffer>> | Mirrored<Uint32Array<ArrayBuffer>>,
    wanted: Map<number, number>,
    whole: boolean,
  ): void {
    const { buffer, values } = array;
    const changed: number[] = [];
    for (const id of new Set([...array.used, ...wanted.keys()])) {
      const value = wanted.get(id) ?? 0;
      if (values[id] === Math.fround(value)) continue;
      values[id] = value;
      changed.push(id);
    }
    array.used = new Set(wanted.keys());
    const { queue } = this.device;
    if (whole || changed.length > fewWrites) queue.writeBuffer(buffer, 0, values);
    else for (const id of changed) queue.writeBuffer(buffer, id * 4, values, id, 1);
  }

  /** Tokens beyond the mask's last word are not allowed. */
  private allow(mask: Uint32Array | undefined): void {
    if (mask === undefined && this.allAllowed) return;
    this.allAllowed = mask === undefined;
    this.allowed.fill(mask === undefined ? 0xffff_ffff : 0);
    if (mask !== undefined) this.allowed.set(mask.subarray(0, this.allowed.length));
    this.device.queue.writeBuffer(this.buffers.allowed, 0, this.allowed);
  }
}
