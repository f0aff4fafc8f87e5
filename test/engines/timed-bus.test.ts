import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOT_FOUND, type Command, type Outcome } from '../../src/core/commands.ts';
import type { Bus } from '../../src/core/ports.ts';
import { Timings } from '../../src/core/timings.ts';
import { TimedBus } from '../../src/engines/timed-bus.ts';

const describe: Command = { type: 'describe', id: 'x' };

/** A bus that answers what it is told to, after so many ms. */
function answering(outcome: Outcome | null, ms: number): Bus {
  const later = <Result>(result: Result) => new Promise<Result>((resolve) => setTimeout(resolve, ms, result));
  return {
    serve: () => Promise.resolve(),
    ask: () => (outcome === null ? null : later(outcome)),
    askAll: () => later({ parts: [], unreachable: ['gw-2'] }),
    claim: () => later(false),
    release: () => {},
    close: () => Promise.resolve(),
  };
}

test('every question to other processes is timed by what it asks and how it ends; what nobody is asked is not', async () => {
  const timings = new Timings();
  const bus = (outcome: Outcome | null) => new TimedBus(answering(outcome, 20), timings);
  assert.equal(await bus(NOT_FOUND).ask(describe), NOT_FOUND);
  await bus({ type: 'timeout', detail: '' }).ask(describe);
  await bus({ type: 'unavailable', detail: '' }).ask(describe);
  assert.equal(bus(null).ask(describe), null);
  assert.deepEqual(await bus(null).askAll({ type: 'tree' }), { parts: [], unreachable: ['gw-2'] });
  assert.equal(await bus(null).claim('x', 'k', true), false);
  const told = [...timings].map(([what, end, { counts, sumMs }]) => [what, end, counts.reduce((sum, count) => sum + count), sumMs > 15]);
  assert.deepEqual(told, [
    ['describe', 'answered', 1, true],
    ['describe', 'timeout', 1, true],
    ['describe', 'unavailable', 1, true],
    ['tree', 'incomplete', 1, true],
    ['claim', 'refused', 1, true],
  ]);
});
