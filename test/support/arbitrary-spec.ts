// Models that no one published but the table of architecture facts allows: every family, odd sizes, windows, rotary rules, caps.
// For property tests of decoders and of readers; `fixtureModel` makes the weights. Small enough for plain JavaScript.

import fc from 'fast-check';
import type { Architecture, ModelSpec, RopeScaling } from '../../engine/weights/model.js';

/** @param contextLength of every model: the text's length, at least */
export function arbitrarySpec(contextLength: number): fc.Arbitrary<ModelSpec> {
  const sizes = fc.record({
    architecture: fc.constantFrom<Architecture>('llama', 'qwen2', 'qwen3', 'gemma3', 'phi3'),
    layers: fc.integer({ min: 1, max: 3 }),
    hiddenSize: fc.constantFrom(32, 64, 96, 160),
    feedForwardSize: fc.constantFrom(32, 64, 96, 224),
    kvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 4 }),
    headSize: fc.constantFrom(8, 16, 24, 32, 40, 64),
    vocabularySize: fc.integer({ min: 33, max: 150 }),
    tiedHead: fc.boolean(),
    rmsNormEpsilon: fc.constantFrom(1e-5, 1e-6),
    ropeTheta: fc.constantFrom(1e4, 5e5, 1e6),
    slidingWindow: fc.option(fc.integer({ min: 1, max: contextLength })),
    every: fc.option(fc.integer({ min: 1, max: 3 })),
    slidingRopeTheta: fc.option(fc.constant(1e4)),
    attentionScale: fc.option(fc.constantFrom(0.1, 24 ** -0.5)),
    attentionSoftCap: fc.option(fc.constantFrom(2, 50)),
    logitSoftCap: fc.option(fc.constantFrom(3, 30)),
    /** Of a head, for Phi: what turns. */
    share: fc.constantFrom(0.5, 0.75, 1),
  });
  return sizes.chain(
    ({
      group,
      every,
      slidingWindow,
      slidingRopeTheta,
      attentionScale,
      attentionSoftCap,
      logitSoftCap,
      share,
      ...plain
    }) => {
      const heads = plain.kvHeads * group;
      const { architecture, headSize } = plain;
      // Groups of eight elements turn: what every real model has, and ONNX Runtime asks for.
      const turned = architecture === 'phi3' ? Math.max(8, Math.floor((headSize * share) / 8) * 8) : headSize;
      const isGemma = architecture === 'gemma3';
      return arbitraryScaling(turned / 2, contextLength).map((ropeScaling) => ({
        ...plain,
        heads,
        contextLength,
        ropeScaling,
        ...(turned === headSize ? {} : { rotarySize: turned }),
        ...(slidingWindow === null ? {} : { slidingWindow }),
        ...(slidingWindow === null || every === null || !isGemma ? {} : { fullAttentionEvery: every }),
        ...(slidingWindow === null || slidingRopeTheta === null || !isGemma ? {} : { slidingRopeTheta }),
        ...(attentionScale === null ? {} : { attentionScale }),
        ...(attentionSoftCap === null ? {} : { attentionSoftCap }),
        ...(logitSoftCap === null ? {} : { logitSoftCap }),
      }));
    },
  );
}

function arbitraryScaling(pairs: number, contextLength: number): fc.Arbitrary<RopeScaling> {
  const factors = fc.array(fc.constantFrom(1, 1.25, 2, 8), { minLength: pairs, maxLength: pairs });
  const original = fc.constantFrom(Math.floor(contextLength / 2), contextLength);
  return fc.oneof(
    fc.constant<RopeScaling>({ kind: 'none' }),
    fc.constant<RopeScaling>({ kind: 'linear', factor: 4 }),
    original.map<RopeScaling>((originalContextLength) => ({
      kind: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalContextLength,
    })),
    original.map<RopeScaling>((originalContextLength) => ({
      kind: 'yarn',
      factor: 4,
      originalContextLength,
      betaFast: 8,
      betaSlow: 1,
      attentionFactor: 1.14,
    })),
    factors.map<RopeScaling>((given) => ({ kind: 'factors', factors: given })),
    fc.tuple(factors, factors, original).map<RopeScaling>(([shortFactors, longFactors, originalContextLength]) => ({
      kind: 'longrope',
      shortFactors,
      longFactors,
      originalContextLength,
      attentionFactor: 1.19,
    })),
  );
}
