// What all sequences of a decoder keep their keys and values in: stores of float and int8 pages, and the table through
// which kernels find a sequence's pages. Made by webgpu-decoder.ts, borrowed from by sequence-pages.ts. The pages' layout
// is kv/page-layout.ts's; which page is seen how is decided there too, by position.

import { floatLayerBytes, int8LayerLayout, type KvPrecision, type KvShape, pageTokens } from '../../kv/page-layout.js';
import { mostApart } from '../../../kernels/wgsl/step.js';
import { type GpuWatch, withinMemory } from '../gpu.js';
import { SlotStore } from './slot-store.js';

/** "No slot", in the table. */
const none = 0xffff_ffff;

/** Bytes of float pages that are made at once when a decoder opens; more come as texts grow. */
const firstBytes = 16 * 2 ** 20;

/** Sequences whose rows of the table are made at once. */
const firstRegions = 8;

export interface PagePoolOptions {
  readonly shape: KvShape;
  readonly precision: KvPrecision;
  readonly contextLength: number;
  readonly largestBinding: number;
}

export class PagePool {
  readonly floats: SlotStore;
  /** Null where pages never close. */
  readonly closed: SlotStore | null;
  /** Layers in a buffer of either store. */
  readonly layersPerBuffer: number;
  /** Entries of a sequence's region of the table. */
  readonly regionPages: number;
  /** Counts the replacements of the table's buffer. */
  tableGeneration = 0;
  private tableBuffer: GPUBuffer | null = null;
  /** uint32 pairs: float slot, int8 slot. */
  private mirror = new Uint32Array(0);
  private readonly freeRegions: number[] = [];
  private regions = 0;

  constructor(
    private readonly gpu: GpuWatch,
    { shape, precision, contextLength, largestBinding }: PagePoolOptions,
  ) {
    this.regionPages = Math.ceil(contextLength / pageTokens);
    const int8 = precision === 'int8';
    // With int8 pages a text holds three pages of floats, and what a chunk of its prompt takes.
    const floats = {
      label: 'pages of floats',
      layerBytes: floatLayerBytes(shape),
      pages: int8 ? 16 : this.regionPages,
    };
    const closed = { label: 'pages of bytes', layerBytes: int8LayerLayout(shape).byteLength, pages: this.regionPages };
    // As many long texts as are decoded at once fit, for which layers are spread over several bindings: alike for both
    // kinds, as kernels want it. It costs nothing until they are there.
    const spread = (int8 ? [floats, closed] : [floats]).map(({ layerBytes, pages }) =>
      Math.ceil((shape.layers * layerBytes * pages * mostApart) / largestBinding),
    );
    this.layersPerBuffer = Math.ceil(shape.layers / Math.min(Math.max(...spread), shape.layers));
    const store = ({ label, layerBytes, pages }: typeof floats): SlotStore =>
      new SlotStore(gpu, {
        label,
        layerBytes,
        layers: shape.layers,
        layersPerBuffer: this.layersPerBuffer,
        firstSlots: Math.max(1, Math.min(pages, Math.floor(firstBytes / (layerBytes * shape.layers)))),
        largestBinding,
      });
    this.floats = store(floats);
    this.closed = int8 ? store(closed) : null;
  }

  /** Bytes that a text of so many tokens takes. */
  bytesOf(tokens: number): number {
    return Math.ceil(tokens / pageTokens) * (this.closed ?? this.floats).slotBytes;
  }

  get table(): GPUBuffer {
    if (this.tableBuffer === null) throw new Error('the page table is not open');
    return this.tableBuffer;
  }

  /** Changes when any buffer was replaced. */
  get generation(): number {
    return this.floats.generation + (this.closed?.generation ?? 0) + this.tableGeneration;
  }

  async open(): Promise<void> {
    await this.floats.open();
    await this.closed?.open();
    await this.growTable(firstRegions);
  }

  /** @returns the number of the region's first entry */
  async takeRegion(): Promise<number> {
    if (this.freeRegions.length === 0) await this.growTable(this.regions * 2);
    return (this.freeRegions.pop() as number) * this.regionPages;
  }

  giveRegion(firstEntry: number): void {
    this.freeRegions.push(firstEntry / this.regionPages);
  }

  /** Effective for commands submitted from now on. */
  writeEntry(entry: number, floatSlot: number | null, closedSlot: number | null): void {
    this.mirror[entry * 2] = floatSlot ?? none;
    this.mirror[entry * 2 + 1] = closedSlot ?? none;
    this.gpu.device.queue.writeBuffer(this.table, entry * 8, this.mirror, entry * 2, 2);
  }

  dispose(): void {
    this.floats.dispose();
    this.closed?.dispose();
    this.tableBuffer?.destroy();
    this.tableBuffer = null;
  }

  private async growTable(regions: number): Promise<void> {
    const size = regions * this.regionPages * 8;
    const { buffer } = await withinMemory(this.gpu, 'the page table', () => {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
      const made = this.gpu.device.createBuffer({ label: 'page table', size, usage });
      return { buffer: made, dispose: () => made.destroy() };
    });
    const mirror = new Uint32Array(size / 4).fill(none);
    mirror.set(this.mirror);
    this.mirror = mirror;
    this.tableBuffer?.destroy();
    this.tableBuffer = buffer;
    this.gpu.device.queue.writeBuffer(buffer, 0, mirror);
    for (let region = regions - 1; region >= this.regions; region--) this.freeRegions.push(region);
    this.regions = regions;
    this.tableGeneration += 1;
  }
}
