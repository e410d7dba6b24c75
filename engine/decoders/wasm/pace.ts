// Whether the next pass is computed by all threads or by one, from how long the last ones took. Asked by pass-runner.ts. Knows
// nothing of threads or of what is computed.
// Threads that meet 150 times a token need a core each. On a machine whose cores others want, too, each meeting waits for
// whoever is not running just now: two threads were then seen to make a tenth of one thread's tokens. So when passes take longer
// than one thread would take, one thread computes for a while; then all try again, each time after longer.

/** The first passes say nothing: code is still being compiled. */
const warmUp = 8;
/** Passes of all threads, and of one, that are looked at together. */
const passesOfAll = 16;
const passesOfOne = 4;
/** So many of all threads' say nothing, unless the machine was busy a moment ago: another program came between for some ms. */
const heldUp = 2;
/** Passes by one thread before all try again, at first and at most. */
const shortest = 16;
const longest = 128;

const sum = (times: readonly number[]): number => times.reduce((all, time) => all + time, 0);

const shortestOf = (times: readonly number[], count: number): readonly number[] =>
  [...times].sort((one, other) => one - other).slice(0, Math.max(count, 0));

/** What pass-runner.ts asks. */
export interface Pacing {
  /** Of the next pass: by all threads, or by one? */
  readonly together: boolean;
  /** @param milliseconds a pass took, divided by its work (by as much as a row without a text before it is) */
  took(milliseconds: number): void;
}

export class Pace implements Pacing {
  private made = 0;
  /** Of the last passes in the present way. */
  private times: number[] = [];
  private all = true;
  /** Milliseconds of the quickest pass of all threads; of a pass of one as it was last. */
  private best = Infinity;
  private ofOne = Infinity;
  /** Of all threads when they were given up. */
  private ofAll = Infinity;
  /** Passes still to be made by one thread, and how many it will be the next time. */
  private left = 0;
  private next = shortest;

  /** @param threads how many there are: all of them together are at most so many times quicker than one */
  constructor(private readonly threads: number) {}

  get together(): boolean {
    return this.all;
  }

  took(milliseconds: number): void {
    this.made += 1;
    if (this.made <= warmUp) return;
    this.times.push(milliseconds);
    if (this.all) this.tookAll(milliseconds);
    else this.tookOne();
  }

  private tookAll(milliseconds: number): void {
    if (milliseconds < this.best) {
      // Much quicker: those before were of another kind.
      if (2 * milliseconds < this.best) this.times = [milliseconds];
      this.best = milliseconds;
    }
    const most = Math.min(this.threads * this.best, this.ofOne);
    const leftOut = this.next === shortest ? heldUp : 0;
    const usual = shortestOf(this.times, this.times.length - leftOut);
    const total = sum(usual);
    if (total > (passesOfAll - leftOut) * most) {
      // Whatever the rest of them would take.
      this.ofAll = total / usual.length;
      this.change(false);
      this.left = this.next;
      this.next = Math.min(2 * this.next, longest);
    } else if (this.times.length === passesOfAll) {
      this.ofOne = Infinity; // texts grow, and what one thread took is no measure for long
      this.next = shortest;
      this.times = [];
    }
  }

  private tookOne(): void {
    this.left -= 1;
    if (this.times.length === passesOfOne) {
      this.ofOne = sum(this.times) / passesOfOne;
      this.times = [];
      if (this.ofOne >= this.ofAll) {
        // It is not the machine that is busy: passes have become longer, as those of long texts are.
        this.best = this.ofAll;
        this.next = shortest;
        this.ofOne = Infinity;
        return this.change(true);
      }
    }
    if (this.left <= 0) this.change(true);
  }

  private change(all: boolean): void {
    this.all = all;
    this.times = [];
  }
}
