// Cosines and sines of rotary positions, computed once when a decoder opens. Called by every decoder.
// Method: Su et al. 2021 (RoPE); frequency i of a head is theta^(-2i / rotarySize); the scaling rules are those of
// transformers' `modeling_rope_utils` (linear: all frequencies divided; llama3: Llama 3.1's piecewise rule; yarn: Peng et
// al. 2023; longrope; factors: GGUF's). Knows nothing of tensors' order: that element i turns with i + rotarySize/2 is
// the kernels' affair.

import type { RopeScaling } from '../weights/model.js';

export interface RotaryFacts {
  /** Elements of a head that turn. */
  readonly rotarySize: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
}

/**
 * Angles a position, after scaling; float64 [rotarySize / 2].
 * @param contextLength of the decoder: what longrope's choice of factors depends on
 */
export function rotaryFrequencies(
  { rotarySize, ropeTheta, ropeScaling }: RotaryFacts,
  contextLength: number,
): Float64Array {
  const scale = scaler(rotarySize, ropeTheta, ropeScaling, contextLength);
  return Float64Array.from({ length: rotarySize / 2 }, (_, i) => scale(ropeTheta ** ((-2 * i) / rotarySize), i));
}

/** What cosines and sines are multiplied by. */
export function rotaryAmplitude(scaling: RopeScaling): number {
  return 'attentionFactor' in scaling ? (scaling.attentionFactor ?? 1) : 1;
}

function scaler(
  size: number,
  theta: number,
  scaling: RopeScaling,
  contextLength: number,
): (frequency: number, index: number) => number {
  switch (scaling.kind) {
    case 'none':
      return (frequency) => frequency;
    case 'linear':
      return (frequency) => frequency / scaling.factor;
    case 'factors':
      return (frequency, i) => frequency / (scaling.factors[i] ?? 1);
    case 'longrope': {
      const { shortFactors, longFactors, originalContextLength } = scaling;
      const factors = contextLength > originalContextLength ? longFactors : shortFactors;
      return (frequency, i) => frequency / (factors[i] ?? 1);
    }
    case 'llama3': {
      // Long waves are stretched by `factor`, short ones left alone, those between blended.
      const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContextLength: context } = scaling;
      return (frequency) => {
        const turns = (context * frequency) / (2 * Math.PI);
        if (turns < low) return frequency / factor;
        if (turns > high) return frequency;
        const blend = (turns - low) / (high - low);
        return ((1 - blend) * frequency) / factor + blend * frequency;
      };
    }
    case 'yarn': {
      // As llama3, but blended along the frequency's index; bounds are the indices that turn so often in the context.
      const { factor, originalContextLength: context, betaFast, betaSlow } = scaling;
      const indexOf = (turns: number): number =>
        (size * Math.log(context / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
      const low = Math.max(Math.floor(indexOf(betaFast)), 0);
      const high = Math.min(Math.ceil(indexOf(betaSlow)), size - 1);
      const width = high === low ? 0.001 : high - low;
      return (frequency, i) => {
        const stretched = Math.min(Math.max((i - low) / width, 0), 1);
        return (frequency / factor) * stretched + frequency * (1 - stretched);
      };
    }
  }
}

export interface RotaryTables {
  /** float32 [positions, rotarySize / 2] */
  readonly cosines: Float32Array<ArrayBuffer>;
  readonly sines: Float32Array<ArrayBuffer>;
}

/** @param positions how many, from 0: all of the decoder's context */
export function rotaryTables(facts: RotaryFacts, positions: number): RotaryTables {
  const frequencies = rotaryFrequencies(facts, positions);
  const amplitude = rotaryAmplitude(facts.ropeScaling);
  const half = frequencies.length;
  const cosines = new Float32Array(positions * half);
  const sines = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    frequencies.forEach((frequency, i) => {
      cosines[position * half + i] = amplitude * Math.cos(position * frequency);
      sines[position * half + i] = amplitude * Math.sin(position * frequency);
    });
  }
  return { cosines, sines };
}
