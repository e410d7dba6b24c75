// How work is divided among the threads of a team. Called by everything that forward.ts is made of.

/** How a thread meets the others. */
export interface Team {
  readonly index: number;
  readonly size: number;
  /** Returns when all have called it; what they wrote before is then visible. */
  barrier(): void;
}

export const alone: Team = { index: 0, size: 1, barrier: () => undefined };

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
