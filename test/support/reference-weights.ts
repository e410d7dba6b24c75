// A model's weights as plain float32, for the reference decoder. Dequantises by the definition of each layout
// (`WeightTensor` in engine/weights/model.ts), on its own: an oracle must not share the arithmetic it checks.
// Wrong tensor sizes throw; a model that says one thing and holds another must not pass.

import { EngineError } from '../../engine/protocol/errors.js';
import type { Model, WeightTensor } from '../../engine/weights/model.js';

export interface ReferenceLayer {
  readonly attentionNorm: Float32Array;
  readonly query: Float32Array;
  readonly key: Float32Array;
  readonly value: Float32Array;
  readonly queryBias: Float32Array | null;
  readonly keyBias: Float32Array | null;
  readonly valueBias: Float32Array | null;
  readonly queryNorm: Float32Array | null;
  readonly keyNorm: Float32Array | null;
  readonly attentionOutput: Float32Array;
  readonly attentionPostNorm: Float32Array | null;
  readonly feedForwardNorm: Float32Array;
  readonly gate: Float32Array;
  readonly up: Float32Array;
  readonly down: Float32Array;
  readonly feedForwardPostNorm: Float32Array | null;
}

export interface ReferenceWeights {
  readonly embedding: Float32Array;
  readonly finalNorm: Float32Array;
  readonly head: Float32Array;
  readonly layers: readonly ReferenceLayer[];
}

/** @throws EngineError `model-invalid` when a tensor's size is not what the spec says */
export async function readReferenceWeights(model: Model): Promise<ReferenceWeights> {
  const { spec } = model;
  const read = async (name: string, length: number): Promise<Float32Array> => {
    const values = dequantise(await model.readTensor(name));
    if (values.length !== length) {
      throw new EngineError('model-invalid', `${name} has ${values.length} elements, not ${length}.`);
    }
    return values;
  };
  const { hiddenSize: hidden, feedForwardSize: inner, vocabularySize: vocabulary } = spec;
  const queryRows = spec.heads * spec.headSize;
  const kvRows = spec.kvHeads * spec.headSize;
  // Which of these an architecture has is not asked here: what a file holds counts.
  const perhaps = (name: string, length: number): Promise<Float32Array | null> =>
    model.tensors.has(name) ? read(name, length) : Promise.resolve(null);
  const layers: ReferenceLayer[] = [];
  for (let l = 0; l < spec.layers; l++) {
    const p = `layers.${l}.`;
    layers.push({
      attentionNorm: await read(`${p}attentionNorm`, hidden),
      query: await read(`${p}query`, queryRows * hidden),
      key: await read(`${p}key`, kvRows * hidden),
      value: await read(`${p}value`, kvRows * hidden),
      queryBias: await perhaps(`${p}queryBias`, queryRows),
      keyBias: await perhaps(`${p}keyBias`, kvRows),
      valueBias: await perhaps(`${p}valueBias`, kvRows),
      queryNorm: await perhaps(`${p}queryNorm`, spec.headSize),
      keyNorm: await perhaps(`${p}keyNorm`, spec.headSize),
      attentionOutput: await read(`${p}attentionOutput`, hidden * queryRows),
      attentionPostNorm: await perhaps(`${p}attentionPostNorm`, hidden),
      feedForwardNorm: await read(`${p}feedForwardNorm`, hidden),
      gate: await read(`${p}gate`, inner * hidden),
      up: await read(`${p}up`, inner * hidden),
      down: await read(`${p}down`, hidden * inner),
      feedForwardPostNorm: await perhaps(`${p}feedForwardPostNorm`, hidden),
    });
  }
  const embedding = await read('embedding', vocabulary * hidden);
  return {
    embedding,
    finalNorm: await read('finalNorm', hidden),
    head: spec.tiedHead ? embedding : await read('head', vocabulary * hidden),
    layers,
  };
}

/** Any kind of tensor as float32, row-major. */
function dequantise(tensor: WeightTensor): Float32Array {
  switch (tensor.kind) {
    case 'f32':
      return tensor.data;
    case 'f16':
      return Float32Array.from(tensor.data, halfToFloat);
    case 'q8':
      return Float32Array.from(
        tensor.quants,
        (byte, i) => (byte - 128) * halfToFloat(tensor.scales[i >> 5] ?? Number.NaN),
      );
    case 'q4': {
      const out = new Float32Array(tensor.quants.length * 2);
      tensor.quants.forEach((byte, i) => {
        const scale = halfToFloat(tensor.scales[i >> 4] ?? Number.NaN);
        out[2 * i] = ((byte & 15) - 8) * scale;
        out[2 * i + 1] = ((byte >> 4) - 8) * scale;
      });
      return out;
    }
  }
}

/** IEEE 754 binary16 bits to a number. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
