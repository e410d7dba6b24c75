// The compiled networks of a model: for one row (decoding), for up to eight (verification), for chunks of prompts. Called by
// machine.ts while weights arrive. Knows which family of kernels serves which number of rows; the facts of a model become
// products in kernels.ts.

import { attentionParts, attentionSource, partsWorkgroups } from '../../../kernels/wgsl/attention.js';
import { attentionReduceSource, attentionReduceWorkgroups } from '../../../kernels/wgsl/attention-reduce.js';
import { tiledSource, tiledWorkgroups } from '../../../kernels/wgsl/attention-tiled.js';
import { embedSource, type EmbedSpec, embedWorkgroups } from '../../../kernels/wgsl/embed.js';
import { headsSource, headsWorkgroups } from '../../../kernels/wgsl/heads.js';
import { createKernel, type DeviceTraits } from '../../../kernels/wgsl/kernel.js';
import { closeSource, closeWorkgroups, reopenSource } from '../../../kernels/wgsl/kv-close.js';
import { matmulSource, type MatmulSpec, matmulWorkgroups } from '../../../kernels/wgsl/matmul.js';
import { matvecBatch, matvecSource, type MatvecSpec, matvecWorkgroups } from '../../../kernels/wgsl/matvec.js';
import { architectures } from '../../weights/architectures.js';
import {
  attentionSpecOf,
  type CommonFacts,
  headProducts,
  headsSpecOf,
  type KernelFacts,
  layerProducts,
  needsHeads,
  ProductCompiler,
  type ProductFamily,
  type ProductKernel,
} from './kernels.js';
import type { AttentionKernels, NetworkKernels, PagingKernels, SizedKernel, StepSize } from './network.js';
import type { MatrixPlan } from './plan.js';
import { type ShapeChoice, shapeOf, tileOf } from './shapes.js';

export interface Program {
  /** Rows of a step at most. */
  readonly rows: number;
  readonly kernels: NetworkKernels;
}

export interface HeadProgram {
  readonly rows: number;
  readonly kernels: readonly ProductKernel[];
}

/** What a small step needs for so many rows. */
export interface FewPrograms {
  readonly body: Program;
  readonly head: HeadProgram;
}

export interface Programs {
  readonly one: FewPrograms;
  readonly many: Program;
  /** For `fewRows`, which only verification and short appends need: compiled when asked for. */
  several(): Promise<FewPrograms>;
}

/** Whether chunks of prompts go through tiles; on a processor tiles and their barriers cost more than they save. */
export const tiles = ({ software }: Pick<DeviceTraits, 'software'>): boolean => !software;

/** Rows of one workgroup where there are several; fewer accumulators suit a processor, and compile faster. */
const batchOf = ({ software }: DeviceTraits, fewRows: number): number => (software ? 4 : fewRows);

/** Matrix-vector kernels for `batch` rows at once, fewer where so many do not fit workgroup memory; more go in blocks. */
const matvecFamily =
  ({ traits }: CommonFacts, batch: number, choice: ShapeChoice): ProductFamily =>
  (product) => {
    const { matrix, input, output } = product;
    const wanted: MatvecSpec = { matrix, batch, input, output, shape: shapeOf(choice, product, batch, traits) };
    const spec: MatvecSpec = { ...wanted, batch: matvecBatch(wanted, traits) };
    return {
      source: matvecSource(spec, traits),
      grid: (rows) => matvecWorkgroups(spec, Math.ceil(rows / spec.batch)),
    };
  };

/** Tiles, for any number of rows. */
const matmulFamily =
  ({ traits }: CommonFacts): ProductFamily =>
  ({ matrix, input, output }) => {
    const spec: MatmulSpec = { matrix, input, output, shape: tileOf(traits) };
    return { source: matmulSource(spec), grid: (rows) => matmulWorkgroups(spec, rows) };
  };

