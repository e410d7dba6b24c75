// Percentiles by nearest rank (the smallest value that at least `share` of all values do not exceed): always a value that
// was really measured, also of few. Called by answer-meter.ts. Nothing goes wrong: of no values it is null.

/** @param share in (0, 1] */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}
