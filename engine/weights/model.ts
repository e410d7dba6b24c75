// What a model is once its file format is behind us: facts of the architecture, tensors in the layout our decoders
// read, the tokenizer's files, the chat template. Sources (`pack`, `gguf`) make a `Model`; decoders and tokenizers
// consume it. Nothing here knows where the bytes came from.

/** Architectures whose facts we know; what each one means is the table in `architectures.ts`. */
export type Architecture = 'llama' | 'qwen2' | 'qwen3' | 'gemma3' | 'phi3';

/** Scaling of rotary frequencies for long contexts, as `rope_scaling` in transformers' config.json. */
export type RopeScaling =
  | { readonly kind: 'none' }
  | { readonly kind: 'linear'; readonly factor: number }
  | {
      /** Llama 3.1's piecewise rule. */
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalContextLength: number;
    }
  | {
      /** YaRN (Peng et al. 2023), as transformers computes it; cosines and sines are multiplied by `attentionFactor`. */
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalContextLength: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly attentionFactor: number;
    }
  | {
      /**
       * Factors given one by one (GGUF's `rope_freqs.weight`): frequency i is divided by factors[i]; [rotarySize / 2].
       * Cosines and sines are multiplied by `attentionFactor`, 1 when absent.
       */
      readonly kind: 'factors';
      readonly factors: readonly number[];
      readonly attentionFactor?: number;
    }
  | {
      /**
       * Phi's (Ding et al. 2024, LongRoPE): as `factors`, of which there are two lists [rotarySize / 2]. A decoder whose
       * context is within `originalContextLength` takes the short ones, any other the long ones, for all its texts:
       * keys turned one way cannot be compared with queries turned another way.
       */
      readonly kind: 'longrope';
      readonly shortFactors: readonly number[];
      readonly longFactors: readonly number[];
      readonly originalContextLength: number;
      readonly attentionFactor: number;
    };

export interface ModelSpec {
  readonly architecture: Architecture;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly feedForwardSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabularySize: number;
  /** Tokens the model was trained for. */
  readonly contextLength: number;
  readonly rmsNormEpsilon: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  /** Elements of a head that turn with the position, the first ones (Phi-4-mini: partial rotary); `headSize` when absent. */
  readonly rotarySize?: number;
  /** Tokens that a query sees, itself included, in layers that slide (Mistral, Gemma 3, Phi-3); no layer slides when absent. */
  readonly slidingWindow?: number;
  /** Of the layers, every n-th one sees everything (Gemma 3: 6) and the others slide; all slide when absent. */
  readonly fullAttentionEvery?: number;
  /** Rotary base of the layers that slide (Gemma 3: 10,000), which then are not scaled; `ropeTheta` when absent. */
  readonly slidingRopeTheta?: number;
  /** What queries are multiplied by; 1 / sqrt(headSize) when absent (Gemma 3: 1 / sqrt(query_pre_attn_scalar)). */
  readonly attentionScale?: number;
  /** Scores become cap * tanh(score / cap) before the softmax; absent: as they are. */
  readonly attentionSoftCap?: number;
  /** The same for the logits. */
  readonly logitSoftCap?: number;
  /** The output head is the embedding table: there is no `head` tensor then. */
  readonly tiedHead: boolean;
}

/**
 * One tensor. Matrices are [rows = outputs N, columns = inputs K], row-major: y = W x.
 * Quantised kinds are ONNX Runtime's MatMulNBits layout byte for byte, block 32 along K (K is a multiple of 32):
 * q4: `quants` uint8 [N, K/32, 16], byte i holds elements 2i (low nibble) and 2i+1 (high), value = (nibble - 8) * scale;
 * q8: `quants` uint8 [N, K/32, 32], value = (byte - 128) * scale. `scales`: f16 bits [N, K/32].
 */
export type WeightTensor =
  | { readonly kind: 'f32'; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly kind: 'f16'; readonly shape: readonly number[]; readonly data: Uint16Array }
  | {
      readonly kind: 'q4' | 'q8';
      readonly shape: readonly [number, number];
      readonly quants: Uint8Array;
      readonly scales: Uint16Array;
    };

