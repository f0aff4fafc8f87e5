import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Arrivals } from './arrivals.ts';
import type { HalfOpen, HalfOpenReport } from './half-open-process.ts';

const PROGRAM = fileURLToPath(new URL('half-open-process.ts', import.meta.url));

export type Attack = {
  /** Once as many as this are as far as they go. */
  readonly areInside: (count: number) => Promise<unknown>;
  /** Once the gateway has ended as many as this. */
  readonly haveEnded: (count: number, withinMs: number) => Promise<unknown>;
};

/** Connections to a TLS port that go so far and no further, from a process of their own, which ends with the test. */
export function attackHalfOpen(t: Pick<TestContext, 'after'>, kind: HalfOpen, { port, count }: { port: string; count: number }): Attack {
  const attacker = fork(PROGRAM, [kind, port, String(count)]);
  const exited = once(attacker, 'exit');
  t.after(async () => {
    attacker.kill('SIGKILL');
    await exited;
  });
  const reports = new Arrivals<HalfOpenReport>();
  attacker.on('message', (report: HalfOpenReport) => reports.add(report));
  return {
    areInside: (wanted) => reports.first(({ inside }) => inside >= wanted, 30_000),
    haveEnded: (wanted, withinMs) => reports.first(({ ended }) => ended >= wanted, withinMs),
  };
}
