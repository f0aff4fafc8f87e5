/** Another seed tries other inputs; a failure prints the one that failed. */
export const FUZZ_SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_125);

const SHOWN_BYTES = 1_500;

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

/** What a failed input needs so that it can be tried again. `before`: the number of the input that its connection carried before. */
export function failedInput(
  number: number,
  bytes: Buffer,
  { cause, before = null }: { readonly cause: unknown; readonly before?: number | null },
): Error {
  const shown =
    bytes.length > SHOWN_BYTES ? `${bytes.toString('latin1', 0, SHOWN_BYTES)}… (${bytes.length} bytes)` : bytes.toString('latin1');
  const where = before === null ? `input ${number}` : `input ${number} after input ${before}`;
  const what = cause instanceof Error ? cause.message : String(cause);
  return new Error(`FUZZ_SEED=${FUZZ_SEED}, ${where}: ${JSON.stringify(shown)}: ${what}`, { cause });
}
