// How work is divided among the threads of a team. Called by everything that forward.ts is made of.

/** How a thread meets the others. */
export interface Team {
  readonly index: number;
  readonly size: number;
  /** Returns when all have called it; what they wrote before is then visible. */
  barrier(): void;
  /** The next piece of the work between two barriers, 0 first; each is given to one thread. */
  take(): number;
}

export const alone: Team = { index: 0, size: 1, barrier: () => undefined, take: () => 0 };

/** Rows of matrices are divided in multiples of this: whole quads, and a cache line of outputs. */
export const splitRows = 16;

/** A thread's part of `total` things: [from, to), whole multiples of `unit` but for the last. */
export function share({ index, size }: Team, total: number, unit: number): readonly [from: number, to: number] {
  if (size === 1) return [0, total];
  const units = Math.ceil(total / unit);
  const from = Math.floor((units * index) / size) * unit;
  const to = Math.floor((units * (index + 1)) / size) * unit;
  return [Math.min(from, total), Math.min(to, total)];
}

/** Multiply-adds that make a piece worth taking: some microseconds. */
const pieceWork = 60_000;
/** Pieces for each thread at most. */
const mostPieces = 8;

/**
 * Work between two barriers, in pieces that threads take as they come: one that another program held up leaves the others
 * what it did not get to. Once between two barriers. Which thread computes a piece changes no bit of it.
 * @param total how many units there are
 * @param unitWork multiply-adds of one of them
 * @param unit pieces are whole multiples of so many units, but for the last
 * @param work told a range of units, [from, to)
 */
export function inPieces(
  team: Team,
  total: number,
  unitWork: number,
  unit: number,
  work: (from: number, to: number) => void,
): void {
  const { size } = team;
  if (size === 1) return work(0, total);
  const most = Math.min(Math.ceil(total / unit), size * mostPieces);
  const wanted = Math.min(most, Math.max(size, Math.round((total * unitWork) / pieceWork)));
  const each = Math.ceil(total / wanted / unit) * unit;
  const count = Math.ceil(total / each);
  for (let piece = team.take(); piece < count; piece = team.take()) {
    work(piece * each, Math.min((piece + 1) * each, total));
  }
}
