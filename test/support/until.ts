// Waiting in a page for what tests and stories expect next, instead of for a time. Knows no element.

/** Resolves when `condition` is truthy, with its value; rejects after `patience` milliseconds, naming what was waited for. */
export async function until<T>(what: string, condition: () => T, patience = 15_000): Promise<NonNullable<T>> {
  const end = performance.now() + patience;
  for (;;) {
    const value = condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`waited ${String(patience)} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
