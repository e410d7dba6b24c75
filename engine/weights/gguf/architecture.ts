// GGUF metadata -> facts of the architecture. Called by gguf-model.ts. Rotary scaling is in rotary-scaling.ts.
// Key names: ggml's docs/gguf.md. What an absent key means is what llama.cpp takes it for (src/llama-model.cpp,
// load_hparams), with one exception: llama.cpp ignores the sliding window of `llama` and `phi3` files, transformers and we
// do not. It knows nothing of tensors but the rotary factors that it is handed.
// What goes wrong: a needed key that is absent or no sensible number is `model-invalid`; a sound fact that our decoders
// cannot follow (another architecture, experts) is `model-unsupported`.

import { EngineError } from '../../protocol/errors.js';
import { isArchitecture } from '../architectures.js';
import type { Architecture, ModelSpec } from '../model.js';
import { checkSpec } from '../tensor-layout.js';
import type { GgufMetadata } from './header.js';
import { readScaling } from './rotary-scaling.js';

/** What the tensors, rather than the metadata, say. */
export interface TensorEvidence {
  readonly hasHead: boolean;
  /** Values of `rope_freqs.weight`: each frequency is divided by its factor. */
  readonly ropeFactors: readonly number[] | null;
  /** Of `rope_factors_long.weight` and `rope_factors_short.weight`, Phi's. */
  readonly longFactors: readonly number[] | null;
  readonly shortFactors: readonly number[] | null;
}

/** @param where the file, for messages */
export function readArchitecture(metadata: GgufMetadata, evidence: TensorEvidence, where: string): ModelSpec {
  const architecture = architectureOf(metadata, where);
  const facts = createFacts(metadata, architecture, where);
  refuseWhatWeCannotFollow(metadata, architecture, where);

  const hiddenSize = facts.needed('embedding_length');
  const heads = facts.needed('attention.head_count');
  const headSize = facts.optional('attention.key_length') ?? hiddenSize / heads;
  const valueSize = facts.optional('attention.value_length') ?? hiddenSize / heads;
  const turned = facts.optional('rope.dimension_count') ?? headSize;
  if (valueSize !== headSize) throw unsupported(where, `keys of ${headSize} and values of ${valueSize} numbers`);
  if (turned !== headSize && architecture !== 'phi3') {
    throw unsupported(where, `rotary positions over ${turned} of ${headSize} numbers of a head`);
  }
  const contextLength = facts.needed('context_length');
  const layers = facts.needed('block_count');

  const spec: ModelSpec = {
    architecture,
    layers,
    hiddenSize,
    feedForwardSize: facts.needed('feed_forward_length'),
    heads,
    kvHeads: facts.optional('attention.head_count_kv') ?? heads,
    headSize,
    vocabularySize: vocabularySize(metadata, facts.optional('vocab_size'), where),
    contextLength,
    rmsNormEpsilon: facts.needed('attention.layer_norm_rms_epsilon'),
    ropeTheta: facts.optional('rope.freq_base') ?? 10_000,
    ropeScaling: readScaling(
      {
        type: metadata.get(`${architecture}.rope.scaling.type`),
        number: facts.optional,
        evidence,
        contextLength,
        turned,
      },
      where,
    ),
    ...(turned === headSize ? {} : { rotarySize: turned }),
    ...readWindow(metadata, architecture, facts, layers, where),
    ...(architecture === 'gemma3' ? readGemmaScales(facts, { layers, hiddenSize, heads, headSize }) : {}),
    tiedHead: !evidence.hasHead,
  };
  checkSpec(spec, where);
  return spec;
}

function architectureOf(metadata: GgufMetadata, where: string): Architecture {
  const name = metadata.get('general.architecture');
  if (typeof name === 'string' && isArchitecture(name)) return name;
  if (typeof name !== 'string') {
    throw new EngineError('model-invalid', `${where} does not say which architecture it is (general.architecture).`, {
      hint: 'The file holds no model, or was written by a tool that does not follow the GGUF description.',
    });
  }
  throw unsupported(where, `a model of the architecture "${name.slice(0, 40)}"`);
}

interface Facts {
  readonly needed: (key: string) => number;
  readonly optional: (key: string) => number | undefined;
}

