// Which kernels a model needs, compiled: the table of architecture facts becomes inputs and outputs of the kernels' families.
// Called by webgpu-decoder.ts while weights still arrive; network.ts binds what comes of it. Knows shapes, no buffers.
// Layers of one shape share pipelines: layer-dependent numbers come from bindings (vectors' record, `layer` uniform).

import { architectures, attentionScaleOf, rotarySizeOf } from '../../weights/architectures.js';
import type { ModelSpec } from '../../weights/model.js';
import type { KvPrecision } from '../../kv/page-layout.js';
import { type AttentionSpec, splitsOf } from '../../../kernels/wgsl/attention.js';
import type { Input } from '../../../kernels/wgsl/input.js';
import {
  createKernel,
  type DeviceTraits,
  type Kernel,
  type KernelSource,
  type Slots,
  type Workgroups,
} from '../../../kernels/wgsl/kernel.js';
import { kvAppend, type KvPool } from '../../../kernels/wgsl/kv-pages.js';
import type { HeadsSpec, Output } from '../../../kernels/wgsl/output.js';
import type { MatrixShape } from '../../../kernels/wgsl/weight-format.js';
import type { LoadPlan, MatrixPlan } from './plan.js';
import { stateBlocks } from './scratch.js';

/** A multiplication with weights, without its shape on the device. */
export interface Product {
  /** Of the plan's matrix, for tuning: all layers' `down` are one. */
  readonly role: ProductRole;
  readonly matrix: MatrixShape;
  readonly input: Input;
  readonly output: Output;
}

export type ProductRole = 'queryKeyValue' | 'attentionOutput' | 'gateUp' | 'down' | 'head';

/** How a family of kernels computes a product for some rows at once: matvec.ts for a few, matmul.ts for many. */
export type ProductFamily = (product: Product) => {
  readonly source: KernelSource<Slots>;
  readonly grid: (rows: number) => Workgroups;
};

/** One part of a matrix, ready to be bound. */
export interface ProductKernel {
  readonly kernel: Kernel<Slots>;
  readonly grid: (rows: number) => Workgroups;
}

/** Kernels of one layer; each product may have several parts. */
export interface LayerKernels {
  readonly queryKeyValue: readonly ProductKernel[];
  readonly attentionOutput: readonly ProductKernel[];
  readonly gateUp: readonly ProductKernel[];
  readonly down: readonly ProductKernel[];
}

export interface KernelFacts {
  readonly device: GPUDevice;
  readonly traits: DeviceTraits;
  readonly spec: ModelSpec;
  readonly plan: LoadPlan;
  readonly pool: KvPool;
  readonly precision: KvPrecision;
  readonly contextLength: number;
  /** Rows of the scratch whose buffers the kernels will see. */
  readonly rows: number;
  /** Products see no whole heads: norms over heads are a kernel of their own. */
  readonly tiled: boolean;
}

/** What does not depend on the number of rows. */
export type CommonFacts = Omit<KernelFacts, 'rows' | 'tiled'>;

export const hasPostNorms = ({ architecture }: ModelSpec): boolean => architectures[architecture].postNorms;

export function attentionSpecOf({
  spec,
  pool,
  precision,
  contextLength,
  traits,
}: Pick<CommonFacts, 'spec' | 'pool' | 'precision' | 'contextLength' | 'traits'>): AttentionSpec {
  return {
    pool,
    heads: spec.heads,
    int8: precision === 'int8',
    scale: attentionScaleOf(spec),
    ...(spec.attentionSoftCap !== undefined && { softCap: spec.attentionSoftCap }),
    maxSplits: splitsOf(contextLength),
    byThreads: traits.software,
  };
}

/** Whether queries, keys and values pass through heads.ts. */
export const needsHeads = ({ spec, tiled }: KernelFacts): boolean =>
  tiled && architectures[spec.architecture].queryKeyNorm;

export function headsSpecOf({ spec, plan, pool }: CommonFacts): HeadsSpec {
  const { heads, kvHeads, headSize, rmsNormEpsilon: epsilon } = spec;
  const { bias: biasAt, queryNorm: queryAt, keyNorm: keyAt } = plan.vectorLayout;
  return {
    heads,
    kvHeads,
    headSize,
    rotarySize: rotarySizeOf(spec),
    ...(biasAt !== undefined && { biasAt }),
    ...(queryAt !== undefined && keyAt !== undefined && { headNorm: { queryAt, keyAt, epsilon } }),
    append: kvAppend(pool),
  };
}

