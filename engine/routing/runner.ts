// What routing needs from those who open models and run them, and nothing of how they do it. Implemented by
// host/local-parts.ts (weights, tokenizer, generate, decoders) and, at the edge of tests, by a scripted model.

import type { Backend } from '../backends/backend.js';
import type { DecoderDevice, DecoderInfo } from '../decoders/decoder.js';
import type { LoadProgress } from '../weights/model.js';

export interface StageOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: LoadProgress) => void;
}

/** A model whose header was read and found sound; its tensors are still where they were. */
export interface OpenedModel {
  /** The model's own name, for people. */
  readonly name: string;
  /**
   * Reads the tensors and makes a backend of them on one device. May be called again for another device.
   * @throws EngineError; a device's failure is told apart from a model's by its code (routing/ladder.ts)
   */
  start(device: DecoderDevice, options: StageOptions): Promise<RunningModel>;
  close(): void;
}

export interface RunningModel {
  readonly backend: Backend;
  readonly decoder: DecoderInfo;
  /** Bytes of keys and values held now. */
  kvBytes(): number;
}

/** @param url absolute, of a pack directory or a GGUF file */
export type OpenModel = (url: string, options: StageOptions) => Promise<OpenedModel>;
