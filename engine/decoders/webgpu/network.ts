// The model as a list of commands: kernels bound to weights, activations, pages. Made by webgpu-decoder.ts, one for a few
// rows (decoding, verification) and one for many (chunks of prompts); encoded by steps.ts once a step. Everything that a
// command needs is made here, once; encoding creates nothing. When the page pool grows its buffers change, and the network
// is bound again.
// A layer, for a few rows, in six commands:
//
//   hidden -> norm, query/key/value, rotary turn, append to the page -> attention over splits of pages -> joined
//          -> output projection, added to hidden -> norm, gate/up, activation -> down, added to hidden
//
// Knows nothing of sequences and of choosing.

import type { ModelSpec } from '../../weights/model.js';
import { layerFacts } from '../../weights/architectures.js';
import type { BufferOf, Dispatch, Kernel, Slots, Workgroups } from '../../../kernels/wgsl/kernel.js';
import { layerBytes } from '../../../kernels/wgsl/kv-pages.js';
import type { LayerKernels, ProductKernel } from './kernels.js';
import type { PagePool } from './page-pool.js';
import type { LoadPlan } from './plan.js';
import type { Scratch } from './scratch.js';
import type { GpuWeights, MatrixBuffers } from './weights.js';

/** What sizes of commands depend on. */
export interface StepSize {
  /** Of the first row. */
  readonly position: number;
  readonly rows: number;
  /** Pages to be closed in this step (or opened again, for those commands). */
  readonly closing: number;
  /** Positions of the rows, where each is of a sequence of its own. */
  readonly apart?: readonly number[];
}

/** One dispatch of a step. */
export interface Command {
  readonly dispatch: Dispatch;
  /** Workgroups for this step, where they are not always the dispatch's; null leaves the command out. */
  readonly grid?: (size: StepSize) => Workgroups | null;
}

/** A network bound to buffers as they are now. */
export interface BoundNetwork {
  /** Opens int8 pages again, before anything else. */
  readonly reopen: readonly Command[];
  /** Closes pages that are complete, next; none where that happens within the body. */
  readonly close: readonly Command[];
  readonly body: readonly Command[];
}

/** Where each layer's small uniform begins: as far apart as bindings must be. */
const layerStride = 256;

export interface NetworkParts {
  readonly spec: ModelSpec;
  readonly plan: LoadPlan;
  readonly weights: GpuWeights;
  readonly pool: PagePool;
  readonly shared: SharedBuffers;
  readonly scratch: Scratch;
  readonly kernels: NetworkKernels;
}

/** What kernels are bound to. */
export type UnboundParts = Omit<NetworkParts, 'kernels'>;

export interface NetworkKernels {
  readonly embed: readonly SizedKernel[];
  readonly layers: readonly LayerKernels[];
  /** Between products and attention, where products see no whole heads. */
  readonly heads: SizedKernel | null;
  readonly attention: AttentionKernels;
  /** Null where pages never close. */
  readonly paging: PagingKernels | null;
}

/** A kernel whose grid depends on the number of rows. */
export interface SizedKernel {
  readonly kernel: Kernel<Slots>;
  readonly grid: (rows: number) => Workgroups;
}

export interface AttentionKernels {
  readonly attend: Kernel<Slots>;
  readonly grid: (size: StepSize, window: number) => Workgroups;
  /** Joins splits, where attention has such; its grid is null when there is nothing to join. */
  readonly reduce?: { readonly kernel: Kernel<Slots>; readonly grid: AttentionGrid };
  /** Pages are closed layer by layer, within the step that fills them. */
  readonly closesWithin: boolean;
}

type AttentionGrid = (size: StepSize, window: number) => Workgroups | null;

export interface PagingKernels {
  readonly close: Kernel<Slots>;
  readonly reopen: Kernel<Slots>;
  readonly grid: (pages: number, layers: number) => Workgroups;
}

/** Uniforms and tables that all networks of a decoder read. */
export interface SharedBuffers {
  /** `Layer` uniforms, `layerStride` apart. */
  readonly layers: GPUBuffer;
  /** Cosines and sines for each layer. */
  readonly rope: readonly GPUBuffer[];
  /** uint32 [4]: first page-table entry of what is to be closed, and of what is to be opened again. */
  readonly closeTask: GPUBuffer;
  readonly reopenTask: GPUBuffer;
}

export const layerUniform = (shared: SharedBuffers, layer: number): GPUBufferBinding => ({
  buffer: shared.layers,
  offset: layer * layerStride,
  size: layerBytes,
});

/** The contents of `SharedBuffers.layers`. */
export function layerUniforms(spec: ModelSpec, layersPerBuffer: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array((spec.layers * layerStride) / 4);
  for (let layer = 0; layer < spec.layers; layer++) {
    words[(layer * layerStride) / 4] = layer % layersPerBuffer;
    words[(layer * layerStride) / 4 + 1] = layerFacts(spec, layer).window ?? 0;
  }
  return words;
}

