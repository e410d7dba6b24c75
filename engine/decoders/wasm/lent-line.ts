// The port to a worker that a tab lent: calls with ids and replies, and what comes between them. Used by lent-decoder.ts and
// lent-sequence.ts; the other end is lent-host.ts. Knows nothing of sequences.
// What goes wrong: once the worker is gone every call fails with the reason; a message that is none loses the line (`internal`).

import { EngineError } from '../../protocol/errors.js';
import type { Choice } from '../decoder.js';
import { type FromLent, type LentCall, type LentReply, parseFromLent, type ToLent } from './lent-messages.js';

interface Waiting {
  resolve(reply: LentReply): void;
  reject(error: EngineError): void;
  /** Told with a failed call, too. */
  onHolding?(kvBytes: number): void;
  /** Of `decode`. */
  onChoices?(choices: readonly Choice[]): void;
}

/** What is told before a call's reply. */
export type Listeners = Pick<Waiting, 'onHolding' | 'onChoices'>;

/** The port: calls with ids and replies. */
export class Line {
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
  call(call: LentCall, signal?: AbortSignal, listeners: Listeners = {}, id = this.newId()): Promise<LentReply> {
    if (this.lost !== null) return Promise.reject(this.lost);
    if (signal?.aborted === true) return Promise.reject(new EngineError('aborted', 'The request was stopped.'));
    const abort = (): void => this.send({ type: 'abort', id });
    return new Promise<LentReply>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, ...listeners });
      this.send({ type: 'call', id, call });
      signal?.addEventListener('abort', abort, { once: true });
    }).finally(() => signal?.removeEventListener('abort', abort));
  }

  /** Of a call to come. */
  newId(): number {
    return ++this.lastId;
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
    if ('kvBytes' in message) waiting?.onHolding?.(message.kvBytes);
    if (message.type === 'chosen') return waiting?.onChoices?.(message.choices as readonly Choice[]);
    this.waiting.delete(message.id);
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
