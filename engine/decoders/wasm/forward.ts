// The forward pass of up to `scratch.rows` consecutive tokens, layer by layer, over addresses in WebAssembly memory. Run by
// wasm-decoder.ts and, in step with it, by every other thread (thread.ts): each computes its share of a matrix's
// rows, of the tokens or of the heads, and meets the others at barriers. With one thread a barrier is nothing.
// Knows nothing of sequences, choosing, memory growth or workers: a `Pass` says where tokens and pages are.
// The residual stream, norms and quantised activations are each thread's own, computed by each: they cost less than a
// barrier. What is shared between two barriers is written by disjoint ranges.
// What goes wrong: a trap in a kernel (WebAssembly.RuntimeError), which the decoder translates.

import type { KernelBuild, Kernels } from '../../../kernels/wasm/kernels.js';
import { floatLayerBytes, int8LayerLayout } from '../../kv/page-layout.js';
import { type ArchitectureFacts, architectures, layerFacts, rotarySizeOf } from '../../weights/architectures.js';
import type { ModelSpec } from '../../weights/model.js';
import type { WasmMemory } from './memory.js';
import { Attention } from './attending.js';
import type { LayerPlace, WeightPlan } from './plan.js';
import { Products } from './products.js';
import type { ScratchPlan, ThreadScratch } from './scratch.js';
import { share, splitRows, type Team } from './sharing.js';

/**
 * What quantised matrices meet. `int8`: activations in 8 bits. `int16`: in 16 bits, but for the output head, after which nothing
 * multiplies its rounding any more. `f32`: floats; matrices are dequantised, which is slow.
 */
export type Activations = 'int8' | 'int16' | 'f32';

/** What every thread needs to know; plain data. */
export interface ForwardPlan {
  readonly spec: ModelSpec;
  readonly weights: WeightPlan;
  readonly scratch: ScratchPlan;
  readonly activations: Activations;
  readonly build: KernelBuild;
  /** Pages close. */
  readonly int8Pages: boolean;
}

/** One pass. Tokens, cosines and sines lie in scratch already. */
export interface Pass {
  /** Tokens. */
  readonly rows: number;
  /** Of the first one. */
  readonly position: number;
  /** Addresses of the sequence's tables of page addresses, u32. */
  readonly floatPages: number;
  readonly int8Pages: number;
  /** Pages that this pass closes: from, one past the last. */
  readonly closeFrom: number;
  readonly closeTo: number;
  /** Rows, the last ones, whose logits are wanted. */
  readonly logitRows: number;
}

export class Forward {
  private readonly facts: ArchitectureFacts;
  private readonly own: ThreadScratch;
  private readonly queryRows: number;
  private readonly kvRows: number;
  private readonly products: Products;
  private readonly attention: Attention;

  constructor(
    private readonly plan: ForwardPlan,
    private readonly kernels: Kernels,
    private readonly memory: WasmMemory,
    private readonly team: Team,
  ) {
    const { spec, scratch } = plan;
    this.facts = architectures[spec.architecture];
    this.own = scratch.threads[team.index] as ThreadScratch;
    this.queryRows = spec.heads * spec.headSize;
    this.kvRows = spec.kvHeads * spec.headSize;
    this.products = new Products(plan, kernels, team);
    this.attention = new Attention(plan, kernels, team);
  }

  /** Embeds the tokens. */
  begin({ rows }: Pass): void {
    const { kernels, memory, own } = this;
    const { spec, weights, scratch } = this.plan;
    const { embedding } = weights;
    const size = spec.hiddenSize;
    const tokens = memory.words(scratch.tokens, rows);
    for (let row = 0; row < rows; row++) {
      const token = tokens[row] as number;
      const out = own.hidden + row * size * 4;
      if (embedding.kind === 'f32')
        memory.floats(out, size).set(memory.floats(embedding.data + token * size * 4, size));
      else if (embedding.kind === 'f16') kernels.widenF16(embedding.data + token * size * 2, size, out);
      else this.products.rowOf(embedding, token, out);
    }
    if (this.facts.scaledEmbedding) kernels.multiply(own.hidden, rows * size, Math.fround(Math.sqrt(size)));
  }

