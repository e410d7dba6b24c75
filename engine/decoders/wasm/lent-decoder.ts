// The engine's side of lending: a decoder that computes in a dedicated worker of some tab, with threads that a SharedWorker
// cannot have (lent-host.ts), behind the ordinary contract. Made by the host when a tab lends a worker, which is given back
// when the decoder is disposed of. Weights come from the engine's own model, tensor by tensor, so any source will do and
// nothing is fetched twice.
// What goes wrong: whatever the decoder says there; `gone`'s reason once the worker is gone (`helper-lost`): every call,
// running or new, fails with it.

import type { KernelBuild } from '../../../kernels/wasm/kernels.js';
import { EngineError } from '../../protocol/errors.js';
import type { KvPrecision } from '../../kv/page-layout.js';
import type { LoadProgress, Model, WeightTensor } from '../../weights/model.js';
import type { Decoder, DecoderInfo, Holding, Sequence } from '../decoder.js';
import type { Activations } from './forward.js';
import { Line } from './lent-line.js';
import type { FromLent } from './lent-messages.js';
import { LentSequence } from './lent-sequence.js';

export interface LentDecoderOptions {
  /** To the worker. */
  readonly port: MessagePort;
  /** Aborted, with an EngineError as its reason, when the worker is no more. */
  readonly gone: AbortSignal;
  readonly threads: number;
  /** Models of fewer bytes are computed by one thread (ThreadOptions.fromBytes). */
  readonly threadsFrom?: number;
  /** Stays open while loading. */
  readonly model: Model;
  /** Folder that holds `kernels/`, absolute. */
  readonly kernels: string;
  readonly maxContext?: number;
  readonly kvPrecision?: KvPrecision;
  /** As of `createWasmDecoder`. */
  readonly activations?: Activations;
  readonly build?: KernelBuild;
  /** Called once, when the worker is wanted no more: the decoder was disposed of, or could not be opened. */
  readonly giveBack?: () => void;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** @throws EngineError as `createWasmDecoder`, and the reason of `gone` */
export async function createLentDecoder(options: LentDecoderOptions): Promise<Decoder> {
  const line = new Line(options.port, options.gone, options.giveBack);
  try {
    return new LentDecoder(line, await open(line, options));
  } catch (error) {
    line.close();
    throw EngineError.from(error);
  }
}

async function open(line: Line, options: LentDecoderOptions): Promise<DecoderInfo> {
  const { model, kernels, threads, threadsFrom, maxContext, kvPrecision, activations, build, signal, onProgress } =
    options;
  const tensors = [...model.tensors.values()];
  const totalBytes = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
  let loadedBytes = 0;
  const give = async (id: number, name: string): Promise<void> => {
    try {
      const tensor = ownBytes(await model.readTensor(name, signal));
      const parts = 'data' in tensor ? [tensor.data] : [tensor.quants, tensor.scales];
      line.send(
        { type: 'tensor', id, tensor },
        parts.map(({ buffer }) => buffer as ArrayBuffer),
      );
      loadedBytes += model.tensors.get(name)?.byteLength ?? 0;
      onProgress?.({ loadedBytes, totalBytes });
    } catch (error) {
      line.send({ type: 'no-tensor', id, error: EngineError.from(error).toShape() });
    }
  };
  return new Promise((resolve, reject) => {
    const stop = (error: unknown): void => reject(EngineError.from(error));
    const aborted = (): void => stop(new EngineError('aborted', 'Loading was stopped.'));
    if (signal?.aborted === true) return aborted();
    signal?.addEventListener('abort', aborted, { once: true });
    line.listen({
      opening(message) {
        if (message.type === 'read') void give(message.id, message.name);
        else if (message.type === 'opened') resolve(known(message.info));
        else if (message.type === 'failed') stop(EngineError.from(message.error));
      },
      lost: stop,
    });
    const { spec, identity, readsAtOnce = 1 } = model;
    const rest = {
      ...(threadsFrom !== undefined && { threadsFrom }),
      ...(maxContext !== undefined && { maxContext }),
      ...(kvPrecision !== undefined && { kvPrecision }),
      ...(activations !== undefined && { activations }),
      ...(build !== undefined && { build }),
    };
    line.send({ type: 'open', opening: { spec, identity, tensors, readsAtOnce, kernels, threads, ...rest } });
  });
}

/** Exactly the tensor's bytes, to be given away: a view of a larger buffer would take all of it along. */
function ownBytes(tensor: WeightTensor): WeightTensor {
  if (tensor.kind === 'f32') return { ...tensor, data: alone(tensor.data) };
  if (tensor.kind === 'f16') return { ...tensor, data: alone(tensor.data) };
  return { ...tensor, quants: alone(tensor.quants), scales: alone(tensor.scales) };
}

const alone = <T extends Float32Array | Uint16Array | Uint8Array>(part: T): T =>
  part.byteLength === part.buffer.byteLength && part.buffer instanceof ArrayBuffer ? part : (part.slice() as T);

/** Without fields that are there but undefined. */
function known({ prefillChunk, ...info }: Extract<FromLent, { type: 'opened' }>['info']): DecoderInfo {
  return prefillChunk === undefined ? info : { ...info, prefillChunk };
}

/** Milliseconds for a worker to free its model before it is ended as it is. */
const patience = 2_000;

class LentDecoder implements Decoder {
  private readonly open = new Map<number, LentSequence>();
  private lastSequence = 0;
  private disposal: Promise<void> | null = null;

  constructor(
    private readonly line: Line,
    readonly info: DecoderInfo,
  ) {}

  get holding(): Holding {
    const all = [...this.open.values()].map(({ holding }) => holding);
    return {
      tokens: all.reduce((sum, { tokens }) => sum + tokens, 0),
      kvBytes: all.reduce((sum, { kvBytes }) => sum + kvBytes, 0),
    };
  }

  openSequence(): Sequence {
    if (this.disposal !== null) throw new EngineError('invalid-request', 'This decoder was disposed of.');
    const id = ++this.lastSequence;
    const sequence = new LentSequence(this.line, id, () => this.open.delete(id));
    this.open.set(id, sequence);
    return sequence;
  }

  async logits(tokens: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
    const reply = await this.line.call({ type: 'logits', tokens }, signal);
    return reply.type === 'logits' ? reply.logits : new Float32Array(0);
  }

  dispose(): Promise<void> {
    this.disposal ??= this.free();
    return this.disposal;
  }

  private async free(): Promise<void> {
    for (const sequence of [...this.open.values()]) sequence.release();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    try {
      // One that hangs is ended below, and its memory with it.
      await Promise.race([this.line.call({ type: 'dispose' }), late]);
    } catch (error) {
      void error; // the worker is gone, and all it held with it
    } finally {
      clearTimeout(timer);
    }
    this.line.close();
  }
}
