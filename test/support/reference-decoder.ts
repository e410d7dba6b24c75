// A plain Llama/Qwen2 forward pass in JavaScript over a `Model`: the oracle that other decoders and `generate/` are
// tested against, chosen for being readable, not fast (about a second a token for each 300 million parameters).
// All weights are dequantised to float32 when it opens; sums run in float64. No batching: one position after another.
// Method: Touvron et al. 2023 (RMSNorm, rotary positions in half-split order, grouped-query attention, SwiGLU); the
// rotary scaling rules are those of transformers' `modeling_rope_utils`.
// Knows nothing of text.

import { chooseToken } from '../../engine/decoders/choose.js';
import { decodeByAppending } from '../../engine/decoders/decode-loop.js';
import type {
  AppendRequest,
  Choice,
  DecodeRequest,
  Decoder,
  DecoderInfo,
  Holding,
  Sequence,
} from '../../engine/decoders/decoder.js';
import { EngineError } from '../../engine/protocol/errors.js';
import type { Model, ModelSpec } from '../../engine/weights/model.js';
import { readReferenceWeights, type ReferenceWeights } from './reference-weights.js';

/** @throws EngineError `model-invalid` when a tensor's size is not what the spec says */
export async function createReferenceDecoder(model: Model): Promise<Decoder> {
  return new ReferenceDecoder(model.spec, await readReferenceWeights(model), model.identity.byteLength);
}

class ReferenceDecoder implements Decoder {
  readonly info: DecoderInfo;
  private readonly open = new Set<ReferenceSequence>();

  constructor(
    readonly spec: ModelSpec,
    readonly weights: ReferenceWeights,
    weightBytes: number,
  ) {
    this.info = {
      kind: 'wasm',
      device: 'wasm',
      deviceName: 'plain JavaScript, for tests',
      contextLength: spec.contextLength,
      vocabularySize: spec.vocabularySize,
      weightBytes,
    };
  }

  get holding(): Holding {
    let tokens = 0;
    let kvBytes = 0;
    for (const sequence of this.open) {
      tokens += sequence.holding.tokens;
      kvBytes += sequence.holding.kvBytes;
    }
    return { tokens, kvBytes };
  }

  openSequence(): Sequence {
    const sequence: ReferenceSequence = new ReferenceSequence(this, () => this.open.delete(sequence));
    this.open.add(sequence);
    return sequence;
  }

  logits(tokens: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
    const sequence = new ReferenceSequence(this, () => undefined);
    const all = new Float32Array(tokens.length * this.spec.vocabularySize);
    tokens.forEach((token, i) => {
      throwIfAborted(signal);
      all.set(sequence.forward(token), i * this.spec.vocabularySize);
    });
    return Promise.resolve(all);
  }

  dispose(): Promise<void> {
    for (const sequence of [...this.open]) sequence.release();
    return Promise.resolve();
  }
}

class ReferenceSequence implements Sequence {
  private keys: Float32Array[][] = [];
  private values: Float32Array[][] = [];
  private released = false;

  constructor(
    private readonly decoder: ReferenceDecoder,
    private readonly onRelease: () => void,
  ) {
    this.keys = decoder.weights.layers.map(() => []);
    this.values = decoder.weights.layers.map(() => []);
  }

  get length(): number {
    return this.keys[0]?.length ?? 0;
  }

  get holding(): Holding {
    const { layers, kvHeads, headSize } = this.decoder.spec;
    return { tokens: this.length, kvBytes: this.length * layers * kvHeads * headSize * 2 * 4 };
  }

