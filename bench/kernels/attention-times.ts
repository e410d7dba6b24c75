// Times one kernel of attention or of choosing a token; called by kernels-page.ts. Pages hold zeros and lie one after the
// other: contents and order don't change what is read. Sampling is timed on logits with a few peaks, as models give them.

import { attentionPartBytes, attentionSource, attentionWorkgroups, splitsOf } from '../../kernels/wgsl/attention.js';
import { tiledSource, tiledWorkgroups } from '../../kernels/wgsl/attention-tiled.js';
import { chooseBytes, packChoose, recordWords } from '../../kernels/wgsl/choose-params.js';
import { pickSource, pickWorkgroups } from '../../kernels/wgsl/choose-pick.js';
import { scanBytes, scanSource, scanWorkgroups } from '../../kernels/wgsl/choose-scan.js';
import { createKernel, traitsOf, type Dispatch } from '../../kernels/wgsl/kernel.js';
import { floatLayerSize, int8Offsets, layerBytes, pageTokens } from '../../kernels/wgsl/kv-pages.js';
import { packStep, stepBytes } from '../../kernels/wgsl/step.js';

export type AttentionJob = {
  readonly kernel: 'splits' | 'threads' | 'tiles';
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly int8: boolean;
  readonly position: number;
  readonly rows: number;
};

export type ChooseJob = {
  readonly kernel: 'scan' | 'pick';
  readonly vocabularySize: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
};

export interface KernelFigures {
  readonly compileMs: number;
  readonly ms: number;
  /** Bytes of keys and values, or of logits, that must be read at least once. */
  readonly gbytes: number;
}

type TimeOf = (dispatch: Dispatch) => Promise<number>;

const { STORAGE, UNIFORM, COPY_DST } = GPUBufferUsage;

/** Buffers of one measurement, destroyed together. */
class Buffers {
  private readonly made: GPUBuffer[] = [];
  constructor(private readonly device: GPUDevice) {}

  make(bytes: number, data?: ArrayBuffer | ArrayBufferView<ArrayBuffer>, usage: number = STORAGE): GPUBuffer {
    const buffer = this.device.createBuffer({ size: Math.ceil(bytes / 16) * 16, usage: usage | COPY_DST });
    this.made.push(buffer);
    if (data !== undefined) this.device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  }

  step(position: number, rows: number): GPUBuffer {
    const words = new Uint32Array(stepBytes / 4);
    packStep({ position, rows, pageTable: 0, draw: 0 }, words);
    return this.make(stepBytes, words, UNIFORM);
  }

  destroy(): void {
    for (const buffer of this.made) buffer.destroy();
  }
}

export async function timeAttention(device: GPUDevice, job: AttentionJob, timeOf: TimeOf): Promise<KernelFigures> {
  const { kernel: kind, heads, kvHeads, headSize, int8, position, rows } = job;
  const pool = { kvHeads, headSize, layers: 1 };
  const tokens = position + rows;
  const spec = {
    pool,
    heads,
    int8,
    scale: headSize ** -0.5,
    maxSplits: splitsOf(tokens),
    byThreads: kind === 'threads',
  };
  const began = performance.now();
  const kernel = await createKernel(
    device,
    kind === 'tiles' ? tiledSource(spec, traitsOf(device)) : attentionSource(spec, traitsOf(device)),
  );
  const compileMs = performance.now() - began;
  const buffers = new Buffers(device);
  try {
    const count = Math.ceil(tokens / pageTokens);
    const dispatch = kernel.dispatch(
      {
        step: buffers.step(position, rows),
        layer: buffers.make(layerBytes, undefined, UNIFORM),
        pages: buffers.make(
          count * 8,
          Uint32Array.from({ length: 2 * count }, (_, i) => i >> 1),
        ),
        q: buffers.make(rows * heads * headSize * 4),
        floats: buffers.make(count * floatLayerSize(pool) * 4),
        quants: buffers.make(count * int8Offsets(pool).byteLength),
        parts: buffers.make(attentionPartBytes(spec, rows)),
        attended: buffers.make(rows * heads * headSize * 4),
      },
      kind === 'tiles' ? tiledWorkgroups(spec, position, rows) : attentionWorkgroups(spec, position, rows, 0),
    );
    const ms = await timeOf(dispatch);
    const floatPages = int8 ? Math.min(count, 2) : count;
    const bytes = floatPages * floatLayerSize(pool) * 4 + (count - floatPages) * int8Offsets(pool).byteLength;
    return { compileMs, ms, gbytes: bytes / ms / 1e6 };
  } finally {
    buffers.destroy();
  }
}

export async function timeChoosing(device: GPUDevice, job: ChooseJob, timeOf: TimeOf): Promise<KernelFigures> {
  const { kernel: kind, vocabularySize, temperature, topK, topP } = job;
  const spec = { vocabularySize, adjusted: false, byOneThread: traitsOf(device).software };
  const began = performance.now();
  const kernel = await createKernel(device, kind === 'scan' ? scanSource(spec) : pickSource(spec));
  const compileMs = performance.now() - began;
  const scan = await createKernel(device, scanSource(spec));
  const buffers = new Buffers(device);
  try {
    const numbers = new ArrayBuffer(chooseBytes);
    const off = { presencePenalty: 0, frequencyPenalty: 0, repetitionPenalty: 1, minP: 0, logprobs: -1, learns: false };
    packChoose({ ...off, temperature, topK, topP, seed: 1 }, numbers);
    const logits = Float32Array.from({ length: vocabularySize }, () => 25 * (2 * Math.random() - 1) ** 3);
    const slots = {
      step: buffers.step(0, 1),
      choose: buffers.make(chooseBytes, numbers, UNIFORM),
      logits: buffers.make(logits.byteLength, logits),
      blocks: buffers.make(scanBytes(spec, 1)),
      tokens: buffers.make(4),
      results: buffers.make(recordWords * 4),
    };
    await timeOf(scan.dispatch(slots, scanWorkgroups(spec, 1)));
    const ms = await timeOf(kernel.dispatch(slots, kind === 'scan' ? scanWorkgroups(spec, 1) : pickWorkgroups(1)));
    return { compileMs, ms, gbytes: logits.byteLength / ms / 1e6 };
  } finally {
    buffers.destroy();
  }
}
