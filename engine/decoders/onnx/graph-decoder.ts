// A decoder over a finished graph of ONNX operators (a transformers.js repository), run as it is by ONNX Runtime Web on WebGPU
// or WebAssembly. Made by engine/host or a test. Knows nothing of text, hubs or stores. Graphs that we write ourselves for
// a model of tensors are onnx-decoder.ts.
// What goes wrong: see `createGraphDecoder`; a lost device fails the running call and every later one with `device-lost`.

import { EngineError } from '../../protocol/errors.js';
import type { GraphModel } from '../../weights/onnx/graph-model.js';
import type { Decoder, DecoderInfo } from '../decoder.js';
import { gpuName, GpuWatch } from '../gpu.js';
import { GraphSession } from './graph-session.js';
import { OnnxDecoder, wasmName, wasmRunTokens, type OnnxDecoderOptions } from './onnx-decoder.js';
import { gpuRunTokens, requestOrtDevice } from './ort-gpu.js';
import { loadOrt } from './ort-runtime.js';

export interface GraphDecoderOptions extends Omit<OnnxDecoderOptions, 'model' | 'denseBytes' | 'segmentBytes'> {
  readonly model: GraphModel;
}

/** Of WebAssembly's 4 GiB: the weights once, packed anew for the processor, and the rest for keys, values and scratch. */
const wasmBytes = 1536 * 2 ** 20;
/** Logits that one run may bring to JavaScript; graphs give a row for each token. Bytes. */
const logitBytes = 48 * 2 ** 20;

/**
 * @throws EngineError `webgpu-unavailable`, `wasm-unsupported`, `model-invalid`, `model-unsupported`, `model-too-large`,
 * `out-of-memory`, `device-lost`, `network`, `storage`, `aborted`, `internal`
 */
export async function createGraphDecoder(options: GraphDecoderOptions): Promise<Decoder> {
  const { model, device, signal, assetBase, threads, onProgress } = options;
  if (signal?.aborted === true) throw new EngineError('aborted', 'Loading was stopped.');
  const { identity, graph } = model;
  if (device === 'wasm' && identity.byteLength > wasmBytes) {
    throw new EngineError(
      'model-too-large',
      `${identity.name} has ${Math.ceil(identity.byteLength / 2 ** 20)} MiB; WebAssembly can hold graphs of ${wasmBytes / 2 ** 20}.`,
      { hint: 'Use a browser with WebGPU, a smaller format of the model, or a pack of it.' },
    );
  }
  const ownDevice = device === 'webgpu' && options.gpuDevice === undefined ? await requestOrtDevice() : null;
  const gpuDevice = ownDevice ?? (device === 'webgpu' ? options.gpuDevice : undefined);
  const gpu = gpuDevice ? new GpuWatch(gpuDevice) : null;
  const close = (): void => {
    gpu?.close();
    ownDevice?.destroy();
  };
  try {
    const runtime = await loadOrt(device, { assetBase, ...(threads && { threads }) });
    const session = await GraphSession.open(model, {
      runtime,
      gpu,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
    const most = options.maxContext ?? 4096;
    const info: DecoderInfo = {
      kind: 'onnx',
      device,
      deviceName: gpu ? gpuName(gpu.device) : wasmName(runtime.threads),
      contextLength: graph.contextLength === 0 ? Math.min(2048, most) : Math.min(graph.contextLength, most),
      vocabularySize: session.vocabularySize,
      weightBytes: identity.byteLength,
    };
    const rows = Math.max(1, Math.floor(logitBytes / (session.vocabularySize * 4)));
    const runTokens = Math.min(rows, gpu ? gpuRunTokens(gpu.device) : wasmRunTokens);
    return new OnnxDecoder(info, session, () => session.newCache(), runTokens, close);
  } catch (error) {
    close();
    throw EngineError.from(error);
  }
}