/** What stands before and after each product of a layer, by the architecture's facts. */
export function layerProducts(facts: KernelFacts, layer: number): Record<keyof LayerKernels, readonly Product[]> {
  const { spec, plan, rows } = facts;
  const { vectorLayout: vectors } = plan;
  const { activation, postNorms } = architectures[spec.architecture];
  const { hiddenSize, rmsNormEpsilon: epsilon } = spec;
  const blocks = stateBlocks(rows, hiddenSize);
  const matrix = (name: string): MatrixPlan => plan.matrices.get(`layers.${layer}.${name}`) as MatrixPlan;
  const joined = (normAt: number, postNormAt: number, hiddenAt: number, nextAt: number): Input => ({
    kind: 'joined',
    epsilon,
    normAt,
    postNormAt,
    hiddenAt,
    pendingAt: blocks.pending,
    nextAt,
  });
  const result = (firstRow: number): Output =>
    postNorms
      ? { kind: 'store', stride: hiddenSize, at: blocks.pending + firstRow }
      : { kind: 'add', stride: hiddenSize, at: firstRow };

  const { pendingNorm, attentionPostNorm } = vectors;
  return {
    queryKeyValue: parts(matrix('queryKeyValue'), 'queryKeyValue', () => ({
      // The first layer finds the embedding in the first block, finished.
      input:
        pendingNorm === undefined || layer === 0
          ? { kind: 'norm', epsilon, normAt: vectors.norm }
          : joined(vectors.norm, pendingNorm, blocks.second, blocks.first),
      output: needsHeads(facts)
        ? { kind: 'store', stride: matrix('queryKeyValue').rows, at: 0 }
        : { kind: 'heads', ...headsSpecOf(facts) },
    })),
    attentionOutput: parts(matrix('attentionOutput'), 'attentionOutput', (firstRow) => ({
      input: { kind: 'plain' },
      output: result(firstRow),
    })),
    gateUp: parts(matrix('gateUp'), 'gateUp', (firstRow) => ({
      input:
        attentionPostNorm === undefined
          ? { kind: 'norm', epsilon, normAt: vectors.feedForwardNorm }
          : joined(vectors.feedForwardNorm, attentionPostNorm, blocks.first, blocks.second),
      output: {
        kind: 'gated',
        activation: activation === 'gelu-tanh' ? 'gelu' : 'silu',
        stride: spec.feedForwardSize,
        at: firstRow,
      },
    })),
    down: parts(matrix('down'), 'down', (firstRow) => ({ input: { kind: 'plain' }, output: result(firstRow) })),
  };
}

/** The final norm and the head: logits [rows, vocabulary]. */
export function headProducts({ spec, plan, rows }: KernelFacts): readonly Product[] {
  const { norm: normAt, pendingNorm: postNormAt } = plan.vectorLayout;
  const { rmsNormEpsilon: epsilon, logitSoftCap: softCap, vocabularySize: stride } = spec;
  const { second: hiddenAt, pending: pendingAt } = stateBlocks(rows, spec.hiddenSize);
  const input: Input =
    postNormAt === undefined
      ? { kind: 'norm', epsilon, normAt }
      : { kind: 'joined', epsilon, normAt, postNormAt, hiddenAt, pendingAt };
  return parts(headMatrix(plan, spec), 'head', (at) => ({
    input,
    output: { kind: 'store', stride, at, ...(softCap !== undefined && { softCap }) },
  }));
}

const headMatrix = (plan: LoadPlan, { tiedHead }: ModelSpec): MatrixPlan =>
  plan.matrices.get(tiedHead ? 'embedding' : 'head') as MatrixPlan;

function parts(
  { kind, columns, order, parts: cut }: MatrixPlan,
  role: ProductRole,
  around: (firstRow: number) => Pick<Product, 'input' | 'output'>,
): Product[] {
  return cut.map(({ firstRow, rows }) => ({
    role,
    matrix: { kind, columns, rows: order === 'paired' ? 2 * rows : rows },
    ...around(firstRow),
  }));
}

/** Compiles each distinct product once. */
export class ProductCompiler {
  private readonly made = new Map<string, Promise<ProductKernel>>();

  constructor(
    private readonly device: GPUDevice,
    private readonly family: ProductFamily,
  ) {}

  async layer(products: Record<keyof LayerKernels, readonly Product[]>): Promise<LayerKernels> {
    const [queryKeyValue, attentionOutput, gateUp, down] = await Promise.all([
      this.all(products.queryKeyValue),
      this.all(products.attentionOutput),
      this.all(products.gateUp),
      this.all(products.down),
    ]);
    return { queryKeyValue, attentionOutput, gateUp, down };
  }

  all(products: readonly Product[]): Promise<ProductKernel[]> {
    return Promise.all(products.map((product) => this.compile(product)));
  }

  private compile(product: Product): Promise<ProductKernel> {
    const key = JSON.stringify(product);
    let made = this.made.get(key);
    if (made === undefined) {
      const { source, grid } = this.family(product);
      made = createKernel(this.device, source).then((kernel) => ({ kernel, grid }));
      this.made.set(key, made);
    }
    return made;
  }
}
