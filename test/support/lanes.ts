/** Another seed tries other inputs; a failure prints the one that failed. */
export const FUZZ_SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_125);

/** Takes the next number as long as there is one; null is the end. */
export type Numbers = { readonly take: () => number | null };

/** Does the work in so many lanes, which share the numbers 0 to `count` - 1. The first failure is told; the other lanes then stop. */
export async function inLanes(
  { count, lanes }: { readonly count: number; readonly lanes: number },
  work: (numbers: Numbers) => Promise<void>,
): Promise<void> {
  let next = 0;
  let isOver = false;
  const numbers: Numbers = { take: () => (isOver || next === count ? null : next++) };
  const lane = async (): Promise<void> => {
    try {
      await work(numbers);
    } finally {
      isOver = true;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const end of ends) if (end.status === 'rejected') throw end.reason as Error;
}

/** What a failed input needs so that it can be tried again. */
export function failedInput(number: number, bytes: Buffer, cause: unknown): Error {
  const shown = bytes.length > 1_500 ? `${bytes.toString('latin1', 0, 1_500)}… (${bytes.length} bytes)` : bytes.toString('latin1');
  return new Error(
    `FUZZ_SEED=${FUZZ_SEED}, input ${number}: ${JSON.stringify(shown)}: ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause },
  );
}
