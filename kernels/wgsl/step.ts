// The few numbers that change from step to step, in one uniform that every kernel of a step reads. A decoder writes it once
// a step with `queue.writeBuffer`, before the step's submit; nothing else of a decoder's command lists changes while the
// number of rows stays, so bind groups and dispatches are made once.
// The rows of a step follow one another in one sequence, or (`apart`) each is the next token of a sequence of its own, so that
// several texts share one pass over the weights. Kernels ask `position_of(row)` and `table_of(row)` and need not know which.
// Called by decoders (packStep, packRowsApart) and by kernels (stepStruct, pasted into their WGSL). Knows nothing of
// sequences.

/** Numbers of one step: `rows` tokens at once, at positions `position`, `position + 1`, ... of their sequence. */
export interface Step {
  /** Position of row 0 in its sequence. */
  readonly position: number;
  /** Rows that count; kernels of a fixed number of rows may compute more and must not store them. */
  readonly rows: number;
  /** First of the page-table entries of this step's sequence, in entries (attention, append). */
  readonly pageTable: number;
  /** First record of the step's choices. */
  readonly draw: number;
}

/** Where a row that stands for itself belongs. */
export interface RowPlace {
  readonly position: number;
  readonly pageTable: number;
}

/** Rows at most of a step whose rows are apart. */
export const mostApart = 8;

const headWords = 8;
const rowWords = 4;
export const stepBytes = (headWords + mostApart * rowWords) * 4;

/** WGSL: declare a slot `step: { access: 'uniform', type: 'Step' }` and paste this. */
export const stepStruct = /* wgsl */ `
struct Step {
  position: u32,
  rows: u32,
  page_table: u32,
  draw: u32,
  apart: u32,
  spare0: u32,
  spare1: u32,
  spare2: u32,
  // Position and first page-table entry, where rows are apart.
  each: array<vec4<u32>, ${mostApart}>,
}
fn position_of(row: u32) -> u32 {
  if (step.apart != 0u) { return step.each[min(row, ${mostApart - 1}u)].x; }
  return step.position + row;
}
fn table_of(row: u32) -> u32 {
  if (step.apart != 0u) { return step.each[min(row, ${mostApart - 1}u)].y; }
  return step.page_table;
}
`;

/** @param out uint32 [stepBytes / 4]; what stood there of rows apart is left and means nothing */
export function packStep({ position, rows, pageTable, draw }: Step, out: Uint32Array): void {
  out.set([position, rows, pageTable, draw, 0]);
}

/** A step whose rows are each a sequence's own. */
export function packRowsApart(rows: readonly RowPlace[], draw: number, out: Uint32Array): void {
  if (rows.length > mostApart) throw new RangeError(`${rows.length} rows apart; there is room for ${mostApart}`);
  out.set([0, rows.length, 0, draw, 1]);
  rows.forEach(({ position, pageTable }, row) => out.set([position, pageTable], headWords + row * rowWords));
}
