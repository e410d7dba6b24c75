// Where the runs of back-ticks of a text are, so that what closes a code is found without looking for it each time.
// Used by inlines.ts; pure.

import { reach } from './marks.js';

export class CodeRuns {
  readonly #text: string;
  /** Their beginnings by their length, the last first; made when the first is met. */
  #places: Map<number, number[]> | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where the next run of this length begins, -1 for none in reach. Asked for places that only go forwards. */
  next(length: number, from: number): number {
    if (this.#places === null) {
      this.#places = new Map();
      for (const { 0: run, index } of this.#text.matchAll(/`+/g)) {
        const places = this.#places.get(run.length);
        if (places === undefined) this.#places.set(run.length, [index]);
        else places.push(index);
      }
      for (const places of this.#places.values()) places.reverse();
    }
    const places = this.#places.get(length);
    while (places !== undefined && (places.at(-1) ?? from) < from) places.pop();
    const place = places?.at(-1) ?? -1;
    return place - from < reach ? place : -1;
  }
}