function createFacts(metadata: GgufMetadata, architecture: Architecture, where: string): Facts {
  const optional = (key: string): number | undefined => {
    const name = `${architecture}.${key}`;
    const value = metadata.get(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    if (Array.isArray(value)) {
      // Some facts may be given layer by layer.
      const [first, ...others] = value as readonly unknown[];
      if (typeof first === 'number' && others.every((other) => other === first)) return first;
      if (value.every((one) => typeof one === 'number')) throw unsupported(where, `layers that differ in ${name}`);
    }
    throw new EngineError('model-invalid', `${where}: ${name} is no number.`, {
      hint: 'The file was written by a tool that does not follow the GGUF description.',
    });
  };
  const needed = (key: string): number => {
    const value = optional(key);
    if (value !== undefined) return value;
    throw new EngineError('model-invalid', `${where} does not give ${architecture}.${key}.`, {
      hint: 'The file is incomplete; a file that holds a vocabulary alone is no model.',
    });
  };
  return { needed, optional };
}

function refuseWhatWeCannotFollow(metadata: GgufMetadata, architecture: Architecture, where: string): void {
  const number = (key: string): number => {
    const value = metadata.get(key);
    return typeof value === 'number' ? value : 0;
  };
  if (number(`${architecture}.attn_logit_softcapping`) > 0) throw unsupported(where, 'a soft cap on attention scores');
  if (number(`${architecture}.expert_count`) > 0) throw unsupported(where, 'a mixture of experts');
  if (metadata.get(`${architecture}.attention.causal`) === false)
    throw unsupported(where, 'attention that is not causal');
  if (number('split.count') > 1) {
    throw new EngineError('model-unsupported', `${where} is one part of ${number('split.count')} of a model.`, {
      hint: "Join the parts with llama.cpp's llama-gguf-split --merge.",
    });
  }
}

/** The tokens' count rules, as in llama.cpp; the key of that name matters only for files without a vocabulary. */
function vocabularySize(metadata: GgufMetadata, stated: number | undefined, where: string): number {
  const tokens = metadata.get('tokenizer.ggml.tokens');
  if (Array.isArray(tokens)) return tokens.length;
  if (stated !== undefined) return stated;
  throw new EngineError('model-invalid', `${where} has no tokens (tokenizer.ggml.tokens).`, {
    hint: 'The file was written without its tokenizer. Convert the model again.',
  });
}

type Window = Pick<ModelSpec, 'slidingWindow' | 'fullAttentionEvery' | 'slidingRopeTheta'>;

function readWindow(
  metadata: GgufMetadata,
  architecture: Architecture,
  facts: Facts,
  layers: number,
  where: string,
): Window {
  const isGemma = architecture === 'gemma3';
  if (!isGemma && architecture !== 'llama' && architecture !== 'phi3') return {};
  const slidingWindow = facts.optional('attention.sliding_window') ?? 0;
  if (slidingWindow === 0) return {}; // zero stands for absent
  if (!isGemma) return { slidingWindow };
  const key = 'attention.sliding_window_pattern';
  const slides: unknown = metadata.get(`${architecture}.${key}`);
  let every: number;
  if (Array.isArray(slides)) {
    every = slides.indexOf(false) + 1;
    const regular =
      slides.length === layers && slides.every((one, layer) => one === (every === 0 || (layer + 1) % every !== 0));
    if (!regular) throw unsupported(where, `layers that slide in an order of their own (${key})`);
  } else {
    every = facts.optional(key) ?? 6;
  }
  return {
    slidingWindow,
    ...(every === 0 ? {} : { fullAttentionEvery: every }),
    slidingRopeTheta: facts.optional('rope.freq_base_swa') ?? 10_000,
  };
}

type Sizes = Pick<ModelSpec, 'layers' | 'hiddenSize' | 'heads' | 'headSize'>;

/** Gemma's 27B is told by its layers: no key says that it scales queries by hidden size / heads. */
function readGemmaScales(
  facts: Facts,
  { layers, hiddenSize, heads, headSize }: Sizes,
): Pick<ModelSpec, 'attentionScale' | 'logitSoftCap'> {
  const usual = 1 / Math.sqrt(layers === 62 ? hiddenSize / heads : headSize);
  const scale = facts.optional('attention.scale') ?? usual;
  const cap = facts.optional('final_logit_softcapping') ?? 0;
  return {
    ...(scale === 1 / Math.sqrt(headSize) ? {} : { attentionScale: scale }),
    ...(cap === 0 ? {} : { logitSoftCap: cap }),
  };
}

const unsupported = (where: string, what: string): EngineError =>
  new EngineError('model-unsupported', `${where} has ${what}, which llm-elements does not run.`, {
    hint: 'Llama, Mistral, Qwen2, Qwen3, Gemma 3 and Phi-3 models as GGUF in F32, F16, Q8_0 or Q4_0 run.',
  });
