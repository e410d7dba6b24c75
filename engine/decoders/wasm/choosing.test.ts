// Choosing over logits in WebAssembly memory against choose.ts over the same logits, with random options.

import { expect } from '@esm-bundle/chai';
import fc from 'fast-check';
import { kernelAssets } from '../../../kernels/wasm/kernel-assets.js';
import { kernelFile, loadKernels, supportedBuild } from '../../../kernels/wasm/kernels.js';
import { EngineError } from '../../protocol/errors.js';
import { chooseToken } from '../choose.js';
import type { ChooseOptions } from '../decoder.js';
import { Chooser } from './choosing.js';
import { WasmMemory } from './memory.js';
import type { ScratchPlan } from './scratch.js';

const build = supportedBuild();
if (build === 'none') throw new Error('this browser has no WebAssembly SIMD');
const memory = WasmMemory.of(4 * 2 ** 20, { shared: false, large: false });
const file = await fetch(`/${kernelAssets[kernelFile(build, { shared: false, large: false })]}`);
const kernels = await loadKernels(await file.arrayBuffer(), memory.memory);
const scratch = { topValues: 1024, topIds: 4096, allowed: 8192 } as ScratchPlan;
const at = 65_536;

const choose = (logits: Float32Array, options: ChooseOptions, position: number): number => {
  memory.floats(at, logits.length).set(logits);
  return new Chooser(kernels, memory, scratch, logits.length).choose(at, options, position).id;
};

/** Uniform in [0, 1). */
function generator(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const rows = fc.record({
  size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 200, max: 3000 })),
  spread: fc.constantFrom(0.5, 4, 15),
  /** Many tokens alike. */
  coarse: fc.boolean(),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
});

const optionsOf = fc.record({
  temperature: fc.constantFrom(0, 0.3, 1, 1.7),
  topK: fc.constantFrom(0, 0, 1, 7, 40, 256, 300, 5000),
  topP: fc.constantFrom(1, 1, 0.95, 0.5, 0),
  minP: fc.constantFrom(0, 0, 0.05, 0.6),
  presencePenalty: fc.constantFrom(0, 0.7),
  frequencyPenalty: fc.constantFrom(0, 0.3),
  repetitionPenalty: fc.constantFrom(1, 1.3),
  penalised: fc.array(fc.integer({ min: -1, max: 50 }), { maxLength: 8 }),
  logitBias: fc
    .array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.constantFrom(-100, -1, 3)))
    .map((pairs) => new Map(pairs)),
  seed: fc.integer(),
  logprobs: fc.constantFrom(-1, -1, -1, 2),
});

describe('choosing in WebAssembly memory', () => {
  it('chooses what choose.ts chooses', () => {
    fc.assert(
      fc.property(rows, optionsOf, fc.option(fc.integer({ min: 1, max: 2 ** 31 - 1 })), (row, options, mask) => {
        const next = generator(row.seed);
        const logits = Float32Array.from({ length: row.size }, () => {
          const value = (next() + next() + next() - 1.5) * row.spread;
          return row.coarse ? Math.round(value) : value;
        });
        const bits = mask === null ? null : generator(mask);
        const words = Uint32Array.from({ length: Math.ceil(row.size / 32) }, () =>
          bits === null ? 0 : bits() * 2 ** 32,
        );
        words[0] = (words[0] ?? 0) | 1; // something is allowed
        const all: ChooseOptions = { ...options, ...(mask !== null && { allowed: words }) };
        for (let position = 0; position < 4; position++) {
          expect(choose(logits, all, position)).to.equal(chooseToken(logits, all, position).id);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('says so when logits are no numbers', () => {
    for (const [bad, temperature, topK] of [
      [NaN, 0, 0],
      [NaN, 1, 0],
      [NaN, 1, 5],
      [Infinity, 0, 0],
      [Infinity, 1, 5],
      [Infinity, 1, 0],
    ] as const) {
      const logits = new Float32Array(400);
      logits[300] = bad;
      const options: ChooseOptions = {
        temperature,
        topK,
        topP: 1,
        minP: 0,
        presencePenalty: 0,
        frequencyPenalty: 0,
        repetitionPenalty: 1,
        penalised: [],
        logitBias: new Map(),
        seed: 1,
        logprobs: -1,
      };
      expect(() => choose(logits, options, 0)).to.throw(EngineError, /token 300/);
    }
  });
});
