// The steps of the reference decoder's forward pass, each written from its definition and sharing nothing with the
// decoders it is to check. Methods: Touvron et al. 2023 (RMSNorm, rotary positions in half-split order, grouped-query
// attention, SwiGLU); rotary scaling as transformers' `modeling_rope_utils` (linear, llama3, yarn, longrope); soft caps,
// post-norms and gelu as transformers' modeling_gemma3. Sums run in float64. Knows nothing of tensors' storage.

import type { ArchitectureFacts, LayerFacts } from '../../engine/weights/architectures.js';
import type { ModelSpec, RopeScaling } from '../../engine/weights/model.js';

/** y = W x; W is [rows, x.length], row-major. */
export function multiply(w: Float32Array, x: Float32Array): Float32Array {
  const columns = x.length;
  const y = new Float32Array(w.length / columns);
  for (let row = 0; row < y.length; row++) {
    let sum = 0;
    for (let column = 0, i = row * columns; column < columns; column++, i++) {
      sum += (w[i] as number) * (x[column] as number);
    }
    y[row] = sum;
  }
  return y;
}

export function add(x: Float32Array, y: Float32Array | null): Float32Array {
  return y === null ? x : x.map((value, i) => value + (y[i] as number));
}

export function rmsNorm(x: Float32Array, weight: Float32Array, epsilon: number): Float32Array {
  let squares = 0;
  for (const value of x) squares += value * value;
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  return x.map((value, i) => value * scale * (weight[i] as number));
}

/** RMSNorm of each head; nothing without a weight. */
export function normHeads(x: Float32Array, weight: Float32Array | null, epsilon: number): Float32Array {
  if (weight === null) return x;
  const size = weight.length;
  const out = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += size) {
    out.set(rmsNorm(x.subarray(start, start + size), weight, epsilon), start);
  }
  return out;
}

export function activate(kind: ArchitectureFacts['activation'], x: number): number {
  if (kind === 'silu') return x / (1 + Math.exp(-x));
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

export const softCap = (x: number, cap: number | undefined): number =>
  cap === undefined ? x : cap * Math.tanh(x / cap);

/** Rotary positions in place, half-split order: element i of a head turns with element i + turns.length. */
export function rotate(x: Float32Array, headSize: number, turned: readonly (readonly [number, number])[]): void {
  const half = turned.length;
  for (let start = 0; start < x.length; start += headSize) {
    for (const [i, [cosine, sine]] of turned.entries()) {
      const a = x[start + i] as number;
      const b = x[start + i + half] as number;
      x[start + i] = a * cosine - b * sine;
      x[start + i + half] = b * cosine + a * sine;
    }
  }
}

/** Cosine and sine of each pair at a position. */
export function turns(spec: ModelSpec, facts: LayerFacts, position: number): readonly (readonly [number, number])[] {
  const size = spec.rotarySize ?? spec.headSize;
  const { ropeScaling: scaling } = facts;
  const amplitude = 'attentionFactor' in scaling ? (scaling.attentionFactor ?? 1) : 1;
  return Array.from({ length: size / 2 }, (_, i) => {
    const angle = position * scaled(i, facts.ropeTheta ** ((-2 * i) / size), scaling, spec, facts.ropeTheta);
    return [amplitude * Math.cos(angle), amplitude * Math.sin(angle)] as const;
  });
}

/** Radians a position for the i-th pair, after the model's scaling. */
function scaled(i: number, frequency: number, scaling: RopeScaling, spec: ModelSpec, theta: number): number {
  switch (scaling.kind) {
    case 'none':
      return frequency;
    case 'linear':
      return frequency / scaling.factor;
    case 'factors':
      return frequency / (scaling.factors[i] ?? NaN);
    case 'longrope': {
      const long = spec.contextLength > scaling.originalContextLength;
      return frequency / ((long ? scaling.longFactors : scaling.shortFactors)[i] ?? NaN);
    }
    case 'yarn': {
      // Pairs that turn more than betaFast times in the original context stay, those below betaSlow times are stretched.
      const size = spec.rotarySize ?? spec.headSize;
      const pairThatTurns = (times: number): number =>
        (size / 2) * (Math.log(scaling.originalContextLength / (2 * Math.PI * times)) / Math.log(theta));
      const first = Math.max(Math.floor(pairThatTurns(scaling.betaFast)), 0);
      const last = Math.min(Math.ceil(pairThatTurns(scaling.betaSlow)), size - 1);
      const share = Math.min(1, Math.max(0, (i - first) / Math.max(last - first, 0.001)));
      return frequency * (1 - share) + (frequency / scaling.factor) * share;
    }
    case 'llama3': {
      const wavelength = (2 * Math.PI) / frequency;
      const longest = scaling.originalContextLength / scaling.lowFrequencyFactor;
      const shortest = scaling.originalContextLength / scaling.highFrequencyFactor;
      if (wavelength < shortest) return frequency;
      if (wavelength > longest) return frequency / scaling.factor;
      const smooth =
        (scaling.originalContextLength / wavelength - scaling.lowFrequencyFactor) /
        (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
      return ((1 - smooth) * frequency) / scaling.factor + smooth * frequency;
    }
  }
}

export interface AttentionFacts {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly scale: number;
  readonly cap: number | undefined;
}

/** @param keys those that the query sees, each [kvHeads * headSize] */
export function attend(
  query: Float32Array,
  keys: readonly Float32Array[],
  values: readonly Float32Array[],
  { heads, kvHeads, headSize, scale, cap }: AttentionFacts,
): Float32Array {
  const out = new Float32Array(heads * headSize);
  for (let head = 0; head < heads; head++) {
    const q = head * headSize;
    const kv = Math.floor(head / (heads / kvHeads)) * headSize;
    const scores = keys.map((key) => {
      let dot = 0;
      for (let i = 0; i < headSize; i++) dot += (query[q + i] as number) * (key[kv + i] as number);
      return softCap(dot * scale, cap);
    });
    const top = scores.reduce((a, b) => Math.max(a, b), -Infinity);
    const exps = scores.map((score) => Math.exp(score - top));
    const sum = exps.reduce((a, b) => a + b, 0);
    for (let i = 0; i < headSize; i++) {
      let mixed = 0;
      for (const [t, value] of values.entries()) mixed += (exps[t] as number) * (value[kv + i] as number);
      out[q + i] = mixed / sum;
    }
  }
  return out;
}
