// What was measured since the page was opened, for sparklines and the long chart: at most one sample a second, so that an
// hour of answers is some thousand numbers. Pure, but for the clock that is handed in; kept in the page and nowhere else.

import type { EngineMetrics } from '../../engine/protocol/state.js';

export const seriesNames = ['speed', 'firstToken', 'memory', 'queue'] as const;
export type SeriesName = (typeof seriesNames)[number];

export interface Sample {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Tokens a second; null before there were any. */
  readonly speed: number | null;
  /** Milliseconds. */
  readonly firstToken: number | null;
  /** Bytes of keys and values, hot and cold. */
  readonly memory: number;
  /** Requests that wait. */
  readonly queue: number;
}

/** Milliseconds between two samples. */
const interval = 1_000;

export class History {
  readonly #now: () => number;
  readonly #capacity: number;
  #samples: Sample[] = [];

  /** @param capacity samples kept; the oldest go first */
  constructor(now: () => number = () => Date.now(), capacity = 3_600) {
    this.#now = now;
    this.#capacity = capacity;
  }

  /** Oldest first. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Figures as published. Within a second the newest takes the place of the last. @returns whether something changed */
  add(metrics: EngineMetrics): boolean {
    const { tokensPerSecond, timeToFirstToken, kvHotBytes, kvColdBytes, queueLength } = metrics;
    const figures = {
      speed: tokensPerSecond,
      firstToken: timeToFirstToken,
      memory: kvHotBytes + kvColdBytes,
      queue: queueLength,
    };
    const last = this.#samples.at(-1);
    if (last === undefined && metrics.requests === 0) return false;
    if (last !== undefined && seriesNames.every((name) => last[name] === figures[name])) return false;
    const time = this.#now();
    if (last !== undefined && time - last.time < interval) {
      this.#samples[this.#samples.length - 1] = { time: last.time, ...figures };
    } else {
      this.#samples.push({ time, ...figures });
      if (this.#samples.length > this.#capacity) this.#samples.shift();
    }
    return true;
  }
}

/** The values of one series that are there, oldest first. */
export const valuesOf = (samples: readonly Sample[], name: SeriesName): readonly number[] =>
  samples.map((sample) => sample[name]).filter((value) => value !== null);

export interface Extent {
  readonly least: number;
  readonly most: number;
  readonly now: number;
}

/** Null of no values. */
export function extentOf(values: readonly number[]): Extent | null {
  const now = values.at(-1);
  if (now === undefined) return null;
  let [least, most] = [now, now];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return { least, most, now };
}
