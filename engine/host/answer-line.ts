// The line of requests and those that run: admits a request to the fair queue, gives each its turn, tells those who wait
// their place, and takes out who no longer wants to. As many run at once as the model that is loaded computes together.
// Who names another model is passed over until that is here, so that nobody waits for somebody else's download.
// Called by EngineHost; knows nothing of models and settings. An answer that fails or is stopped touches no other.
// What goes wrong: a full line is `busy` and nothing is kept; whoever is stopped is told so on its own port.

import { EngineError } from '../protocol/errors.js';
import type { CompletionRequest } from '../protocol/text-completion.js';
import type { EngineCounters } from '../metrics/answer-meter.js';
import type { Answering, AnswerJob } from './answering.js';
import { AnswerStream } from './answer-stream.js';
import { FairQueue, type QueueLimits } from './fair-queue.js';
import type { Turn, Turnstile } from './turnstile.js';

export interface AnswerLineParts {
  readonly answering: Answering;
  readonly counters: EngineCounters;
  readonly turnstile: Turnstile;
  readonly createId: () => string;
  readonly limits: QueueLimits | undefined;
  /** Answers that may run at once now; looked at whenever one begins or ends. */
  readonly concurrency: () => number;
  readonly changed: () => void;
}

/** Who asks. */
export interface Asker {
  readonly tabId: string;
  /** Aborted when the tab is gone. */
  readonly gone: AbortSignal;
  /** Whether somebody can see it; told by `lookAgain` when it changes. */
  readonly visible: () => boolean;
}

/** How long a request may wait for others: those that somebody looks at first, those of the background last. */
function rankOf({ completion, visible }: AnswerJob): number {
  if (completion.priority === 'background') return 2;
  return visible() ? 0 : 1;
}

export class AnswerLine {
  readonly #queue: FairQueue<AnswerJob>;
  readonly #running = new Set<AnswerJob>();
  /** Whose model was looked for; false while it is being fetched. Once each: then it is fetched in its own turn. */
  readonly #prepared = new WeakMap<AnswerJob, boolean>();
  #pumping = false;

  constructor(private readonly parts: AnswerLineParts) {
    this.#queue = new FairQueue(parts.limits, rankOf);
  }

  /** Oldest first. */
  get running(): readonly AnswerJob[] {
    return [...this.#running];
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
  admit({ tabId, gone, visible }: Asker, completion: CompletionRequest, port: MessagePort): string {
    this.#queue.checkRoom(tabId); // before anything is made for a request that is not taken
    const controller = new AbortController();
    const job: AnswerJob = {
      requestId: `chatcmpl-${this.parts.createId()}`,
      tabId,
      completion,
      visible,
      controller,
      meter: this.parts.counters.begin(),
      atCloud: false,
      routed: () => void this.#pump(),
      stream: new AnswerStream(port, (reason) => this.#stop(job, reason)),
    };
    gone.addEventListener('abort', () => this.#stop(job, EngineError.from(gone.reason)), { signal: controller.signal });
    this.#queue.add(tabId, job);
    void this.#pump();
    this.#tellPlaces();
    return job.requestId;
  }

  /** The tab is gone: what it had waiting never runs. */
  leave({ tabId, gone }: Pick<Asker, 'tabId' | 'gone'>): void {
    for (const job of this.#queue.removeTab(tabId)) {
      job.controller.abort(gone.reason);
      job.stream.fail(EngineError.from(gone.reason));
    }
    this.#tellPlaces();
  }

  /** Ends what runs and what waits, of all tabs. */
  stopAll(reason: EngineError): void {
    for (const { item } of this.#queue.inOrder()) this.#stop(item, reason);
    for (const job of this.#running) this.#stop(job, reason);
  }

  /** A tab was hidden or is seen again: the order is another. */
  lookAgain(): void {
    this.#tellPlaces();
  }

  #stop(job: AnswerJob, reason: EngineError): void {
    if (job.controller.signal.aborted) return;
    job.controller.abort(reason);
    if (!this.#queue.remove(job)) return; // it runs: whoever runs it tells its stream
    job.stream.fail(reason);
    this.#tellPlaces();
  }

  async #pump(): Promise<void> {
    this.#prepare();
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#queue.length > 0 && this.#running.size < this.parts.concurrency()) {
        // The next one is chosen only when its turn has come: a fairer one may arrive while a load has the turn.
        const turn = await this.parts.turnstile.share();
        this.#prepare(); // the model may be another one by now
        const free = this.parts.concurrency() - this.#running.size;
        const job = free > 0 ? this.#queue.next((each) => this.#mayBegin(each, free)) : null;
        if (job === null) {
          turn.leave();
          break; // whoever ends, comes or is routed looks again
        }
        void this.#run(job, turn);
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Begins to fetch what those in line ask for and the model that answers is not. */
  #prepare(): void {
    for (const { item: job } of this.#queue.inOrder()) {
      if (this.#prepared.has(job)) continue;
      const fetching = this.parts.answering.prepare(job);
      if (fetching === null) continue;
      this.#prepared.set(job, false);
      fetching.then(
        () => {
          this.#prepared.set(job, true);
          void this.#pump();
        },
        (error: unknown) => this.#stop(job, EngineError.from(error)),
      );
    }
  }

  /** Of several places the last is kept from the background, so that who comes now does not wait for it. */
  #mayBegin(job: AnswerJob, free: number): boolean {
    if (this.#prepared.get(job) === false) return false;
    const { completion } = job;
    return completion.priority !== 'background' || free > 1 || this.parts.concurrency() === 1;
  }

  async #run(job: AnswerJob, turn: Turn): Promise<void> {
    this.#running.add(job);
    this.#tellPlaces();
    try {
      await this.parts.answering.run(job, turn);
    } finally {
      turn.leave();
      this.#running.delete(job);
      job.controller.abort(new EngineError('aborted', 'The answer has ended.')); // frees its listeners
      this.parts.changed();
      void this.#pump();
    }
  }

  #tellPlaces(): void {
    for (const [index, { item }] of this.#queue.inOrder().entries()) item.stream.queued(index + 1);
    this.parts.changed();
  }
}
