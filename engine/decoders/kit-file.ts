// A file of the kit itself that cannot be had: a kernel, or a part of ONNX Runtime. It is told as `network`, which it is, but
// says nothing against the model: another decoder, whose files are there, may run it. Thrown by wasm/wasm-kernels.ts and
// onnx/ort-runtime.ts; looked for by host/local-decoder.ts and routing/ladder.ts.

import { EngineError } from '../protocol/errors.js';

export class KitFileError extends EngineError {
  constructor(message: string, options: { readonly hint: string; readonly cause?: unknown }) {
    super('network', message, options);
  }
}
