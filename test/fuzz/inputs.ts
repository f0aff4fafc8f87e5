/** How much of its inputs a fuzzer sends where `CI=true` does not ask for all: the seeds are the same, the histories shorter. */
const SHARE = 0.2;

/** FUZZ_INPUTS is for those who look for more. */
export function inputsOf(all: number): number {
  const wanted = process.env['FUZZ_INPUTS'];
  if (wanted !== undefined) return Number(wanted);
  return process.env['CI'] === 'true' ? all : all * SHARE;
}
