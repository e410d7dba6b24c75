// The few numbers that change from step to step, in one uniform of 32 bytes that every kernel of a step reads. A decoder
// writes it once a step with `queue.writeBuffer`, before the step's submit; nothing else of a decoder's command lists
// changes while the number of rows stays, so bind groups and dispatches are made once.
// Called by decoders (packStep) and by kernels (stepStruct, pasted into their WGSL). Knows nothing of sequences.

/** Numbers of one step: `rows` tokens at once, at positions `position`, `position + 1`, ... of their sequence. */
export interface Step {
  /** Position of row 0 in its sequence. */
  readonly position: number;
  /** Rows that count; kernels of a fixed number of rows may compute more and must not store them. */
  readonly rows: number;
  /** First of the page-table entries of this step's sequence, in entries (attention, append). */
  readonly pageTable: number;
  /** Counter of the sampler's draws and whatever else choosing needs of a step (sampling). */
  readonly draw: number;
}

export const stepBytes = 32;

/** WGSL: declare a slot `step: { access: 'uniform', type: 'Step' }` and paste this. The last four words are free. */
export const stepStruct = /* wgsl */ `
struct Step {
  position: u32,
  rows: u32,
  page_table: u32,
  draw: u32,
  spare: vec4<u32>,
}
`;

/** @param out uint32 [8]; the free words are left as they are */
export function packStep({ position, rows, pageTable, draw }: Step, out: Uint32Array): void {
  out.set([position, rows, pageTable, draw]);
}
