/** How long things took, in steps that grow: a few numbers tell any quantile to within a fifth, and those of many processes add up. */
const FIRST_MS = 0.25;
const GROWTH = 1.4;
const STEPS = 40;
const LOG_GROWTH = Math.log(GROWTH);

export class Spans {
  readonly #counts: number[] = Array.from({ length: STEPS }, () => 0);

  took(ms: number): void {
    const step = ms <= FIRST_MS ? 0 : Math.min(STEPS - 1, Math.ceil(Math.log(ms / FIRST_MS) / LOG_GROWTH));
    this.#counts[step] = (this.#counts[step] ?? 0) + 1;
  }

  get counts(): readonly number[] {
    return [...this.#counts];
  }
}

/** The span, in ms, that this part of all did not exceed; null where there was none. */
export function quantile(counts: readonly number[], part: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = Math.ceil(total * part);
  const step = counts.findIndex((count) => (left -= count) <= 0);
  return Math.round(FIRST_MS * GROWTH ** Math.max(0, step) * 100) / 100;
}

/** What came to `counts` since `before`; of a process that is new, all. */
export function since(counts: readonly number[], before: readonly number[] = []): number[] {
  return counts.map((count, step) => Math.max(0, count - (before[step] ?? 0)));
}