export async function compilePrograms(
  facts: CommonFacts,
  { fewRows, manyRows, choice }: { readonly fewRows: number; readonly manyRows: number; readonly choice: ShapeChoice },
): Promise<Programs> {
  const { device, traits } = facts;
  const few: KernelFacts = { ...facts, rows: fewRows, tiled: false };
  const many: KernelFacts = { ...facts, rows: manyRows, tiled: tiles(traits) };
  const common = Promise.all([compileEmbedding(facts), compilePaging(facts)]);
  const splitAttention = compileSplitAttention(facts);
  const program = async (
    of: KernelFacts,
    family: ProductFamily,
    rows: number,
    attending: Promise<AttentionKernels>,
  ): Promise<Program> => {
    const compiler = new ProductCompiler(device, family);
    const each = Array.from({ length: facts.spec.layers }, (_, layer) => compiler.layer(layerProducts(of, layer)));
    const [layers, attention, heads, [embed, paging]] = await Promise.all([
      Promise.all(each),
      attending,
      needsHeads(of) ? compileHeads(of) : null,
      common,
    ]);
    return { rows, kernels: { embed, layers, heads, attention, paging } };
  };
  const small = async (rows: number, batch: number): Promise<FewPrograms> => {
    const family = matvecFamily(few, batch, choice);
    const [body, kernels] = await Promise.all([
      program(few, family, rows, splitAttention),
      new ProductCompiler(device, family).all(headProducts(few)),
    ]);
    return { body, head: { rows, kernels } };
  };
  const batch = batchOf(traits, fewRows);
  const large = tiles(traits)
    ? program(many, matmulFamily(many), manyRows, compileTiledAttention(facts))
    : program(many, matvecFamily(many, batch, choice), manyRows, closingWithin(splitAttention));
  const [one, chunk] = await Promise.all([small(1, 1), large]);
  return { one, many: chunk, several: () => small(fewRows, batch) };
}

/** Attention of a few rows, and what joins its splits. */
async function compileSplitAttention(facts: CommonFacts): Promise<AttentionKernels> {
  const spec = attentionSpecOf(facts);
  const [attend, reduce] = await Promise.all([
    createKernel(facts.device, attentionSource(spec, facts.traits)),
    createKernel(facts.device, attentionReduceSource(spec)),
  ]);
  const partsOf = ({ position, rows, apart }: StepSize, window: number): number =>
    apart === undefined
      ? attentionParts(spec, position, rows, window)
      : Math.max(...apart.map((each) => attentionParts(spec, each, 1, window)));
  return {
    attend,
    grid: (size, window) => partsWorkgroups(spec, partsOf(size, window), size.rows),
    reduce: {
      kernel: reduce,
      grid: (size, window) => (partsOf(size, window) > 1 ? attentionReduceWorkgroups(spec, size.rows) : null),
    },
    closesWithin: false,
  };
}

/** The same for a chunk, which fills pages that its later rows see closed. */
const closingWithin = async (attention: Promise<AttentionKernels>): Promise<AttentionKernels> => ({
  ...(await attention),
  closesWithin: true,
});

/** Attention of a chunk. */
async function compileTiledAttention(facts: CommonFacts): Promise<AttentionKernels> {
  const spec = attentionSpecOf(facts);
  const attend = await createKernel(facts.device, tiledSource(spec, facts.traits));
  return { attend, grid: ({ position, rows }) => tiledWorkgroups(spec, position, rows), closesWithin: true };
}

async function compileHeads(facts: KernelFacts): Promise<SizedKernel> {
  const spec = headsSpecOf(facts);
  return {
    kernel: await createKernel(facts.device, headsSource(spec)),
    grid: (rows) => headsWorkgroups(spec, rows),
  };
}

async function compilePaging({ device, pool, precision }: CommonFacts): Promise<PagingKernels | null> {
  if (precision === 'f32') return null;
  const [close, reopen] = await Promise.all([
    createKernel(device, closeSource(pool)),
    createKernel(device, reopenSource(pool)),
  ]);
  return { close, reopen, grid: (pages, layers) => closeWorkgroups(pool, pages, layers) };
}

function compileEmbedding({ device, spec, plan }: CommonFacts): Promise<readonly SizedKernel[]> {
  const { kind, parts } = plan.matrices.get('embedding') as MatrixPlan;
  const { scaledEmbedding } = architectures[spec.architecture];
  const scale = scaledEmbedding ? Math.sqrt(spec.hiddenSize) : 1;
  return Promise.all(
    parts.map(async ({ firstRow, rows }) => {
      const embed: EmbedSpec = { matrix: { kind, columns: spec.hiddenSize, rows }, firstRow, scale };
      const kernel = await createKernel(device, embedSource(embed));
      return { kernel, grid: (count: number) => embedWorkgroups(embed, count) };
    }),
  );
}
