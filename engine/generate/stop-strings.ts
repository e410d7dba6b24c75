// Finds stop strings in an answer that comes in pieces. Text that may be the beginning of a stop string is held back
// until it is known not to be; a stop string and what follows it are never given out. Called by `generate.ts`.
// The stop that is complete first wins (the one that begins first, among equals), so the result does not depend on
// where the pieces were cut. Source: OpenAI's `stop`. Knows nothing of tokens. Cannot fail.

export interface StopScan {
  /** Text that is certain. */
  readonly text: string;
  /** A stop string was found; everything after it is to be dropped. */
  readonly stopped: boolean;
}

export class StopScanner {
  private readonly stops: readonly string[];
  private held = '';

  /** @param stops strings to stop at; empty ones are ignored */
  constructor(stops: readonly string[]) {
    this.stops = stops.filter((stop) => stop !== '');
  }

  push(text: string): StopScan {
    const seen = this.held + text;
    const found = this.firstComplete(seen);
    if (found !== null) {
      this.held = '';
      return { text: seen.slice(0, found), stopped: true };
    }
    const keep = this.longestBeginning(seen);
    this.held = seen.slice(seen.length - keep);
    return { text: seen.slice(0, seen.length - keep), stopped: false };
  }

  /** @returns what was held back, at the end of the answer */
  flush(): string {
    const text = this.held;
    this.held = '';
    return text;
  }

  /** Where the stop string that ends first begins; null when there is none. */
  private firstComplete(seen: string): number | null {
    let begin: number | null = null;
    let end = Infinity;
    for (const stop of this.stops) {
      const at = seen.indexOf(stop);
      if (at < 0) continue;
      const to = at + stop.length;
      if (to < end || (to === end && at < (begin ?? Infinity))) [begin, end] = [at, to];
    }
    return begin;
  }

  /** Length of the longest end of `seen` with which a stop string begins. */
  private longestBeginning(seen: string): number {
    let longest = 0;
    for (const stop of this.stops) {
      for (let length = Math.min(stop.length - 1, seen.length); length > longest; length--) {
        if (seen.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
