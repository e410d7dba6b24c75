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
import type { LayerPlace, StackPlace, WeightPlan } from './plan.js';
import { Products } from './products.js';
import type { ScratchPlan, ThreadScratch } from './scratch.js';
import { inParts, share, splitRows, type Team } from './sharing.js';

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
    const { own } = this;
    const { spec, weights, scratch } = this.plan;
    const { rows } = pass;
    const place = weights.layers[index] as LayerPlace;
    const size = spec.hiddenSize;

    this.norm(own.hidden, rows, place.attentionNorm);
    this.projectHeads(index, place, pass);
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
    this.openGate(place, rows);
    this.team.barrier();
    this.products.multiply(place.down, scratch.gateUp, 2 * spec.feedForwardSize, rows, scratch.added, size);
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

  /**
   * Queries, keys and values. Threads take heads: their products, bias, norm and rotary turn, and a new key and value go into
   * their page with it, so that attention can begin after one barrier.
   */
  private projectHeads(index: number, place: LayerPlace, pass: Pass): void {
    const { spec } = this.plan;
    const { heads, kvHeads, headSize, hiddenSize } = spec;
    const { rows } = pass;
    const keys = this.queryRows;
    const values = keys + this.kvRows;
    this.products.prepare(place.queryKeyValue, this.own.normed, hiddenSize, rows);
    // Queries, then keys with their values, which count twice.
    inParts(this.team, heads + 2 * kvHeads, headSize * hiddenSize * rows, 1, (from, to) => {
      const first = Math.min(from, heads);
      const end = Math.min(to, heads);
      const kvFirst = Math.max(from - heads, 0) >> 1;
      const kvEnd = Math.max(to - heads, 0) >> 1;
      this.projectRanges(place.queryKeyValue, rows, [
        [first * headSize, end * headSize],
        [keys + kvFirst * headSize, keys + kvEnd * headSize],
        [values + kvFirst * headSize, values + kvEnd * headSize],
      ]);
      if (first < end) this.finishHeads(index, place, pass, 0, first, end, place.queryNorm);
      if (kvFirst < kvEnd) {
        this.finishHeads(index, place, pass, keys, kvFirst, kvEnd, place.keyNorm);
        const count = (kvEnd - kvFirst) * headSize;
        if (place.bias !== 0) this.addBias(place.bias, values + kvFirst * headSize, count, rows);
        this.placeKeys(index, pass, kvFirst, kvEnd);
      }
    });
  }

  /** Rows of queries, keys and values; ranges that follow one another are one. */
  private projectRanges(stack: StackPlace, rows: number, ranges: readonly (readonly [number, number])[]): void {
    const width = this.queryRows + 2 * this.kvRows;
    const { normed } = this.own;
    const y = this.plan.scratch.queryKeyValue;
    let begin = 0;
    let end = 0;
    const project = (): void => {
      if (begin < end) {
        this.products.multiplyRows(stack, normed, this.plan.spec.hiddenSize, rows, y, width, begin, end);
      }
    };
    for (const [from, to] of ranges) {
      if (from !== end) {
        project();
        begin = from;
      }
      end = to;
    }
    project();
  }

  /** Bias, norm and rotary turn of heads from, to of the queries or keys, which begin at an element of each row. */
  private finishHeads(
    index: number,
    place: LayerPlace,
    { rows }: Pass,
    begin: number,
    from: number,
    to: number,
    norm: number,
  ): void {
    const { kernels } = this;
    const { spec, scratch } = this.plan;
    const { headSize, rmsNormEpsilon } = spec;
    const width = this.queryRows + 2 * this.kvRows;
    const first = begin + from * headSize;
    const at = scratch.queryKeyValue + first * 4;
    if (place.bias !== 0) this.addBias(place.bias, first, (to - from) * headSize, rows);
    if (norm !== 0) {
      for (let row = 0; row < rows; row++) {
        const head = at + row * width * 4;
        kernels.rmsNorm(head, head, to - from, headSize, norm, rmsNormEpsilon);
      }
    }
    const slides = layerFacts(spec, index).window === null ? 0 : 1;
    const [cosines, sines] = [scratch.cosines[slides], scratch.sines[slides]];
    kernels.rotary(at, width, rows, to - from, headSize, rotarySizeOf(spec), cosines, sines);
  }

  /** To `count` elements of every row of queries, keys and values, from one on. */
  private addBias(bias: number, first: number, count: number, rows: number): void {
    const width = this.queryRows + 2 * this.kvRows;
    for (let row = 0; row < rows; row++) {
      this.kernels.addBias(this.plan.scratch.queryKeyValue + (row * width + first) * 4, 1, count, bias + first * 4);
    }
  }

  /** New keys and values of some heads into their pages. */
  private placeKeys(index: number, { rows, position, floatPages }: Pass, from: number, to: number): void {
    const { spec, scratch } = this.plan;
    const { kvHeads, headSize } = spec;
    const width = this.queryRows + 2 * this.kvRows;
    const keys = scratch.queryKeyValue + this.queryRows * 4;
    const values = keys + this.kvRows * 4;
    const offset = index * floatLayerBytes(spec);
    this.kernels.kvAppend(keys, values, width, rows, position, kvHeads, headSize, floatPages, offset, from, to);
  }

  /** act(gate) * up, in place of the gate. */
  private openGate(place: LayerPlace, rows: number): void {
    const { kernels, own, products } = this;
    const { spec, scratch } = this.plan;
    const { feedForwardSize: inner, hiddenSize } = spec;
    const gate = this.facts.activation === 'silu' ? kernels.gateSilu : kernels.gateGelu;
    const stack = place.gateUp;
    products.prepare(stack, own.normed, hiddenSize, rows);
    const project = (from: number, to: number): void =>
      products.multiplyRows(stack, own.normed, hiddenSize, rows, scratch.gateUp, 2 * inner, from, to);
    inParts(this.team, inner, 2 * hiddenSize * rows, splitRows, (from, to) => {
      if (to - from === inner) project(0, 2 * inner);
      else {
        project(from, to);
        project(inner + from, inner + to);
      }
      for (let row = 0; row < rows; row++) {
        const at = scratch.gateUp + (row * 2 * inner + from) * 4;
        gate(at, at + inner * 4, to - from);
      }
    });
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
