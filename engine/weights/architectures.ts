// The table of architecture facts: what distinguishes the families that decoders run, so that no decoder has a class or
// a branch by name for each. Read by tensor-layout.ts (which tensors exist) and by every decoder (what to compute).
// Sources: transformers' modeling_{llama,mistral,qwen2,qwen3,gemma3,phi3}.py. Mistral is `llama` with a sliding window.
// Knows nothing of tensors' bytes, files or devices.

import type { Architecture, ModelSpec, RopeScaling } from './model.js';

/** What holds for all layers of a family. */
export interface ArchitectureFacts {
  /** Query, key and value have a bias. */
  readonly projectionBias: boolean;
  /** RMSNorm over each head of query and key, before the rotary turn. */
  readonly queryKeyNorm: boolean;
  /** RMSNorm over the attention's and the feed-forward's result, before the residual is added. */
  readonly postNorms: boolean;
  /** Of the gate. `gelu-tanh`: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). */
  readonly activation: 'silu' | 'gelu-tanh';
  /** Rows of the embedding are multiplied by sqrt(hiddenSize). */
  readonly scaledEmbedding: boolean;
}

const llama: ArchitectureFacts = {
  projectionBias: false,
  queryKeyNorm: false,
  postNorms: false,
  activation: 'silu',
  scaledEmbedding: false,
};

export const architectures: Readonly<Record<Architecture, ArchitectureFacts>> = {
  llama,
  qwen2: { ...llama, projectionBias: true },
  qwen3: { ...llama, queryKeyNorm: true },
  gemma3: { ...llama, queryKeyNorm: true, postNorms: true, activation: 'gelu-tanh', scaledEmbedding: true },
  phi3: llama,
};

export const isArchitecture = (name: string): name is Architecture => Object.hasOwn(architectures, name);

/** What holds for one layer. */
export interface LayerFacts {
  /** Tokens that a query sees, itself included; null: all. */
  readonly window: number | null;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
}

/** @param layer from 0 */
export function layerFacts(spec: ModelSpec, layer: number): LayerFacts {
  const { slidingWindow, fullAttentionEvery, slidingRopeTheta, ropeTheta, ropeScaling } = spec;
  const slides =
    slidingWindow !== undefined && (fullAttentionEvery === undefined || (layer + 1) % fullAttentionEvery !== 0);
  if (!slides) return { window: null, ropeTheta, ropeScaling };
  if (slidingRopeTheta === undefined) return { window: slidingWindow, ropeTheta, ropeScaling };
  return { window: slidingWindow, ropeTheta: slidingRopeTheta, ropeScaling: { kind: 'none' } };
}

/** Elements of a head that turn. */
export const rotarySizeOf = (spec: ModelSpec): number => spec.rotarySize ?? spec.headSize;

/** What queries are multiplied by. */
export const attentionScaleOf = (spec: ModelSpec): number => spec.attentionScale ?? 1 / Math.sqrt(spec.headSize);
