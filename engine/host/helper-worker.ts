// The script of the worker that a tab lends (protocol/helper.ts, client/lend-helper.ts): a decoder with threads, driven over
// the port that arrives with the first message. Also the script of its threads.

import { serveHelper } from '../decoders/wasm/lent-host.js';
import { helperBegin } from '../protocol/helper.js';

serveHelper({ begin: helperBegin });
