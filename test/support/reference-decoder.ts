// A plain forward pass in JavaScript over a `Model` of any architecture we know: the oracle that other decoders and
// `generate/` are tested against, chosen for being readable, not fast (about a second a token for each 300 million
// parameters). All weights are dequantised to float32 when it opens; sums run in float64. No batching: one position after
// another. It agrees with PyTorch on every fixture of test/fixtures.
// The parts are in reference-math.ts, the weights in reference-weights.ts. Knows nothing of text.

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
import { heldBy } from '../../engine/decoders/holding.js';
import { EngineError } from '../../engine/protocol/errors.js';
import { architectures, attentionScaleOf, layerFacts } from '../../engine/weights/architectures.js';
import type { Model, ModelSpec } from '../../engine/weights/model.js';
import { activate, add, attend, multiply, normHeads, rmsNorm, rotate, softCap, turns } from './reference-math.js';
import { readReferenceWeights, type ReferenceWeights } from './reference-weights.js';

/** @throws EngineError `model-invalid` when a tensor's size is not what the spec says */
export async function createReferenceDecoder(model: Model): Promise<Decoder> {
  return new ReferenceDecoder(model.spec, await readReferenceWeights(model), model.identity.byteLength);
}

class ReferenceDecoder implements Decoder {
  readonly info: DecoderInfo;
  private readonly open = new Set<ReferenceSequence>();
  private disposed = false;
  /** By kind of layer, then position. */
  private readonly positions = new Map<string, (readonly (readonly [number, number])[])[]>();

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

  /** Cosines and sines of a position in a layer, [pair][cosine, sine]; layers of one kind share them. */
  turnsOf(layer: number, position: number): readonly (readonly [number, number])[] {
    const facts = layerFacts(this.spec, layer);
    const kind = `${facts.ropeTheta} ${facts.ropeScaling.kind}`;
    const known = this.positions.get(kind) ?? [];
    this.positions.set(kind, known);
    return (known[position] ??= turns(this.spec, facts, position));
  }

  get holding(): Holding {
    return heldBy(this.open);
  }

  openSequence(): Sequence {
    if (this.disposed) throw new EngineError('invalid-request', 'This decoder was disposed of.');
    const sequence: ReferenceSequence = new ReferenceSequence(this, () => this.open.delete(sequence));
    this.open.add(sequence);
    return sequence;
  }

  async logits(tokens: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
    const sequence = new ReferenceSequence(this, () => undefined);
    const all = new Float32Array(tokens.length * this.spec.vocabularySize);
    for (const [i, token] of tokens.entries()) {
      throwIfAborted(signal);
      all.set(sequence.forward(token), i * this.spec.vocabularySize);
      await Promise.resolve();
    }
    return all;
  }

  dispose(): Promise<void> {
    this.disposed = true;
    for (const sequence of [...this.open]) sequence.release();
    return Promise.resolve();
  }
}

class ReferenceSequence implements Sequence {
  private keys: Float32Array[][] = [];
  private values: Float32Array[][] = [];
  private released = false;
  private busy = false;

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
    this.checkUsable();
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
    this.busy = true;
    try {
      for (const [i, token] of tokens.entries()) {
        throwIfAborted(signal);
        if (this.released) throw new EngineError('aborted', 'The sequence was released.');
        const logits = this.forward(token);
        if (choose && (at === 'every' || (at === 'last' && i === tokens.length - 1))) {
          choices.push(chooseToken(logits, choose, this.length));
        }
        await Promise.resolve();
      }
    } catch (error) {
      this.cut(Math.min(before, this.length));
      throw error;
    } finally {
      this.busy = false;
    }
    return choices;
  }

  decode(request: DecodeRequest): AsyncGenerator<Choice, void, undefined> {
    return decodeByAppending(this, request, this.decoder.info.contextLength);
  }

  truncate(length: number): void {
    this.checkUsable();
    if (!Number.isInteger(length) || length < 0 || length > this.length) {
      throw new EngineError('invalid-request', `cannot truncate ${this.length} tokens to ${length}`);
    }
    this.cut(length);
  }

  release(): void {
    if (this.released) return;
    this.cut(0);
    this.released = true;
    this.onRelease();
  }

  private cut(length: number): void {
    for (const rows of [...this.keys, ...this.values]) rows.length = length;
  }

  private checkUsable(): void {
    if (this.released) throw new EngineError('invalid-request', 'This sequence was released.');
    if (this.busy) throw new EngineError('invalid-request', 'This sequence is busy with the call before.');
  }

  /** Appends one token; the logits of its position, float32 [vocabularySize]. */
  forward(token: number): Float32Array {
    const { spec, weights } = this.decoder;
    const position = this.length;
    const hidden = spec.hiddenSize;
    const { rmsNormEpsilon: epsilon, headSize } = spec;
    const facts = architectures[spec.architecture];
    let x: Float32Array = weights.embedding.slice(token * hidden, (token + 1) * hidden);
    if (facts.scaledEmbedding) x = x.map((value) => value * Math.sqrt(hidden));
    weights.layers.forEach((layer, l) => {
      const normed = rmsNorm(x, layer.attentionNorm, epsilon);
      const query = normHeads(add(multiply(layer.query, normed), layer.queryBias), layer.queryNorm, epsilon);
      const key = normHeads(add(multiply(layer.key, normed), layer.keyBias), layer.keyNorm, epsilon);
      const value = add(multiply(layer.value, normed), layer.valueBias);
      const { window } = layerFacts(spec, l);
      const turned = this.decoder.turnsOf(l, position);
      rotate(query, headSize, turned);
      rotate(key, headSize, turned);
      const [keys = [], values = []] = [this.keys[l], this.values[l]];
      keys.push(key);
      values.push(value);
      const first = window === null ? 0 : Math.max(0, keys.length - window);
      const attended = attend(query, keys.slice(first), values.slice(first), {
        ...spec,
        scale: attentionScaleOf(spec),
        cap: spec.attentionSoftCap,
      });
      const mixed = multiply(layer.attentionOutput, attended);
      x = add(x, layer.attentionPostNorm === null ? mixed : rmsNorm(mixed, layer.attentionPostNorm, epsilon));
      const normed2 = rmsNorm(x, layer.feedForwardNorm, epsilon);
      const up = multiply(layer.up, normed2);
      const gated = multiply(layer.gate, normed2).map((gate, i) => activate(facts.activation, gate) * (up[i] ?? NaN));
      const fed = multiply(layer.down, gated);
      x = add(x, layer.feedForwardPostNorm === null ? fed : rmsNorm(fed, layer.feedForwardPostNorm, epsilon));
    });
    const logits = multiply(weights.head, rmsNorm(x, weights.finalNorm, epsilon));
    return spec.logitSoftCap === undefined ? logits : logits.map((value) => softCap(value, spec.logitSoftCap));
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new EngineError('aborted', 'The request was stopped.');
}
