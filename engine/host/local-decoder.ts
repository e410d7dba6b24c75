// Which decoder runs a model on a device: our own, and ONNX Runtime where ours cannot follow the model. Called by
// local-parts.ts. Knows nothing of ladders, tabs or text. What goes wrong is the decoder's typed error; one that another
// rung may help with is told apart in routing/ladder.ts.

import { createOnnxDecoder } from '../decoders/onnx/onnx-decoder.js';
import type { Decoder, DecoderDevice } from '../decoders/decoder.js';
import { createWasmDecoder } from '../decoders/wasm/wasm-decoder.js';
import { EngineError } from '../protocol/errors.js';
import type { StageOptions } from '../routing/runner.js';
import type { Model } from '../weights/model.js';

/**
 * @param kitBase folder of the kit's files (`ort/`, `kernels/`), absolute
 * @throws EngineError as the decoders
 */
export async function startDecoder(
  model: Model,
  device: DecoderDevice,
  kitBase: string,
  { signal, onProgress }: StageOptions,
): Promise<Decoder> {
  const onnx = (): Promise<Decoder> =>
    createOnnxDecoder({ model, device, assetBase: new URL('ort/', kitBase).href, signal, onProgress });
  if (device === 'webgpu') return onnx();
  try {
    return await createWasmDecoder({ model, kernels: kitBase, signal, onProgress });
  } catch (error) {
    // A kind of model that our kernels do not know may be one that ONNX Runtime does.
    if (EngineError.from(error).code !== 'model-unsupported') throw error;
    return onnx();
  }
}
