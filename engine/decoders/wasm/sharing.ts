// How work is divided among the threads of a team. Called by everything that forward.ts is made of.

/** How a thread meets the others. */
export interface Team {
  readonly index: number;
  readonly size: number;
  /** Where each thread's share of any work begins, as a fraction of it, and 1: the same for all threads during a pass. */
  readonly bounds: readonly number[];
  /** Returns when all have called it; what they wrote before is then visible. */
  barrier(): void;
  /** Offers this thread's share of the work before the next barrier, in parts. */
  offer(): void;
  /** The next of the `parts` of a thread's share; -1 when none is left, or that thread has not offered it yet. */
  take(thread: number, parts: number): number;
}

export const alone: Team = {
  index: 0,
  size: 1,
  bounds: [0, 1],
  barrier: () => undefined,
  offer: () => undefined,
  take: () => -1,
};

/** Rows of matrices are divided in multiples of this: whole quads, and a cache line of outputs. */
export const splitRows = 16;

/** A thread's part of `total` things: [from, to), whole multiples of `unit` but for the last. */
export function share({ index, size, bounds }: Team, total: number, unit: number): readonly [from: number, to: number] {
  if (size === 1) return [0, total];
  const units = Math.ceil(total / unit);
  const from = Math.round(units * (bounds[index] as number)) * unit;
  const to = Math.round(units * (bounds[index + 1] as number)) * unit;
  return [Math.min(from, total), Math.min(to, total)];
}

/** Multiply-adds that make a part worth taking: some twenty microseconds. */
const partWork = 400_000;
/** Parts of a share at most. */
const mostParts = 8;

/**
 * Work between two barriers. Each thread has a share, one stretch, which it goes through in order, so that weights come from
 * memory in one stream (where threads took turns in small pieces, a token of a small model took a fifth longer); who has done
 * its own takes what others have not begun, so that a slow core leaves a fast one its parts. Once between two barriers.
 * Which thread computes a part changes no bit of it.
 * @param total how many units there are
 * @param unitWork multiply-adds of one of them
 * @param unit parts are whole multiples of so many units, but for the last
 * @param work told a range of units, [from, to)
 */
export function inParts(
  team: Team,
  total: number,
  unitWork: number,
  unit: number,
  work: (from: number, to: number) => void,
): void {
  const { index, size, bounds } = team;
  if (size === 1) return work(0, total);
  const units = Math.ceil(total / unit);
  const worth = Math.min(mostParts, Math.floor((total * unitWork) / (size * partWork)), Math.floor(units / size));
  const parts = Math.max(worth, 1);
  const part = (thread: number, number: number): void => {
    const begin = Math.round(units * (bounds[thread] as number));
    const length = Math.round(units * (bounds[thread + 1] as number)) - begin;
    const from = (begin + Math.round((length * number) / parts)) * unit;
    const to = Math.min((begin + Math.round((length * (number + 1)) / parts)) * unit, total);
    if (from < to) work(from, to);
  };
  if (parts === 1) return part(index, 0);
  team.offer();
  for (let next = 0; next < size; next++) {
    const thread = (index + next) % size;
    for (let own = team.take(thread, parts); own >= 0; own = team.take(thread, parts)) part(thread, own);
  }
}
