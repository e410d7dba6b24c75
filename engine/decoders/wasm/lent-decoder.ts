// The engine's side of lending: a decoder that computes in a dedicated worker of some tab, with threads that a SharedWorker
// cannot have (lent-host.ts), behind the ordinary contract. Made by the host when a tab lends a worker, which is given back when the decoder is
// disposed of. Weights come from the engine's own model, tensor by tensor, so any source will
// do and nothing is fetched twice. A token costs one message each way.
// What goes wrong: whatever the decoder says there; `gone`'s reason once the worker is gone (`helper-lost`): every call,
// running or new, fails with it.

import { EngineError } from '../../protocol/errors.js';
import type { KvPrecision } from '../../kv/page-layout.js';
import type { LoadProgress, Model, WeightTensor } from '../../weights/model.js';
import type { AppendRequest, Choice, DecodeRequest, Decoder, DecoderInfo, Holding, Sequence } from '../decoder.js';
import { decodeByAppending } from '../decode-loop.js';
import { type FromLent, type LentCall, type LentReply, parseFromLent, type ToLent } from './lent-messages.js';

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
  const { model, kernels, threads, threadsFrom, maxContext, kvPrecision, signal, onProgress } = options;
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
    };
    line.send({ type: 'open', opening: { spec, identity, tensors, readsAtOnce, kernels, threads, ...rest } });
  });
}

/** Exactly the tensor's bytes, to be given away: a view of a larger buffer would take all of it along. */
function ownBytes(tensor: WeightTensor): WeightTensor {
  if (tensor.kind === 'f32') return { ...tensor, data: tensor.data.slice() };
  if (tensor.kind === 'f16') return { ...tensor, data: tensor.data.slice() };
  return { ...tensor, quants: tensor.quants.slice(), scales: tensor.scales.slice() };
}

/** Without fields that are there but undefined. */
function known({ prefillChunk, ...info }: Extract<FromLent, { type: 'opened' }>['info']): DecoderInfo {
  return prefillChunk === undefined ? info : { ...info, prefillChunk };
}

/** Milliseconds for a worker to free its model before it is ended as it is. */
const patience = 2_000;

interface Waiting {
  resolve(reply: LentReply): void;
  reject(error: EngineError): void;
  /** Told with a failed call, too. */
  onHolding?(kvBytes: number): void;
}

/** The port: calls with ids and replies. */
class Line {
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;
  private lost: EngineError | null = null;
  private opening: { opening(message: FromLent): void; lost(error: EngineError): void } | null = null;

  constructor(
    private readonly port: MessagePort,
    gone: AbortSignal,
    private readonly giveBack: (() => void) | undefined,
  ) {
    const lose = (): void => this.lose(EngineError.from(gone.reason));
    gone.addEventListener('abort', lose, { once: true });
    if (gone.aborted) lose();
    port.onmessage = ({ data }: MessageEvent) => this.receive(data);
  }

  listen(opening: { opening(message: FromLent): void; lost(error: EngineError): void }): void {
    this.opening = opening;
    if (this.lost !== null) opening.lost(this.lost);
  }

  send(message: ToLent, transfer: Transferable[] = []): void {
    if (this.lost === null) this.port.postMessage(message, transfer);
  }

  /** @throws EngineError the worker's, or why there is none any more */
  call(call: LentCall, signal?: AbortSignal, onHolding?: (kvBytes: number) => void): Promise<LentReply> {
    if (this.lost !== null) return Promise.reject(this.lost);
    if (signal?.aborted === true) return Promise.reject(new EngineError('aborted', 'The request was stopped.'));
    const id = ++this.lastId;
    const abort = (): void => this.send({ type: 'abort', id });
    return new Promise<LentReply>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, ...(onHolding && { onHolding }) });
      this.send({ type: 'call', id, call });
      signal?.addEventListener('abort', abort, { once: true });
    }).finally(() => signal?.removeEventListener('abort', abort));
  }

  close(): void {
    this.lose(new EngineError('invalid-request', 'This decoder was disposed of.'));
    this.port.close();
    this.giveBack?.();
  }

  private receive(data: unknown): void {
    const message = parseFromLent(data);
    if (message === null) {
      return this.lose(new EngineError('internal', 'A lent decoder sent what it should not.', { hint: 'Try again.' }));
    }
    if (message.type === 'opened' || message.type === 'failed' || message.type === 'read') {
      return this.opening?.opening(message);
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.type === 'call-failed' || message.type === 'appended') waiting?.onHolding?.(message.kvBytes);
    if (message.type === 'call-failed') waiting?.reject(EngineError.from(message.error));
    else waiting?.resolve(message);
  }

  private lose(error: EngineError): void {
    if (this.lost !== null) return;
    this.lost = error;
    this.opening?.lost(error);
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

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
    const sequence = new LentSequence(this.line, this.info, id, () => this.open.delete(id));
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

class LentSequence implements Sequence {
  private held = 0;
  private kvBytes = 0;
  private busy = false;
  private released = false;

  constructor(
    private readonly line: Line,
    private readonly info: DecoderInfo,
    private readonly id: number,
    private readonly onRelease: () => void,
  ) {}

  get length(): number {
    return this.held;
  }

  get holding(): Holding {
    return { tokens: this.held, kvBytes: this.kvBytes };
  }

  async append({ signal, ...request }: AppendRequest): Promise<readonly Choice[]> {
    this.checkUsable();
    this.busy = true;
    try {
      const call = { type: 'append', sequence: this.id, request } as const;
      const reply = await this.line.call(call, signal, (kvBytes) => (this.kvBytes = this.released ? 0 : kvBytes));
      if (this.released) throw new EngineError('aborted', 'The request was stopped.');
      this.held += request.tokens.length;
      return reply.type === 'appended' ? (reply.choices as readonly Choice[]) : [];
    } finally {
      this.busy = false;
    }
  }

  decode(request: DecodeRequest): AsyncGenerator<Choice, void, undefined> {
    return decodeByAppending(this, request, this.info.contextLength);
  }

  truncate(length: number): void {
    this.checkUsable();
    if (!Number.isInteger(length) || length < 0 || length > this.held) {
      throw invalid(`cannot truncate ${this.held} tokens to ${length}`);
    }
    this.held = length;
    this.line.send({ type: 'truncate', sequence: this.id, length });
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.held = 0;
    this.kvBytes = 0;
    this.line.send({ type: 'release', sequence: this.id });
    this.onRelease();
  }

  private checkUsable(): void {
    if (this.released) throw invalid('this sequence was released');
    if (this.busy) throw invalid('this sequence is still busy with the call before');
  }
}

function invalid(what: string): EngineError {
  return new EngineError('invalid-request', `The decoder was called wrongly: ${what}.`);
}
