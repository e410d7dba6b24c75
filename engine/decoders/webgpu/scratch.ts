// Activations of a pass: buffers for so many rows of tokens, made once and reused by every step of every sequence. A decoder
// has two: a small one for decoding and verification, a larger one for chunks of prompts. Called by network.ts.
// Steps of different sequences may share them because the GPU runs submits in order.
// Where a family has post-norms (Gemma), the hidden state lives in `state`, three blocks of [rows, hidden]: two take turns
// as the hidden state, the third holds a block's raw result until the next kernel normalises and adds it.

import type { ModelSpec } from '../../weights/model.js';
import { stepBytes } from '../../../kernels/wgsl/step.js';

/** Offsets of the blocks of `state`, in floats. */
export interface StateBlocks {
  readonly first: number;
  readonly second: number;
  readonly pending: number;
  readonly end: number;
}

export const stateBlocks = (rows: number, hiddenSize: number): StateBlocks => ({
  first: 0,
  second: rows * hiddenSize,
  pending: 2 * rows * hiddenSize,
  end: 3 * rows * hiddenSize,
});

export interface Scratch {
  /** Rows that fit. */
  readonly rows: number;
  /** uint32 [rows]: ids of the step's tokens. */
  readonly tokens: GPUBuffer;
  /** The `Step` uniform. */
  readonly step: GPUBuffer;
  /** float32 [rows, hidden], or the three blocks of `state`. */
  readonly hidden: GPUBuffer;
  /** float32 [rows, heads * headSize], turned. */
  readonly query: GPUBuffer;
  /** float32 [rows, heads * headSize]. */
  readonly attended: GPUBuffer;
  /** Attention's parts of splits. */
  readonly parts: GPUBuffer;
  /** float32 [rows, feedForwardSize]. */
  readonly gated: GPUBuffer;
  /** float32 [rows, (heads + 2 kvHeads) * headSize]: queries, keys and values before their norms; small where unused. */
  readonly projected: GPUBuffer;
  readonly byteLength: number;
  dispose(): void;
}

export interface ScratchOptions {
  readonly spec: ModelSpec;
  readonly postNorms: boolean;
  readonly rows: number;
  /** Of attention's parts. */
  readonly partBytes: number;
  /** Whether norms over heads have a kernel of their own. */
  readonly projects: boolean;
}

/** To be called within a memory scope (`withinMemory`). */
export function createScratch(
  device: GPUDevice,
  { spec, postNorms, rows, partBytes, projects }: ScratchOptions,
): Scratch {
  const { hiddenSize, feedForwardSize, heads, headSize } = spec;
  const made: GPUBuffer[] = [];
  const make = (label: string, bytes: number, usage: number): GPUBuffer => {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const buffer = device.createBuffer({ label: `${label} x${rows}`, size, usage });
    made.push(buffer);
    return buffer;
  };
  const { STORAGE, UNIFORM, COPY_DST, COPY_SRC } = GPUBufferUsage;
  const floats = (label: string, columns: number, usage = 0): GPUBuffer =>
    make(label, rows * columns * 4, STORAGE | usage);
  return {
    rows,
    tokens: make('tokens', rows * 4, STORAGE | COPY_DST),
    step: make('step', stepBytes, UNIFORM | COPY_DST),
    hidden: floats('hidden', postNorms ? 3 * hiddenSize : hiddenSize, COPY_SRC | COPY_DST),
    query: floats('query', heads * headSize),
    attended: floats('attended', heads * headSize),
    parts: make('attention parts', partBytes, STORAGE),
    gated: floats('gated', feedForwardSize),
    projected: floats('projected', projects ? (heads + 2 * spec.kvHeads) * headSize : 0),
    byteLength: made.reduce((sum, { size }) => sum + size, 0),
    dispose: () => made.forEach((buffer) => buffer.destroy()),
  };
}
