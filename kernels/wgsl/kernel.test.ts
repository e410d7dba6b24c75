// The scaffolding of kernels: what is refused says where, what is compiled once is shared, and shapes that cannot be never
// reach a shader.

import { expect } from '@esm-bundle/chai';
import { openTestGpu, type TestGpu } from '../../test/support/test-gpu.js';
import { createKernel, KernelError, spread, traitsOf, type KernelSource, type Slots } from './kernel.js';
import { matmulSource } from './matmul.js';
import { matvecBatch, matvecSource, matvecWorkgroups, type MatvecSpec } from './matvec.js';
import { batchShapes, matvecShapes, shapeFits } from './matvec-shapes.js';
import type { Output } from './output.js';

let gpu: TestGpu;
before(async () => {
  gpu = await openTestGpu();
});
after(() => gpu.destroy());

const doubling = (body: string): KernelSource<Slots> => ({
  label: 'doubling',
  slots: { y: { access: 'write', type: 'array<f32>' } },
  code: `@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) at: vec3<u32>) { ${body} }`,
});

async function refusal(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('kernels', () => {
  it('say which shader was refused, where and why, every time', async () => {
    for (let i = 0; i < 2; i++) {
      const error = await refusal(createKernel(gpu.device, doubling('y[at.x] = nothing;')));
      if (!(error instanceof KernelError)) throw new Error('it was compiled');
      expect(error.label).to.equal('doubling');
      expect(error.message).to.match(/"doubling".*\d+:\d+ .*nothing/s);
    }
  });

  it('share what was compiled from the same source', async () => {
    const first = await createKernel(gpu.device, doubling('y[at.x] *= 2.0;'));
    expect(await createKernel(gpu.device, doubling('y[at.x] *= 2.0;'))).to.equal(first);
    expect(await createKernel(gpu.device, doubling('y[at.x] *= 3.0;'))).not.to.equal(first);
    const y = gpu.store(Float32Array.of(1, 2, 3, 4));
    await gpu.run(first.dispatch({ y }, [4, 1, 1]));
    expect([...(await gpu.floats(y))]).to.deep.equal([2, 4, 6, 8]);
    expect(() => first.dispatch({}, [1, 1, 1])).to.throw('no buffer for "y"');
  });

  it('spread more workgroups than a dimension has over two', () => {
    expect(spread(7)).to.deep.equal([7, 1, 1]);
    for (const count of [65_535, 65_536, 200_001]) {
      const [x, y] = spread(count);
      expect(x).to.be.at.most(65_535);
      expect(x * y).to.be.within(count, count + y);
    }
  });

  it('refuse shapes that cannot be before a shader is written', () => {
    const matrix = { kind: 'q4', rows: 8, columns: 64 } as const;
    const output: Output = { kind: 'store', stride: 8, at: 0 };
    const shape = { workgroupSize: 32, threads: 4, results: 1, staged: true };
    const good: MatvecSpec = { matrix, batch: 1, input: { kind: 'plain' }, output, shape };
    const traits = traitsOf(gpu.device);
    for (const bad of [
      { matrix: { ...matrix, columns: 48 } },
      { matrix: { kind: 'f16', rows: 8, columns: 20 } },
      { matrix: { kind: 'f32', rows: 8, columns: 6 } },
      { batch: 9 },
      { shape: { ...shape, workgroupSize: 48 } },
      { shape: { ...shape, workgroupSize: 512 } },
      { shape: { ...shape, threads: 64 } },
      { shape: { ...shape, results: 0 } },
      { shape: { ...shape, staged: false }, int8: true },
    ] as const satisfies readonly Partial<MatvecSpec>[]) {
      expect(() => matvecSource({ ...good, ...bad }, traits), JSON.stringify(bad)).to.throw(RangeError);
    }
    expect(() => matvecSource({ ...good, int8: true }, { ...traits, packedDot: false })).to.throw(RangeError);
    const columns = { ...matrix, columns: 33 };
    const tile = { tileRows: 16, tileColumns: 32 } as const;
    expect(() => matmulSource({ matrix: columns, input: good.input, output, shape: tile })).to.throw(RangeError);
  });

  it('take whole heads in batches that are staged at once, and fit their memory in any', async () => {
    // Gemma 3 1B: heads of 256, 1152 columns.
    const append = { slots: {}, code: 'fn kv_append(p: u32, v: bool, h: u32, e: u32, x: f32) {}' };
    const headNorm = { queryAt: 1152, keyAt: 1408, epsilon: 1e-6 };
    const output = { kind: 'heads', heads: 4, kvHeads: 1, headSize: 256, rotarySize: 256, headNorm, append } as const;
    const matrix = { kind: 'q4', rows: 6 * 256, columns: 1152 } as const;
    const input = { kind: 'norm', epsilon: 1e-6, normAt: 0 } as const;
    const shape = { workgroupSize: 128, threads: 16, results: 2, staged: true };
    const spec: MatvecSpec = { matrix, batch: 8, input, output, shape };
    const traits = { ...traitsOf(gpu.device), subgroups: false };
    expect(matvecBatch(spec, traits)).to.equal(2);
    expect(matvecBatch({ ...spec, output: { kind: 'store', stride: 1536, at: 0 } }, traits)).to.equal(8);
    // The device counts the memory of the largest.
    await createKernel(gpu.device, matvecSource(spec, traits));
  }).timeout(60_000);

  it('have candidates for every device and every size of head, and those for more rows keep the bits', () => {
    const append = { slots: {}, code: '' };
    for (const software of [true, false]) {
      for (const subgroupMinSize of [1, 4, 8, 32]) {
        const traits = { ...traitsOf(gpu.device), software, subgroups: subgroupMinSize > 1, subgroupMinSize };
        for (const headSize of [8, 24, 64, 80, 96, 128, 256]) {
          const heads = { heads: 4, kvHeads: 2, headSize, rotarySize: headSize, append };
          const headNorm = { queryAt: 0, keyAt: 0, epsilon: 1e-6 };
          const rows = 8 * headSize;
          for (const output of [
            { kind: 'store', stride: rows, at: 0 },
            { kind: 'gated', activation: 'silu', stride: rows / 2, at: 0 },
            { kind: 'heads', ...heads },
            { kind: 'heads', ...heads, headNorm },
          ] as const satisfies readonly Output[]) {
            const matrix = { kind: 'q4', rows, columns: 64 } as const;
            for (const one of matvecShapes(traits, output)) {
              expect(shapeFits({ batch: 1, output }, one, traits)).to.equal(true);
              for (let batch = 1; batch <= 8; batch++) {
                for (const shape of batchShapes(one, { batch, output }, traits)) {
                  expect([shape.threads, shape.staged]).to.deep.equal([one.threads, one.staged]);
                  const spec = { matrix, batch, input: { kind: 'plain' }, output, shape } as const;
                  expect(matvecSource(spec, traits).code).to.contain('fn main');
                  expect(matvecWorkgroups(spec)[0]).to.be.at.least(1);
                }
              }
            }
          }
        }
      }
    }
  });
});
