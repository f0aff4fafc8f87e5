export type Spread = { readonly median: number; readonly min: number; readonly max: number };

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Nearest rank: the smallest value that at least `percent` of all do not exceed. */
export function percentile(sorted: Float64Array, percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** Do the values rise? The last third's median against the first third's, with a slack in their own unit. */
export function grows(values: readonly number[], slack: number): boolean {
  const third = Math.floor(values.length / 3);
  return third > 0 && median(values.slice(-third)) > median(values.slice(0, third)) + slack;
}