  async append(request: AppendRequest): Promise<readonly Choice[]> {
    if (this.released) throw new EngineError('invalid-request', 'This sequence was released.');
    const { tokens, at, choose, signal } = request;
    const { vocabularySize, contextLength } = this.decoder.spec;
    if (tokens.length === 0 || tokens.some((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize)) {
      throw new EngineError('invalid-request', 'append needs at least one token, each of the vocabulary.');
    }
    if (at !== 'none' && choose === undefined) throw new EngineError('invalid-request', 'append needs `choose`.');
    const before = this.length;
    if (before + tokens.length > contextLength) {
      throw new EngineError('prompt-too-long', `${before + tokens.length} tokens, the context holds ${contextLength}.`);
    }
    const choices: Choice[] = [];
    try {
      for (const [i, token] of tokens.entries()) {
        throwIfAborted(signal);
        const logits = this.forward(token);
        if (choose && (at === 'every' || (at === 'last' && i === tokens.length - 1))) {
          choices.push(chooseToken(logits, choose, this.length));
        }
        await Promise.resolve();
      }
    } catch (error) {
      this.truncate(before);
      throw error;
    }
    return choices;
  }

  decode(request: DecodeRequest): AsyncGenerator<Choice, void, undefined> {
    return decodeByAppending(this, request, this.decoder.info.contextLength);
  }

  truncate(length: number): void {
    for (const rows of [...this.keys, ...this.values]) rows.length = Math.min(rows.length, length);
  }

  release(): void {
    if (this.released) return;
    this.truncate(0);
    this.released = true;
    this.onRelease();
  }

  /** Appends one token; the logits of its position, float32 [vocabularySize]. */
  forward(token: number): Float32Array {
    const { spec, weights } = this.decoder;
    const position = this.length;
    const hidden = spec.hiddenSize;
    let x: Float32Array = weights.embedding.slice(token * hidden, (token + 1) * hidden);
    weights.layers.forEach((layer, l) => {
      const normed = rmsNorm(x, layer.attentionNorm, spec.rmsNormEpsilon);
      const query = add(multiply(layer.query, normed), layer.queryBias);
      const key = add(multiply(layer.key, normed), layer.keyBias);
      const value = add(multiply(layer.value, normed), layer.valueBias);
      rotate(query, position, spec);
      rotate(key, position, spec);
      this.keys[l]?.push(key);
      this.values[l]?.push(value);
      const attended = attend(query, this.keys[l] ?? [], this.values[l] ?? [], spec);
      x = add(x, multiply(layer.attentionOutput, attended));
      const normed2 = rmsNorm(x, layer.feedForwardNorm, spec.rmsNormEpsilon);
      const gate = multiply(layer.gate, normed2);
      const up = multiply(layer.up, normed2);
      const activated = gate.map((g, i) => (g / (1 + Math.exp(-g))) * (up[i] ?? 0));
      x = add(x, multiply(layer.down, activated));
    });
    return multiply(weights.head, rmsNorm(x, weights.finalNorm, spec.rmsNormEpsilon));
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new EngineError('aborted', 'The request was stopped.');
}

/** y = W x; W is [rows, x.length], row-major. */
function multiply(w: Float32Array, x: Float32Array): Float32Array {
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

function add(x: Float32Array, y: Float32Array | null): Float32Array {
  return y === null ? x : x.map((value, i) => value + (y[i] as number));
}

function rmsNorm(x: Float32Array, weight: Float32Array, epsilon: number): Float32Array {
  let squares = 0;
  for (const value of x) squares += value * value;
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  return x.map((value, i) => value * scale * (weight[i] as number));
}

/** Rotary positions in place, half-split order: element i of a head turns with element i + headSize / 2. */
function rotate(x: Float32Array, position: number, spec: ModelSpec): void {
  const half = spec.headSize / 2;
  for (let start = 0; start < x.length; start += spec.headSize) {
    for (let i = 0; i < half; i++) {
      const angle = position * rotaryFrequency(i, spec);
      const cosine = Math.cos(angle);
      const sine = Math.sin(angle);
      const a = x[start + i] as number;
      const b = x[start + i + half] as number;
      x[start + i] = a * cosine - b * sine;
      x[start + i + half] = b * cosine + a * sine;
    }
  }
}

/** Radians a position for the i-th pair, after the model's scaling. */
function rotaryFrequency(i: number, spec: ModelSpec): number {
  const frequency = spec.ropeTheta ** ((-2 * i) / spec.headSize);
  const scaling = spec.ropeScaling;
  switch (scaling.kind) {
    case 'none':
      return frequency;
    case 'linear':
      return frequency / scaling.factor;
    case 'factors':
      return frequency / (scaling.factors[i] ?? Number.NaN);
    case 'yarn':
      throw new Error('the reference decoder does not know YaRN');
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

function attend(query: Float32Array, keys: Float32Array[], values: Float32Array[], spec: ModelSpec): Float32Array {
  const { heads, kvHeads, headSize } = spec;
  const out = new Float32Array(heads * headSize);
  for (let head = 0; head < heads; head++) {
    const q = head * headSize;
    const kv = Math.floor(head / (heads / kvHeads)) * headSize;
    const scores = keys.map((key) => {
      let dot = 0;
      for (let i = 0; i < headSize; i++) dot += (query[q + i] as number) * (key[kv + i] as number);
      return dot / Math.sqrt(headSize);
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
