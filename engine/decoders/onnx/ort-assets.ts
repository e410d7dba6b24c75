// The two WebAssembly files of ONNX Runtime Web that this kit serves, by device. The build copies them into `ort/` under
// content hashes and rewrites these two strings (rollup.config.mjs); tests serve them from the npm package as they are.
// Read by ort-runtime.ts. A visitor downloads only the file of the device that is used.

import type { DecoderDevice } from '../decoder.js';

export const ortAssets: Readonly<Record<DecoderDevice, string>> = {
  wasm: 'ort-wasm-simd-threaded.wasm',
  webgpu: 'ort-wasm-simd-threaded.asyncify.wasm',
};