/** Everything from tokens to the hidden state after the last layer. */
export function bindNetwork(parts: NetworkParts): BoundNetwork {
  const { weights, scratch, kernels } = parts;
  const { step, hidden, tokens, projected } = scratch;
  const { attention, heads } = kernels;
  const body: Command[] = [];
  weights.parts('embedding').forEach((part, i) => {
    const { kernel, grid } = kernels.embed[i] as SizedKernel;
    body.push(growing(kernel.dispatch({ step, tokens, ...bufferSlots(part), y: hidden }, [1, 1, 1]), grid));
  });
  kernels.layers.forEach((layer, index) => {
    const buffers = layerBuffers(parts, index);
    const product = (name: keyof LayerKernels): void => {
      body.push(...bindProduct(layer[name], weights.parts(`layers.${index}.${name}`), buffers[name]));
    };
    product('queryKeyValue');
    if (heads !== null) {
      const placing = { ...buffers.queryKeyValue, x: projected };
      body.push(growing(heads.kernel.dispatch(placing, [1, 1, 1]), heads.grid));
    }
    if (attention.closesWithin) body.push(...bindPaging(parts, 'close', index));
    body.push(...bindAttention(attention, parts, index));
    product('attentionOutput');
    product('gateUp');
    product('down');
  });
  const close = attention.closesWithin ? [] : bindPaging(parts, 'close');
  return { reopen: bindPaging(parts, 'reopen'), close, body };
}

/** Slots of a layer's products, but for the matrices'. Kernels take of them what they have. */
export function layerBuffers(
  { weights, scratch, plan, pool, shared }: UnboundParts,
  layer: number,
): Record<keyof LayerKernels, Record<string, BufferOf>> {
  const { step, hidden, attended, gated, projected, query } = scratch;
  const vectors = record(weights, layer, plan.vectorLayout.recordBytes);
  const normed = { step, x: hidden, state: hidden, vectors };
  return {
    queryKeyValue: {
      ...normed,
      ...pageBuffers(pool, shared, layer),
      rope: shared.rope[layer] as GPUBuffer,
      q: query,
      y: projected,
    },
    attentionOutput: { step, x: attended, y: hidden },
    gateUp: { ...normed, y: gated },
    down: { step, x: gated, y: hidden },
  };
}

const pageBuffers = (pool: PagePool, shared: SharedBuffers, layer: number) => ({
  layer: layerUniform(shared, layer),
  pages: pool.table,
  floats: pool.floats.bufferOf(layer).buffer,
});

/** Slots of the head, but for its matrix's. */
export function headBuffers({ spec, weights, scratch, plan }: UnboundParts, logits: GPUBuffer) {
  const { step, hidden } = scratch;
  const vectors = record(weights, spec.layers, plan.vectorLayout.recordBytes);
  return { step, x: hidden, state: hidden, vectors, y: logits };
}

/** From a hidden state to logits float32 [rows, vocabulary]. */
export const bindHead = (
  parts: UnboundParts,
  kernels: readonly ProductKernel[],
  logits: GPUBuffer,
): readonly Command[] => bindProduct(kernels, parts.weights.parts(headName(parts.spec)), headBuffers(parts, logits));

/** The plan's name of the head's matrix. */
export const headName = ({ tiedHead }: ModelSpec): string => (tiedHead ? 'embedding' : 'head');

function bindProduct(
  kernels: readonly ProductKernel[],
  matrices: readonly MatrixBuffers[],
  buffers: Record<string, BufferOf>,
): Command[] {
  return kernels.map(({ kernel, grid }, i) => {
    const all = { ...buffers, ...bufferSlots(matrices[i] as MatrixBuffers) };
    return growing(kernel.dispatch(all, grid(1)), grid);
  });
}

function bindAttention(
  { attend, grid, reduce }: AttentionKernels,
  { scratch, pool, spec, shared }: NetworkParts,
  layer: number,
): Command[] {
  const { step, query: q, attended, parts } = scratch;
  const quants = pool.closed?.bufferOf(layer).buffer;
  const pages = pageBuffers(pool, shared, layer);
  const buffers = { step, ...pages, q, parts, attended, ...(quants && { quants }) };
  const window = layerFacts(spec, layer).window ?? 0;
  const commands: Command[] = [{ dispatch: attend.dispatch(buffers, [1, 1, 1]), grid: (size) => grid(size, window) }];
  if (reduce !== undefined) {
    const dispatch = reduce.kernel.dispatch(buffers, [1, 1, 1]);
    commands.push({ dispatch, grid: (size) => reduce.grid(size, window) });
  }
  return commands;
}

/** Closes or opens again the pages of a task, in one layer or in all. */
function bindPaging(
  { kernels: { paging }, pool, shared, spec }: NetworkParts,
  what: 'close' | 'reopen',
  only?: number,
): Command[] {
  const { closed, floats, table, layersPerBuffer } = pool;
  if (paging === null || closed === null) return [];
  const commands: Command[] = [];
  const end = only === undefined ? spec.layers : only + 1;
  for (let layer = only ?? 0; layer < end; layer += layersPerBuffer) {
    const layers = Math.min(layersPerBuffer, end - layer);
    const dispatch = paging[what].dispatch(
      {
        layer: layerUniform(shared, layer),
        task: what === 'close' ? shared.closeTask : shared.reopenTask,
        pages: table,
        floats: floats.bufferOf(layer).buffer,
        quants: closed.bufferOf(layer).buffer,
      },
      [1, 1, 1],
    );
    commands.push({ dispatch, grid: ({ closing }) => (closing === 0 ? null : paging.grid(closing, layers)) });
  }
  return commands;
}

const growing = (dispatch: Dispatch, grid: (rows: number) => Workgroups): Command => ({
  dispatch,
  grid: (size) => grid(size.rows),
});

export const bufferSlots = ({ weights, scales }: MatrixBuffers): Record<string, GPUBuffer> => ({
  weights,
  ...(scales && { scales }),
});

const record = (weights: GpuWeights, index: number, recordBytes: number): GPUBufferBinding => ({
  buffer: weights.vectors,
  offset: index * recordBytes,
  size: recordBytes,
});
