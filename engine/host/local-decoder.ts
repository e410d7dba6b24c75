// Which decoder runs a model on a device: our own, and ONNX Runtime where ours cannot follow the model or it comes as a
// finished graph. On the processor a
// model of some size goes to a worker that a tab lends, which has threads; without one, or when it goes while the model is
// being opened, the model is computed here. Called by local-parts.ts. Knows nothing of ladders, tabs or text.
// What goes wrong is the decoder's typed error; routing/ladder.ts tells which another rung may help with.

import { createGraphDecoder } from '../decoders/onnx/graph-decoder.js';
import { createOnnxDecoder } from '../decoders/onnx/onnx-decoder.js';
import type { Decoder, DecoderDevice } from '../decoders/decoder.js';
import { KitFileError } from '../decoders/kit-file.js';
import { createLentDecoder } from '../decoders/wasm/lent-decoder.js';
import { createWasmDecoder, threadsFromBytes } from '../decoders/wasm/wasm-decoder.js';
import { indexedDbTuningStore } from '../decoders/webgpu/tuning-store.js';
import { createWebGpuDecoder } from '../decoders/webgpu/webgpu-decoder.js';
import { EngineError, type EngineErrorCode } from '../protocol/errors.js';
import type { StageOptions } from '../routing/runner.js';
import type { Model } from '../weights/model.js';
import { isGraphModel, type GraphModel } from '../weights/onnx/graph-model.js';
import type { Helpers } from './helpers.js';

/** What was measured on this device's graphics card, for the next start. */
const tuning = indexedDbTuningStore();

export interface Surroundings {
  /** Folder of the kit's files (`ort/`, `kernels/`), absolute. */
  readonly kitBase: string;
  readonly helpers: Helpers;
}

/** @throws EngineError as the decoders */
export async function startDecoder(
  model: Model | GraphModel,
  device: DecoderDevice,
  surroundings: Surroundings,
  stage: StageOptions,
): Promise<Decoder> {
  const { kitBase } = surroundings;
  const assetBase = new URL('ort/', kitBase).href;
  if (isGraphModel(model)) return createGraphDecoder({ model, device, assetBase, ...stage });
  const onnx = (): Promise<Decoder> => createOnnxDecoder({ model, device, assetBase, ...stage });
  try {
    if (device === 'webgpu') return await createWebGpuDecoder({ model, tuning, ...stage });
    return await onProcessor(model, surroundings, stage);
  } catch (error) {
    // A kind of model that our kernels do not know may be one that ONNX Runtime does; its files may be there where ours are not.
    const missing = error instanceof KitFileError;
    if (!missing && EngineError.from(error).code !== 'model-unsupported') throw error;
    return await onnx().catch((other: unknown) => {
      throw missing && other instanceof KitFileError ? error : other;
    });
  }
}

/** What fails in a lent worker may work in this one: another thread's memory, its files, its life. */
const helperFailures: ReadonlySet<EngineErrorCode> = new Set([
  'helper-lost',
  'out-of-memory',
  'internal',
  'wasm-unsupported',
  'network',
]);

async function onProcessor(model: Model, { kitBase, helpers }: Surroundings, stage: StageOptions): Promise<Decoder> {
  const helper = model.identity.byteLength < threadsFromBytes ? null : helpers.borrow();
  if (helper !== null) {
    try {
      return await createLentDecoder({ ...helper, model, kernels: kitBase, ...stage });
    } catch (error) {
      if (stage.signal.aborted || !helperFailures.has(EngineError.from(error).code)) throw error;
    }
  }
  return createWasmDecoder({ model, kernels: kitBase, ...stage });
}
