// A model's tensors in the order that a decoder wants them, some of them read ahead where the source likes that (a file behind
// HTTP costs a request a tensor). Called by the loaders of wasm/ and webgpu/.
// What goes wrong: what `Model.readTensor` throws, when that tensor's turn comes; `aborted`.

import { EngineError } from '../protocol/errors.js';
import { letGo } from '../weights/let-go.js';
import type { Model, TensorName, WeightTensor } from '../weights/model.js';

/** Bytes that may wait while the next tensors are read. */
const aheadBytes = 16 * 2 ** 20;

export interface ReadTensor {
  readonly name: TensorName;
  readonly tensor: WeightTensor;
}

/**
 * Each tensor when its turn comes, and until the next one is asked for: its memory is then given back. As many more are
 * being read meanwhile as the source likes and memory allows.
 */
export async function* readInOrder(
  model: Model,
  names: Iterable<TensorName>,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadTensor, void, undefined> {
  const order = [...names];
  const most = model.readsAtOnce ?? 1;
  const begun: Promise<WeightTensor>[] = [];
  const bytesOf = (name: TensorName): number => model.tensors.get(name)?.byteLength ?? 0;
  let bytes = 0;
  let next = 0;
  for (const name of order) {
    if (signal?.aborted === true) throw new EngineError('aborted', 'Loading was stopped.');
    for (let one = order[next]; one !== undefined && begun.length < most; one = order[next]) {
      if (begun.length > 0 && bytes + bytesOf(one) > aheadBytes) break;
      const reading = model.readTensor(one, signal);
      reading.catch(() => undefined); // heard when its turn comes; if that never comes, another failure was told
      begun.push(reading);
      bytes += bytesOf(one);
      next += 1;
    }
    const tensor = await (begun.shift() as Promise<WeightTensor>);
    bytes -= bytesOf(name);
    yield { name, tensor };
    for (const part of 'data' in tensor ? [tensor.data] : [tensor.quants, tensor.scales]) {
      if (part.buffer instanceof ArrayBuffer) letGo(part as ArrayBufferView<ArrayBuffer>);
    }
  }
}