/**
 * Canonical tensor names, `L` the layer from 0:
 * `embedding` [vocabulary, hidden], `finalNorm` [hidden], `head` [vocabulary, hidden] (absent when tied),
 * `layers.L.attentionNorm` [hidden], `layers.L.query|key|value` [heads*headSize | kvHeads*headSize, hidden],
 * `layers.L.queryBias|keyBias|valueBias` (qwen2), `layers.L.queryNorm|keyNorm` [headSize] (qwen3, gemma3; before the
 * rotary turn), `layers.L.attentionOutput` [hidden, heads*headSize],
 * `layers.L.attentionPostNorm|feedForwardPostNorm` [hidden] (gemma3: on a block's result, before the residual is added),
 * `layers.L.feedForwardNorm` [hidden], `layers.L.gate|up` [feedForward, hidden], `layers.L.down` [hidden, feedForward].
 * Query and key rows are in the half-split rotary order of transformers (element i turns with i + headSize/2);
 * GGUF's `llama` files hold interleaved rows and are permuted by the reader. Readers also split fused tensors (Phi's
 * qkv_proj and gate_up_proj) and fold the 1 that Gemma's checkpoints leave out of their norms (w + 1): decoders see
 * neither.
 */
export type TensorName = string;

export interface TensorFacts {
  readonly name: TensorName;
  readonly kind: WeightTensor['kind'];
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/** Where the tokenizer's parts come from. */
export type TokenizerFiles =
  | {
      /** transformers' `tokenizer.json` and `tokenizer_config.json`, parsed. */
      readonly kind: 'tokenizer-json';
      readonly tokenizer: unknown;
      readonly config: unknown;
    }
  | {
      /** The `tokenizer.*` keys of a GGUF file's metadata, by their full names. Arrays are JavaScript arrays. */
      readonly kind: 'gguf';
      readonly metadata: ReadonlyMap<string, unknown>;
    };

export interface ModelIdentity {
  /** Stable and unique on this origin: the pack's manifest hash, or `gguf:` and a hash of the file's header. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** SPDX identifier or the licence's name; 'unknown' when the file does not say. */
  readonly licence: string;
  /** For people: "q4", "Q8_0", "F16 and Q4_0". */
  readonly quantisation: string;
  /** Bytes of all tensors as stored. */
  readonly byteLength: number;
  /** The public key, in hex, whose signature was checked and is right; absent: nobody vouches for it. */
  readonly signedBy?: string;
}

/** What a model's makers advise for generating; names and ranges as `ChooseOptions` in decoders/decoder.ts. */
export interface GenerationDefaults {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  /** Ids that end an answer besides those that the tokenizer's files name. */
  readonly endIds?: readonly number[];
}

/** A model open for reading. Tensors are read on demand, one by one; nothing is held whole by this object. */
export interface Model {
  readonly identity: ModelIdentity;
  readonly spec: ModelSpec;
  readonly tokenizerFiles: TokenizerFiles;
  /** Absent where the format says nothing of it. */
  readonly generationDefaults?: GenerationDefaults;
  readonly tensors: ReadonlyMap<TensorName, TensorFacts>;
  /**
   * Reads worth having under way together, in the order of `tensors`: where each is a request of its own that one waits
   * for. 1 when absent: a source that reads ahead by itself, or would lose its place.
   */
  readonly readsAtOnce?: number;
  /**
   * The tensor's memory is the caller's own, to transfer or to let go.
   * @throws EngineError `model-invalid` (missing tensor, wrong hash, truncated), `network`, `aborted`, `out-of-memory`
   */
  readTensor(name: TensorName, signal?: AbortSignal): Promise<WeightTensor>;
  /**
   * Reads a tensor to its place in the caller's memory, WebAssembly's above all, without an array of its own in between. Only
   * where the source can. Scales are not looked at: the caller must see that they are finite.
   * @throws as `readTensor`; the target then holds anything
   */
  readTensorInto?(name: TensorName, target: TensorTarget, signal?: AbortSignal): Promise<void>;
  /** Resolves when all of it is on this device. Absent where nothing is kept. @throws as `readTensor` */
  downloaded?(signal?: AbortSignal): Promise<void>;
  close(): void;
}

/** Memory for a tensor's bytes as `WeightTensor` has them, exactly as long. */
export interface TensorTarget {
  readonly data: Uint8Array;
  /** Empty unless the tensor is quantised. */
  readonly scales: Uint8Array;
}

/** Progress of opening and reading a model, for elements. */
export interface LoadProgress {
  readonly loadedBytes: number;
  /** 0 while unknown. */
  readonly totalBytes: number;
}

export interface OpenModelOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Passed in so that tests and the service worker can stand between; globalThis.fetch when absent. */
  readonly fetch?: typeof globalThis.fetch;
}
