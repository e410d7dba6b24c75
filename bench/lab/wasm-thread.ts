// The script of the workers in which the lab's WebAssembly decoder computes with several threads, and of those threads.

import { serveHelper } from '../../engine/decoders/wasm/lent-host.js';
import { helperBegin } from '../../engine/protocol/helper.js';

serveHelper({ begin: helperBegin });
