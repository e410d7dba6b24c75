// Attention in plain TypeScript, sums in double precision. For tests.

export interface ReferenceAttention {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly scale: number;
  readonly softCap?: number;
  /** 0: none. */
  readonly window: number;
}

/** One token's key or value of one head, as the query at this position sees it; float32 [D]. */
export type Lookup = (position: number, token: number, kvHead: number) => Float32Array;

/**
 * @param q float32 [rows, heads, D]; row r is the query at `position` + r
 * @returns float64 [rows, heads, D]
 */
export function attend(
  spec: ReferenceAttention,
  q: Float32Array,
  position: number,
  keys: Lookup,
  values: Lookup,
): Float64Array {
  const { heads, kvHeads, headSize, scale, softCap, window } = spec;
  const out = new Float64Array(q.length);
  for (let row = 0; row < q.length / (heads * headSize); row++) {
    const at = position + row;
    const first = window === 0 ? 0 : Math.max(0, at + 1 - window);
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const offset = (row * heads + head) * headSize;
      const scores: number[] = [];
      for (let token = first; token <= at; token++) {
        const k = keys(at, token, kvHead);
        let sum = 0;
        for (let d = 0; d < headSize; d++) sum += (q[offset + d] as number) * (k[d] as number);
        sum *= scale;
        scores.push(softCap === undefined ? sum : softCap * Math.tanh(sum / softCap));
      }
      const best = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - best));
      const total = weights.reduce((a, b) => a + b, 0);
      weights.forEach((weight, i) => {
        const v = values(at, first + i, kvHead);
        for (let d = 0; d < headSize; d++) {
          out[offset + d] = (out[offset + d] as number) + (weight / total) * (v[d] as number);
        }
      });
    }
  }
  return out;
}
