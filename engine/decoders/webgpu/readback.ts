// How results come back from the GPU without anyone waiting for the last step: a ring of places for a step's records, each
// with a mappable copy. A step takes a place, its commands fill it, and reading maps the copy when the GPU is there. Called
// by steps.ts. A place is given back when its records are in JavaScript; until then no other step writes there, so that a
// later step may take its token from it. Who finds no place waits for one.
// What goes wrong: a lost device rejects reads (`device-lost`, by GpuWatch).

import type { GpuWatch } from '../gpu.js';

export interface Place {
  /** Index of its first record. */
  readonly firstRecord: number;
  /** Adds the copy of `rows` records to a step's commands. */
  copy(encoder: GPUCommandEncoder, rows: number): void;
  /**
   * After the submit. Gives the place back.
   * @param use is given uint32 [rows, recordWords] while the place is still taken: no later step has written there yet
   */
  read<T>(rows: number, use: (words: Uint32Array) => T): Promise<T>;
  /** Instead of `read`, when nothing was submitted. */
  giveBack(): void;
}

export interface ReadbackOptions {
  /** Steps in flight at most. */
  readonly places: number;
  /** Records of a step at most. */
  readonly records: number;
  readonly recordWords: number;
}

export class ReadbackRing {
  /** uint32 [places * records, recordWords]: where kernels write. */
  readonly results: GPUBuffer;
  private readonly copies: readonly GPUBuffer[];
  private readonly free: number[];
  private readonly waiting: ((place: number) => void)[] = [];
  private disposed = false;

  /** To be called within a memory scope. */
  constructor(
    private readonly gpu: GpuWatch,
    private readonly options: ReadbackOptions,
  ) {
    const { places, records, recordWords } = options;
    const size = records * recordWords * 4;
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    const { device } = gpu;
    this.results = device.createBuffer({ label: 'choices', size: places * size, usage: STORAGE | COPY_SRC });
    this.copies = Array.from({ length: places }, () =>
      device.createBuffer({ label: 'choices to read', size, usage: MAP_READ | COPY_DST }),
    );
    this.free = [...this.copies.keys()];
  }

  async take(): Promise<Place> {
    const place = this.free.pop() ?? (await new Promise<number>((resolve) => this.waiting.push(resolve)));
    const { records, recordWords } = this.options;
    const copy = this.copies[place] as GPUBuffer;
    const firstRecord = place * records;
    return {
      firstRecord,
      copy: (encoder, rows) => {
        encoder.copyBufferToBuffer(this.results, firstRecord * recordWords * 4, copy, 0, rows * recordWords * 4);
      },
      read: async (rows, use) => {
        const bytes = rows * recordWords * 4;
        try {
          await this.gpu.guard(() => copy.mapAsync(GPUMapMode.READ, 0, bytes));
          const words = new Uint32Array(copy.getMappedRange(0, bytes).slice(0));
          copy.unmap();
          return use(words);
        } finally {
          this.give(place);
        }
      },
      giveBack: () => this.give(place),
    };
  }

  dispose(): void {
    this.disposed = true;
    this.results.destroy();
    for (const copy of this.copies) copy.destroy();
  }

  private give(place: number): void {
    const next = this.waiting.shift();
    if (next !== undefined && !this.disposed) next(place);
    else this.free.push(place);
  }
}
