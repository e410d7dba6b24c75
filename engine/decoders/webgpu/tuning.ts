// The autotuner: which spread of each matrix-vector product is fastest on this device, measured once for a product's shape
// with the model's own buffers (what is in them does not change speed) and remembered per adapter and kernel version.
// Called by machine.ts when a model opens. Knows candidates (kernels/wgsl/matvec-shapes.ts), no device by name.
// A search has a second and a half for measuring; what it did not get to, and what is not clearly better than the guess,
// stays the guess. Software WebGPU is not measured: its candidates differ little and compile slowly.
// What goes wrong: a candidate that a driver refuses is left out; a store that fails, or holds what it should not, counts
// as empty. A search never makes loading fail, except for a lost device and an abort.

import {
  type BufferOf,
  createKernel,
  type Dispatch,
  encode,
  type DeviceTraits,
  KernelError,
} from '../../../kernels/wgsl/kernel.js';
import { type MatvecShape, matvecSource, type MatvecSpec, matvecWorkgroups } from '../../../kernels/wgsl/matvec.js';
import { matvecShapes, shapeFits } from '../../../kernels/wgsl/matvec-shapes.js';
import type { GpuWatch } from '../gpu.js';
import { headProducts, type KernelFacts, layerProducts, type Product } from './kernels.js';
import { bufferSlots, headBuffers, headName, layerBuffers, type UnboundParts } from './network.js';
import { productKey, type ShapeChoice } from './shapes.js';
import type { MatrixBuffers } from './weights.js';

/** Remembers what was measured. In the host it is IndexedDB, in tests a map. */
export interface TuningStore {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
}

/** Raised when the matrix-vector kernels change so that former measurements mean nothing. */
const kernelVersion = 1;

const budgetMs = 1500;
/** What one measurement should take: long against the jitter of a submit. */
const runMs = 6;
/** The guess stays unless another takes less than this part of its time. */
const clearlyBetter = 0.95;

/** A product and where it occurs: every occurrence is run, so that weights do not come from a cache. */
interface Occurrences {
  readonly product: Product;
  readonly at: { readonly buffers: Readonly<Record<string, BufferOf>>; readonly part: MatrixBuffers }[];
}

export interface TuningParts {
  readonly gpu: GpuWatch;
  readonly traits: DeviceTraits;
  /** Of the small scratch. */
  readonly facts: KernelFacts;
  readonly buffers: UnboundParts;
  readonly logits: GPUBuffer;
}

export class Tuning {
  private readonly products: ReadonlyMap<string, Occurrences>;
  private readonly storeKey: string;

  constructor(
    private readonly parts: TuningParts,
    private readonly store: TuningStore,
  ) {
    this.products = collect(parts);
    const { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize } =
      parts.gpu.device.adapterInfo;
    const { subgroups } = parts.traits;
    const adapter = [vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize, subgroups];
    this.storeKey = `webgpu shapes ${kernelVersion} ${adapter.join('/')}`;
  }

  /** What is remembered for these products; null when any is missing. */
  async remembered(): Promise<ShapeChoice | null> {
    const choice = await this.read();
    return [...this.products.keys()].every((key) => choice.has(key)) ? choice : null;
  }

  /** Measures and remembers. @param ready resolves when the weights are there: until then candidates are compiled */
  async search(ready: Promise<unknown>, signal: AbortSignal): Promise<ShapeChoice> {
    const choice = new Map(await this.read());
    const wanted = [...this.products].filter(([key]) => !choice.has(key));
    const compiled = await Promise.all(
      wanted.map(async ([key, { product }]) => ({ key, kernels: await this.compile(product) })),
    );
    await ready;
    const began = performance.now();
    const measured = new Map<string, MatvecShape>();
    for (const { key, kernels } of compiled) {
      const { at } = this.products.get(key) as Occurrences;
      let best: { shape: MatvecShape; time: number } | null = null;
      for (const { shape, dispatchOf } of kernels) {
        if (signal.aborted || performance.now() - began > budgetMs) break;
        const time = await this.time(at.map(dispatchOf));
        // The first one is the guess.
        if (best === null || time < best.time * (best.shape === kernels[0]?.shape ? clearlyBetter : 1)) {
          best = { shape, time };
        }
      }
      if (best !== null) measured.set(key, best.shape);
    }
    for (const [key, shape] of measured) choice.set(key, shape);
    await this.store.set(this.storeKey, Object.fromEntries(choice)).catch(() => undefined); // full or forbidden: next time
    return choice;
  }

