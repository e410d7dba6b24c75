// Cosines and sines of rotary positions, computed once when a decoder opens and fed to GroupQueryAttention as constants.
// Method: Su et al. 2021 (RoPE); frequency i of a head is theta^(-2i / headSize); the scaling rules are those of
// transformers' `modeling_rope_utils` (linear: all frequencies divided; llama3: Llama 3.1's piecewise rule).
// Knows nothing of tensors' order: the half-split order (element i turns with i + headSize/2) is the graph's affair.

import type { ModelSpec, RopeScaling } from '../../weights/model.js';

/** Angles a position, after scaling; float64 [headSize / 2]. */
export function rotaryFrequencies(spec: Pick<ModelSpec, 'headSize' | 'ropeTheta' | 'ropeScaling'>): Float64Array {
  const half = spec.headSize / 2;
  return Float64Array.from({ length: half }, (_, i) => {
    const frequency = spec.ropeTheta ** ((-2 * i) / spec.headSize);
    return scaled(frequency, i, spec.ropeScaling);
  });
}

function scaled(frequency: number, index: number, scaling: RopeScaling): number {
  switch (scaling.kind) {
    case 'none':
      return frequency;
    case 'linear':
      return frequency / scaling.factor;
    case 'factors':
      return frequency / (scaling.factors[index] ?? 1);
    case 'llama3': {
      // Long waves are stretched by `factor`, short ones left alone, those between blended.
      const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContextLength: context } = scaling;
      const turns = (context * frequency) / (2 * Math.PI);
      if (turns < low) return frequency / factor;
      if (turns > high) return frequency;
      const blend = (turns - low) / (high - low);
      return ((1 - blend) * frequency) / factor + blend * frequency;
    }
  }
}

export interface RotaryTables {
  /** float32 [positions, headSize / 2] */
  readonly cosines: Float32Array<ArrayBuffer>;
  readonly sines: Float32Array<ArrayBuffer>;
}

/** @param positions how many, from 0 */
export function rotaryTables(
  spec: Pick<ModelSpec, 'headSize' | 'ropeTheta' | 'ropeScaling'>,
  positions: number,
): RotaryTables {
  const frequencies = rotaryFrequencies(spec);
  const half = frequencies.length;
  const cosines = new Float32Array(positions * half);
  const sines = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    frequencies.forEach((frequency, i) => {
      cosines[position * half + i] = Math.cos(position * frequency);
      sines[position * half + i] = Math.sin(position * frequency);
    });
  }
  return { cosines, sines };
}
