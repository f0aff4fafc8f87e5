import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CanaryReport } from './canary-process.ts';

/** What a client that does nothing wrong may be kept waiting while others attack. */
const LONGEST_ECHO_MS = 100;
const PROGRAM = fileURLToPath(new URL('canary-process.ts', import.meta.url));

type Options = {
  /** Where it connects. */
  readonly url: string;
  /** An OCPP version; default: none. */
  readonly subprotocol?: string;
  /** Of the processes on the way of the echo. */
  readonly pids: readonly number[];
};

/** Starts a client that talks all the time; what it returns ends it and judges how it was served. */
export async function startCanary(
  t: Pick<TestContext, 'after'>,
  { url, subprotocol = '', pids }: Options,
): Promise<() => Promise<CanaryReport>> {
  const canary = fork(PROGRAM, [url, subprotocol, ...pids.map(String)]);
  const exited = once(canary, 'exit');
  t.after(async () => {
    canary.kill('SIGKILL');
    await exited;
  });
  const refused = exited.then(([code]) => Promise.reject(new Error(`the canary was to come in, its process ended with ${String(code)}`)));
  refused.catch(() => {}); // it always ends, in the end
  await Promise.race([once(canary, 'message'), refused]);
  return async () => {
    canary.send('leave');
    const [report] = (await once(canary, 'message')) as [CanaryReport];
    assert.equal(report.ending, '', 'the canary was not served to the end');
    assert.ok(report.echoes > 0, 'the canary never heard its echo');
    assert.ok(report.slowestMs <= LONGEST_ECHO_MS, `an echo took ${report.slowestMs.toFixed(1)} ms: ${JSON.stringify(report)}`);
    return report;
  };
}
