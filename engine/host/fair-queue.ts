// The one line of requests that wait for the engine, fair between tabs: the tab that was served longest ago comes
// next, so a tab that sends ten questions at once does not hold up a tab that sends one. Called by AnswerLine only;
// knows nothing of requests, ports or time. When the line is full, `add` throws `busy` and nothing is kept.

import { EngineError } from '../protocol/errors.js';

export interface QueueLimits {
  /** Requests waiting, all tabs together. */
  readonly total: number;
  /** Requests waiting of one tab. */
  readonly perTab: number;
}

const defaultLimits: QueueLimits = { total: 64, perTab: 8 };

interface Entry<T> {
  readonly item: T;
  readonly arrival: number;
}

export class FairQueue<T> {
  #waiting = new Map<string, Entry<T>[]>();
  /** When each tab was last served, as a count of servings; absent: never. */
  #served = new Map<string, number>();
  #servings = 0;
  #arrivals = 0;

  constructor(private readonly limits: QueueLimits = defaultLimits) {}

  get length(): number {
    let sum = 0;
    for (const entries of this.#waiting.values()) sum += entries.length;
    return sum;
  }

  /** @throws EngineError `busy` when the line, or this tab's part of it, is full */
  checkRoom(tabId: string): void {
    const own = this.#waiting.get(tabId)?.length ?? 0;
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
    const own = this.#waiting.get(tabId) ?? [];
    own.push({ item, arrival: this.#arrivals++ });
    this.#waiting.set(tabId, own);
  }

  /** Takes the next one out of the line, null when nobody waits. */
  next(): T | null {
    const tabId = nextTab(this.#waiting, this.#served);
    if (tabId === null) return null;
    const own = this.#waiting.get(tabId) ?? [];
    const entry = own.shift();
    if (own.length === 0) this.#waiting.delete(tabId);
    this.#served.set(tabId, ++this.#servings);
    return entry?.item ?? null;
  }

  /** Takes one out that no longer wants to wait. @returns whether it was there */
  remove(item: T): boolean {
    for (const [tabId, own] of this.#waiting) {
      const at = own.findIndex((entry) => entry.item === item);
      if (at < 0) continue;
      own.splice(at, 1);
      if (own.length === 0) this.#waiting.delete(tabId);
      return true;
    }
    return false;
  }

  /** Forgets a tab. @returns its requests, which never ran */
  removeTab(tabId: string): T[] {
    const own = this.#waiting.get(tabId) ?? [];
    this.#waiting.delete(tabId);
    this.#served.delete(tabId);
    return own.map((entry) => entry.item);
  }

  /** Everyone who waits, in the order in which they will be served if nobody else comes. */
  inOrder(): { readonly tabId: string; readonly item: T }[] {
    const waiting = new Map<string, Entry<T>[]>();
    for (const [tabId, own] of this.#waiting) waiting.set(tabId, [...own]);
    const served = new Map(this.#served);
    let servings = this.#servings;
    const order: { tabId: string; item: T }[] = [];
    for (let tabId = nextTab(waiting, served); tabId !== null; tabId = nextTab(waiting, served)) {
      const own = waiting.get(tabId) ?? [];
      const entry = own.shift();
      if (own.length === 0) waiting.delete(tabId);
      served.set(tabId, ++servings);
      if (entry) order.push({ tabId, item: entry.item });
    }
    return order;
  }
}

/** The waiting tab served longest ago (never counts as longest); among equals the one whose request is oldest. */
function nextTab<T>(
  waiting: ReadonlyMap<string, readonly Entry<T>[]>,
  served: ReadonlyMap<string, number>,
): string | null {
  let best: { tabId: string; served: number; arrival: number } | null = null;
  for (const [tabId, own] of waiting) {
    const candidate = { tabId, served: served.get(tabId) ?? 0, arrival: own[0]?.arrival ?? Infinity };
    const earlier =
      best === null ||
      candidate.served < best.served ||
      (candidate.served === best.served && candidate.arrival < best.arrival);
    if (earlier) best = candidate;
  }
  return best?.tabId ?? null;
}
