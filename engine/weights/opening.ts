// What every source is given to open a model with: the network, the store, the rules of the site, the clock, and whom to
// tell. Made by open-model.ts from a caller's options; read by pack/, gguf/ and safetensors/.

import type { GateOptions } from './download/gate.js';
import type { DownloadProgress } from './download/meter.js';
import type { Clock } from './download/retry.js';
import type { DownloadSwitch } from './download/switch.js';
import type { HttpContext } from './http.js';
import type { GraphDevice } from './onnx/onnx-variants.js';
import type { ModelStore } from './store/model-store.js';

export interface Opening {
  /** Its signal ends the opening only: tensors are read long afterwards, and each read brings its own. */
  readonly http: HttpContext;
  /** Null where nothing can be kept. */
  readonly store: ModelStore | null;
  /** Public keys, in hex, by one of which a pack must be signed; empty: any model is taken. */
  readonly trustedKeys: readonly string[];
  readonly gate: GateOptions;
  readonly control: DownloadSwitch;
  readonly clock: Clock;
  readonly onProgress: (progress: DownloadProgress) => void;
  /** Told, in plain words, what a person should know and no error says. */
  readonly onNote: (text: string) => void;
  /** What a graph of ONNX operators would run on: it decides between formats of one model. */
  readonly device: () => Promise<GraphDevice>;
  /** Of models that are rewritten here; smaller than the format's only in tests. */
  readonly shardLimit?: number;
}
