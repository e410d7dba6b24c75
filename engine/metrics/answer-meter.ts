// Measures one answer and keeps the counters of the engine's life: time to first token (TTFT), decode speed, tokens.
// Called by EngineHost with the clock passed in; knows no content. Speed leaves the first token out, because its time
// is the prefill's; it is null until two tokens came.

import type { EngineMetrics } from '../protocol/state.js';

export class EngineCounters {
  #requests = 0;
  #totalCompletionTokens = 0;
  #meter: AnswerMeter | null = null;

  constructor(private readonly now: () => number) {}

  /** A request was admitted. The newest one's figures are shown. */
  begin(): AnswerMeter {
    this.#requests++;
    return new AnswerMeter(this.now, (meter, tokens) => {
      this.#meter = meter;
      this.#totalCompletionTokens += tokens;
    });
  }

  /** @param kvBytes what the decoder holds now */
  snapshot(kvBytes: number): EngineMetrics {
    return {
      timeToFirstToken: this.#meter?.timeToFirstToken ?? null,
      tokensPerSecond: this.#meter?.tokensPerSecond ?? null,
      promptTokens: this.#meter?.promptTokens ?? 0,
      completionTokens: this.#meter?.completionTokens ?? 0,
      totalCompletionTokens: this.#totalCompletionTokens,
      requests: this.#requests,
      kvBytes,
      contextTokens: (this.#meter?.promptTokens ?? 0) + (this.#meter?.completionTokens ?? 0),
    };
  }
}

export class AnswerMeter {
  promptTokens = 0;
  completionTokens = 0;
  #admitted: number;
  #first: number | null = null;
  #last: number | null = null;

  constructor(
    private readonly now: () => number,
    private readonly changed: (meter: AnswerMeter, tokens: number) => void,
  ) {
    this.#admitted = now();
  }

  /** A model had to be loaded for this answer: that time is the load's, not the answer's. */
  loaded(milliseconds: number): void {
    this.#admitted += milliseconds;
  }

  prefilled(promptTokens: number): void {
    this.promptTokens = promptTokens;
    this.changed(this, 0);
  }

  tokens(count: number): void {
    if (count <= 0) return;
    const at = this.now();
    this.#first ??= at;
    this.#last = at;
    this.completionTokens += count;
    this.changed(this, count);
  }

  /** Milliseconds from admission to the first token; null before it. */
  get timeToFirstToken(): number | null {
    return this.#first === null ? null : Math.max(0, this.#first - this.#admitted);
  }

  /** Tokens a second after the first; null while there is no second. */
  get tokensPerSecond(): number | null {
    if (this.#first === null || this.#last === null || this.#last <= this.#first) return null;
    return (this.completionTokens - 1) / ((this.#last - this.#first) / 1000);
  }
}