  layer(index: number, pass: Pass): void {
    const { kernels, own, facts } = this;
    const { spec, weights, scratch } = this.plan;
    const { rows } = pass;
    const place = weights.layers[index] as LayerPlace;
    const size = spec.hiddenSize;
    const width = this.queryRows + 2 * this.kvRows;

    this.norm(own.hidden, rows, place.attentionNorm);
    this.products.multiply(place.queryKeyValue, own.normed, size, rows, scratch.queryKeyValue, width);
    this.team.barrier();
    this.placeKeys(index, place, pass);
    this.team.barrier();
    if (pass.closeFrom < pass.closeTo) {
      this.closePages(index, pass);
      this.team.barrier();
    }
    this.attention.attend(index, pass);
    this.team.barrier();
    this.products.multiply(place.attentionOutput, scratch.attended, this.queryRows, rows, scratch.added, size);
    this.team.barrier();
    this.addBlock(rows, place.attentionPostNorm);

    this.norm(own.hidden, rows, place.feedForwardNorm);
    const inner = spec.feedForwardSize;
    this.products.multiply(place.gateUp, own.normed, size, rows, scratch.gateUp, 2 * inner, inner);
    const [from, to] = share(this.team, inner, splitRows);
    const gate = facts.activation === 'silu' ? kernels.gateSilu : kernels.gateGelu;
    for (let row = 0; row < rows && from < to; row++) {
      const at = scratch.gateUp + (row * 2 * inner + from) * 4;
      gate(at, at + inner * 4, to - from);
    }
    this.team.barrier();
    this.products.multiply(place.down, scratch.gateUp, 2 * inner, rows, scratch.added, size);
    this.team.barrier();
    this.addBlock(rows, place.feedForwardPostNorm);
  }

  /** The last rows' logits into scratch, [logitRows, logitStride]. */
  end({ rows, logitRows }: Pass): void {
    if (logitRows === 0) return;
    const { kernels } = this;
    const { spec, weights, scratch } = this.plan;
    const size = spec.hiddenSize;
    const stride = logitStride(spec);
    this.norm(this.own.hidden + (rows - logitRows) * size * 4, logitRows, weights.finalNorm);
    this.products.multiply(weights.head, this.own.normed, size, logitRows, scratch.logits, stride);
    this.team.barrier();
    if (spec.logitSoftCap !== undefined && this.team.index === 0) {
      kernels.softCap(scratch.logits, logitRows * stride, spec.logitSoftCap);
    }
  }

  /** Biases, norms of heads, rotary turn; then new keys and values go into their pages. */
  private placeKeys(index: number, place: LayerPlace, pass: Pass): void {
    const { kernels } = this;
    const { spec, scratch } = this.plan;
    const { heads, kvHeads, headSize, rmsNormEpsilon } = spec;
    const [from, to] = share(this.team, pass.rows, 1);
    if (from === to) return;
    const width = this.queryRows + 2 * this.kvRows;
    const at = scratch.queryKeyValue + from * width * 4;
    const keys = at + this.queryRows * 4;
    if (place.bias !== 0) kernels.addBias(at, to - from, width, place.bias);
    if (place.queryNorm !== 0) {
      for (let row = 0; row < to - from; row++) {
        const query = at + row * width * 4;
        const key = keys + row * width * 4;
        kernels.rmsNorm(query, query, heads, headSize, place.queryNorm, rmsNormEpsilon);
        kernels.rmsNorm(key, key, kvHeads, headSize, place.keyNorm, rmsNormEpsilon);
      }
    }
    const turned = rotarySizeOf(spec);
    const slides = layerFacts(spec, index).window === null ? 0 : 1;
    const skipped = from * turned * 2;
    const cosines = scratch.cosines[slides] + skipped;
    const sines = scratch.sines[slides] + skipped;
    kernels.rotary(at, width, to - from, heads + kvHeads, headSize, turned, cosines, sines);
    const offset = index * floatLayerBytes(spec);
    const values = keys + this.kvRows * 4;
    kernels.kvAppend(keys, values, width, to - from, pass.position + from, kvHeads, headSize, pass.floatPages, offset);
  }

  private closePages(index: number, { closeFrom, closeTo, floatPages, int8Pages }: Pass): void {
    const { spec } = this.plan;
    const { keyQuants, valueScales, valueQuants, byteLength } = int8LayerLayout(spec);
    const [from, to] = share(this.team, closeTo - closeFrom, 1);
    for (let page = closeFrom + from; page < closeFrom + to; page++) {
      this.kernels.kvQuantise(
        floatPages,
        index * floatLayerBytes(spec),
        int8Pages,
        index * byteLength,
        page,
        keyQuants,
        valueScales,
        valueQuants,
        spec.kvHeads,
        spec.headSize,
      );
    }
  }

  /** normed = the norm of `x`. */
  private norm(x: number, rows: number, weight: number): void {
    const { hiddenSize, rmsNormEpsilon } = this.plan.spec;
    this.kernels.rmsNorm(this.own.normed, x, rows, hiddenSize, weight, rmsNormEpsilon);
  }

  /** Residual stream += what the block made, normed first where the architecture says so. */
  private addBlock(rows: number, postNorm: number): void {
    const { kernels, own } = this;
    const { hiddenSize } = this.plan.spec;
    const { added } = this.plan.scratch;
    if (postNorm === 0) {
      kernels.add(own.hidden, added, rows * hiddenSize);
      return;
    }
    this.norm(added, rows, postNorm);
    kernels.add(own.hidden, own.normed, rows * hiddenSize);
  }
}

/** Floats from one row of logits to the next. */
export const logitStride = ({ vocabularySize }: ModelSpec): number => Math.ceil(vocabularySize / 4) * 4;