  private async compile(product: Product) {
    const { gpu, traits } = this.parts;
    const made = await Promise.all(
      matvecShapes(traits, product.output).map(async (shape) => {
        const { matrix, input, output } = product;
        const spec: MatvecSpec = { matrix, input, output, shape, batch: 1 };
        try {
          const kernel = await createKernel(gpu.device, matvecSource(spec, traits));
          const grid = matvecWorkgroups(spec);
          const dispatchOf = ({ buffers, part }: Occurrences['at'][number]): Dispatch =>
            kernel.dispatch({ ...buffers, ...bufferSlots(part) }, grid);
          return { shape, dispatchOf };
        } catch (error) {
          if (error instanceof KernelError) return null;
          throw error;
        }
      }),
    );
    return made.filter((each) => each !== null);
  }

  /** Milliseconds of one round over the dispatches: the least of three runs. */
  private async time(dispatches: readonly Dispatch[]): Promise<number> {
    const once = await this.run(dispatches, 1);
    const rounds = Math.max(1, Math.min(200, Math.round(runMs / Math.max(once, 0.02))));
    const runs = [await this.run(dispatches, rounds), await this.run(dispatches, rounds)];
    return Math.min(...runs) / rounds;
  }

  private async run(dispatches: readonly Dispatch[], rounds: number): Promise<number> {
    const { gpu } = this.parts;
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let round = 0; round < rounds; round++) for (const dispatch of dispatches) encode(pass, dispatch);
    pass.end();
    const commands = encoder.finish();
    const began = performance.now();
    gpu.device.queue.submit([commands]);
    await gpu.guard(() => gpu.device.queue.onSubmittedWorkDone());
    return performance.now() - began;
  }

  /** What the store says, as far as it makes sense here. */
  private async read(): Promise<Map<string, MatvecShape>> {
    const known = new Map<string, MatvecShape>();
    const stored = await this.store.get(this.storeKey).catch(() => undefined);
    if (typeof stored !== 'object' || stored === null) return known;
    for (const [key, shape] of Object.entries(stored)) {
      if (!isShape(shape)) continue;
      const product = this.products.get(key)?.product;
      // Shapes of other models' products are kept as they are.
      if (product === undefined || this.offered(product, shape)) known.set(key, shape);
    }
    return known;
  }

  private offered({ output }: Product, shape: MatvecShape): boolean {
    const { traits } = this.parts;
    const same = (other: MatvecShape): boolean => JSON.stringify(asShape(other)) === JSON.stringify(asShape(shape));
    return matvecShapes(traits, output).some(same) && shapeFits({ batch: 1, output }, shape, traits);
  }
}

/** Every distinct product, with all its occurrences. */
function collect({ facts, buffers, logits }: TuningParts): Map<string, Occurrences> {
  const products = new Map<string, Occurrences>();
  const add = (
    product: Product,
    part: MatrixBuffers | undefined,
    slots: Occurrences['at'][number]['buffers'],
  ): void => {
    if (part === undefined) return;
    const key = productKey(product);
    const known = products.get(key) ?? { product, at: [] };
    known.at.push({ buffers: slots, part });
    products.set(key, known);
  };
  for (let layer = 0; layer < facts.spec.layers; layer++) {
    const slots = layerBuffers(buffers, layer);
    for (const [name, list] of Object.entries(layerProducts(facts, layer))) {
      const parts = buffers.weights.parts(`layers.${layer}.${name}`);
      list.forEach((product, i) => add(product, parts[i], slots[name as keyof typeof slots]));
    }
  }
  const head = buffers.weights.parts(headName(facts.spec));
  headProducts(facts).forEach((product, i) => add(product, head[i], headBuffers(buffers, logits)));
  return products;
}

function isShape(value: unknown): value is MatvecShape {
  if (typeof value !== 'object' || value === null) return false;
  const { workgroupSize, threads, results, staged } = value as Record<string, unknown>;
  return [workgroupSize, threads, results].every(Number.isInteger) && typeof staged === 'boolean';
}

const asShape = ({ workgroupSize, threads, results, staged }: MatvecShape) => [workgroupSize, threads, results, staged];
