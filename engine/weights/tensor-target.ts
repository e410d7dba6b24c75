// A tensor that was read into arrays of its own, put where `Model.readTensorInto` was told to put it. Called where a copy in the
// store fails and its original stands in (rewrite/rewritten-model.ts).
// What goes wrong: a tensor of another size than was announced is `model-invalid`.

import { EngineError } from '../protocol/errors.js';
import type { TensorTarget, WeightTensor } from './model.js';

const nothing = new Uint8Array(0);

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** @throws EngineError `model-invalid` */
export function putTensor(tensor: WeightTensor, { data, scales }: TensorTarget): void {
  const quantised = 'quants' in tensor;
  const parts = [bytesOf(quantised ? tensor.quants : tensor.data), quantised ? bytesOf(tensor.scales) : nothing];
  for (const [i, target] of [data, scales].entries()) {
    const part = parts[i] ?? nothing;
    if (part.length !== target.length) {
      throw new EngineError('model-invalid', `A tensor came with ${part.length} bytes instead of ${target.length}.`, {
        hint: 'The file was changed while it was read. Load the model again.',
      });
    }
    target.set(part);
  }
}
