// The buffers of a decoder besides weights and pages: activations, logits, choices on their way, tables and uniforms that all
// steps share. Made once by machine.ts, within one memory scope. Knows sizes, not what is done with them.

import { attentionPartBytes, type AttentionSpec } from '../../../kernels/wgsl/attention.js';
import { closeTaskBytes } from '../../../kernels/wgsl/kv-close.js';
import { ropeTable } from '../../../kernels/wgsl/rope-table.js';
import { architectures, layerFacts, rotarySizeOf } from '../../weights/architectures.js';
import type { ModelSpec } from '../../weights/model.js';
import { type GpuWatch, withinMemory } from '../gpu.js';
import { rotaryAmplitude, rotaryFrequencies } from '../rotary.js';
import { recordWords } from '../../../kernels/wgsl/choose-params.js';
import { hasPostNorms } from './kernels.js';
import { layerUniforms, type SharedBuffers } from './network.js';
import { ReadbackRing } from './readback.js';
import { createScratch, type Scratch } from './scratch.js';

/** Steps whose choices may be on their way at once, over all sequences. */
const places = 8;

export interface Buffers {
  /** For decoding and verification, and for chunks of prompts. */
  readonly few: Scratch;
  readonly many: Scratch;
  /** float32 [few.rows, vocabulary]. */
  readonly logits: GPUBuffer;
  readonly ring: ReadbackRing;
  readonly shared: SharedBuffers;
  dispose(): void;
}

export interface BufferSizes {
  readonly spec: ModelSpec;
  readonly attention: AttentionSpec;
  readonly contextLength: number;
  readonly layersPerBuffer: number;
  readonly fewRows: number;
  readonly manyRows: number;
  /** Chunks of prompts go through tiles. */
  readonly tiled: boolean;
}

/** @throws EngineError `out-of-memory`, `device-lost` */
export function createBuffers(gpu: GpuWatch, sizes: BufferSizes): Promise<Buffers> {
  return withinMemory(gpu, 'activations', () => makeBuffers(gpu, sizes));
}

function makeBuffers(gpu: GpuWatch, sizes: BufferSizes): Buffers {
  const { spec, attention, contextLength, layersPerBuffer, fewRows, manyRows, tiled } = sizes;
  const { device } = gpu;
  const made: { destroy(): void }[] = [];
  const make = (label: string, size: number, usage: number): GPUBuffer => {
    const buffer = device.createBuffer({ label, size, usage });
    made.push(buffer);
    return buffer;
  };
  const filled = (
    label: string,
    data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
    use: number,
  ): GPUBuffer => {
    const buffer = make(label, data.byteLength, use | GPUBufferUsage.COPY_DST);
    device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  };
  const { STORAGE, UNIFORM, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const postNorms = hasPostNorms(spec);

  // Layers that turn alike share a table.
  const tables = new Map<string, GPUBuffer>();
  const rope = Array.from({ length: spec.layers }, (_, layer) => {
    const { ropeTheta, ropeScaling } = layerFacts(spec, layer);
    const key = JSON.stringify([ropeTheta, ropeScaling]);
    let table = tables.get(key);
    if (table === undefined) {
      const facts = { rotarySize: rotarySizeOf(spec), ropeTheta, ropeScaling };
      const angles = rotaryFrequencies(facts, contextLength);
      table = filled('rotary angles', ropeTable(angles, contextLength, rotaryAmplitude(ropeScaling)), STORAGE);
      tables.set(key, table);
    }
    return table;
  });
  const partBytes = (rows: number): number => attentionPartBytes(attention, rows);
  const few = createScratch(device, { spec, postNorms, rows: fewRows, partBytes: partBytes(fewRows), projects: false });
  const many = createScratch(device, {
    spec,
    postNorms,
    rows: manyRows,
    partBytes: tiled ? 0 : partBytes(manyRows),
    projects: tiled && architectures[spec.architecture].queryKeyNorm,
  });
  const ring = new ReadbackRing(gpu, { places, records: fewRows, recordWords });
  return {
    few,
    many,
    ring,
    logits: make('logits', fewRows * spec.vocabularySize * 4, STORAGE | COPY_SRC),
    shared: {
      rope,
      layers: filled('layers', layerUniforms(spec, layersPerBuffer), UNIFORM),
      closeTask: make('pages to close', closeTaskBytes, UNIFORM | COPY_DST),
      reopenTask: make('pages to open again', closeTaskBytes, UNIFORM | COPY_DST),
    },
    dispose: () => {
      few.dispose();
      many.dispose();
      ring.dispose();
      for (const buffer of made) buffer.destroy();
    },
  };
}
