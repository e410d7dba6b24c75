// How much of a pass each thread is given, from how long each waited for the others in the last passes. Asked by team.ts. Knows
// nothing of threads or of what is computed.
// Cores are seldom alike: phones have large and small ones, and of two virtual ones either may share its core with somebody
// else's work for seconds. With halves the quicker one waits at each of 150 meetings a token.

/** Shares are told in so many parts of the whole, so that all threads come to the same bounds. */
export const wholeShare = 4096;

/** Of what a pass says should change. */
const gain = 0.5;
/** Of the whole, in one pass: what held a thread up for once shall not send its work to the others for long. */
const mostChange = 1 / 64;

/** What team.ts asks. */
export interface Balancing {
  /** Of each thread, in parts of `wholeShare`. */
  readonly shares: readonly number[];
  /**
   * @param milliseconds a pass took
   * @param waited of these, what each thread waited for others
   */
  took(milliseconds: number, waited: readonly number[]): void;
}

export class Balance implements Balancing {
  private parts: readonly number[];

  constructor(threads: number) {
    this.parts = Array.from({ length: threads }, () => 1 / threads);
  }

  get shares(): readonly number[] {
    return this.parts.map((part) => Math.round(part * wholeShare));
  }

  took(milliseconds: number, waited: readonly number[]): void {
    const { parts } = this;
    const least = 1 / (4 * parts.length);
    // Who waited for nearly all of it was held up by somebody who was not running.
    const speeds = parts.map((part, i) => part / Math.max(milliseconds - (waited[i] ?? 0), milliseconds / 8));
    const all = speeds.reduce((sum, speed) => sum + speed, 0);
    const next = parts.map((part, i) => {
      const change = gain * ((speeds[i] as number) / all - part);
      return Math.max(least, part + Math.min(Math.max(change, -mostChange), mostChange));
    });
    const total = next.reduce((sum, part) => sum + part, 0);
    if (Number.isFinite(total)) this.parts = next.map((part) => part / total);
  }
}

/** Where each thread's share begins, and the end: fractions, one more than there are threads. */
export function boundsOf(shares: readonly number[]): readonly number[] {
  const total = shares.reduce((sum, share) => sum + share, 0);
  let before = 0;
  const begins = shares.map((share) => {
    const begin = before / total;
    before += share;
    return begin;
  });
  return [...begins, 1];
}
