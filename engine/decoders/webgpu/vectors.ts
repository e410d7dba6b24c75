// How norms and biases lie in their one buffer: a record for each layer, all of one layout, and a last one for what comes
// after the layers. Kernels get the offsets within a record as constants of their text and the record by the binding's
// offset, so that all layers share one pipeline. Called by plan.ts and network.ts; pure arithmetic.
// Where a family has post-norms, the norm of a layer's feed-forward result is applied by whoever reads it: the next layer's
// first kernel. So it lies in the record of the next layer (or the last record).

import { architectures } from '../../weights/architectures.js';
import type { ModelSpec, TensorName } from '../../weights/model.js';

/** Offsets in floats within a record, multiples of four; absent where the architecture has no such vector. */
export interface VectorLayout {
  /** Of the layer before: `feedForwardPostNorm`. In the last record, too. */
  readonly pendingNorm?: number;
  /** `attentionNorm`; `finalNorm` in the last record. */
  readonly norm: number;
  /** queryBias, keyBias, valueBias, one after the other. */
  readonly bias?: number;
  readonly queryNorm?: number;
  readonly keyNorm?: number;
  readonly attentionPostNorm?: number;
  readonly feedForwardNorm: number;
  /** Bytes from one record to the next: a multiple of 256, as bindings need. */
  readonly recordBytes: number;
}

/** A norm or a bias, float32. */
export interface VectorPlan {
  readonly name: TensorName;
  readonly byteOffset: number;
}

export interface PlacedVectors {
  readonly layout: VectorLayout;
  readonly vectors: readonly VectorPlan[];
  readonly byteLength: number;
}

export function placeVectors(spec: ModelSpec): PlacedVectors {
  const { projectionBias, queryKeyNorm, postNorms } = architectures[spec.architecture];
  const { hiddenSize, headSize, layers } = spec;
  let floats = 0;
  const take = (length: number): number => {
    const at = floats;
    floats += Math.ceil(length / 4) * 4;
    return at;
  };
  const offsets = {
    ...(postNorms && { pendingNorm: take(hiddenSize) }),
    norm: take(hiddenSize),
    ...(projectionBias && { bias: take((spec.heads + 2 * spec.kvHeads) * headSize) }),
    ...(queryKeyNorm && { queryNorm: take(headSize), keyNorm: take(headSize) }),
    ...(postNorms && { attentionPostNorm: take(hiddenSize) }),
    feedForwardNorm: take(hiddenSize),
  };
  const layout: VectorLayout = { ...offsets, recordBytes: Math.ceil((floats * 4) / 256) * 256 };

  const vectors: VectorPlan[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const place = (name: string, at: number | undefined, record = layer): void => {
      if (at === undefined) return;
      vectors.push({ name: `layers.${layer}.${name}`, byteOffset: record * layout.recordBytes + at * 4 });
    };
    place('attentionNorm', layout.norm);
    if (layout.bias !== undefined) {
      place('queryBias', layout.bias);
      place('keyBias', layout.bias + spec.heads * headSize);
      place('valueBias', layout.bias + (spec.heads + spec.kvHeads) * headSize);
    }
    place('queryNorm', layout.queryNorm);
    place('keyNorm', layout.keyNorm);
    place('attentionPostNorm', layout.attentionPostNorm);
    place('feedForwardNorm', layout.feedForwardNorm);
    place('feedForwardPostNorm', layout.pendingNorm, layer + 1);
  }
  vectors.push({ name: 'finalNorm', byteOffset: layers * layout.recordBytes + layout.norm * 4 });
  return { layout, vectors, byteLength: (layers + 1) * layout.recordBytes };
}
