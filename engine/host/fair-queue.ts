// The one line of requests that wait for the engine. What matters more comes first (`rank`: the answer somebody looks at
// before one of a hidden tab before one that was asked for in the background), and among equals the tab that was served
// longest ago, so a tab that sends ten questions at once does not hold up a tab that sends one. Nobody starves: who has
// been overtaken often enough counts as first. Called by AnswerLine only; knows nothing of ports or time.
// When the line is full, `add` throws `busy` and nothing is kept.

import { EngineError } from '../protocol/errors.js';

export interface QueueLimits {
  /** Requests waiting, all tabs together. */
  readonly total: number;
  /** Requests waiting of one tab. */
  readonly perTab: number;
}

const defaultLimits: QueueLimits = { total: 64, perTab: 8 };

/** Requests of a better rank that may overtake one before it counts as the best. */
export const patience = 8;

interface Entry<T> {
  readonly item: T;
  readonly tabId: string;
  readonly arrival: number;
  /** Requests that came later and were served earlier, for their rank. */
  overtaken: number;
}

/** What the next one is chosen by; copied to tell the order. */
interface Line<T> {
  readonly waiting: Entry<T>[];
  /** When each tab was last served, as a count of servings; absent: never. */
  readonly served: Map<string, number>;
  servings: number;
}

export class FairQueue<T> {
  #line: Line<T> = { waiting: [], served: new Map(), servings: 0 };
  #arrivals = 0;

  /** @param rank 0 comes first; asked anew each time, since a tab may be hidden or seen meanwhile */
  constructor(
    private readonly limits: QueueLimits = defaultLimits,
    private readonly rank: (item: T) => number = () => 0,
  ) {}

  get length(): number {
    return this.#line.waiting.length;
  }

  /** @throws EngineError `busy` when the line, or this tab's part of it, is full */
  checkRoom(tabId: string): void {
    const own = this.#line.waiting.filter((entry) => entry.tabId === tabId).length;
    if (own >= this.limits.perTab) {
      throw new EngineError('busy', `This tab already has ${own} questions waiting.`, {
        hint: 'Wait for an answer or stop one of them.',
      });
    }
    if (this.length >= this.limits.total) {
      throw new EngineError('busy', `${this.length} questions of all tabs are waiting already.`, {
        hint: 'Try again in a moment.',
      });
    }
  }

  /** @throws EngineError `busy`, as `checkRoom`; nothing is kept then */
  add(tabId: string, item: T): void {
    this.checkRoom(tabId);
    this.#line.waiting.push({ item, tabId, arrival: this.#arrivals++, overtaken: 0 });
  }

  /**
   * Takes the next one out of the line, null when nobody waits whom `fits` lets in.
   * @param fits those it refuses stay where they are
   */
  next(fits: (item: T) => boolean = () => true): T | null {
    return this.#take(this.#line, fits)?.item ?? null;
  }

  /** Takes one out that no longer wants to wait. @returns whether it was there */
  remove(item: T): boolean {
    const { waiting } = this.#line;
    const at = waiting.findIndex((entry) => entry.item === item);
    if (at >= 0) waiting.splice(at, 1);
    return at >= 0;
  }

  /** Forgets a tab. @returns its requests, which never ran */
  removeTab(tabId: string): T[] {
    const { waiting, served } = this.#line;
    const own = waiting.filter((entry) => entry.tabId === tabId);
    waiting.splice(0, waiting.length, ...waiting.filter((entry) => entry.tabId !== tabId));
    served.delete(tabId);
    return own.map(({ item }) => item);
  }

  /** Everyone who waits, in the order in which they will be served if nobody else comes. */
  inOrder(): { readonly tabId: string; readonly item: T }[] {
    const { waiting, served, servings } = this.#line;
    const line: Line<T> = { waiting: waiting.map((entry) => ({ ...entry })), served: new Map(served), servings };
    const order: { tabId: string; item: T }[] = [];
    for (let entry = this.#take(line); entry !== null; entry = this.#take(line)) {
      order.push({ tabId: entry.tabId, item: entry.item });
    }
    return order;
  }

  #take(line: Line<T>, fits: (item: T) => boolean = () => true): Entry<T> | null {
    const rankOf = ({ item, overtaken }: Entry<T>): number => (overtaken >= patience ? 0 : this.rank(item));
    const lastServed = ({ tabId }: Entry<T>): number => line.served.get(tabId) ?? 0;
    let best: Entry<T> | null = null;
    for (const entry of line.waiting) {
      if (!fits(entry.item)) continue;
      // Entries stand in the order of their arrival: among equals the first one stays.
      const earlier =
        best === null ||
        rankOf(entry) - rankOf(best) < 0 ||
        (rankOf(entry) === rankOf(best) && lastServed(entry) < lastServed(best));
      if (earlier) best = entry;
    }
    if (best === null) return null;
    const rank = rankOf(best);
    for (const entry of line.waiting) {
      if (entry.arrival < best.arrival && rankOf(entry) > rank) entry.overtaken += 1;
    }
    line.waiting.splice(line.waiting.indexOf(best), 1);
    line.served.set(best.tabId, ++line.servings);
    return best;
  }
}
