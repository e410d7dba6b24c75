// Rotary scaling of a GGUF file: keys and tensors of factors -> RopeScaling. Called by architecture.ts.
// Meaning and defaults: llama.cpp (src/llama-model.cpp load_hparams, src/llama-context.cpp, ggml's rope_yarn): cosines and
// sines are multiplied by `attn_factor` under every kind, YaRN's own factor comes on top, and tensors of factors divide
// frequencies beside a stated factor.
// What goes wrong: a kind that llama.cpp does not know either is `model-unsupported`; senseless numbers are left to
// `checkSpec`.

import { EngineError } from '../../protocol/errors.js';
import type { RopeScaling } from '../model.js';
import type { TensorEvidence } from './architecture.js';

export interface ScalingFacts {
  /** Of `rope.scaling.type`. */
  readonly type: unknown;
  /** Value of a key of the architecture. */
  readonly number: (key: string) => number | undefined;
  readonly evidence: TensorEvidence;
  readonly contextLength: number;
  /** Elements of a head that turn. */
  readonly turned: number;
}

export function readScaling(
  { type, number, evidence, contextLength, turned }: ScalingFacts,
  where: string,
): RopeScaling {
  const kind = type ?? 'linear';
  if (kind !== 'none' && kind !== 'linear' && kind !== 'yarn' && kind !== 'longrope') {
    throw new EngineError('model-unsupported', `${where} has rotary scaling "${String(kind).slice(0, 40)}".`, {
      hint: 'Unscaled, linear, yarn and longrope positions run.',
    });
  }
  const stated = number('rope.scaling.factor') ?? number('rope.scale_linear') ?? 0;
  // Zero stands for absent, and 'none' switches a stated factor off.
  const factor = kind === 'none' || stated === 0 ? 1 : stated;
  const attentionFactor = number('rope.scaling.attn_factor') ?? 1;
  const originalContextLength = number('rope.scaling.original_context_length') ?? contextLength;
  const { ropeFactors, longFactors, shortFactors } = evidence;
  const scaled = (factors: readonly number[]): readonly number[] => factors.map((one) => one * factor);

  if (longFactors !== null || shortFactors !== null) {
    return {
      kind: 'longrope',
      longFactors: scaled(longFactors ?? []),
      shortFactors: scaled(shortFactors ?? []),
      originalContextLength,
      attentionFactor,
    };
  }
  if (kind === 'yarn' && ropeFactors === null) {
    return {
      kind,
      factor,
      originalContextLength,
      betaFast: number('rope.scaling.yarn_beta_fast') ?? 32,
      betaSlow: number('rope.scaling.yarn_beta_slow') ?? 1,
      attentionFactor: attentionFactor * (factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1),
    };
  }
  if (kind === 'yarn') {
    throw new EngineError('model-unsupported', `${where} has rotary factors beside YaRN.`, {
      hint: 'No known model has both; please report this one.',
    });
  }
  const amplified = attentionFactor === 1 ? {} : { attentionFactor };
  if (ropeFactors !== null) return { kind: 'factors', factors: scaled(ropeFactors), ...amplified };
  if (attentionFactor !== 1)
    return { kind: 'factors', factors: Array<number>(turned / 2).fill(factor), attentionFactor };
  return factor === 1 ? { kind: 'none' } : { kind: 'linear', factor };
}
