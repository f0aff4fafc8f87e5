import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/core/system-clock.ts';
import { Timings } from '../../../src/core/timings.ts';
import { timed } from '../../../src/backends/functions/timed.ts';
import type { FunctionResult, FunctionTarget } from '../../../src/wire/functions.ts';
import { functionCall, invoke } from '../../contracts/function-target.ts';

const RESULTS: readonly (readonly [FunctionResult, end: string])[] = [
  [{ type: 'returned', payload: Buffer.from('{}') }, '2xx'],
  [{ type: 'threw', errorType: 'TypeError', message: 'no' }, '5xx'],
  [{ type: 'failure', reason: 'timeout', wasSent: true, detail: '' }, 'timeout'],
];

test('an invocation that no transport times is timed by its end, and its result passes through', async () => {
  const timings = new Timings();
  for (const [result, end] of RESULTS) {
    const inner: FunctionTarget = {
      invoke: (_call, receiver) => void setTimeout(() => receiver.settled(result), 5),
      stop: () => Promise.resolve(),
    };
    assert.equal(await invoke(timed(inner, systemClock, timings), functionCall({})), result);
    assert.ok(
      [...timings].some(([what, came, { sumMs }]) => what === 'message' && came === end && sumMs > 2),
      end,
    );
  }
});
