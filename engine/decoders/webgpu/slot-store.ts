// GPU memory for pages of one kind (float or int8): slots of one size in one buffer, or, where one buffer would be larger
// than the device can bind, in several of which each holds the same layers of every slot. Called by page-pool.ts.
// Slots are numbers; who holds which is the borrower's affair. The store grows when it is full: larger buffers, one copy on
// the GPU, and a new `generation`, so that whoever bound the old ones binds again.
// What goes wrong: no room (`out-of-memory`); what was there stays as it was.

import { type GpuWatch, outOfGpuMemory, withinMemory } from '../gpu.js';

export interface SlotStoreOptions {
  readonly label: string;
  readonly layers: number;
  /** Bytes of one layer of a slot. */
  readonly layerBytes: number;
  /** Layers in a buffer; the last buffer may have room for some that the model lacks. */
  readonly layersPerBuffer: number;
  readonly firstSlots: number;
  readonly largestBinding: number;
}

/** Layers `firstLayer` ... of every slot; slot s begins at s * `layersPerBuffer` * layerBytes. */
export interface LayerBuffer {
  readonly firstLayer: number;
  readonly buffer: GPUBuffer;
}

/**
 * A store doubles, but grows by no more bytes than this unless more are asked for: old and new buffers are there together
 * for a moment, and what one text needed stays taken until the decoder goes.
 */
const largestGrowth = 128 * 2 ** 20;

export class SlotStore {
  /** Counts the growths. */
  generation = 0;
  private buffers: readonly GPUBuffer[] = [];
  private capacity = 0;
  private readonly free: number[] = [];
  private growing: Promise<void> | null = null;
  private disposed = false;

  constructor(
    private readonly gpu: GpuWatch,
    private readonly options: SlotStoreOptions,
  ) {}

  /** Bytes of a slot, all layers. */
  get slotBytes(): number {
    return this.options.layers * this.options.layerBytes;
  }

  /** The buffer that holds a layer. */
  bufferOf(layer: number): LayerBuffer {
    const { layersPerBuffer } = this.options;
    const index = Math.floor(layer / layersPerBuffer);
    return { firstLayer: index * layersPerBuffer, buffer: this.buffers[index] as GPUBuffer };
  }

  /** Makes the first slots. */
  open(): Promise<void> {
    return this.reserve(this.options.firstSlots);
  }

  /** Free slots afterwards: at least `count`. @throws EngineError `out-of-memory` */
  async reserve(count: number): Promise<void> {
    while (this.free.length < count) {
      this.growing ??= this.grow(this.capacity + count - this.free.length).finally(() => (this.growing = null));
      await this.growing;
    }
  }

  /** Takes `count` slots, all or none. */
  async acquire(count: number): Promise<number[]> {
    // Whoever waited for the same growth may have taken them meanwhile.
    while (this.free.length < count) await this.reserve(count);
    return this.free.splice(-count, count);
  }

  give(slot: number): void {
    this.free.push(slot);
  }

  dispose(): void {
    this.disposed = true;
    for (const buffer of this.buffers) buffer.destroy();
    this.buffers = [];
  }

  private async grow(least: number): Promise<void> {
    const { largestBinding, layerBytes, layersPerBuffer, label } = this.options;
    const step = Math.min(this.capacity, Math.floor(largestGrowth / this.slotBytes));
    const most = Math.floor(largestBinding / (layersPerBuffer * layerBytes));
    if (least > most) throw outOfGpuMemory(`${least} ${label} are more than this device can bind`);
    const grown = Math.min(Math.max(least, this.capacity + step), most);
    try {
      await this.resize(grown);
    } catch (error) {
      if (grown === least) throw error;
      await this.resize(least);
    }
  }

  private async resize(slots: number): Promise<void> {
    const { label, layers, layerBytes, layersPerBuffer } = this.options;
    const { device } = this.gpu;
    const size = slots * layersPerBuffer * layerBytes;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const count = Math.ceil(layers / layersPerBuffer);
    const made = await withinMemory(this.gpu, `${slots} ${label}`, () => {
      const buffers = Array.from({ length: count }, () => device.createBuffer({ label, size, usage }));
      return { buffers, dispose: () => buffers.forEach((buffer) => buffer.destroy()) };
    });
    if (this.disposed) {
      made.dispose();
      throw outOfGpuMemory('the decoder was closed');
    }
    if (this.capacity > 0) {
      const encoder = device.createCommandEncoder({ label: `more ${label}` });
      this.buffers.forEach((old, i) => {
        encoder.copyBufferToBuffer(old, 0, made.buffers[i] as GPUBuffer, 0, old.size);
      });
      device.queue.submit([encoder.finish()]);
      for (const old of this.buffers) old.destroy();
    }
    // Lowest slots are handed out first.
    this.free.unshift(...Array.from({ length: slots - this.capacity }, (_, i) => slots - 1 - i));
    this.buffers = made.buffers;
    this.capacity = slots;
    this.generation += 1;
  }
}
