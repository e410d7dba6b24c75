// Measures one answer and keeps the counters of the engine's life: time to first token (TTFT), decode speed, tokens, what
// was found in the cache, percentiles over the newest answers, time computed. Called by the host with the clock passed in;
// knows no content. Speed leaves the first token out, because its time is the prefill's; it is null until two tokens came.
// Answers that run at once share the device: the time in which any runs counts once.

import type { EngineMetrics } from '../protocol/state.js';
import { usualWatts } from './energy.js';
import { percentile } from './percentile.js';

/** Answers over which percentiles are taken. */
const newestAnswers = 100;

/** What holds now; the rest was counted. */
export interface Holdings {
  readonly kvHotBytes: number;
  readonly kvColdBytes: number;
  readonly gpuBytes: number;
  readonly queueLength: number;
}

export type ComputingDevice = keyof typeof usualWatts;

export class EngineCounters {
  #requests = 0;
  #totalCompletionTokens = 0;
  #totalPromptTokens = 0;
  #cachedPromptTokens = 0;
  #fallbacks = 0;
  #speeds: readonly number[] = [];
  #firstTokens: readonly number[] = [];
  #meter: AnswerMeter | null = null;
  /** Who computes, and where. */
  readonly #computing = new Map<AnswerMeter, ComputingDevice>();
  #joules: number | null = null;
  #metered = 0;

  constructor(private readonly now: () => number) {}

  /** A request was admitted. The newest one's figures are shown. */
  begin(): AnswerMeter {
    this.#requests++;
    return new AnswerMeter(this.now, {
      prefilled: (meter, promptTokens, cachedTokens) => {
        this.#meter = meter;
        this.#totalPromptTokens += promptTokens;
        this.#cachedPromptTokens += cachedTokens;
      },
      tokens: (meter, count) => {
        this.#meter = meter;
        this.#totalCompletionTokens += count;
      },
      computes: (meter, device) => {
        this.#meterEnergy();
        if (this.#computing.has(meter)) this.#fallbacks++;
        this.#computing.set(meter, device);
      },
      ended: (meter) => {
        this.#meterEnergy();
        this.#computing.delete(meter);
        const { tokensPerSecond, timeToFirstToken } = meter;
        if (tokensPerSecond !== null) this.#speeds = [...this.#speeds, tokensPerSecond].slice(-newestAnswers);
        if (timeToFirstToken !== null) {
          this.#firstTokens = [...this.#firstTokens, timeToFirstToken].slice(-newestAnswers);
        }
      },
    });
  }

  snapshot({ kvHotBytes, kvColdBytes, gpuBytes, queueLength }: Holdings): EngineMetrics {
    this.#meterEnergy();
    return {
      timeToFirstToken: this.#meter?.timeToFirstToken ?? null,
      tokensPerSecond: this.#meter?.tokensPerSecond ?? null,
      promptTokens: this.#meter?.promptTokens ?? 0,
      completionTokens: this.#meter?.completionTokens ?? 0,
      totalCompletionTokens: this.#totalCompletionTokens,
      requests: this.#requests,
      kvBytes: kvHotBytes,
      contextTokens: (this.#meter?.promptTokens ?? 0) + (this.#meter?.completionTokens ?? 0),
      tokensPerSecondP50: percentile(this.#speeds, 0.5),
      tokensPerSecondP90: percentile(this.#speeds, 0.1), // nine in ten are at least as fast
      timeToFirstTokenP50: percentile(this.#firstTokens, 0.5),
      timeToFirstTokenP90: percentile(this.#firstTokens, 0.9),
      queueLength,
      gpuBytes,
      kvHotBytes,
      kvColdBytes,
      totalPromptTokens: this.#totalPromptTokens,
      cachedPromptTokens: this.#cachedPromptTokens,
      drafted: 0,
      accepted: 0,
      fallbacks: this.#fallbacks,
      energyJoules: this.#joules,
    };
  }

  /** Adds the time since the last look, at the power of the hungriest device that computes. */
  #meterEnergy(): void {
    const at = this.now();
    const since = at - this.#metered;
    this.#metered = at;
    const devices = [...this.#computing.values()].filter((device) => device !== 'cloud');
    if (devices.length === 0) return;
    const watts = Math.max(...devices.map((device) => usualWatts[device]));
    this.#joules = (this.#joules ?? 0) + watts * (since / 1000);
  }
}

interface MeterEvents {
  readonly prefilled: (meter: AnswerMeter, promptTokens: number, cachedTokens: number) => void;
  readonly tokens: (meter: AnswerMeter, count: number) => void;
  readonly computes: (meter: AnswerMeter, device: ComputingDevice) => void;
  readonly ended: (meter: AnswerMeter) => void;
}

export class AnswerMeter {
  promptTokens = 0;
  completionTokens = 0;
  #admitted: number;
  #first: number | null = null;
  #last: number | null = null;

  constructor(
    private readonly now: () => number,
    private readonly events: MeterEvents,
  ) {
    this.#admitted = now();
  }

  /** A model had to be loaded for this answer: that time is the load's, not the answer's. */
  loaded(milliseconds: number): void {
    this.#admitted += milliseconds;
  }

  /** From now on this device works on it. A second time: it took over from the first. */
  computes(device: ComputingDevice): void {
    this.events.computes(this, device);
  }

  /** @param cachedTokens of them, those whose keys and values were there already */
  prefilled(promptTokens: number, cachedTokens: number): void {
    const more = promptTokens - this.promptTokens;
    this.promptTokens = promptTokens;
    this.events.prefilled(this, Math.max(0, more), cachedTokens);
  }

  tokens(count: number): void {
    if (count <= 0) return;
    const at = this.now();
    this.#first ??= at;
    this.#last = at;
    this.completionTokens += count;
    this.events.tokens(this, count);
  }

  /** It is over, however it ended. */
  end(): void {
    this.events.ended(this);
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
