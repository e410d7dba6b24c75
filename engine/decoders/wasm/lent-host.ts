// The worker's side of lending: opens a WebAssembly decoder in this dedicated worker, with threads beside it, over tensors
// that the engine sends, and answers the engine's calls on it. Called by the helper's script (`serveHelper`), which is also
// the script of the threads. Knows nothing of tabs: who started this worker ends it, and everything in it.
// What goes wrong is told: `failed` for the opening, `call-failed` for a call.

import { EngineError } from '../../protocol/errors.js';
import type { Model, WeightTensor } from '../../weights/model.js';
import type { DecodeRequest, Decoder, Sequence } from '../decoder.js';
import type { FromLent, LentCall, LentOpening, ToLent } from './lent-messages.js';
import { startThreads } from './thread-pool.js';
import { createWasmDecoder } from './wasm-decoder.js';
import { serveWasmThread } from './wasm-thread.js';

export interface HelperOptions {
  /** The message that hands over the engine's port. */
  readonly begin: unknown;
  /** Another worker with this very script, to be a thread; for tests. */
  startWorker?(): Worker;
}

/** For a worker's script: becomes a decoder when `begin` arrives with a port, or a thread of one. */
export function serveHelper({ begin, startWorker = ownScriptAgain }: HelperOptions): void {
  serveWasmThread();
  globalThis.addEventListener('message', ({ data, ports: [port] }: MessageEvent) => {
    if (data === begin && port !== undefined) new LentHost(port, startWorker);
  });
}

interface TrustedTypesFactory {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): unknown };
}

let ownUrl: unknown = null;

/** A worker with this worker's script. Trusted Types hold in workers, too: the policy passes this one URL. */
function ownScriptAgain(): Worker {
  const { href } = globalThis.location;
  const { trustedTypes } = globalThis as typeof globalThis & { trustedTypes?: TrustedTypesFactory };
  const createScriptURL = (url: string): string => {
    if (url === href) return url;
    throw new TypeError('A helper starts its own script and no other.');
  };
  ownUrl ??= trustedTypes?.createPolicy('llm-elements', { createScriptURL }).createScriptURL(href) ?? href;
  return new Worker(ownUrl as string, { type: 'module', name: 'llm-elements thread' });
}

interface Reading {
  resolve(tensor: WeightTensor): void;
  reject(error: EngineError): void;
}

/** Choices that may be made ahead of those handed out: enough to hide the way to the engine and back. */
const ahead = 8;
/**
 * Milliseconds that choices after the first wait for others to be told with: a frame. Where all cores compute, whoever wakes up
 * to hear of one holds a thread up for 0.2 to 0.4 ms.
 */
const together = 16;

/** How far a `decode` is ahead, and whether it is wanted no more. */
class Run {
  /** The length that its sequence shall have then. */
  end: number | null = null;
  private open = 0;
  private resume: (() => void) | null = null;

  take(count: number): void {
    this.open -= count;
    this.resume?.();
  }

  stop(length: number): void {
    this.end = length;
    this.resume?.();
  }

  /** A choice was made. @returns whether another one may be */
  made(): boolean {
    this.open += 1;
    return this.open <= ahead;
  }

  /** Resolves when another one may be made. */
  async ready(): Promise<void> {
    while (this.open > ahead && this.end === null) {
      await new Promise<void>((resolve) => (this.resume = resolve));
    }
  }
}

class LentHost {
  private decoder: Decoder | null = null;
  private readonly sequences = new Map<number, Sequence>();
  private readonly calls = new Map<number, AbortController>();
  private readonly runs = new Map<number, Run>();
  private readonly reads = new Map<number, Reading>();
  private lastRead = 0;

  constructor(
    private readonly port: MessagePort,
    private readonly startWorker: () => Worker,
  ) {
    port.onmessage = ({ data }: MessageEvent<ToLent>) => void this.receive(data);
  }

  private async receive(message: ToLent): Promise<void> {
    switch (message.type) {
      case 'open':
        return this.open(message.opening);
      case 'tensor':
        return this.reading(message.id)?.resolve(message.tensor);
      case 'no-tensor':
        return this.reading(message.id)?.reject(EngineError.from(message.error));
      case 'call':
        return this.call(message.id, message.call);
      case 'abort':
        return this.calls.get(message.id)?.abort();
      case 'taken':
        return this.runs.get(message.id)?.take(message.count);
      case 'end':
        this.runs.get(message.id)?.stop(message.length);
        return this.calls.get(message.id)?.abort();
      case 'truncate':
        return this.sequences.get(message.sequence)?.truncate(message.length);
      case 'release':
        this.sequences.get(message.sequence)?.release();
        this.sequences.delete(message.sequence);
    }
  }

