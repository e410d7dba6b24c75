// The small operations' exports (norms, rotary, attention, choosing a token, ...) as TypeScript sees them; the matrices'
// are in kernels.ts. Parameters are documented where they are implemented, in assembly/. All pointers are byte addresses,
// strides and counts are in elements; counts and columns of f32 are multiples of 4, headSize is a multiple of 8.

/** Byte offsets of an int8 page's parts within a layer, after the key table (the caller's page layout). */
type Int8Parts = [keyQuants: number, valueScales: number, valueQuants: number];

export interface OperationKernels {
  /** y = x / sqrt(mean(x^2) + epsilon) * weight by row, f32 [rows, columns]; y may be x. */
  rmsNorm(y: number, x: number, rows: number, columns: number, weight: number, epsilon: number): void;

  /** Turns the first heads * headSize elements of each row; cosines and sines f32 [rows, rotarySize / 2]. */
  rotary(
    x: number,
    stride: number,
    rows: number,
    heads: number,
    headSize: number,
    rotarySize: number,
    cosines: number,
    sines: number,
  ): void;

  /** y += x */
  add(y: number, x: number, count: number): void;
  /** y[row] += bias */
  addBias(y: number, rows: number, columns: number, bias: number): void;
  /** y *= factor */
  multiply(y: number, count: number, factor: number): void;
  /** y = cap * tanh(y / cap) */
  softCap(y: number, count: number, cap: number): void;
  /** gate = silu(gate) * up */
  gateSilu(gate: number, up: number, count: number): void;
  /** gate = gelu(gate) * up, in the tanh form */
  gateGelu(gate: number, up: number, count: number): void;

  /** New keys and values of heads from, to into their float pages; `pages` u32 addresses over 64 by position / 32. */
  kvAppend(
    keys: number,
    values: number,
    stride: number,
    rows: number,
    position: number,
    kvHeads: number,
    headSize: number,
    pages: number,
    layerOffset: number,
    from: number,
    to: number,
  ): void;
  /** One layer of a float page -> int8; tables and layer offsets as in kvAppend. */
  kvQuantise(
    floatPages: number,
    floatOffset: number,
    int8Pages: number,
    int8Offset: number,
    page: number,
    ...rest: [...Int8Parts, kvHeads: number, headSize: number]
  ): void;
  /** One head's keys of an int8 page -> f32 [32, headSize]. */
  kvDequantiseKeys(out: number, table: number, quants: number, headSize: number): void;
  /** One head's values of an int8 page -> f32 [32, headSize]. */
  kvDequantiseValues(out: number, scales: number, quants: number, headSize: number): void;

  /**
   * Grouped-query attention of `rows` consecutive positions over pages; scratch: attentionScratchBytes.
   * All rows see pages from firstFloatPage on as floats and those before as int8. window 0: all; cap 0: none.
   */
  attention(
    out: number,
    outStride: number,
    query: number,
    queryStride: number,
    rows: number,
    position: number,
    kvHeads: number,
    group: number,
    headSize: number,
    headStart: number,
    headEnd: number,
    floatPages: number,
    floatOffset: number,
    int8Pages: number,
    int8Offset: number,
    ...rest: [...Int8Parts, firstFloatPage: number, window: number, scale: number, cap: number, scratch: number]
  ): void;

  /**
   * One token's attention in two steps, whose bits are `attention`'s. First scores f32 [kvHeads * group, scoreStride] of
   * units start to end: pages that the token sees, (position >> 5) - (first token seen >> 5) + 1 of each key-value head.
   */
  attentionScores(
    scores: number,
    scoreStride: number,
    query: number,
    position: number,
    group: number,
    headSize: number,
    start: number,
    end: number,
    kvHeads: number,
    floatPages: number,
    floatOffset: number,
    int8Pages: number,
    int8Offset: number,
    ...rest: [keyQuants: number, firstFloatPage: number, window: number, scratch: number]
  ): void;
  /** Then, when all scores are there, units start to end of the outputs: attentionMixUnits(headSize) of each key-value head. */
  attentionMix(
    out: number,
    scores: number,
    scoreStride: number,
    position: number,
    group: number,
    headSize: number,
    start: number,
    end: number,
    kvHeads: number,
    floatPages: number,
    floatOffset: number,
    int8Pages: number,
    int8Offset: number,
    valueScales: number,
    valueQuants: number,
    ...rest: [firstFloatPage: number, window: number, scale: number, cap: number, scratch: number]
  ): void;

  /** The likeliest id, the lowest of equals; -1 when a logit is NaN or +Infinity, or none is finite. */
  argmax(logits: number, count: number): number;
  /** Fills values f32 [k] and ids i32 [k] in order; returns how many, or -1 when a logit is NaN. */
  topK(logits: number, count: number, k: number, values: number, ids: number): number;
  /** Sum of e^((logit - top) / temperature), relative error below 1e-6. */
  sumOfWeights(logits: number, count: number, top: number, temperature: number): number;
  /** Logits of ids whose bit is unset in `allowed` (u32 words) become -Infinity. */
  forbid(logits: number, count: number, allowed: number, words: number): void;
}

/** Bytes of scratch that `attention` wants for each thread: a page of one head, weights, and each query's state. */
export const attentionScratchBytes = (headSize: number, rows: number, group: number): number =>
  (64 * headSize + 64 + 2 * rows * group) * 4;

/** Parts into which `attentionMix` divides a head: 16 elements each. */
export const attentionMixUnits = (headSize: number): number => Math.ceil(headSize / 16);
