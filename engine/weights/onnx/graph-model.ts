// A model that comes as a finished graph of ONNX operators: there are no tensors of ours in it, and only the ONNX decoder
// can run it. Made by onnx-source.ts, consumed by decoders/onnx/graph-decoder.ts. What a `Model` of tensors is: ../model.ts.

import type { GenerationDefaults, Model, ModelIdentity, TokenizerFiles } from '../model.js';
import type { OnnxValue } from './onnx-outline.js';

export interface GraphFile {
  /** As the graph calls it: the name beside the graph's own file. */
  readonly path: string;
  readonly byteLength: number;
}

export interface GraphFacts {
  /** The `.onnx` file. */
  readonly file: GraphFile;
  /** Files that hold its constants. */
  readonly externalData: readonly GraphFile[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** What config.json says; 0 where it says nothing. */
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

/** A graph open for reading. Files are read on demand; nothing is held by this object. */
export interface GraphModel {
  readonly identity: ModelIdentity;
  readonly graph: GraphFacts;
  readonly tokenizerFiles: TokenizerFiles;
  readonly generationDefaults?: GenerationDefaults;
  /**
   * One whole file, verified, in memory of the caller's own. (ONNX Runtime Web takes each file as one array.)
   * @throws EngineError `model-invalid`, `network`, `storage`, `aborted`, `out-of-memory`
   */
  readFile(path: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /** Resolves when all of it is on this device, at once where nothing is kept. @throws EngineError */
  downloaded(signal?: AbortSignal): Promise<void>;
  close(): void;
}

export const isGraphModel = (model: Model | GraphModel): model is GraphModel => 'graph' in model;
