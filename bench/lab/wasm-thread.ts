// The script of the WebAssembly decoder's further threads in the lab.

import { serveWasmThread } from '../../engine/decoders/wasm/wasm-thread.js';

serveWasmThread();
