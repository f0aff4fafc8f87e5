import type { Clock } from '../../core/ports.ts';
import type { Timings } from '../../core/timings.ts';
import type { FunctionResult, FunctionTarget } from '../../wire/functions.ts';

/** A target whose invocations are timed, for one that no transport times. */
export function timed<Target extends FunctionTarget>(inner: Target, clock: Clock, timings: Timings): FunctionTarget {
  return {
    invoke(call, receiver, waitUntil) {
      const startedAt = clock.now();
      const settled = (result: FunctionResult): void => {
        timings.took(call.kind, endOf(result), clock.now() - startedAt);
        receiver.settled(result);
      };
      inner.invoke(call, { settled }, waitUntil);
    },
    stop: () => inner.stop(),
    reload: () => inner.reload?.(),
  };
}

/** As a call over HTTP would end. */
function endOf(result: FunctionResult): string {
  if (result.type === 'failure') return result.reason;
  return result.type === 'threw' ? '5xx' : '2xx';
}