  private async open({
    kernels,
    threads,
    threadsFrom,
    maxContext,
    kvPrecision,
    activations,
    build,
    ...facts
  }: LentOpening): Promise<void> {
    try {
      this.decoder = await createWasmDecoder({
        model: this.modelOf(facts),
        kernels,
        threads: {
          pool: startThreads,
          count: threads,
          start: this.startWorker,
          ...(threadsFrom !== undefined && { fromBytes: threadsFrom }),
        },
        ...(maxContext === undefined ? {} : { maxContext }),
        ...(kvPrecision === undefined ? {} : { kvPrecision }),
        ...(activations === undefined ? {} : { activations }),
        ...(build === undefined ? {} : { build }),
      });
      this.send({ type: 'opened', info: this.decoder.info as Extract<FromLent, { type: 'opened' }>['info'] });
    } catch (error) {
      this.send({ type: 'failed', error: EngineError.from(error).toShape() });
    }
  }

  /** The engine's model, tensor by tensor. */
  private modelOf({ tensors, ...facts }: Pick<LentOpening, 'spec' | 'identity' | 'tensors' | 'readsAtOnce'>): Model {
    return {
      ...facts,
      tokenizerFiles: { kind: 'gguf', metadata: new Map() },
      tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
      readTensor: (name) =>
        new Promise((resolve, reject) => {
          const id = ++this.lastRead;
          this.reads.set(id, { resolve, reject });
          this.send({ type: 'read', id, name });
        }),
      close: () => undefined,
    };
  }

  private async call(id: number, call: LentCall): Promise<void> {
    const controller = new AbortController();
    this.calls.set(id, controller);
    try {
      await this.answer(id, call, controller.signal);
    } catch (error) {
      const kvBytes =
        call.type === 'append' || call.type === 'decode'
          ? (this.sequences.get(call.sequence)?.holding.kvBytes ?? 0)
          : 0;
      this.send({ type: 'call-failed', id, error: EngineError.from(error).toShape(), kvBytes });
    } finally {
      this.calls.delete(id);
    }
  }

  private async answer(id: number, call: LentCall, signal: AbortSignal): Promise<void> {
    const { decoder } = this;
    if (decoder === null) throw new EngineError('invalid-request', 'The lent decoder is not open.');
    if (call.type === 'append') {
      const sequence = this.sequence(call.sequence, decoder);
      const choices = [...(await sequence.append({ ...call.request, signal }))] as Extract<
        FromLent,
        { type: 'appended' }
      >['choices'];
      this.send({ type: 'appended', id, choices, kvBytes: sequence.holding.kvBytes });
    } else if (call.type === 'decode') {
      await this.decode(id, this.sequence(call.sequence, decoder), { ...call.request, signal });
    } else if (call.type === 'logits') {
      const logits = (await decoder.logits(call.tokens, signal)) as Float32Array<ArrayBuffer>;
      this.send({ type: 'logits', id, logits }, [logits.buffer]);
    } else {
      await decoder.dispose();
      this.decoder = null;
      this.sequences.clear();
      this.send({ type: 'disposed', id });
    }
  }

  /** A token need not wait for the engine to have heard of the one before. */
  private async decode(id: number, sequence: Sequence, request: DecodeRequest): Promise<void> {
    const run = new Run();
    this.runs.set(id, run);
    const choices: Extract<FromLent, { type: 'chosen' }>['choices'] = [];
    let told = -Infinity;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const tell = (): void => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      if (choices.length > 0) this.send({ type: 'chosen', id, choices, kvBytes: sequence.holding.kvBytes });
      choices.length = 0; // the message is a copy
      told = performance.now();
    };
    try {
      for await (const choice of sequence.decode(request)) {
        choices.push(choice as (typeof choices)[number]);
        const goesOn = run.made();
        if (!goesOn || performance.now() - told >= together) tell();
        else timer ??= setTimeout(tell, together);
        await run.ready();
        if (run.end !== null) break;
      }
    } catch (error) {
      if (run.end === null) throw error;
    } finally {
      this.runs.delete(id);
      tell();
    }
    if (run.end !== null) sequence.truncate(run.end);
    this.send({ type: 'decoded', id, kvBytes: sequence.holding.kvBytes });
  }

  private sequence(id: number, decoder: Decoder): Sequence {
    const sequence = this.sequences.get(id) ?? decoder.openSequence();
    this.sequences.set(id, sequence);
    return sequence;
  }

  private reading(id: number): Reading | undefined {
    const reading = this.reads.get(id);
    this.reads.delete(id);
    return reading;
  }

  private send(message: FromLent, transfer: Transferable[] = []): void {
    this.port.postMessage(message, transfer);
  }
}
