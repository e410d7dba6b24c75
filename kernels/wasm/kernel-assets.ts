// The WebAssembly files that the kit serves, by build. The bundler compiles them into `kernels/` under content hashes and
// rewrites these strings (rollup.config.mjs); the test server answers to them as they are. Read by decoders that load
// kernels; a visitor downloads only the one file that is used.

import type { KernelFile } from './kernels.js';

export const kernelAssets: Readonly<Record<KernelFile, string>> = {
  'relaxed.wasm': 'kernels/relaxed.wasm',
  'relaxed-threads.wasm': 'kernels/relaxed-threads.wasm',
  'simd.wasm': 'kernels/simd.wasm',
  'simd-threads.wasm': 'kernels/simd-threads.wasm',
  'relaxed-large.wasm': 'kernels/relaxed-large.wasm',
  'relaxed-large-threads.wasm': 'kernels/relaxed-large-threads.wasm',
  'simd-large.wasm': 'kernels/simd-large.wasm',
  'simd-large-threads.wasm': 'kernels/simd-large-threads.wasm',
};
