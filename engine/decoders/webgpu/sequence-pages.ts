// The pages of one sequence: which slots hold them, which must be closed or opened again before a step, what a truncation
// gives back. Called by webgpu-sequence.ts. Knows nothing of tokens and kernels.
//
// By kv/page-layout.ts a query at position t sees page p as int8 when p <= floor(t / 32) - 2. So before (or, for long steps,
// while) positions [from, to) are computed, pages up to floor((to - 1) / 32) - 2 are closed. Floats are kept one page
// longer than they are seen, so that truncating by up to a page (a rejected draft, steps run ahead) stays exact.
// Truncating further back opens a closed page again: its floats are then what int8 kept of them.

import { firstFloatPage, pageTokens } from '../../kv/page-layout.js';
import type { PagePool } from './page-pool.js';

interface Page {
  float: number | null;
  closed: number | null;
}

/** Pages, by their number in the sequence. */
export interface PageRange {
  readonly first: number;
  readonly count: number;
}

export interface PreparedStep {
  /** First entry of the sequence in the page table. */
  readonly tableEntry: number;
  /** To be opened again before anything else, or null. */
  readonly reopen: PageRange | null;
  /** To be closed as soon as they are complete and before queries see them, or null. */
  readonly close: PageRange | null;
}

export class SequencePages {
  private readonly pages: Page[] = [];
  private region: number | null = null;
  /** Pages before this one are closed. */
  private closedEnd = 0;

  constructor(private readonly pool: PagePool) {}

  /** Bytes of the slots held. */
  get bytes(): number {
    const { floats, closed } = this.pool;
    const held = (of: keyof Page): number => this.pages.filter((page) => page[of] !== null).length;
    return held('float') * floats.slotBytes + held('closed') * (closed?.slotBytes ?? 0);
  }

  /** Grows the pool, if need be, so that the text may become `tokens` long without it growing again. */
  async reserve(tokens: number): Promise<void> {
    if (this.pool.closed === null) {
      await this.pool.floats.reserve(Math.ceil(tokens / pageTokens) - this.pages.length);
    } else {
      await this.pool.closed.reserve(Math.max(0, firstFloatPage(tokens) - this.closedEnd));
      await this.pool.floats.reserve(3);
    }
  }

  /**
   * Slots for positions [from, to), the text being `from` long. The commands of the step must be submitted next, without
   * a wait in between: from now on the pages count as opened and closed.
   * @throws EngineError `out-of-memory`: nothing has changed
   */
  async prepare(from: number, to: number): Promise<PreparedStep> {
    this.region ??= await this.pool.takeRegion();
    const lastPage = Math.floor((to - 1) / pageTokens);
    const lacking: number[] = [];
    for (let p = firstFloatPage(from); p < this.pages.length; p++) if (this.at(p).float === null) lacking.push(p);
    const reopen = range(lacking);
    for (let p = this.pages.length; p <= lastPage; p++) lacking.push(p);
    const close = this.pool.closed === null ? null : span(this.closedEnd, firstFloatPage(to - 1));
    const [floatSlots, closedSlots] = await this.acquire(lacking.length, close?.count ?? 0);

    // From here on nothing fails: what was acquired is written down.
    const { pages, region } = this;
    while (pages.length <= lastPage) pages.push({ float: null, closed: null });
    for (const p of lacking) this.at(p).float = floatSlots.pop() ?? null;
    const closing = close === null ? [] : Array.from({ length: close.count }, (_, i) => close.first + i);
    for (const p of closing) this.at(p).closed = closedSlots.pop() ?? null;
    if (close !== null) this.closedEnd = close.first + close.count;
    for (const p of new Set([...lacking, ...closing])) {
      this.pool.writeEntry(region + p, this.at(p).float, this.at(p).closed);
    }
    return { tableEntry: region, reopen, close };
  }

  /** After the commands of a step that ends at `to` were submitted: gives back what nothing after them reads. */
  settle(to: number): void {
    const { closed, floats } = this.pool;
    if (closed === null) return;
    const firstKept = firstFloatPage(to - 1) - 1;
    this.pages.forEach((page, p) => {
      if (page.float !== null && p < firstKept) {
        floats.give(page.float);
        page.float = null;
      }
      if (page.closed !== null && p >= this.closedEnd) {
        closed.give(page.closed); // opened again
        page.closed = null;
      }
    });
  }

  /** Keeps what `length` tokens need. */
  truncate(length: number): void {
    const kept = Math.ceil(length / pageTokens);
    for (const page of this.pages.splice(kept)) this.giveBack(page);
    this.closedEnd = Math.min(this.closedEnd, firstFloatPage(length));
    for (let p = this.closedEnd; p < this.pages.length; p++) {
      const page = this.at(p);
      if (page.float === null || page.closed === null) continue; // without floats the next step opens it from int8
      this.pool.closed?.give(page.closed);
      page.closed = null;
    }
  }

  release(): void {
    this.truncate(0);
    if (this.region !== null) this.pool.giveRegion(this.region);
    this.region = null;
  }

  private async acquire(floats: number, closed: number): Promise<[number[], number[]]> {
    const { pool } = this;
    const floatSlots = await pool.floats.acquire(floats);
    try {
      return [floatSlots, (await pool.closed?.acquire(closed)) ?? []];
    } catch (error) {
      for (const slot of floatSlots) pool.floats.give(slot);
      throw error;
    }
  }

  private at(page: number): Page {
    return this.pages[page] as Page;
  }

  private giveBack({ float, closed }: Page): void {
    if (float !== null) this.pool.floats.give(float);
    if (closed !== null) this.pool.closed?.give(closed);
  }
}

const span = (first: number, end: number): PageRange | null => (end > first ? { first, count: end - first } : null);

/** Pages that follow one another. */
function range(pages: readonly number[]): PageRange | null {
  const [first] = pages;
  return first === undefined ? null : { first, count: pages.length };
}
