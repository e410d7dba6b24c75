// Attention of one step's few queries (decode: one; verification of a draft: up to eight) over pages of keys and values.
// Called by decoders between the QKV kernel, which has turned queries and keys and appended the new rows to their float
// page, and attention-reduce.ts. Knows pages, positions and shapes; nothing of sequences or models.
// Method: exact softmax over splits of the text, joined by maximum and sum (Milakov & Gimelshein 2018; the split over
// workgroups is FlashDecoding's, Dao et al. 2023); int8 keys are not dequantised, their table goes into the query once a
// page: q . k = q . min + sum (q * step) * quant. Which pages are int8: engine/kv/page-layout.ts, by position alone.
//
// What a workgroup does is in attention-splits.ts, and for WebGPU on the processor in attention-threads.ts. Both leave *parts*
// of a row, a split of 128 tokens or a page, counted from the text's beginning, so that a row's sums do not depend on what else
// is in the step.
//
// Workgroups past a row's last split return at once: the size of a dispatch may be the context's worst case.
// A row with one split writes its result, one with more writes parts that attention-reduce.ts joins.
// NaN in a key reaches the result; pages the table lacks are the caller's mistake. Does not use subgroups.

import { splitBody, splitPages } from './attention-splits.js';
import { lanes, threadBody } from './attention-threads.js';
import { spread, type DeviceTraits, type KernelSource, type Slots, type Workgroups } from './kernel.js';
import { checkPool, layerStruct, pageSlots, pageTokens, type KvPool } from './kv-pages.js';
import { firstFloatPageCode, floatFunctions, quantFunctions } from './kv-read.js';
import { stepStruct } from './step.js';

export interface AttentionSpec {
  readonly pool: KvPool;
  /** Query heads; a multiple of the key-value heads. */
  readonly heads: number;
  /** Whether older pages are read as int8; false: all as floats, exactly. */
  readonly int8: boolean;
  /** What scores are multiplied by. */
  readonly scale: number;
  /** Scores become cap * tanh(score / cap). */
  readonly softCap?: number;
  /** Splits of the longest text: `splitsOf(contextLength)`. */
  readonly maxSplits: number;
  /** For WebGPU on the processor (`DeviceTraits.software`): attention-threads.ts, without barriers. */
  readonly byThreads?: boolean;
}

/** Tokens of a split. */
export const splitTokens = splitPages * pageTokens;

/** Splits of a text of this many tokens. */
export const splitsOf = (tokens: number): number => Math.ceil(tokens / splitTokens);

/** What one workgroup, or one thread (`byThreads`), leaves of a row. */
const partTokens = ({ byThreads = false }: Pick<AttentionSpec, 'byThreads'>): number =>
  byThreads ? pageTokens : splitTokens;

/** Parts of the longest text. */
export const maxParts = (spec: AttentionSpec): number => (spec.maxSplits * splitTokens) / partTokens(spec);

/** How the query heads of one key-value head are shared out: `groups` workgroups of `size` heads. */
export function headGroups({ pool, heads }: AttentionSpec): { groups: number; size: number; perKvHead: number } {
  checkPool(pool);
  const perKvHead = heads / pool.kvHeads;
  if (!Number.isInteger(perKvHead)) throw new RangeError(`${heads} heads over ${pool.kvHeads} key-value heads`);
  const groups = Math.ceil(perKvHead / Math.min(8, Math.floor(512 / pool.headSize)));
  return { groups, size: Math.ceil(perKvHead / groups), perKvHead };
}

/** Bytes of `parts`, for `rows` queries. */
export const attentionPartBytes = (spec: AttentionSpec, rows: number): number =>
  rows * spec.heads * maxParts(spec) * (spec.pool.headSize + 4) * 4;

/** Parts of the row of a step that has most of them; more than one: attention-reduce.ts joins them. */
export function attentionParts(spec: AttentionSpec, position: number, rows: number, window: number): number {
  const tokens = partTokens(spec);
  let parts = 1;
  for (let row = position; row < position + rows; row++) {
    const first = window === 0 ? 0 : Math.max(0, row + 1 - window);
    parts = Math.max(parts, Math.floor(row / tokens) - Math.floor(first / tokens) + 1);
  }
  return parts;
}

/** @param window as in the layer's uniform; 0: none */
export function attentionWorkgroups(spec: AttentionSpec, position: number, rows: number, window: number): Workgroups {
  return partsWorkgroups(spec, attentionParts(spec, position, rows, window), rows);
}

/** @param parts of the row that has most */
export function partsWorkgroups(spec: AttentionSpec, parts: number, rows: number): Workgroups {
  const groups = spec.pool.kvHeads * headGroups(spec).groups;
  return spec.byThreads === true ? spread(Math.ceil((parts * rows * groups) / lanes)) : [parts, groups, rows];
}

/** WGSL: the first token that a query sees. */
export const firstSeenFunction = /* wgsl */ `
fn first_seen(position: u32) -> u32 {
  return select(0u, position + 1u - layer.window, layer.window != 0u && position >= layer.window);
}
`;

/** WGSL that both passes share: a row's first token seen, and how many parts there are of it. */
export const splitFunctions = (spec: Pick<AttentionSpec, 'byThreads'>): string => /* wgsl */ `${firstSeenFunction}
fn split_count(position: u32) -> u32 {
  return position / ${partTokens(spec)}u - first_seen(position) / ${partTokens(spec)}u + 1u;
}
`;

export const attentionSlots = {
  step: { access: 'uniform', type: 'Step' },
  ...pageSlots,
  /** f32 [rows, heads, D], turned. */
  q: { access: 'read', type: 'array<vec4<f32>>' },
  floats: { access: 'read', type: 'array<vec4<f32>>' },
  /** f32 [rows, heads, maxParts, D + 4]: sums; maximum, sum of weights, two zeros. */
  parts: { access: 'write', type: 'array<vec4<f32>>' },
  /** f32 [rows, heads, D]. */
  attended: { access: 'write', type: 'array<vec4<f32>>' },
} as const satisfies Slots;

/** Slots with int8 pages: one more. */
export const attentionInt8Slots = {
  ...attentionSlots,
  quants: { access: 'read', type: 'array<vec2<u32>>' },
} as const satisfies Slots;

export function attentionSource(spec: AttentionSpec, traits: Pick<DeviceTraits, 'packedDot'>): KernelSource<Slots> {
  const { pool, heads, int8, scale, softCap, byThreads = false } = spec;
  const { kvHeads, headSize } = pool;
  const body = { heads, int8, scale, softCap, maxParts: maxParts(spec), ...headGroups(spec) };
  return {
    label: `attention ${byThreads ? 'by threads ' : ''}${heads}/${kvHeads}x${headSize}${int8 ? ' int8' : ''}`,
    slots: int8 ? attentionInt8Slots : attentionSlots,
    code: /* wgsl */ `
${stepStruct}
${layerStruct}
${splitFunctions(spec)}
${firstFloatPageCode(int8)}
${floatFunctions(pool)}
${int8 ? quantFunctions(pool, traits) : ''}
${byThreads ? threadBody({ pool, ...body }) : splitBody({ headSize, ...body })}
`,
  };
}
