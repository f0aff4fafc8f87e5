/** ms by a clock that all processes of this machine share, that nobody sets, and that stands still while the machine sleeps. */
export function machineTimeMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
