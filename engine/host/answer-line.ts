// The line of requests and the one that runs: admits a request to the fair queue, gives each its turn, tells those who
// wait their place, and takes out who no longer wants to. Called by EngineHost; knows nothing of models and settings.
// What goes wrong: a full line is `busy` and nothing is kept; whoever is stopped is told so on its own port.

import { EngineError } from '../protocol/errors.js';
import type { CompletionRequest } from '../protocol/text-completion.js';
import type { EngineCounters } from '../metrics/answer-meter.js';
import type { Answering, AnswerJob } from './answering.js';
import { AnswerStream } from './answer-stream.js';
import { FairQueue, type QueueLimits } from './fair-queue.js';
import type { Turnstile } from './turnstile.js';

export interface AnswerLineParts {
  readonly answering: Answering;
  readonly counters: EngineCounters;
  readonly turnstile: Turnstile;
  readonly createId: () => string;
  readonly limits: QueueLimits | undefined;
  readonly changed: () => void;
}

/** Who asks. */
export interface Asker {
  readonly tabId: string;
  /** Aborted when the tab is gone. */
  readonly gone: AbortSignal;
}

export class AnswerLine {
  readonly #queue: FairQueue<AnswerJob>;
  #running: AnswerJob | null = null;
  #pumping = false;

  constructor(private readonly parts: AnswerLineParts) {
    this.#queue = new FairQueue(parts.limits);
  }

  get running(): AnswerJob | null {
    return this.#running;
  }

  /** Tab ids, next first. */
  get waiting(): string[] {
    return this.#queue.inOrder().map(({ tabId }) => tabId);
  }

  /**
   * @param port for the answer; the line's from now on
   * @returns the request's id
   * @throws EngineError `busy`; the port is the caller's still then
   */
  admit({ tabId, gone }: Asker, completion: CompletionRequest, port: MessagePort): string {
    this.#queue.checkRoom(tabId); // before anything is made for a request that is not taken
    const controller = new AbortController();
    const job: AnswerJob = {
      requestId: `chatcmpl-${this.parts.createId()}`,
      tabId,
      completion,
      controller,
      meter: this.parts.counters.begin(),
      atCloud: false,
      stream: new AnswerStream(port, (reason) => this.#stop(job, reason)),
    };
    gone.addEventListener('abort', () => this.#stop(job, EngineError.from(gone.reason)), { signal: controller.signal });
    this.#queue.add(tabId, job);
    void this.#pump();
    this.#tellPlaces();
    return job.requestId;
  }

  /** The tab is gone: what it had waiting never runs. */
  leave({ tabId, gone }: Asker): void {
    for (const job of this.#queue.removeTab(tabId)) {
      job.controller.abort(gone.reason);
      job.stream.fail(EngineError.from(gone.reason));
    }
    this.#tellPlaces();
  }

  /** Ends what runs and what waits, of all tabs. */
  stopAll(reason: EngineError): void {
    for (const { item } of this.#queue.inOrder()) this.#stop(item, reason);
    if (this.#running !== null) this.#stop(this.#running, reason);
  }

  #stop(job: AnswerJob, reason: EngineError): void {
    if (job.controller.signal.aborted) return;
    job.controller.abort(reason);
    if (!this.#queue.remove(job)) return; // it runs: whoever runs it tells its stream
    job.stream.fail(reason);
    this.#tellPlaces();
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (;;) {
        // The next one is chosen only when its turn has come: a fairer one may arrive while a load has the turn.
        const ran = await this.parts.turnstile.run(() => this.#runNext());
        if (!ran) return;
      }
    } finally {
      this.#pumping = false;
      if (this.#queue.length > 0) void this.#pump();
    }
  }

  async #runNext(): Promise<boolean> {
    const job = this.#queue.next();
    if (job === null) return false;
    this.#running = job;
    this.#tellPlaces();
    try {
      await this.parts.answering.run(job);
    } finally {
      this.#running = null;
      job.controller.abort(new EngineError('aborted', 'The answer has ended.')); // frees its listeners
      this.parts.changed();
    }
    return true;
  }

  #tellPlaces(): void {
    for (const [index, { item }] of this.#queue.inOrder().entries()) item.stream.queued(index + 1);
    this.parts.changed();
  }
}
