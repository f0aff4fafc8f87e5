import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { FunctionCall, FunctionResult, FunctionTarget } from '../../src/wire/functions.ts';

/** What the function does; the words do not depend on how it is reached. */
export type FunctionBehaviour =
  /** It answers `{"statusCode":200,"body":<say of the event>}`. */
  | 'echoes'
  /** It throws an error `RangeError` with the message `it is too much`. */
  | 'throws'
  /** It never ends. */
  | 'hangs'
  /** It returns more than 100,000 bytes. */
  | 'returns much';

/** Makes a target whose function behaves so. It is stopped by the suite. */
export type FunctionTargetFactory = (t: TestContext, behaviour: FunctionBehaviour) => FunctionTarget | Promise<FunctionTarget>;

export function functionCall(event: object = {}, more: Partial<FunctionCall> = {}): FunctionCall {
  return {
    kind: 'message',
    payload: JSON.stringify(event),
    timeoutMs: 20_000,
    maxAnswerBytes: 8_000_000,
    connectionId: 'Zz9yXw7vUt5sRqQ=',
    requestId: 'Ab3dEf5hIj7lMnM=',
    ...more,
  };
}

/** Resolves to the one result. A second one, or one from inside `invoke`, is an uncaught exception: the test fails. */
export function invoke(target: FunctionTarget, call: FunctionCall): Promise<FunctionResult> {
  return new Promise((resolve) => {
    let hasReturned = false;
    let settled = 0;
    const receiver = {
      settled(result: FunctionResult) {
        settled += 1;
        assert.ok(hasReturned, 'a result must not come from inside invoke()');
        assert.equal(settled, 1, 'a result must come once');
        resolve(result);
      },
    };
    target.invoke(call, receiver, Number.MAX_SAFE_INTEGER);
    hasReturned = true;
  });
}

/** The body of what a function returned, whichever way it is answered. */
function bodyOf(result: FunctionResult): string {
  if (result.type === 'answered') return result.answer.body.toString();
  assert.ok(result.type === 'returned', JSON.stringify(result));
  return (JSON.parse(result.payload.toString()) as { readonly body: string }).body;
}

/** What every adapter of the port `FunctionTarget` promises. */
export function functionTargetContract(name: string, create: FunctionTargetFactory): void {
  async function scene(t: TestContext, behaviour: FunctionBehaviour): Promise<FunctionTarget> {
    const target = await create(t, behaviour);
    t.after(() => target.stop());
    return target;
  }

  suite(`function target ${name}`, () => {
    test('what the function returns is the result, of each call its own', async (t) => {
      const target = await scene(t, 'echoes');
      const says = ['one', 'zwei ü', '三', '', 'x'.repeat(200_000)];
      const results = await Promise.all(says.map((say) => invoke(target, functionCall({ say }))));
      assert.deepEqual(results.map(bodyOf), says);
    });

    test('an error that it throws is told, and the next call is run', async (t) => {
      const target = await scene(t, 'throws');
      for (let count = 0; count < 2; count += 1) {
        const result = await invoke(target, functionCall());
        if (result.type === 'answered') assert.ok(result.answer.status >= 500);
        else assert.deepEqual(result, { type: 'threw', errorType: 'RangeError', message: 'it is too much' });
      }
    });

    test('a call that takes too long fails in its time, and may have run', async (t) => {
      const target = await scene(t, 'hangs');
      const result = await invoke(target, functionCall({}, { timeoutMs: 700 }));
      assert.ok(result.type === 'failure');
      assert.deepEqual([result.reason, result.wasSent], ['timeout', true]);
    });

    test('an answer that is longer than wanted is a failure', async (t) => {
      const target = await scene(t, 'returns much');
      for (let count = 0; count < 2; count += 1) {
        const result = await invoke(target, functionCall({}, { maxAnswerBytes: 100_000 }));
        assert.ok(result.type === 'failure');
        assert.deepEqual([result.reason, result.wasSent], ['too-long', true]);
      }
    });

    test('stop ends what runs and what waits, each with one result, and may be called twice', async (t) => {
      const target = await scene(t, 'hangs');
      const calls = Array.from({ length: 40 }, () => invoke(target, functionCall()));
      await Promise.all([target.stop(), target.stop()]);
      for (const result of await Promise.all(calls))
        assert.ok(result.type === 'failure' && result.reason === 'stopped', JSON.stringify(result));
      const late = await invoke(target, functionCall());
      assert.ok(late.type === 'failure' && !late.wasSent);
      await target.stop();
    });
  });
}
