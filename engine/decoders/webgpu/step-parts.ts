// What steps are made of and asked for: networks by the rows they take, the parts that all of them share, a step's request.
// Types and two numbers; steps.ts does the work. Called by machine.ts, webgpu-sequence.ts and rounds.ts.

import { mostApart } from '../../../kernels/wgsl/step.js';
import type { GpuWatch } from '../gpu.js';
import type { Choosing } from './choosing.js';
import type { BoundNetwork, Command, SharedBuffers } from './network.js';
import type { PagePool } from './page-pool.js';
import type { Place, ReadbackRing } from './readback.js';
import type { Scratch } from './scratch.js';
import type { SequencePages } from './sequence-pages.js';

/** Rows of a small step at most. */
export const fewRows = mostApart;

/** Activations, and the networks over them. */
export interface Networks {
  readonly scratch: Scratch;
  /** By the rows that each is compiled for, ascending; a step takes the first that is large enough. */
  readonly variants: readonly NetworkVariant[];
}

export interface NetworkVariant {
  readonly rows: number;
  bind(): BoundNetwork;
}

export interface Head {
  readonly rows: number;
  /** Once: its buffers stay. */
  bind(): readonly Command[];
}

export interface StepParts {
  readonly gpu: GpuWatch;
  readonly pool: PagePool;
  /** For one row at first; for several as soon as `prepareSeveral` has been asked for and has come. */
  readonly few: Networks;
  readonly many: Networks;
  /** Logits of the rows in the small scratch. */
  readonly heads: readonly Head[];
  /** Compiles what takes several rows at once. */
  prepareSeveral(): Promise<{ readonly variant: NetworkVariant; readonly head: Head }>;
  /** float32 [few rows, vocabulary]: where heads write. */
  readonly logits: GPUBuffer;
  readonly vocabularySize: number;
  readonly ring: ReadbackRing;
  readonly tasks: Pick<SharedBuffers, 'closeTask' | 'reopenTask'>;
  readonly hiddenSize: number;
  readonly postNorms: boolean;
  readonly recordBytes: number;
}

/** One choice on its way: looked at when the step that takes it is encoded. */
export interface Fed {
  /** In JavaScript, as soon as it is there; its record may then belong to another step. */
  readonly id: number | null;
  readonly record: number;
}

export interface StepRequest {
  readonly pages: SequencePages;
  /** Tokens held before. */
  readonly position: number;
  /** Ids, or the choice of the step before, which may not have arrived yet. */
  readonly tokens: readonly number[] | Fed;
  /** `few`: up to eight rows, each to the bit what it is alone. `many`: up to the large scratch. */
  readonly rows: 'few' | 'many';
  /** Chooses for every row of a small step, for the last row of a large one. Null: nothing is chosen. */
  readonly choosing: Choosing | null;
}

/** One token more of one of several sequences, which are computed together. */
export interface RowRequest {
  readonly pages: SequencePages;
  /** Tokens held before. */
  readonly position: number;
  readonly token: Fed;
  readonly choosing: Choosing;
}

export interface RowsOutcome {
  /** Where the choices of `taken` will be, in this order; null where none of them chooses on the GPU. */
  readonly place: Place | null;
  readonly taken: readonly RowRequest[];
  /** Those whose pages could not be had; nothing of them was submitted. */
  readonly failed: readonly { readonly row: RowRequest; readonly error: unknown }[];
}
